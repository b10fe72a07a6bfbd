import asyncio
from collections.abc import AsyncIterator

import pytest

from hybrid.runtimes.stream_timeout import Patience


async def after(*delays: float) -> AsyncIterator[int]:
    for number, delay in enumerate(delays):
        await asyncio.sleep(delay)
        yield number


async def test_items_come_through_and_the_end_is_the_end() -> None:
    patience, stream = Patience(), after(0, 0.001, 0)
    assert [await patience.next(stream, 10) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(StopAsyncIteration):
        await patience.next(stream, 10)
    patience.close()


async def test_a_wait_that_is_too_long_ends_in_a_timeout_and_the_task_goes_on() -> None:
    patience = Patience()
    with pytest.raises(TimeoutError):
        await patience.next(after(60), 0.01)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await patience.next(after(0), 10) == 0
    patience.close()


async def test_each_wait_has_its_own_limit() -> None:
    patience, stream = Patience(), after(0, 60)
    assert await patience.next(stream, 60) == 0
    with pytest.raises(TimeoutError):
        await patience.next(stream, 0.01)
    stream = after(0, 0.05, 60)
    assert await patience.next(stream, 0.02) == 0
    assert await patience.next(stream, None) == 1
    with pytest.raises(TimeoutError):
        await patience.next(stream, 0.01)
    patience.close()


async def test_time_between_the_waits_does_not_count() -> None:
    patience, stream = Patience(), after(0, 0)
    await patience.next(stream, 0.01)
    await asyncio.sleep(0.05)
    assert await patience.next(stream, 0.01) == 1
    patience.close()


async def test_cancelling_from_outside_is_no_timeout() -> None:
    patience = Patience()
    waiting = asyncio.ensure_future(patience.next(after(60), 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    patience.close()
