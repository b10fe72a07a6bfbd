"""Learns what may stand below the quotes: `python -m rag.training.learn_further SET...`.

Knows how examples are drawn of a SET (`rag.training.question_sets`): a stretch of another passage is right where it
holds a key fact that the quotes lack. Prints what the other sets teach of each one; writes
`rag/grounding/further_chance.json` unless `--check` is given. Does not learn what is quoted.

What ships was learned of 3,132 questions on 22 public handbooks and documentations that were written to teach the
reader, which did not learn from them (`rag.training.learn_reading`), with the stretch that answers as their key fact.
None of it is of a set that anything is measured on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.grounding import further_chance
from rag.library import Library
from rag.settings import RetrievalSettings
from rag.training import question_sets
from rag.training.fit import Bools, Floats, auroc, left_out, logistic
from rag.training.key_facts import held, wordings
from rag.training.learn_quote_confidence import quoted_for
from rag.training.learn_quotes import texts
from rag.types import SearchResult

_RIDGE = 10.0


@dataclass(frozen=True, slots=True)
class Example:
    """The values of `further_chance.FEATURES` of a stretch, those of `further_chance.READ` where its passage was read,
    and whether it holds a fact that the quotes lack.
    """

    words: Floats
    read: Floats | None
    right: bool


def examples(questions: Path, library: Library) -> list[Example]:
    """Those of the questions of a file that have an answer and are not refused."""
    drawn: list[Example] = []
    for entry, asked in question_sets.searched(questions, library):
        found = library.readings.reread_later(asked)()
        if entry["documents"] and found.confidence >= RetrievalSettings().minimum_confidence:
            drawn += of_one(entry, found, library)
    return drawn


def of_one(entry: Mapping[str, Any], found: SearchResult, library: Library) -> list[Example]:
    """The stretches that may stand below what is quoted for one question."""
    quoted = quoted_for(entry, found, found.passages)
    if not quoted.offered:
        return []
    facts, said = wordings(entry), texts(found.passages, quoted.spans)
    have = held(" ".join(said), facts)
    places = [quoted.spans[0].passage, *(offer.spans[0].passage for offer in quoted.offered)]
    first, *others = library.readings.read(found.query, found.language, [found.passages[at] for at in places])
    drawn = []
    for offer, odds in zip(quoted.offered, others, strict=True):
        too = further_chance.read_too(offer.values, odds, first) if odds is not None and first is not None else None
        more = held(" ".join((*said, *texts(found.passages, offer.spans))), facts)
        drawn.append(Example(offer.values, too, more > have))
    return drawn


def fit(sets: Sequence[tuple[Floats, Bools]]) -> tuple[float, Floats]:
    """The constant and the weights of one of the models."""
    values, right = (np.concatenate(part) for part in zip(*sets, strict=True))
    return logistic(values, right, np.ones(len(right)), ridge=_RIDGE)


def main() -> None:
    """The command line."""
    arguments = question_sets.arguments("python -m rag.training.learn_further", "Learn what may help too.")
    sets = [examples(questions, library) for questions, library in question_sets.opened(arguments)]
    learnt: dict[str, dict[str, float]] = {}
    for name, names in (("read", further_chance.READ), ("words", further_chance.FEATURES)):
        parts = [_known(own, name) for own in sets]
        exponents, right = left_out(parts, fit), np.concatenate([marks for _, marks in parts])
        for given, own, marks in zip(
            (*arguments.sets, "all"),
            (*exponents, np.concatenate(exponents)),
            (*(marks for _, marks in parts), right),
            strict=True,
        ):
            told = {"stretches": len(marks), "right": int(marks.sum()), "auroc": round(auroc(own, marks), 3)}
            print(json.dumps({"weights": name, "set": given, **told}))
        constant, weights = fit(parts)
        named = zip(names, weights.tolist(), strict=True)
        learnt[name] = {one: round(value, 4) for one, value in (("constant", constant), *named)}
    if not arguments.check:
        further_chance.WEIGHTS.write_text(json.dumps(learnt, indent=1) + "\n", encoding="utf-8")


def _known(drawn: Sequence[Example], name: str) -> tuple[Floats, Bools]:
    """The values of the examples that have those of a model, and which are right."""
    count = len(further_chance.READ if name == "read" else further_chance.FEATURES)
    known = [(one.words if name == "words" else one.read, one.right) for one in drawn]
    values = [(value, right) for value, right in known if value is not None]
    return np.array([value for value, _ in values]).reshape(-1, count), np.array([right for _, right in values], bool)


if __name__ == "__main__":
    main()
