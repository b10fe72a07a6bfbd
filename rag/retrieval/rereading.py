"""How sure it is that passages answer a question once the best of them were read together with it.

Knows how much what a reader says counts beside the confidence of the search: a logistic model, learned by
`rag.training.learn_rereading`. Does not know the reader.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import cache
from pathlib import Path

from rag.retrieval.weights import chance_of, log_odds
from rag.types import Passage, SearchResult

WEIGHTS = Path(__file__).with_name("rereading.json")
FEATURES = ("found", "first", "most")
"""The log odds of the search's confidence, those that the reader gives the best passage, and the highest that it gives
one of the best few, which is left out where only one was read.
"""
READ = 3
"""So many passages are read, at most: with four, as much is told, for half as long again."""
_LEAST, _MOST = 1e-3, 12.0
_HOPELESS, _CERTAIN = 0.02, 0.7
"""Confidence below which, and above which, nothing is read: it would hardly change what becomes of a question."""
_LOW, _HIGH = 0.05, 0.3
"""Confidence once the first passage was read between which the others are read too."""
Read = Callable[[str, str, Passage], float | None]
"""Gives the log odds that a passage answers a question in a language, or None."""


def worth(found: SearchResult) -> bool:
    """Whether what becomes of a question may change by reading what was found for it."""
    return bool(found.passages) and _HOPELESS <= found.confidence <= _CERTAIN


def reread(found: SearchResult, read: Read, beside: Executor | None = None) -> SearchResult:
    """`found` with what a reader says of its best passage in its confidence, and of a few where that leaves a doubt;
    as it is where the reader says nothing of the first. The few are read side by side where there are threads for it.
    """
    if not worth(found) or not (first := said(found, read, 1)):
        return found
    sure = confidence(found.confidence, first)
    if len(found.passages) > 1 and _LOW <= sure <= _HIGH:
        sure = confidence(found.confidence, [*first, *said(found, read, READ, begin=1, beside=beside)])
    return replace(found, confidence=sure)


def said(
    found: SearchResult, read: Read, most: int = READ, begin: int = 0, beside: Executor | None = None
) -> list[float]:
    """What a reader says of each of the best `most` passages from `begin` on that it can read: of one in this thread,
    of the others in those `beside` it where there are any.
    """
    passages = found.passages[begin:most]

    def odds(passage: Passage) -> float | None:
        return read(found.query, found.language, passage)

    others = beside.map(odds, passages[1:]) if beside is not None else map(odds, passages[1:])
    own = [odds(one) for one in passages[:1]]
    return [one for one in (*own, *others) if one is not None]


def describe(found: float, odds: Sequence[float]) -> tuple[float, ...]:
    """The values of `FEATURES` for the search's confidence and a reader's odds, of which there is one at least."""
    bound = [min(_MOST, max(-_MOST, one)) for one in odds]
    return log_odds(min(1.0 - _LEAST, max(_LEAST, found))), bound[0], max(bound)


def weighed(found: float, odds: Sequence[float]) -> float:
    """Estimate in [0, 1] that the passages answer once they were read as `reread` does; `odds` are a reader's of the
    first few, in order, and may be none.
    """
    if not odds:
        return found
    sure = confidence(found, odds[:1])
    return confidence(found, odds) if len(odds) > 1 and _LOW <= sure <= _HIGH else sure


def confidence(found: float, odds: Sequence[float]) -> float:
    """Estimate in [0, 1] that the passages answer, from the search's confidence and a reader's odds for the first
    passage or for several.
    """
    weights = _weights()["few" if len(odds) > 1 else "one"]
    values = dict(zip(FEATURES, describe(found, odds), strict=True))
    return chance_of(weights["constant"] + sum(weights.get(name, 0.0) * value for name, value in values.items()))


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))
