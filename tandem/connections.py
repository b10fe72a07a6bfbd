"""Connections before there is a request: how many there may be from one address, how long a head may be and may take.

Knows uvicorn's HTTP protocol on httptools, which has no bounds of its own here. Does not know requests.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

LARGEST_HEAD = 64 * 1024
HEAD_SECONDS = 10.0
# Of all that is open, sockets of the chat included. A proxy in front makes one address of everybody.
MOST_OPEN = 2_000
# Of those whose request has not begun or whose head is not whole: more close the oldest.
MOST_WAITING = 100
# Of what frames a body (the sizes of chunks, trailers), for every byte of it and beyond.
MOST_FRAMING = 8
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_waiting: dict[str, dict[GuardedConnection, None]] = {}


class GuardedConnection(HttpToolsProtocol):
    """A connection that is closed where it says too much before it asks, or too little.

    The time runs from the connection's beginning, and for each further request from its first byte; while none has
    begun, uvicorn's own keep-alive counts. For one event loop.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_head = True
    _framing = 0
    _address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        if self._open_from_here() > MOST_OPEN:
            log.warning("%s has more than %d connections open; one more was refused.", self._address, MOST_OPEN)
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            if self._head_timer is None:
                self._await_head()
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD and b"\r\n\r\n" not in data[:LARGEST_HEAD]:
                self._refuse(_TOO_LARGE)
                return
        else:
            self._framing += len(data)
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self._in_head and self._framing > 4 * LARGEST_HEAD:
            self._too_slow()
        if self.transport.get_protocol() is not self:
            self._head_is_whole()

    def on_headers_complete(self) -> None:
        self._head_is_whole()
        self._in_head = False
        self._framing = 0
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after a body that is sent in chunks is of no use to anybody here.
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._framing = max(0, self._framing - MOST_FRAMING * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)
        waiting = _waiting.setdefault(self._address, {})
        waiting[self] = None
        if len(waiting) > MOST_WAITING:
            next(iter(waiting))._too_slow()

    def _head_is_whole(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        waiting = _waiting.get(self._address)
        if waiting is not None:
            waiting.pop(self, None)
            if not waiting:
                del _waiting[self._address]

    def _too_slow(self) -> None:
        self._head_is_whole()
        self.transport.abort()

    def _refuse(self, reply: bytes) -> None:
        self._head_is_whole()
        self.transport.write(reply)
        self.transport.close()

    def _open_from_here(self) -> int:
        return sum(1 for other in self.connections if _address_of(other) == self._address)


def _address_of(connection: Any) -> str:
    client = getattr(connection, "client", None)
    return client[0] if client else ""
