"""Where Tandem reaches into Chainlit 2.12: every name that is replaced there, and why no public way would do.

Knows Chainlit's modules, handlers and routes. Does not know what Tandem puts in their place: that is handed in.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import chainlit.auth
import chainlit.config
import chainlit.server
import chainlit.session
import chainlit.socket
from chainlit.server import sio
from chainlit.session import WebsocketSession, ws_sessions_id
from chainlit.user import User
from starlette.requests import Request
from starlette.responses import Response

from tandem.identifiers import confined, is_id

LARGEST_FRAME = 16_000_000
# What the chat's page sends. Everything else that Chainlit listens to belongs to parts that Tandem has switched off.
EVENTS = (
    "connection_successful",
    "client_message",
    "edit_message",
    "window_message",
    "chat_settings_change",
    "chat_settings_edit",
    "clear_session",
)
SILENT = ("connection_successful", "clear_session")

Connect = Callable[[str, dict[str, Any], Any], Awaitable[bool]]
Handler = Callable[..., Awaitable[Any]]
_chainlit_connect: Connect = chainlit.socket.connect
_chainlit_handlers: dict[str, Handler] = {
    "connection_successful": chainlit.socket.connection_successful,
    "client_message": chainlit.socket.message,
    "edit_message": chainlit.socket.edit_message,
    "window_message": chainlit.socket.window_message,
    "chat_settings_change": chainlit.socket.change_settings,
    "chat_settings_edit": chainlit.socket.edit_settings,
    "clear_session": chainlit.socket.clean_session,
}


def sign_with(issue: Callable[[str], str], read: Callable[[str], str]) -> None:
    """Chainlit's cookies are Tandem's tickets: its own are good until they are old, whatever has become of the person.

    There is no hook: `create_jwt` and `decode_jwt` are looked up by these names where they are used. `issue` makes a
    cookie for an identifier, `read` gives the identifier of a good one and raises for every other.
    """

    def create_jwt(user: User) -> str:
        return issue(user.identifier)

    def decode_jwt(token: str) -> User:
        return User(identifier=read(token))

    for module in (chainlit.auth, chainlit.server):
        module.create_jwt = create_jwt  # type: ignore[attr-defined]
        module.decode_jwt = decode_jwt  # type: ignore[attr-defined]


def when_signed_in(mark: Callable[[Request, Response], None]) -> None:
    """Have `mark` see the response by which somebody signs in: no hook of Chainlit's gets to it."""
    set_by_chainlit = getattr(chainlit.server, "set_auth_cookie")  # noqa: B009 (imported there, not said to be exported)
    keep_cookie = getattr(set_by_chainlit, "of_chainlit", set_by_chainlit)

    def set_auth_cookie(request: Request, response: Response, token: str) -> None:
        keep_cookie(request, response, token)
        mark(request, response)

    set_auth_cookie.of_chainlit = keep_cookie  # type: ignore[attr-defined]
    chainlit.server.set_auth_cookie = set_auth_cookie  # type: ignore[attr-defined]


def confine_files() -> None:
    """A session's folder is named by the client, made, and removed with all that is in it: it must lie directly in the
    folder for such files, under a UUID. Chainlit takes any name."""

    def files_dir(session: chainlit.session.BaseSession) -> Path:
        if not is_id(session.id):
            raise ValueError("The id of a session is a UUID")
        return confined(chainlit.config.FILES_DIRECTORY, session.id)

    chainlit.session.BaseSession.files_dir = property(files_dir)  # type: ignore[assignment]


def check_uploads(check: Callable[[Any], None]) -> None:
    """Have `check` look at every uploaded file first: of an empty one, Chainlit makes a failure of the server."""
    validate = getattr(chainlit.server.validate_file_upload, "of_chainlit", chainlit.server.validate_file_upload)

    def validate_file_upload(file: Any, spec: Any = None) -> None:
        check(file)
        validate(file, spec)

    validate_file_upload.of_chainlit = validate  # type: ignore[attr-defined]
    chainlit.server.validate_file_upload = validate_file_upload


def check_sockets(
    admit: Callable[[str, dict[str, Any], Any], Awaitable[bool]],
    hear: Callable[[str, str, Any], Awaitable[bool]],
    begun: Callable[[WebsocketSession], None] = lambda session: None,
) -> None:
    """Have `admit` (socket id, environment, what the client sent) refuse connections by raising, or say that the
    conversation which the client names is not there, and `hear` (socket id, event, payload) whether an event may pass.
    `begun` is told of every session whose socket is open now.

    Chainlit opens a session under whatever id a client names, and trusts what comes after. Handlers that belong to
    what is switched off are taken away.
    """

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> bool:
        known = await admit(sid, environ, auth)
        opened = await _chainlit_connect(sid, environ, auth)
        session = WebsocketSession.get(sid)
        if not known and session is not None and not session.restored:
            # Chainlit would write under the id that the client named; whoever begins that later would share it.
            session.thread_id = str(uuid.uuid4())
        if session is not None:
            begun(session)
        return opened

    def checked(name: str, handler: Handler) -> Handler:
        async def heard(sid: str, *sent: Any) -> Any:
            payload = sent[0] if sent else None
            if not await hear(sid, name, payload):
                return None
            return await (handler(sid) if name in SILENT else handler(sid, payload))

        return heard

    handlers = sio.handlers["/"]
    for name in list(handlers):
        if name not in ("connect", "disconnect", "stop"):
            del handlers[name]
    sio.on("connect", connect)
    for name in EVENTS:
        sio.on(name, checked(name, _chainlit_handlers[name]))
    # Frames up to this size arrive, so that a message that is too long is answered in words, not by a lost connection.
    sio.eio.max_http_buffer_size = LARGEST_FRAME


async def end_sockets(ended: Callable[[str | None, str | None], bool], said: Callable[[str], str]) -> int:
    """Disconnect every session of which `ended` (identifier, cookie) is true; how many there were. First the page
    shows what `said` gives for its browser's language."""
    gone = [s for s in list(ws_sessions_id.values()) if ended(s.user.identifier if s.user else None, s.token)]
    for session in gone:
        session.to_clear = True
        if session.current_task is not None:
            session.current_task.cancel()
        await sio.emit("toast", {"message": said(session.language), "type": "warning"}, to=session.socket_id)
        await sio.disconnect(session.socket_id)
    return len(gone)
