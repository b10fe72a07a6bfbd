"""How sure it is that quotes hold what is asked for: they may be the nearest there is and still not answer.

Knows how the units that are quoted stand among all units of the passages found, and a logistic model of that. Does not
know how they were chosen (`rag.grounding.extractive` does), nor what is said of an answer that is doubtful.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.grounding.spans import Span
from rag.grounding.unit_features import Sentence
from rag.retrieval.weights import chance_of, log_odds
from rag.types import Passage

Floats = NDArray[np.float64]
FEATURES = ("chance", "lead", "in_context", "found", "near")
"""Of the units that are quoted: the share of the odds that they have among all (`chance`), by how much the best score
of all exceeds the mean (`lead`), how much of the question the best of them says with its context (`in_context`); the
log odds of the search's confidence (`found`); and, where it is known, the cosine of the one that is nearest to the
question in meaning (`near`)."""
WEIGHTS = Path(__file__).parent / "quote_confidence.json"
"""What each feature says, for each of `KINDS`."""
KINDS = ("second", "first", "words")
"""Who says how near in meaning the units are: the second of two encoders, the first, or none."""
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Described:
    """The `values` of `names` for one answer, of one of `KINDS`."""

    kind: str
    values: Floats


def names(kind: str) -> tuple[str, ...]:
    """The features that count for one of `KINDS`."""
    return FEATURES[:-1] if kind == "words" else FEATURES


def describe(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    spans: Sequence[Span],
    scores: Floats,
    in_context: Floats,
    cosines: Floats | None,
    confidence: float,
) -> Described | None:
    """What is known of one answer; None where nothing is quoted.

    `found` are the units of the `passages`, and of all of them are `scores`, how much of the question each says with
    its context (`in_context`), and how near each is (`cosines`, NaN where that is not known); `confidence` is the
    search's.
    """
    quoted = [at for at, one in enumerate(found) if _is_quoted(one, spans)]
    if not quoted:
        return None
    odds = np.exp(scores - scores.max())
    best = quoted[int(scores[quoted].argmax())]
    sure = min(1.0 - _LEAST, max(_LEAST, confidence))
    values = [
        float(odds[quoted].sum() / odds.sum()),
        float(scores.max() - scores.mean()),
        float(in_context[best]),
        log_odds(sure),
    ]
    near: dict[bool, list[float]] = {True: [], False: []}
    if cosines is not None:
        for at in quoted:
            if (known := passages[found[at].passage].near) is not None:
                near[known.second].append(float(cosines[at]))
    for kind, said in zip(KINDS, (near[True], near[False]), strict=False):
        if said:
            return Described(kind, np.array([*values, max(said)]))
    return Described("words", np.array(values))


def holds(described: Described) -> float:
    """Estimate in [0, 1] that the quotes of an answer hold what is asked for."""
    told = _weights()[described.kind]
    weights = np.array([told[name] for name in names(described.kind)])
    return chance_of(told["constant"] + float(described.values @ weights))


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def _is_quoted(one: Sentence, spans: Sequence[Span]) -> bool:
    return any(
        span.passage == one.passage and any(one.start <= unit.start < one.end for unit in span.units) for span in spans
    )
