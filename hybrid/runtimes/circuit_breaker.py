"""Spares an endpoint that keeps failing, and the person who would wait for it each time.

Knows failures in a row and a clock. Does not know what was called.
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
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._failures = 0
        self._pause = _FIRST_S
        self._until: float | None = None

    @property
    def open(self) -> bool:
        return self._until is not None and self._clock() < self._until

    def check(self) -> None:
        """Raises ModelError while open."""
        if self.open and self._until is not None:
            left = max(1, round(self._until - self._clock()))
            raise ModelError(
                f"{self.name} failed {self._failures} times in a row; it is asked again in {left} s.",
                kind="unavailable",
                retriable=True,
            )

    def failed(self, error: ModelError) -> None:
        """Count a failure, if it is the endpoint's fault rather than the request's."""
        if error.kind not in COUNTED:
            return
        self._failures += 1
        if self._failures >= _FAILURES:
            self._until = self._clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_S)

    def succeeded(self) -> None:
        self._failures = 0
        self._pause = _FIRST_S
        self._until = None
