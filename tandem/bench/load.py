"""Many requests under one load: so many people who each wait for their answer, or arrivals at random at a given rate.

Knows when to send. Does not know how a request is measured or what is made of the samples.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tandem.bench.measure import Clock, Job, Sample
from tandem.bench.schema import Load

Ask = Callable[[Job, float | None], Awaitable[Sample]]
Progress = Callable[[int, int], None]

MOST_WAITING = 2000
TICK_S = 0.02
# A window of full load shorter than this share of the level says less than the whole level.
SHORTEST_WINDOW = 0.3


@dataclass(slots=True)
class Run:
    """The samples of one level in the order they ended, and the stretch of time in which the full load was held."""

    load: Load
    zero: float
    samples: list[Sample] = field(default_factory=list)
    window: tuple[float, float] = (0.0, 0.0)
    interrupted: bool = False
    lags_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    @property
    def end(self) -> float:
        return max((sample.end for sample in self.samples), default=self.zero)


async def run(
    load: Load,
    jobs: Iterable[Job],
    total: int,
    ask: Ask,
    *,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
    clock: Clock = time.perf_counter,
) -> Run:
    """Send every job under the load; `total` is how many there are, for `progress`.

    Cancelling the task ends it: what had finished is in the result, which is then marked as interrupted, and the
    cancellation is taken back so that the caller can write what there is.
    """
    found = Run(load, clock())
    cpu = time.process_time()
    with _without_collection():
        watch = asyncio.create_task(_watch(found, clock))
        work = asyncio.create_task(
            _closed(found, jobs, total, ask, progress, clock)
            if load.kind == "closed"
            else _open(found, jobs, total, ask, progress, clock, seed)
        )
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None:
                current.uncancel()
            found.interrupted = True
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    found.cpu_s = time.process_time() - cpu
    start, end = found.window
    if end - start < SHORTEST_WINDOW * (found.end - found.zero):
        found.window = (found.zero, found.end)
    return found


async def _closed(found: Run, jobs: Iterable[Job], total: int, ask: Ask, progress: Progress, clock: Clock) -> None:
    queue = iter(jobs)
    begun: list[float] = []
    idle: list[float] = []

    async def person() -> None:
        begun.append(clock())
        for job in queue:
            found.samples.append(await ask(job, None))
            progress(len(found.samples), total)
        idle.append(clock())

    async with asyncio.TaskGroup() as group:
        for _ in range(min(found.load.concurrency or 1, total)):
            group.create_task(person())
    found.window = (max(begun), min(idle))


async def _open(
    found: Run, jobs: Iterable[Job], total: int, ask: Ask, progress: Progress, clock: Clock, seed: int
) -> None:
    """Requests are due at the times of a Poisson process, and sent then, whatever became of the earlier ones."""
    chance = random.Random(seed)
    rate = found.load.rate_per_s or 1.0
    due = clock()
    waiting = asyncio.Semaphore(MOST_WAITING)

    async def person(job: Job, due: float) -> None:
        async with waiting:
            found.samples.append(await ask(job, due))
        progress(len(found.samples), total)

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            due += chance.expovariate(rate)
            wait = due - clock()
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(person(job, due))
    found.window = (found.zero, due)


async def _watch(found: Run, clock: Clock) -> None:
    """How late the client itself is: whatever its event loop cannot do on time, it measures too late as well."""
    while True:
        before = clock()
        await asyncio.sleep(TICK_S)
        found.lags_s.append(max(0.0, clock() - before - TICK_S))


@contextmanager
def _without_collection() -> Iterator[None]:
    """A full garbage collection takes tens of milliseconds; it waits until the level is over."""
    gc.collect()
    gc.freeze()
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
        gc.unfreeze()
