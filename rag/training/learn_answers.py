"""Learns when the library holds no answer: the later part of learning.

Knows how examples are drawn from a file of documents, questions and answers. Does not know how the ranking is learned.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rag.library import Library
from rag.retrieval import confidence
from rag.retrieval.weights import Weights
from rag.training.evaluation_files import Benchmark, JudgedQuestion, open_library
from rag.training.fit import Bools, Floats, auroc, logistic

_HARD_IMPORTANCE = 0.3
_FALSE_REFUSALS = 0.05


def halves(benchmark: Benchmark) -> tuple[Benchmark, Benchmark]:
    """The works (documents of one title) of a file in two halves, each with its questions."""
    works = sorted({title or identity for identity, title, _ in benchmark.documents})
    random.Random(1).shuffle(works)
    first = set(works[::2])
    side = {identity: (title or identity) in first for identity, title, _ in benchmark.documents}
    parts: list[Benchmark] = []
    for wanted in (True, False):
        documents = tuple(d for d in benchmark.documents if side[d[0]] == wanted)
        questions = tuple(q for q in benchmark.questions if side[min(q.relevant)] == wanted)
        parts.append(Benchmark(documents, questions))
    return parts[0], parts[1]


def answerable_examples(
    library: Library,
    owner: Mapping[str, str],
    own: Sequence[JudgedQuestion],
    other: Sequence[JudgedQuestion],
    weights: Weights,
) -> tuple[Floats, Bools, Floats]:
    """(features, answerable, importance) of questions asked of one half.

    Its own questions are answerable; the other half's are not; and its own again are not when the passage that answers
    them is left out (hard, since everything around it is there).
    """
    row_of = {document: int(row) for row, document in owner.items()}
    rows: list[Floats] = []
    labels: list[tuple[bool, float]] = []
    for question, holds, hard in (
        *((q, True, False) for q in own),
        *((q, False, False) for q in other),
        *((q, False, True) for q in own),
    ):
        without = {row_of[d] for d in question.relevant} if hard else ()
        ranked = library.searcher.rank(question.text, weights=weights, without=without)
        if len(ranked.rows) and ranked.question.content:
            rows.append(confidence.describe(ranked))
            labels.append((holds, _HARD_IMPORTANCE if hard else 1.0))
    holds_all, importance = zip(*labels, strict=True)
    return np.array(rows), np.array(holds_all, bool), np.array(importance)


def learn_answerable(
    benchmark: Benchmark, directory: Path, weights: Weights, questions: int
) -> tuple[dict[str, float], dict[str, float]]:
    """(weights of `rag.retrieval.confidence`, report). The report scores each half with what the other half taught.

    `questions` is how many of each kind are asked. `refused` is the share of the other half's questions refused at 5 %
    false refusals.
    """
    chance = random.Random(2)
    sides = halves(benchmark)
    drawn: list[tuple[Floats, Bools, Floats]] = []
    for at, side in enumerate(sides):
        library, owner = open_library(side, directory / str(at))
        own = chance.sample(side.questions, min(questions, len(side.questions)))
        other = chance.sample(sides[1 - at].questions, min(questions, len(sides[1 - at].questions)))
        drawn.append(answerable_examples(library, owner, own, other, weights))
        library.close()
    areas: list[float] = []
    refused: list[float] = []
    for taught, asked in ((0, 1), (1, 0)):
        constant, values = logistic(*drawn[taught])
        features, holds, importance = drawn[asked]
        plain = importance == 1.0
        scores, truth = (features @ values + constant)[plain], holds[plain]
        areas.append(auroc(scores, truth))
        refused.append(float((scores[~truth] < np.quantile(scores[truth], _FALSE_REFUSALS)).mean()))
    features, holds, importance = (np.concatenate(part) for part in zip(*drawn, strict=True))
    constant, values = logistic(features, holds, importance)
    learnt = {name: round(float(v), 5) for name, v in zip(confidence.FEATURES, values, strict=True)}
    report = {"auroc": round(float(np.mean(areas)), 4), "refused": round(float(np.mean(refused)), 4)}
    return {"constant": round(constant, 5), **learnt}, report
