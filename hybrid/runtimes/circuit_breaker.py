"""Spares an endpoint that keeps failing, and the person who would wait for it each time.

Knows failures in a row and a clock, and what another process found out. Does not know what was called.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hybrid.errors import ModelError

COUNTED = frozenset({"refused", "reset", "timeout", "silence", "unavailable", "overloaded", "protocol"})
_FAILURES = 3
_FIRST_S = 10.0
_LONGEST_S = 120.0


class Breaker:
    """Closed, it lets calls pass. After three failures in a row it opens for ten seconds, doubling each time; then one
    call may try, and its success closes it.

    In a row means one after the other: of a hundred calls that fail together, the first counts.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._failures = 0
        self._failed_at = float("-inf")
        self._pause = _FIRST_S
        self._until: float | None = None
        self.told: Callable[[float], None] = lambda seconds: None
        """Hears for how long it opens, 0 where it closes again, for `hear` of another process."""

    @property
    def open(self) -> bool:
        return self._until is not None and self._clock() < self._until

    def check(self) -> float:
        """The moment at which a call begins, for `failed`. Raises ModelError while open."""
        now = self._clock()
        if self._until is None:
            return now
        if now < self._until:
            left = max(1, round(self._until - now))
            raise ModelError(
                f"{self.name} failed {self._failures} times in a row; it is asked again in {left} s.",
                kind="unavailable",
                retriable=True,
            )
        self._until = now + _FIRST_S  # this call tries; the next, should it find out nothing, a while later
        return now

    def failed(self, error: ModelError, began: float) -> None:
        """Count a failure of a call that `began` then, if it is the endpoint's fault rather than the request's."""
        if error.kind not in COUNTED or began < self._failed_at:
            return
        self._failures += 1
        self._failed_at = self._clock()
        if self._failures >= _FAILURES:
            self._until = self._failed_at + self._pause
            self.told(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_S)

    def succeeded(self) -> None:
        if self._until is not None:
            self.told(0.0)
        self._failures = 0
        self._pause = _FIRST_S
        self._until = None

    def hear(self, seconds: float) -> None:
        """Another process found the endpoint failing, or answering again."""
        if seconds <= 0:
            self._failures, self._pause, self._until = 0, _FIRST_S, None
        else:
            self._failures = max(self._failures, _FAILURES)
            self._until = self._clock() + min(seconds, _LONGEST_S)
