"""Connections handed from the process that listens to one of those that answer, and why a browser stays with one.

Knows the channel between the two, the cookie that names who answered before, and what is read of a request before it is
handed on: nothing is taken from it. Does not know processes, nor what a request asks for.
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "tandem_at"
LARGEST_HEAD = 64 * 1024
_NAMED = re.compile(rb"\r\ncookie:[^\r\n]*?\b" + COOKIE.encode() + rb"=([0-9a-f]{1,32})", re.I)
READY, TAKEN = b"r", b"t"
"""What an answering process says: connections may come; one was taken."""
_CONNECTION = b"c"


def can_hand_over() -> bool:
    """Whether this system hands connections from one process to another."""
    return hasattr(socket, "send_fds")


def channel() -> tuple[socket.socket, socket.socket]:
    """Both ends of a channel: the listening process's and the answering one's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def ready(end: socket.socket) -> None:
    """Say that connections may come."""
    end.send(READY)


def taken(end: socket.socket, count: int) -> int:
    """Say that so many connections were taken, so that the listening process may let go of them; of how many it could
    be said."""
    try:
        return end.send(TAKEN * count)
    except OSError:
        return 0


def hand_over(end: socket.socket, connection: socket.socket) -> bool:
    """Give a connection away; whether that succeeded. It stays open here too, until the other process says that it was
    taken: what was not is another's to answer."""
    try:
        socket.send_fds(end, [_CONNECTION], [connection.fileno()])
    except OSError:
        return False
    return True


def take(end: socket.socket) -> socket.socket | None:
    """The next connection. Raises BlockingIOError where there is none now, EOFError where the other process is gone."""
    said, descriptors, _, _ = socket.recv_fds(end, 1, 1)
    if not said:
        raise EOFError
    if not descriptors:
        return None
    connection = socket.socket(fileno=descriptors[0])
    connection.setblocking(False)
    return connection


def head_of(connection: socket.socket) -> bytes | None:
    """The head of the request that came, which stays where it is; None as long as it is not whole, b"" where nothing
    comes any more."""
    try:
        came = connection.recv(LARGEST_HEAD, socket.MSG_PEEK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    whole = not came or b"\r\n\r\n" in came or len(came) >= LARGEST_HEAD
    return came if whole else None


def is_silent(connection: socket.socket) -> bool:
    """Whether nothing has come yet."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def named_in(head: bytes) -> str:
    """Who answered this browser before, as it says; "" where it does not."""
    found = _NAMED.search(head.partition(b"\r\n\r\n")[0])
    return found[1].decode() if found else ""


def instead_of(name: str, others: Collection[str]) -> str:
    """Which of the others answers who was answered by one that is gone: the same for every request of theirs."""
    return max(others, key=lambda other: hashlib.blake2b(f"{name} {other}".encode(), digest_size=8).digest())


class Stays:
    """An application that has each browser come back to this process, as long as it lives: every answer names it, and
    every request is a connection of its own, for a proxy in front sends many people's over one."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self._app = app
        self._cookie = f"{COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax"
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        known = cookie_parser(Headers(scope=scope).get("cookie", "")).get(COOKIE) == self._name

        async def named(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                if not known:
                    headers.append("set-cookie", self._cookie)
                if message["type"] == "http.response.start":
                    headers["connection"] = "close"
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, named)
