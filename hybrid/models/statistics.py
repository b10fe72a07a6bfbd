"""What the models have shown of themselves in this process: how fast they are, and what asking them takes.

Knows running means over finished answers. Does not know prices (`hybrid.tracing.cost` does), and forgets everything
when the process ends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from hybrid.tracing.cost import Cost, Speed, speeds

PRIOR_SECONDS = 10.0
_NEWEST = 0.2
_REMEMBERED = 1000


class Experience:
    """Exponentially weighted means: the newest answer counts a fifth."""

    def __init__(self) -> None:
        # How many stages were learnt of the latest traces: one may come again with more.
        self._learnt: OrderedDict[str, int] = OrderedDict()
        self.speeds: dict[str, Speed] = {}
        self._taken: dict[str, tuple[float, float]] = {}

    def learn(self, trace: Mapping[str, Any], cost: Cost) -> None:
        """Take in a finished trace (`Trace.as_dict`) and its cost; of one that comes again, what is new in it."""
        begin = self._learnt.get(trace["id"], 0)
        self._learnt[trace["id"]] = len(trace["stages"])
        if len(self._learnt) > _REMEMBERED:
            self._learnt.popitem(last=False)
        for model, seen in speeds([{**trace, "stages": trace["stages"][begin:]}]).items():
            old = self.speeds.get(model, seen)
            self.speeds[model] = Speed(_mean(old.read, seen.read), _mean(old.write, seen.write))
        for stage in cost.stages[begin:]:
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
