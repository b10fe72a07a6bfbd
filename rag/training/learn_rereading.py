"""Learns what a reader's word counts beside the search's: `python -m rag.training.learn_rereading SET...`.

Knows how examples are drawn of a SET (`rag.training.question_sets`): a question is answerable where its documents are
named. Prints what the other sets teach of each one; writes `rag/retrieval/rereading.json` unless `--check` is given.
Does not learn to read (`rag.training.learn_reading` does).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.library import Library
from rag.retrieval import rereading
from rag.retrieval.weights import log_odds
from rag.settings import RetrievalSettings
from rag.training import question_sets
from rag.training.fit import Bools, Floats, auroc, left_out, logistic

_RIDGE = 5.0
_REFUSED = 0.05
"""The share of the answerable questions that may be refused: the constant is moved to where it is so, by weights that
were learned without them."""


def examples(questions: Path, library: Library) -> tuple[Floats, Bools]:
    """The values of `rereading.describe` for the questions whose best passages are read, and which of them the
    documents answer."""
    values, answerable = [], []
    for entry, found in question_sets.searched(questions, library):
        read = library.semantics.read if library.semantics is not None else None
        odds = rereading.said(found, read) if read else []
        if odds:
            values.append(rereading.describe(found.confidence, odds))
            answerable.append(bool(entry["documents"]))
    return np.array(values), np.array(answerable, bool)


def fit(sets: Sequence[tuple[Floats, Bools]]) -> tuple[float, Floats]:
    """The constant and the weights; those with an answer count as much together as those without."""
    values, answerable = (np.concatenate(part) for part in zip(*sets, strict=True))
    counts = np.where(answerable, 0.5 / answerable.mean(), 0.5 / (1.0 - answerable.mean()))
    return logistic(values, answerable, counts, ridge=_RIDGE)


def told(exponents: Floats, answerable: Bools, bound: float) -> dict[str, float]:
    """How well answerable questions are told from others, and the shares of each that are refused."""
    refused = exponents < bound
    return {
        "questions": len(answerable),
        "auroc": round(auroc(exponents, answerable), 3),
        "refused_answerable": round(float(refused[answerable].mean()), 3),
        "refused_unanswerable": round(float(refused[~answerable].mean()), 3),
    }


def main() -> None:
    """The command line."""
    arguments = question_sets.arguments("python -m rag.training.learn_rereading", "Learn to weigh reading.")
    sets = [examples(questions, library) for questions, library in question_sets.opened(arguments)]
    known = np.concatenate([answerable for _, answerable in sets])
    learnt = {}
    for read, columns in (("one", [0, 1]), ("few", [0, 1, 2])):
        parts = [(values[:, columns], answerable) for values, answerable in sets]
        exponents = left_out(parts, fit)
        every = np.concatenate(exponents)
        bound = float(np.quantile(every[known], _REFUSED))
        for given, own, marks in zip(
            (*arguments.sets, "all"), (*exponents, every), (*(y for _, y in parts), known), strict=True
        ):
            print(json.dumps({"read": read, "set": given, **told(own, marks, bound)}))
        constant, weights = fit(parts)
        moved = constant + log_odds(RetrievalSettings().minimum_confidence) - bound
        named = zip((rereading.FEATURES[at] for at in columns), weights.tolist(), strict=True)
        learnt[read] = {name: round(value, 4) for name, value in (("constant", moved), *named)}
    if not arguments.check:
        rereading.WEIGHTS.write_text(json.dumps(learnt, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
