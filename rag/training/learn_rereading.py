"""Learns what a reader's word counts beside the search's: `python -m rag.training.learn_rereading SET...`.

Knows how examples are drawn: a SET is QUESTIONS=LIBRARY as for `rag.training.learn_quote_confidence`; a question is
answerable where its documents are named. Prints what the other sets teach of each one; writes
`rag/retrieval/rereading.json` unless `--check` is given. Does not learn to read (`rag.training.learn_reading` does).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from rag.library import Library
from rag.retrieval import rereading
from rag.retrieval.embedders.bert_file import BertFile
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.embedders.reading_file import ReadingFile
from rag.retrieval.weights import log_odds
from rag.settings import RetrievalSettings
from rag.training.fit import Bools, Floats, auroc, logistic
from rag.training.key_facts import WHOLE
from rag.training.learn_quote_confidence import named

_RIDGE = 5.0
_REFUSED = 0.05
"""The share of the answerable questions that may be refused: the constant is moved to where it is so, by weights that
were learned without them."""


def examples(questions: Path, library: Library, reader: ReadingFile) -> tuple[Floats, Bools]:
    """The values of `rereading.describe` for the questions whose best passage is in their language, and which of them
    the documents answer."""
    values, answerable = [], []
    for entry in yaml.safe_load(questions.read_text(encoding="utf-8"))["questions"]:
        if entry.get("kind") in WHOLE:
            continue
        found = library.search(entry["question"], history=[tuple(turn) for turn in entry.get("history") or ()])
        if not found.passages or {found.language, found.passages[0].language} != {"en"}:
            continue
        best = found.passages[0]
        values.append(
            rereading.describe(found.confidence, reader.odds(found.query, " > ".join(best.headings), best.text))
        )
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
    parser = argparse.ArgumentParser(
        prog="python -m rag.training.learn_rereading", description="Learn to weigh reading."
    )
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=LIBRARY", help="questions and where their library is")
    parser.add_argument("--encoder", type=Path, required=True, help="the encoder's ONNX file")
    parser.add_argument("--second", type=Path, required=True, help="the second encoder's, for English")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    first, second = arguments.encoder, arguments.second
    encoder = Paired(OnnxFile(first, named(first)), BertFile(second, named(second)), "en")
    reader, sets = ReadingFile(second), []
    for one in arguments.sets:
        questions, _, directory = one.partition("=")
        library = Library.open(Path(directory), RetrievalSettings(), embedder=encoder)
        try:
            sets.append(examples(Path(questions), library, reader))
        finally:
            library.close()
    exponents = []
    for at, (values, _) in enumerate(sets):
        constant, weights = fit([part for i, part in enumerate(sets) if i != at])
        exponents.append(constant + values @ weights)
    every, known = np.concatenate(exponents), np.concatenate([answerable for _, answerable in sets])
    bound = float(np.quantile(every[known], _REFUSED))
    for given, own, marks in zip(
        (*arguments.sets, "all"), (*exponents, every), (*(y for _, y in sets), known), strict=True
    ):
        print(json.dumps({"set": given, **told(own, marks, bound)}))
    constant, weights = fit(sets)
    moved = constant + log_odds(RetrievalSettings().minimum_confidence) - bound
    learnt = {"constant": moved, **dict(zip(rereading.FEATURES, weights.tolist(), strict=True))}
    if not arguments.check:
        written = json.dumps({name: round(value, 4) for name, value in learnt.items()}, indent=1)
        rereading.WEIGHTS.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
