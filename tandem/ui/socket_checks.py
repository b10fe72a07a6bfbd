"""What is let through a socket: whose it is, under which ids it is opened, and the shape of what is said.

Knows what the chat's page sends. Does not know what becomes of it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from chainlit.auth.cookie import get_token_from_cookies
from chainlit.chat_context import chat_contexts
from chainlit.server import sio
from chainlit.session import WebsocketSession
from starlette.requests import cookie_parser

from tandem.auth.tickets import TicketError, Tickets
from tandem.context import AppContext
from tandem.history.base import History
from tandem.identifiers import is_id
from tandem.texts import language_for, say
from tandem.ui import chainlit_compat, following

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 200_000
LARGEST_WISH = 100_000
MOST_REFERENCES = 100
_LONGEST_WORD = 200
_LARGEST_ENVIRONMENT = 10_000


class SocketChecks:
    """The checks of one chat; `install` puts them in front of Chainlit's handlers."""

    def __init__(self, context: AppContext, tickets: Tickets, history: History) -> None:
        self._context = context
        self._tickets = tickets
        self._history = history

    def install(self) -> None:
        chainlit_compat.check_sockets(self.admit, self.hear, following.follow)

    async def admit(self, sid: str, environ: Mapping[str, Any], auth: Any) -> bool:
        """Whether the conversation that the client names is there. Raises ConnectionRefusedError where nothing may be
        opened: without a ticket that counts, or under ids that are none."""
        try:
            person = self._tickets.read(_token(environ)).person
        except TicketError:
            raise ConnectionRefusedError("authentication failed") from None
        if not well_formed(auth):
            log.info("A socket was refused: what it was opened with is not what the page sends.")
            raise ConnectionRefusedError("This page is out of date; reload it.")
        thread = auth.get("threadId")
        if not thread:
            return True
        author = await self._history.get_thread_author(thread)
        if author and author != person:
            raise ConnectionRefusedError("authorization failed")
        return bool(author)

    async def hear(self, sid: str, event: str, payload: Any) -> bool:
        """Whether an event may be acted on: its session is there, its person still is, and it has the right shape."""
        session = WebsocketSession.get(sid)
        if session is None:
            return False
        try:
            self._tickets.read(session.token)
        except TicketError:
            session.to_clear = True
            await self._tell(session, "signed_out")
            await sio.disconnect(sid)
            return False
        match event:
            case "client_message":
                taken = await self._is_message(session, payload)
                if taken:
                    await following.share(session, payload["message"])
                return taken
            case "edit_message":
                return await self._is_message(session, payload) and _is_known(session, payload["message"]["id"])
            case "chat_settings_change" | "chat_settings_edit":
                return isinstance(payload, dict) and size(payload) <= LARGEST_WISH
            case "window_message":
                return size(payload) <= LARGEST_WISH
            case _:
                return True

    async def _tell(self, session: WebsocketSession, key: str, **values: object) -> None:
        text = say(key, language_for("", self._context.settings.display.language, session.language), **values)
        await sio.emit("toast", {"message": text, "type": "error"}, to=session.socket_id)

    async def _is_message(self, session: WebsocketSession, payload: Any) -> bool:
        message = payload.get("message") if isinstance(payload, dict) else None
        if not isinstance(message, dict) or not is_id(message.get("id")) or not isinstance(message.get("output"), str):
            return False
        if len(message["output"]) > LONGEST_MESSAGE or size(payload) > 6 * LONGEST_MESSAGE:
            await self._tell(session, "message_too_long", count=f"{LONGEST_MESSAGE:,}")
            await sio.emit("task_end", {}, to=session.socket_id)
            return False
        references = payload.get("fileReferences") or []
        if not isinstance(references, list) or len(references) > MOST_REFERENCES:
            return False
        if not all(isinstance(one, dict) and is_id(one.get("id")) for one in references):
            return False
        if not isinstance(message.setdefault("createdAt", ""), str) or not _are_words(message):
            return False
        # What a browser says was said by the person at it, in this conversation.
        message["type"] = "user_message"
        message["threadId"] = session.thread_id
        if session.user is not None:
            message["name"] = session.user.identifier
        return True


def well_formed(auth: Any) -> bool:
    """Whether a socket is opened with what the page sends: ids that are ids, and small words."""
    if not isinstance(auth, dict) or not is_id(auth.get("sessionId")) or auth.get("clientType") != "webapp":
        return False
    thread, environment = auth.get("threadId"), auth.get("userEnv")
    if thread and not is_id(thread):
        return False
    if environment and not _is_environment(environment):
        return False
    profile = auth.get("chatProfile")
    return profile is None or (isinstance(profile, str) and len(profile) <= _LONGEST_WORD)


def size(payload: Any) -> int:
    """How many characters there are in a payload, roughly; what is nested too deep counts as endless."""
    try:
        return len(json.dumps(payload, ensure_ascii=False, default=str))
    except (RecursionError, ValueError):
        return 1 << 62


def _is_environment(given: Any) -> bool:
    if not isinstance(given, str) or len(given) > _LARGEST_ENVIRONMENT:
        return False
    try:
        return isinstance(json.loads(given), dict | type(None))
    except (ValueError, RecursionError):
        return False


def _are_words(message: Mapping[str, Any]) -> bool:
    """Whether the fields beside the text are what they should be; any may be missing."""
    words = (message.get(key) for key in ("parentId", "command", "language", "name"))
    if not all(word is None or (isinstance(word, str) and len(word) <= _LONGEST_WORD) for word in words):
        return False
    return all(message.get(key) is None or isinstance(message[key], dict) for key in ("metadata", "modes"))


def _is_known(session: WebsocketSession, message_id: str) -> bool:
    return any(message.id == message_id for message in chat_contexts.get(session.id, ()))


def _token(environ: Mapping[str, Any]) -> str | None:
    return get_token_from_cookies(cookie_parser(environ.get("HTTP_COOKIE") or ""))
