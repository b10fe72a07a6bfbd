"""A brake on guessing: who has failed a few times waits before the next attempt, longer every time.

Knows failures by key and a clock. Does not know what is guessed, nor what a key stands for. Nobody sleeps: an attempt
that comes too early is refused, and not counted, so that the time that was named holds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

MOST_KEYS = 10_000
FORGET_SECONDS = 3600.0


class Brake:
    """`free` failures cost nothing; after each one more, the next of `delays` (seconds; the last for good) must pass.

    A key is forgotten an hour after its last failure, or, of more than MOST_KEYS keys, when it has failed longest ago.
    For one thread.
    """

    def __init__(self, free: int, delays: Sequence[float], clock: Callable[[], float] = time.monotonic) -> None:
        self._free = free
        self._delays = delays
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until the next attempt, 0 for now."""
        count, last = self._known(key)
        if count < self._free:
            return 0.0
        delay = self._delays[min(count - self._free, len(self._delays) - 1)]
        return max(0.0, delay - (self._clock() - last))

    def fail(self, key: str) -> None:
        """Count a failure."""
        count, _ = self._known(key)
        self._failures[key] = (count + 1, self._clock())
        self._failures.move_to_end(key)
        if len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Count one failure less: the attempt was none."""
        count, last = self._known(key)
        if count > 1:
            self._failures[key] = (count - 1, last)
        else:
            self.forget(key)

    def forget(self, key: str) -> None:
        """Count no failure any more."""
        self._failures.pop(key, None)

    def __len__(self) -> int:
        return len(self._failures)

    def _known(self, key: str) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, 0.0))
        if count and self._clock() - last >= FORGET_SECONDS:
            self.forget(key)
            return 0, 0.0
        return count, last
