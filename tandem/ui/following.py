"""Several tabs that show one conversation: what happens in one is seen in the others, and counts there too.

Knows Chainlit's sessions, and which of its events are about the conversation rather than about one page. Does not know
answers. Whoever may open a conversation is its owner (`socket_checks`), so nobody else is among its sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, cast
from weakref import WeakKeyDictionary

import chainlit as cl
from chainlit.chat_context import chat_contexts
from chainlit.session import WebsocketSession, ws_sessions_id

log = logging.getLogger(__name__)

Emit = Callable[[str, Any], Awaitable[Any]]

FOLLOWED = frozenset(
    {
        "new_message", "update_message", "delete_message", "stream_start", "stream_token", "element",
        "remove_element", "task_start", "task_end",
    }
)  # fmt: skip
_alone: WeakKeyDictionary[WebsocketSession, Emit] = WeakKeyDictionary()


def follow(session: WebsocketSession) -> None:
    """From now on, whoever shows the same conversation sees what this session is told of it. Call it again when the
    session's socket is another one."""
    # Chainlit says that it gives nothing, and hands on what its socket gives: something to wait for.
    alone = cast(Emit, session.emit)
    _alone[session] = alone

    async def emit(event: str, data: Any) -> Any:
        told = await alone(event, data)
        if event in FOLLOWED:
            await tell_others(session, event, data)
        return told

    session.emit = cast(Any, emit)


async def tell_others(session: WebsocketSession, event: str, data: Any) -> None:
    """Tell all other sessions of the conversation; one that cannot be told holds up nobody."""
    for other in _others(session):
        try:
            await _alone[other](event, data)
            noted(other, event, data)
        except Exception:
            log.debug("Another tab could not be told", exc_info=True)


async def share(session: WebsocketSession, sent: Mapping[str, Any]) -> None:
    """Show a question in the other tabs as its own page sent it, before anything that stands under it comes."""
    for other in _others(session):
        with suppress(Exception):
            await _alone[other]("new_message", {**sent, "threadId": session.thread_id})


def note(message: cl.Message) -> None:
    """The question is part of what other tabs go on from."""
    if isinstance(session := cl.context.session, WebsocketSession):
        for other in _others(session):
            noted(other, "new_message", message.to_dict())


def _others(session: WebsocketSession) -> list[WebsocketSession]:
    known = list(ws_sessions_id.values())
    return [one for one in known if one is not session and one.thread_id == session.thread_id and one in _alone]


def noted(session: WebsocketSession, event: str, data: Any) -> None:
    """Note in a session what it was told: its next question goes on from what was said."""
    known = chat_contexts.get(session.id)
    if known is None or not str(data.get("type", "")).endswith("_message") or event not in FOLLOWED:
        return
    at = next((place for place, message in enumerate(known) if message.id == data["id"]), len(known))
    if event == "delete_message":
        del known[at : at + 1]
    elif event in ("new_message", "update_message"):
        known[at : at + 1] = [cl.Message.from_dict(data)]
