"""How sure it is that passages answer a question once the best of them was read together with it.

Knows how much what a reader says counts beside the confidence of the search: a logistic model, learned by
`rag.training.learn_rereading`. Does not know the reader.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from rag.retrieval.weights import chance_of, log_odds
from rag.types import Passage, SearchResult

WEIGHTS = Path(__file__).with_name("rereading.json")
FEATURES = ("found", "read")
"""The log odds of the search's confidence, and those that the reader gives the best passage."""
_LEAST, _MOST = 1e-3, 12.0
_HOPELESS, _CERTAIN = 0.02, 0.85
"""Confidence below which, and above which, nothing is read: it would hardly change what becomes of a question."""


def worth(found: SearchResult) -> bool:
    """Whether what becomes of a question may change by reading what was found for it."""
    return bool(found.passages) and _HOPELESS <= found.confidence <= _CERTAIN


def reread(found: SearchResult, read: Callable[[str, str, Passage], float | None]) -> SearchResult:
    """`found` with what a reader says of its best passage in its confidence, as it is where none says anything; `read`
    gives the log odds that a passage answers a question in a language, or None.
    """
    if not worth(found):
        return found
    odds = read(found.query, found.language, found.passages[0])
    return found if odds is None else replace(found, confidence=confidence(found.confidence, odds))


def describe(found: float, odds: float) -> tuple[float, ...]:
    """The values of `FEATURES` for the search's confidence and a reader's odds."""
    return log_odds(min(1.0 - _LEAST, max(_LEAST, found))), min(_MOST, max(-_MOST, odds))


def confidence(found: float, odds: float) -> float:
    """Estimate in [0, 1] that the passages answer, from the search's confidence and a reader's odds."""
    weights = _weights()
    told = sum(weights[name] * value for name, value in zip(FEATURES, describe(found, odds), strict=True))
    return chance_of(weights["constant"] + told)


@cache
def _weights() -> Mapping[str, float]:
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))
