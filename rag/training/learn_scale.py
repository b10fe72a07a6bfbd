"""Learns what scale the odds of the reader of many languages have: `python -m rag.training.learn_scale SET...`.

Knows the weights that were learned for the English reader's odds (`rag.retrieval.rereading`), and that odds of another
reader tell as much with them once they are as large and as often above nought. SETs are questions with their libraries
(`rag.training.question_sets`), in other languages than English. Writes into what was learned for that reader unless
`--check` is given. Does not learn to read, nor those weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from rag.retrieval import rereading
from rag.retrieval.embedders.reading_file import MANY, SCALE
from rag.retrieval.weights import log_odds
from rag.settings import RetrievalSettings
from rag.training import question_sets
from rag.training.fit import Bools, Floats
from rag.training.learn_rereading import told

_REFUSED = 0.1
"""The share of the answerable questions that may be refused: half of what the search refuses of them without reading.
"""
_BOUND = log_odds(RetrievalSettings().minimum_confidence)
"""Log odds below which a question is refused."""
_SCALES = np.arange(0.5, 5.01, 0.1)
_ADDED = np.arange(-4.0, 4.01, 0.1)

Case = tuple[bool, float, list[float]]
"""Whether the documents answer a question, how sure the search is, and the odds of its best passages."""


def exponents(cases: Sequence[Case], times: float, plus: float) -> Floats:
    """How sure it is of each question once its passages were read, as log odds."""
    sure = [rereading.weighed(found, [times * one + plus for one in odds]) for _, found, odds in cases]
    return np.array([log_odds(one) for one in np.clip(sure, 1e-6, 1 - 1e-6).tolist()])


def fit(cases: Sequence[Case]) -> tuple[float, float]:
    """The scale by which the answers are likeliest, those with an answer counting as much together as those without,
    and what is added so that no more than `_REFUSED` of the former are refused.
    """
    answered = np.array([answer for answer, _, _ in cases])
    counts = np.where(answered, 0.5 / answered.mean(), 0.5 / (1.0 - answered.mean()))

    def unlikely(times: float, plus: float) -> float:
        sign = np.where(answered, 1.0, -1.0)
        return float((counts * np.logaddexp(0.0, -sign * exponents(cases, times, plus))).sum())

    times = min(_SCALES, key=lambda one: min(unlikely(one, plus) for plus in _ADDED[::5]))
    plus = min(one for one in _ADDED if (exponents(cases, times, one)[answered] < _BOUND).mean() <= _REFUSED)
    return float(times), float(plus)


def main() -> None:
    """The command line."""
    arguments = question_sets.arguments("python -m rag.training.learn_scale", "Learn the scale of a reader's odds.")
    sets: list[list[Case]] = []
    with np.load(MANY) as file:
        learnt = dict(file)
    before, added = learnt[SCALE].tolist()
    for questions, library in question_sets.opened(arguments):
        cases: list[Case] = []
        for entry, found in question_sets.searched(questions, library):
            read = library.semantics.read if library.semantics is not None else None
            odds = rereading.said(found, read) if read and rereading.worth(found) else []
            cases.append((bool(entry["documents"]), found.confidence, [(one - added) / before for one in odds]))
        sets.append(cases)
    for at, (given, cases) in enumerate(zip(arguments.sets, sets, strict=True)):
        others = fit([case for one in sets[:at] + sets[at + 1 :] for case in one])
        marks: Bools = np.array([answer for answer, _, _ in cases])
        print(json.dumps({"set": given, "scale": others, **told(exponents(cases, *others), marks, _BOUND)}))
    times, plus = fit([case for cases in sets for case in cases])
    print(json.dumps({"scale": [round(times, 2), round(plus, 2)]}))
    if not arguments.check:
        np.savez_compressed(MANY, **{**learnt, SCALE: np.array([times, plus], np.float16)})


if __name__ == "__main__":
    main()
