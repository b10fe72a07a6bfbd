"""How far the event loop is behind, and how much less often answers are drawn meanwhile: the same for everybody.

Knows the loop's clock and its thread's. Does not know what is drawn. Where more is written than this process can pass
on, every answer is sent in larger pieces, so that all slow down alike, and `busy` says that people should be told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

TICK_S = 0.1
# An interval is stretched by how many times this much the loop is late, and at most so far.
_LATE_S = 0.2
_MOST = 8.0
_BUSY_S, _CALM_S = 0.3, 0.1
_BUSY_SHARE, _CALM_SHARE = 0.92, 0.75


class Pace:
    """Measures while answers are under way: `enter` with each, `leave` when it ends. `used` is the thread's clock."""

    def __init__(self, used: Callable[[], float] = time.thread_time) -> None:
        self._used = used
        self._answers = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._looked = self._spent = 0.0
        self.late_s = 0.0
        self.share = 0.0
        self.busy = False

    @property
    def stretch(self) -> float:
        """By how much longer an interval is to be than where nothing is late; 1 or more."""
        return min(_MOST, max(1.0, self.late_s / _LATE_S))

    def enter(self) -> None:
        self._answers += 1
        if self._timer is None:
            self._begin()

    def leave(self) -> None:
        self._answers -= 1
        if not self._answers and self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.late_s = self.share = 0.0
            self.busy = False

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._looked, self._spent = loop.time(), self._used()
        self._due = self._looked + TICK_S
        self._timer = loop.call_at(self._due, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now, spent = loop.time(), self._used()
        late = now - self._due
        # Late at once, and calm again only after a while: pieces that grow and shrink in turn are no steady flow.
        self.late_s = max(late, 0.8 * self.late_s + 0.2 * late)
        share = min(1.0, (spent - self._spent) / (now - self._looked))
        self.share = 0.9 * self.share + 0.1 * share
        if self.busy:
            self.busy = self.late_s > _CALM_S or self.share > _CALM_SHARE
        else:
            self.busy = self.late_s > _BUSY_S or self.share > _BUSY_SHARE
        self._begin()


PACE = Pace()
