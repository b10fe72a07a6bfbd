"""The learned numbers of retrieval, in one documented file: `weights.json`, written by `rag.training.learn`.

Knows their names and how they are read. Does not know how they are used or learned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import exp, log
from pathlib import Path
from typing import Any

PATH = Path(__file__).parent / "weights.json"


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What was learned.

    `carry`: language -> stem -> the chance that a passage which answers a question holds this word of the question
    ("percentage" seldom, a name almost always); `carry_kinds`: the same for words never met, by kind
    (`rag.retrieval.query`). `ranking`: the weight of each feature in the ranker (`rag.retrieval.reranker`), and
    `spread` its usual standard deviation. `answerable`: logistic weights by feature.
    `meaning`: where an encoder takes part, the weights of `rag.retrieval.second_stage` ("alone", "talk") and those of
    the confidence ("answerable", "answerable_in_talk").
    """

    carry: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    carry_kinds: Mapping[str, float] = field(default_factory=dict)
    ranking: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    answerable: Mapping[str, Any] = field(default_factory=dict)
    meaning: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def chance(self, language: str, stems: tuple[str, ...], kind: str) -> float:
        """The chance that an answering passage holds this word."""
        known = self.carry.get(language)
        if known is not None:
            for stem in stems:
                if stem in known:
                    return known[stem]
        return self.carry_kinds.get(kind, 0.5)


@cache
def learned() -> Weights:
    """The weights that ship."""
    return Weights(**json.loads(PATH.read_text(encoding="utf-8"))) if PATH.exists() else Weights()


def chance_of(exponent: float) -> float:
    """What a logistic model's exponent says, in [0, 1]."""
    return 1.0 / (1.0 + exp(-min(30.0, max(-30.0, exponent))))


def log_odds(chance: float) -> float:
    """The exponent that says a chance between 0 and 1."""
    return log(chance / (1.0 - chance))
