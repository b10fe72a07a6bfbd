"""Being asked to end, by SIGTERM as by Ctrl-C, while something is asked or measured.

Knows the signal. Does not know what is done, nor what becomes of what is finished.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def _until_ended(work: Coroutine[Any, Any, T]) -> T:
    """Do it; being asked to end (SIGTERM) cancels it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # Windows knows no such signal
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do it in an event loop of its own. Raises KeyboardInterrupt once it was asked to end and has ended: raised by the
    signal itself, that would strike whatever the loop is doing.
    """
    try:
        return asyncio.run(_until_ended(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
