"""What the models have shown of themselves in this process: how fast they are, and what asking them takes.

Knows running means over finished answers. Does not know prices (`hybrid.cost` does), and forgets at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybrid.cost import Cost, Speed, speeds

PRIOR_SECONDS = 10.0
_NEWEST = 0.2


class Experience:
    """Exponentially weighted means: the newest answer counts a fifth."""

    def __init__(self) -> None:
        self.speeds: dict[str, Speed] = {}
        self._taken: dict[str, tuple[float, float]] = {}

    def learn(self, trace: Mapping[str, Any], cost: Cost) -> None:
        """Take in a finished trace (`Trace.as_dict`) and its cost."""
        for model, seen in speeds([trace]).items():
            old = self.speeds.get(model, seen)
            self.speeds[model] = Speed(_mean(old.read, seen.read), _mean(old.write, seen.write))
        for stage in cost.stages:
            if stage.stage == "refine" and stage.completion:
                seconds, money = self._taken.get(stage.model, (stage.seconds, stage.money))
                self._taken[stage.model] = (_mean(seconds, stage.seconds), _mean(money, stage.money))

    def escalation(self, model: str) -> tuple[float, float]:
        """(seconds, money) that asking `model` to refine is expected to take; ten seconds where it was never asked."""
        for name, taken in self._taken.items():
            if name.casefold().startswith(model.casefold()):
                return taken
        return PRIOR_SECONDS, 0.0


def _mean(old: float, new: float) -> float:
    return old + _NEWEST * (new - old)
