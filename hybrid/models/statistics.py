"""What the models have shown of themselves: how fast they are, and what asking them takes.

Knows running means over the finished answers of this process, and of others that tell of theirs. Does not know prices
(`hybrid.tracing.cost` does), and forgets everything when the process ends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
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
        self.told: Callable[[dict[str, Any]], None] = lambda observed: None
        """Hears what is new in each finished answer, for `hear` of another process."""

    def learn(self, trace: Mapping[str, Any], cost: Cost) -> None:
        """Take in a finished trace (`Trace.as_dict`) and its cost; of one that comes again, what is new in it."""
        begin = self._learnt.get(trace["id"], 0)
        self._learnt[trace["id"]] = len(trace["stages"])
        if len(self._learnt) > _REMEMBERED:
            self._learnt.popitem(last=False)
        seen = speeds([{**trace, "stages": trace["stages"][begin:]}])
        refined = [one for one in cost.stages[begin:] if one.stage == "refine" and one.completion]
        observed = {
            "speeds": {model: [speed.read, speed.write] for model, speed in seen.items()},
            "taken": [[stage.model, stage.seconds, stage.money] for stage in refined],
        }
        if seen or refined:
            self.hear(observed)
            self.told(observed)

    def hear(self, observed: Mapping[str, Any]) -> None:
        """Take in what a finished answer has shown, here or in another process."""
        for model, (read, write) in observed["speeds"].items():
            old = self.speeds.get(model, Speed(read, write))
            self.speeds[model] = Speed(_mean(old.read, read), _mean(old.write, write))
        for model, took, cost in observed["taken"]:
            seconds, money = self._taken.get(model, (took, cost))
            self._taken[model] = (_mean(seconds, took), _mean(money, cost))

    def escalation(self, model: str) -> tuple[float, float]:
        """(seconds, money) that asking `model` to refine is expected to take; ten seconds where it was never asked."""
        for name, taken in self._taken.items():
            if name.casefold().startswith(model.casefold()):
                return taken
        return PRIOR_SECONDS, 0.0


def _mean(old: float, new: float) -> float:
    return old + _NEWEST * (new - old)
