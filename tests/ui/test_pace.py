"""How answers slow down together, in virtual time."""

from __future__ import annotations

import asyncio

from tandem.ui.batching import Batcher
from tandem.ui.pace import Pace
from tests.support import virtual_time


class Work:
    """A thread that spends time only where told to, on a loop whose clock it moves."""

    def __init__(self) -> None:
        self.spent = 0.0

    def used(self) -> float:
        return self.spent

    async def hog(self, seconds: float, times: int) -> None:
        """Keep the loop busy for `seconds`, again and again."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual_time.VirtualLoop)
        for _ in range(times):
            loop.pass_time(seconds)
            self.spent += seconds
            await asyncio.sleep(0)


def test_a_loop_on_time_changes_nothing() -> None:
    async def run() -> None:
        pace = Pace(lambda: 0.0)
        pace.enter()
        await asyncio.sleep(5)
        assert (pace.stretch, pace.busy) == (1.0, False)
        pace.leave()

    virtual_time.run(run())


def test_one_hitch_stretches_for_a_moment_and_a_jam_is_told_until_it_is_over() -> None:
    async def run() -> None:
        work = Work()
        pace = Pace(work.used)
        pace.enter()
        await work.hog(0.35, 1)
        await asyncio.sleep(0.05)
        assert pace.stretch > 1.2 and not pace.busy
        await work.hog(0.6, 5)
        assert pace.busy and 2 < pace.stretch <= 8
        await asyncio.sleep(5)
        assert not pace.busy and pace.stretch == 1.0
        pace.leave()

    virtual_time.run(run())


def test_a_loop_that_is_full_is_busy_before_it_is_late() -> None:
    async def run() -> None:
        work = Work()
        pace = Pace(work.used)
        pace.enter()
        await work.hog(0.02, 300)
        assert pace.busy and pace.stretch < 2
        pace.leave()
        assert not pace.busy

    virtual_time.run(run())


def test_every_answer_is_stretched_alike() -> None:
    async def run() -> list[int]:
        pace, sent = Pace(lambda: 0.0), [0, 0, 0]
        pace.late_s = 0.8  # four times the interval

        def batcher(number: int) -> Batcher:
            async def send(text: str) -> None:
                sent[number] += 1

            return Batcher(send, 0.05, lambda: pace.stretch)

        batchers = [batcher(number) for number in range(3)]
        for _ in range(200):
            for one in batchers:
                one.add("word ")
            await asyncio.sleep(0.01)
        for one in batchers:
            await one.close()
        return sent

    first, *others = virtual_time.run(run())
    assert others == [first, first] and first in (10, 11)  # where 40 would be sent on time
