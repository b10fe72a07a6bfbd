"""Conversations in which nothing happens any more are deleted after a while, with their files.

Knows how long and how often. Does not know whose they are, nor what belongs to them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rag.errors import UserFacingError
from tandem.history.base import History

log = logging.getLogger(__name__)

_FIRST_SECONDS, _AGAIN_SECONDS = 60.0, 3600.0
_AT_ONCE = 200


async def delete_unused(history: History, days: int) -> int:
    """Delete the conversations in which nothing happened for so many days; how many. Raises UserFacingError."""
    before = (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None).isoformat() + "Z"
    gone = 0
    while old := await history.unused_since(before, _AT_ONCE):
        for conversation in old:
            await history.delete_thread(conversation)
        gone += len(old)
    return gone


async def keep_to(history: History, days: int, mine: Callable[[], bool], deleted: Callable[[int], None]) -> None:
    """For good: delete them every hour, where that is `mine` to do among several processes; `deleted` hears how
    many."""
    await asyncio.sleep(_FIRST_SECONDS)
    while True:
        if mine():
            try:
                if gone := await delete_unused(history, days):
                    deleted(gone)
            except UserFacingError as error:  # the next hour is soon enough
                log.warning("Old conversations could not be deleted: %s", error)
        await asyncio.sleep(_AGAIN_SECONDS)
