"""Short work beside the event loop: searches in one thread, checks of finished texts in another.

Knows threads. Does not know what the work is. It is Python that never waits, so more threads would not be faster: they
would only take turns with the event loop, and hold up the tokens of everybody who is reading. Two kinds, so that the
check of a very long answer holds up no search.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_search = ThreadPoolExecutor(max_workers=1, thread_name_prefix="search")
_check = ThreadPoolExecutor(max_workers=1, thread_name_prefix="check")


def begin() -> None:
    """Have the threads now. One that is interrupted (Ctrl-C, SIGTERM) in the very moment of its start is known to
    nobody, and the end of the process waits for it forever; the first word of an answer is such a moment.
    """
    for one in (_search, _check):
        one.submit(int).result()


async def searching(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do `work` as a search; raises what it raises. Cancelled before its turn, it is never done."""
    return await asyncio.get_running_loop().run_in_executor(_search, partial(work, *args, **kwargs))


async def checking(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do `work` as a check; raises what it raises. Cancelled before its turn, it is never done."""
    return await asyncio.get_running_loop().run_in_executor(_check, partial(work, *args, **kwargs))
