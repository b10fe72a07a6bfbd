"""Work in the chat that nobody waits for.

Knows tasks that would be forgotten otherwise. Does not know what they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_running: set[asyncio.Task[None]] = set()


def begin(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` beside what goes on; it keeps the session it was begun in."""
    task = asyncio.create_task(work)
    _running.add(task)
    task.add_done_callback(_running.discard)
