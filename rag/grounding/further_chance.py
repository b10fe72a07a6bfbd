"""How likely it is that a stretch of another passage holds what the quotes lack of an answer.

Knows what tells such a stretch from one that says nothing more, and two logistic models of it, learned by
`rag.training.learn_further`: with what a reader says of its passage, and without. Does not know where such stretches
come from, nor how many are shown (`rag.grounding.further` does).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.weights import chance_of, log_odds

Floats = NDArray[np.float64]
FEATURES = ("holds", "behind", "says", "said", "apart", "nearer")
"""The log odds that the quotes hold what is asked for (`holds`); by how much the best unit of the stretch's passage is
`behind` the best quoted one, in natural logarithms of the odds; how much of the question the stretch says (`says`), and
the quotes do (`said`); by how much its passage is behind the first one for the search (`apart`); and by how much the
stretch is nearer to the question in meaning than the quotes (`nearer`, 0 where that is not known).
"""
READ = ("odds", "ahead", *FEATURES[:-1])
"""The features where a reader read its passage and the one that is quoted first: the log odds of the former, and by how
much they exceed those of the latter; what is nearer tells no more then."""
WEIGHTS = Path(__file__).parent / "further_chance.json"
"""What each feature says where a reader `read` the passages, and in `words` where none did."""
_LEAST, _MOST = 0.02, 12.0


def describe(holds: float, behind: float, says: float, said: float, apart: float, nearer: float) -> Floats:
    """The values of `FEATURES`; `holds` is the estimate in [0, 1]."""
    return np.array([log_odds(min(1.0 - _LEAST, max(_LEAST, holds))), behind, says, said, apart, nearer])


def read_too(values: Floats, odds: float, first: float) -> Floats:
    """The values of `READ` of those of `FEATURES`, and a reader's odds of its passage and of the one quoted first."""
    own, other = (min(_MOST, max(-_MOST, one)) for one in (odds, first))
    return np.array([own, own - other, *values[:-1]])


def chance(values: Floats) -> float:
    """Estimate in [0, 1] that the stretch that has these values of `FEATURES` or `READ` holds what the quotes lack."""
    name, names = ("read", READ) if len(values) == len(READ) else ("words", FEATURES)
    told = _weights()[name]
    return chance_of(told["constant"] + float(values @ np.array([told[one] for one in names])))


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))
