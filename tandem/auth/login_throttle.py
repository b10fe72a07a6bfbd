"""A brake on guessing: who has failed a few times waits before the next attempt, longer every time.

Knows failures by key and a clock, and how several processes count them together. Does not know what is guessed, nor
what a key stands for. Nobody sleeps: an attempt that comes too early is refused, and not counted, so that the time that
was named holds.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Protocol, TypeVar

from rag.errors import UserFacingError

log = logging.getLogger(__name__)

MOST_KEYS = 10_000
FORGET_SECONDS = 3600.0

Found = TypeVar("Found")
Name = tuple[str, str]
"""A kind of count, and about whom it is."""


class Counts(Protocol):
    """What is counted for all the processes that serve the same people."""

    def together(self, names: Sequence[Name], work: Callable[[MutableMapping[Name, Any]], Found]) -> Found:
        """What `work` finds, which is given what is kept under the names and changes it; nobody else reads or changes
        these meanwhile. Waits for a database. Raises UserFacingError; then nothing is changed."""


def clock_for(counts: Counts | None) -> Callable[[], float]:
    """The clock of a brake: of those who count together, the one that all have."""
    return time.monotonic if counts is None else time.time


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

    def state(self, key: str) -> tuple[int, float] | None:
        """What is known of a key, for `put` of another process."""
        return self._failures.get(key)

    def put(self, key: str, state: Sequence[float] | None) -> None:
        """Know of a key what another process knew."""
        if state is None:
            self.forget(key)
        else:
            self._failures[key] = (int(state[0]), float(state[1]))
            self._failures.move_to_end(key)

    def __len__(self) -> int:
        return len(self._failures)

    def _known(self, key: str) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, 0.0))
        if count and self._clock() - last >= FORGET_SECONDS:
            self.forget(key)
            return 0, 0.0
        return count, last


class Brakes:
    """Several brakes by name, counted by this process alone, or with `counts` by all together; what cannot be counted
    together is counted here."""

    def __init__(self, brakes: dict[str, Brake], counts: Counts | None = None) -> None:
        self._brakes = brakes
        self._counts = counts
        self._lock = threading.Lock()

    async def attempt(self, keys: Sequence[Name]) -> float:
        """Begin an attempt that counts under each of the keys (a brake's name and a key of it): seconds until it may
        be, or 0, and then it counts as a failure until it is known to be none."""

        def work() -> float:
            wait = max(self._brakes[name].wait(key) for name, key in keys)
            if wait == 0:
                for name, key in keys:
                    self._brakes[name].fail(key)
            return wait

        return await self._done(keys, work)

    async def take_back(self, keys: Sequence[Name]) -> None:
        """The attempt was none."""
        await self._each(keys, Brake.take_back)

    async def forget(self, keys: Sequence[Name]) -> None:
        """It was right: no failure counts any more."""
        await self._each(keys, Brake.forget)

    async def _each(self, keys: Sequence[Name], change: Callable[[Brake, str], None]) -> None:
        def work() -> None:
            for name, key in keys:
                change(self._brakes[name], key)

        if keys:
            await self._done(keys, work)

    async def _done(self, keys: Sequence[Name], work: Callable[[], Found]) -> Found:
        if self._counts is None:
            return work()
        return await asyncio.to_thread(self._shared, self._counts, keys, work)

    def _shared(self, counts: Counts, keys: Sequence[Name], work: Callable[[], Found]) -> Found:
        named = {(f"brake {name}", key): (name, key) for name, key in keys}

        def inside(kept: MutableMapping[Name, Any]) -> Found:
            with self._lock:
                for known, (name, key) in named.items():
                    self._brakes[name].put(key, kept.get(known))
                found = work()
                for known, (name, key) in named.items():
                    kept[known] = self._brakes[name].state(key)
            return found

        try:
            return counts.together(list(named), inside)
        except UserFacingError as error:
            log.warning("Failed attempts are counted by this process alone: %s", error)
            with self._lock:
                return work()
