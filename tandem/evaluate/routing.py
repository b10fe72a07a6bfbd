"""How well a policy tells the drafts that the large model would mend from those it would not.

Knows recorded answers of a small and a large model to the same questions, and which were right. Fits a policy on the
text of question and draft alone, and scores it on answers it was not fitted on, beside what luck, the length rule and
an oracle give. Does not ask any model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from hybrid.policies import draft_features, logistic
from hybrid.policies.base import Policy
from hybrid.policies.fixed import Oracle, Random
from hybrid.policies.rules import Rules
from hybrid.policies.signals import of_text
from hybrid.settings import EscalationSettings
from tandem.evaluate import lines, measures
from tandem.evaluate.measures import Floats

MINIMUM = 40
LONG = 600
LENGTH_ONLY = EscalationSettings(long_chars=LONG, short_draft=False, flagged_topics=False, low_confidence=False)
DRAWS = 50


class Given(BaseModel):
    """What one model answered, and whether it was right."""

    text: str
    correct: bool


class Pair(BaseModel):
    """A question that both models answered."""

    question: str
    small: Given
    large: Given


class Routing:
    """A file of recorded pairs, measured: one row each of features and of qualities in {0, 1}."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.signals = [of_text(pair.question, pair.small.text, id=str(row)) for row, pair in enumerate(pairs)]
        self.matrix = np.array([[one.values[name] for name in draft_features.NAMES] for one in self.signals])
        self.small = np.array([pair.small.correct for pair in pairs], dtype=np.float64)
        self.large = np.array([pair.large.correct for pair in pairs], dtype=np.float64)

    @property
    def wrong(self) -> Floats:
        """1 where the draft is wrong: what a policy's probability is about."""
        return 1.0 - self.small

    @classmethod
    def read(cls, file: Path) -> Routing:
        """Raises UserFacingError."""
        return cls(lines.read(file, Pair, MINIMUM))


def evaluate(file: Path, fit: Path | None = None) -> tuple[dict[str, Any], dict[str, Floats]]:
    """The measures, and the deferral curves by name: quality when the k highest scores escalate, k = 0..n.

    Fitted on `fit`; without it, by nested cross-validation on `file` itself. Raises UserFacingError.
    """
    scored = Routing.read(file)
    if fit is None:
        wrong = logistic.cross_validated(draft_features.NAMES, scored.matrix, scored.wrong)
        how = "nested cross-validation"
    else:
        training = Routing.read(fit)
        wrong = logistic.fit_best(draft_features.NAMES, training.matrix, training.wrong).probabilities(scored.matrix)
        how = f"fitted on {fit.name}"
    curves = {"logistic": measures.deferral_curve(wrong, scored.small, scored.large), **_beside(scored)}
    record = _measured(scored, wrong)
    record["fitted"] = how
    record["beside"] = {name: _of_curve(curve) for name, curve in curves.items() if name != "logistic"}
    return record, curves


def _measured(scored: Routing, wrong: Floats) -> dict[str, Any]:
    def of(figure: Callable[[Floats], float]) -> list[float | None]:
        def resampled(*rows: Floats) -> float:
            return figure(measures.deferral_curve(*rows))

        return [_rounded(end) for end in measures.interval(resampled, wrong, scored.small, scored.large)]

    found = _of_curve(measures.deferral_curve(wrong, scored.small, scored.large))
    low, high = of(measures.apgr)
    return {
        "apgr": found["apgr"],
        "apgr_low": low,
        "apgr_high": high,
        "cpt50": found["cpt50"],
        "cpt50_interval": of(lambda curve: measures.cpt(curve, 0.5)),
        "cpt80": found["cpt80"],
        "cpt80_interval": of(lambda curve: measures.cpt(curve, 0.8)),
        "ece": _rounded(measures.ece(wrong, scored.wrong)),
        "auroc": _rounded(measures.auroc(wrong, scored.wrong)),
        "auroc_interval": [_rounded(end) for end in measures.interval(measures.auroc, wrong, scored.wrong)],
        "questions": len(scored.small),
        "small": _rounded(float(scored.small.mean())),
        "large": _rounded(float(scored.large.mean())),
    }


def _of_curve(curve: Floats) -> dict[str, float | None]:
    return {
        "apgr": _rounded(measures.apgr(curve)),
        "cpt50": _rounded(measures.cpt(curve, 0.5)),
        "cpt80": _rounded(measures.cpt(curve, 0.8)),
    }


def _beside(scored: Routing) -> dict[str, Floats]:
    """The curves of the policies that every other is held against; luck's is the mean of many draws."""
    gains = {one.id: gain for one, gain in zip(scored.signals, (scored.large - scored.small).tolist(), strict=True)}
    policies: dict[str, list[Policy]] = {
        "random": [Random(seed) for seed in range(DRAWS)],
        f"length_{LONG}": [Rules(LENGTH_ONLY, 0.0)],
        "rules": [Rules(EscalationSettings(), 0.0)],
        "oracle": [Oracle(gains)],
    }
    return {name: np.mean([_curve(one, scored) for one in chosen], axis=0) for name, chosen in policies.items()}


def _curve(policy: Policy, scored: Routing) -> Floats:
    scores = np.array([policy.decide(one).probability for one in scored.signals])
    return measures.deferral_curve(scores, scored.small, scored.large)


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
