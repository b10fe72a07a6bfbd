"""Every door of the server: which requests are let in, and how much of each is read.

Knows for each route its methods, the kinds and the size of its body, whether somebody must be signed in before any of
it is read, and which fields hold ids. Does not know what a route does.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tandem.auth.tickets import TicketError, Tickets, ticket_of
from tandem.identifiers import is_element_id, is_id

MB = 1_000_000
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data"
# A body must come in at this pace on average, beyond the first seconds.
PATIENCE_SECONDS = 10.0
SLOWEST_BYTES_A_SECOND = 20_000
LONGEST_PATH = 2_000
LONGEST_NAME = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

TOO_LARGE = "This is larger than what is taken in here ({size:,} bytes); send less."
TOO_SLOW = "The request came in too slowly and was given up; send it again over a better connection."
NO_METHOD = "{method} is not what is done here; allowed: {allowed}."
NO_KIND = "{kind} is not read here; send {kinds}."
SIGN_IN = "Sign in first; nothing of this was read."
NO_ID = "{name} is not an id that this server gave; reload the page."
NO_OBJECT = "The body is not a JSON object; send one."
NOT_HERE = "There is nothing at this address."


@dataclass(frozen=True)
class Door:
    """A route: its methods, the kinds of body it takes and up to which size, and who may send one. A JSON body of a
    door with `fields` is read here: an object, whose named fields are ids."""

    path: re.Pattern[str]
    methods: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    size: int = 0
    signed_in: bool = False
    fields: tuple[str, ...] | None = None


def _door(path: str, methods: str, *kinds: str, **more: Any) -> Door:
    return Door(re.compile(path), tuple(methods.split()), kinds, **more)


UPLOAD = 51 * MB
DOORS = (
    _door(r"/login", "GET HEAD POST", FORM, PARTS, size=10_000),
    _door(r"/sign-in/link/[^/]+", "GET HEAD POST", FORM, size=20_000),
    _door(r"/sign-in/(?:static/.*|with/[^/]+|back/[^/]+|proxy)|/account", "GET HEAD"),
    _door(
        r"/administration(?:/usage(?:\.csv)?|/review|/announcements|/state|/collections(?:/new|/edit)?)?", "GET HEAD"
    ),
    _door(r"/sign-in|/(?:account|administration)/.+|/shared/revoke", "POST", FORM, size=20_000),
    _door(r"/shared/new", "GET HEAD POST", FORM, size=20_000),
    _door(r"/shared(?:/[^/]+)?", "GET HEAD"),
    _door(r"/logout", "POST", JSON, size=1_000),
    _door(r"/auth/header", "POST", JSON, size=1_000),
    _door(r"/set-session-cookie", "POST", JSON, size=1_000, fields=("session_id!",)),
    _door(r"/user", "GET HEAD"),
    _door(r"/project/file", "POST", PARTS, size=UPLOAD, signed_in=True),
    _door(r"/project/file/[^/]+", "GET HEAD", signed_in=True),
    _door(r"/project/action", "POST", JSON, size=MB, signed_in=True, fields=("sessionId!",)),
    _door(r"/project/threads", "POST", JSON, size=20_000, signed_in=True, fields=("pagination.cursor",)),
    _door(r"/project/thread", "PUT DELETE", JSON, size=20_000, signed_in=True, fields=("threadId!",)),
    _door(r"/project/thread/[^/]+(?:/element/[^/]+)?", "GET HEAD", signed_in=True),
    _door(
        r"/feedback",
        "PUT DELETE",
        JSON,
        size=100_000,
        signed_in=True,
        fields=("feedback.forId", "feedback.id", "sessionId", "feedbackId"),
    ),
    _door(r"/conversations(?:/[^/]+(?:/export/[^/]+)?|/static/[^/]+)?", "GET HEAD"),
    _door(r"/conversations/[^/]+/[^/]+", "POST", FORM, size=20_000, signed_in=True),
    _door(r"/project/(?:settings|translations)", "GET HEAD"),
    _door(r"/v1/.*", "GET HEAD POST PUT PATCH DELETE OPTIONS", "*", size=4 * MB + 1),
    _door(r"/browser(?:/.*)?", "GET HEAD"),
)
# Chainlit's own pages about itself, and ways in that Tandem does not use.
CLOSED = re.compile(
    r"/(?:docs(?:/.*)?|redoc|openapi\.json|mcp|auth/jwt|auth/oauth/.*|project/share/.*|project/thread/share"
    r"|project/element|copilot(?:/.*)?|slack/.*|teams/.*|ws/.*)"
)
_ANYTHING_ELSE = _door(r".*", "GET HEAD")
_PATH_IDS = re.compile(r"/project/(?:thread|file)/(?P<id>[^/]*)(?:/element/(?P<element>[^/]*))?")
_QUERY_IDS = ("session_id", "ask_parent_id")


class Refused(Exception):
    """A request that gets this status and this sentence instead of what it asks for."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class Doors:
    """ASGI middleware in front of every route. Chainlit's are held to its own cookies; Tandem's have their own keys.

    Nothing of a body is read that is too large by its own account, or that somebody must be signed in to send. What
    turns out too large or too slow while it is read is refused then, and the route hears that the client is gone.
    """

    def __init__(self, app: ASGIApp, *, tickets: Tickets, patience: float = PATIENCE_SECONDS) -> None:
        self.app = app
        self.tickets = tickets
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            if scope["type"] == "websocket":
                self._check_socket(scope)
                await self.app(scope, receive, send)
                return
            door = self._checked(scope)
        except Refused as refused:
            await _refuse(refused, scope, receive, send)
            return
        await _Passage(door, scope, receive, send, self._patience).run(self.app)

    def _check_socket(self, scope: Scope) -> None:
        if scope["path"].rstrip("/") != "/ws/socket.io":
            raise Refused(404, NOT_HERE)
        if not self._signed_in(scope):
            raise Refused(401, SIGN_IN)

    def _checked(self, scope: Scope) -> Door:
        """The door that a request goes through. Raises Refused."""
        path, method = scope["path"], scope["method"]
        if len(path) > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in path.split("/")):
            raise Refused(404, NOT_HERE)
        if _CONTROL.search(path) or "\\" in path or ".." in path.split("/"):
            raise Refused(400, NOT_HERE)
        if CLOSED.fullmatch(path):
            raise Refused(404, NOT_HERE)
        door = next((door for door in DOORS if door.path.fullmatch(path)), None)
        if door is None and path.startswith("/project/"):
            raise Refused(404, NOT_HERE)
        door = door or _ANYTHING_ELSE
        if method not in door.methods and method != "OPTIONS":
            allowed = ", ".join(door.methods)
            raise Refused(405, NO_METHOD.format(method=method[:20], allowed=allowed), allow=allowed)
        if door.signed_in and not self._signed_in(scope):
            raise Refused(401, SIGN_IN)
        _check_length(door, scope)
        _check_ids(scope)
        if method not in ("GET", "HEAD", "OPTIONS") and door.fields is not None and not carries_body(scope):
            raise Refused(400, NO_OBJECT)
        return door

    def _signed_in(self, scope: Scope) -> bool:
        try:
            self.tickets.read(ticket_of(cookie_parser(Headers(scope=scope).get("cookie", ""))))
        except TicketError:
            return False
        return True


class _Passage:
    """One request on its way through a door."""

    def __init__(self, door: Door, scope: Scope, receive: Receive, send: Send, patience: float) -> None:
        self._door = door
        self._scope = scope
        self._receive = receive
        self._send = send
        self._patience = patience
        self._begun = time.monotonic()
        self._read = 0
        self._whole = not carries_body(scope)
        self._answered = self._over = False

    async def run(self, app: ASGIApp) -> None:
        receive: Receive = self._receiving
        if self._door.fields is not None and not self._whole:
            held = await self._look_at_the_body()
            if held is None:
                return
            receive = held
        try:
            await app(self._scope, receive, self._sending)
        except Exception:
            # What the route makes of a body that was cut off is of no interest.
            if not self._over:
                raise

    async def _receiving(self) -> Message:
        if self._over:
            return {"type": "http.disconnect"}
        if self._whole:
            return await self._receive()
        left = self._begun + self._patience + self._read / SLOWEST_BYTES_A_SECOND - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left)):
                message = await self._receive()
        except TimeoutError:
            return await self._give_up(Refused(408, TOO_SLOW))
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._read > self._door.size:
                return await self._give_up(Refused(413, TOO_LARGE.format(size=self._door.size)))
        return message

    async def _give_up(self, refused: Refused) -> Message:
        self._over = True
        if not self._answered:
            await _refuse(refused, self._scope, self._receive, self._send)
        return {"type": "http.disconnect"}

    async def _sending(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.start":
            self._answered = True
            if not self._whole:
                # What is left of the body is not read only to be thrown away.
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await self._send(message)

    async def _look_at_the_body(self) -> Receive | None:
        """The whole body, looked at, as a `receive` that hands it on; None where it was refused."""
        body = bytearray()
        while not self._whole:
            message = await self._receiving()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
        try:
            _check_object(bytes(body), self._door.fields or ())
        except Refused as refused:
            await self._give_up(refused)
            return None
        first: Iterator[Message] = iter(({"type": "http.request", "body": bytes(body), "more_body": False},))

        async def receiving() -> Message:
            return next(first, None) or await self._receive()

        return receiving


def carries_body(scope: Scope) -> bool:
    """Whether a request brings a body, by its own account."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "").lstrip("0")
    return bool(length) or "transfer-encoding" in headers


def _check_length(door: Door, scope: Scope) -> None:
    headers = Headers(scope=scope)
    length = headers.get("content-length")
    if length is not None and not (length.isascii() and length.isdigit() and len(length) < 20):
        raise Refused(400, "The length of the body is no number.")
    if length is not None and int(length) > door.size:
        raise Refused(413, TOO_LARGE.format(size=door.size))
    if not carries_body(scope) or "*" in door.kinds:
        return
    if not door.kinds:
        raise Refused(413, TOO_LARGE.format(size=0))
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in door.kinds:
        raise Refused(415, NO_KIND.format(kind=kind[:80] or "A body of no kind", kinds=" or ".join(door.kinds)))


def _check_ids(scope: Scope) -> None:
    if found := _PATH_IDS.fullmatch(scope["path"]):
        if not is_id(found["id"]):
            raise Refused(404, NO_ID.format(name="This"))
        if found["element"] is not None and not is_element_id(found["element"]):
            raise Refused(404, NO_ID.format(name="This"))
    if scope["path"].startswith("/project/"):
        try:
            sent = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=100)
        except ValueError:
            raise Refused(400, NOT_HERE) from None
        for name, value in sent:
            if name in _QUERY_IDS and not is_id(value):
                raise Refused(400, NO_ID.format(name=name))


def _check_object(body: bytes, fields: tuple[str, ...]) -> None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, NO_OBJECT) from None
    if not isinstance(value, dict):
        raise Refused(400, NO_OBJECT)
    for field in fields:
        _check_field(value, field)


def _check_field(value: Any, field: str) -> None:
    """That the field holds an id; one that ends with ! must be there."""
    name = field.rstrip("!")
    *outer, last = name.split(".")
    for key in outer:
        value = value.get(key)
        if not isinstance(value, dict):
            return
    given = value.get(last)
    if given is None and not field.endswith("!"):
        return
    if not is_id(given):
        raise Refused(400, NO_ID.format(name=name))


async def _refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refused.reason})
        return
    # Closed, so that what is left of the body is not read only to be thrown away.
    headers = {"connection": "close", "cache-control": "no-store", **refused.headers}
    content: dict[str, Any] = {"detail": refused.reason}
    if scope["path"].startswith("/v1/"):
        code = "request_too_large" if refused.status == 413 else None
        content = {"error": {"message": refused.reason, "type": "invalid_request_error", "param": None, "code": code}}
    await JSONResponse(content, refused.status, headers)(scope, receive, send)
