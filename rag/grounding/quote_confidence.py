"""How sure it is that quotes hold what is asked for: they may be the nearest there is and still not answer.

Knows how the units that are quoted stand among all units of the passages found, and a logistic model of that. Does not
know how they were chosen (`rag.grounding.extractive` does), nor what is said of an answer that is doubtful.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
question in meaning by a second encoder (`near`): the first one's cosines tell no more than chance does."""
_BY_WORDS = FEATURES[:-1]
WEIGHTS = Path(__file__).parent / "quote_confidence.json"
"""What each feature says: `near` where it is known how near in meaning the units are, and `words` where it is not."""
_LEAST = 1e-3


def names(*, near: bool) -> tuple[str, ...]:
    """The features that count, where meaning is known and where not."""
    return FEATURES if near else _BY_WORDS


def describe(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    spans: Sequence[Span],
    scores: Floats,
    in_context: Floats,
    cosines: Floats | None,
    confidence: float,
) -> Floats | None:
    """The values of `names` for one answer; None where nothing is quoted.

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
    told = [at for at in quoted if (near := passages[found[at].passage].near) is not None and near.second]
    if cosines is not None and told:
        values.append(float(cosines[told].max()))
    return np.array(values)


def holds(values: Floats) -> float:
    """Estimate in [0, 1] that the quotes described by `values` hold what is asked for."""
    near = len(values) == len(FEATURES)
    told = _weights()["near" if near else "words"]
    exponent = told["constant"] + float(values @ np.array([told[name] for name in names(near=near)]))
    return chance_of(exponent)


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def _is_quoted(one: Sentence, spans: Sequence[Span]) -> bool:
    return any(
        span.passage == one.passage and any(one.start <= unit.start < one.end for unit in span.units) for span in spans
    )
