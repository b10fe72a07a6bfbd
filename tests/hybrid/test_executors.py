import asyncio
import threading

import pytest

from hybrid.executors import checking, searching


async def test_work_gives_its_result_or_raises() -> None:
    assert await searching(sorted, [2, 1], reverse=False) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        await checking(divmod, 1, 0)


async def test_a_long_check_holds_up_no_search_and_no_loop() -> None:
    hold = threading.Event()
    check = asyncio.create_task(checking(hold.wait, 30))
    assert await searching(len, "abc") == 3
    hold.set()
    assert await check


async def test_what_is_cancelled_before_its_turn_is_never_done() -> None:
    hold, done = threading.Event(), []
    first = asyncio.create_task(checking(hold.wait, 30))
    second = asyncio.create_task(checking(done.append, 2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait({second})
    third = asyncio.create_task(checking(done.append, 3))
    hold.set()
    await asyncio.gather(first, third)
    assert done == [3]
