"""The client's end of a web socket that costs next to nothing: frames are noted as they come, and looked at later.

Knows the frames of RFC 6455 as far as a chat's server sends them, and engine.io's pings, which are answered at once:
who does not is taken for gone. Does not know what is said. The people of a benchmark share the machine with the server
that is measured, so that what they spend is taken from it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from typing import cast
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_WHOLE = 0x80
_MASKED = 0x80
_ENGINE_PING, _ENGINE_PONG = b"2", b"3"

Frame = tuple[float, bytes]
"""When it came, in seconds since 1970, and what it says."""


class WebSocket(asyncio.Protocol):
    """One open socket; `connect` makes it, `close` it."""

    def __init__(self) -> None:
        self._rest = b""
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._entered = False
        self._frames: list[Frame] = []
        self._openings: tuple[bytes, ...] = ()
        self._awaited: asyncio.Future[None] | None = None
        self._ended = ""

    def send(self, said: str) -> None:
        """Say something. Raises ConnectionError where the socket is closed."""
        if self._ended:
            raise ConnectionError(self._ended)
        self._write(_TEXT, said.encode())

    async def until(self, *openings: bytes) -> list[Frame]:
        """What has come since this was last asked, up to a frame that begins with one of these, which is the last.
        Raises ConnectionError where the socket closes before."""
        taken = 0
        while True:
            for number, (_, said) in enumerate(self._frames[taken:], taken + 1):
                if said.startswith(openings):
                    found, self._frames = self._frames[:number], self._frames[number:]
                    return found
            if self._ended:
                raise ConnectionError(self._ended)
            taken = len(self._frames)
            self._openings, self._awaited = openings, asyncio.get_running_loop().create_future()
            await self._awaited

    def close(self) -> None:
        """Say goodbye."""
        if not self._ended:
            self._write(_CLOSE, struct.pack("!H", 1000))
        self._transport.close()

    # Below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("The server closed a client's socket.")

    def data_received(self, data: bytes) -> None:
        at = time.time()
        data = self._rest + data if self._rest else data
        if not self._entered:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._enter(head)
        start, size = 0, len(data)
        while size - start >= 2:
            head_size, length = 2, data[start + 1] & 0x7F
            if length > 125:
                width = 2 if length == 126 else 8
                head_size += width
                length = int.from_bytes(data[start + 2 : start + head_size], "big")
            end = start + head_size + length
            if size < end or size < start + head_size:
                break
            self._take(data[start], data[start + head_size : end], at)
            start = end
        self._rest = data[start:]

    def _enter(self, head: bytes) -> None:
        self._entered = True
        if head.startswith(b"HTTP/1.1 101"):
            self._open.set_result(None)
        else:
            self._end(f"The server refused a client's socket: {head.splitlines()[0].decode('latin-1')}")

    def _take(self, kind: int, said: bytes, at: float) -> None:
        match kind:
            case 0x81:  # a whole text
                if said == _ENGINE_PING:
                    self._write(_TEXT, _ENGINE_PONG)
                    return
                self._frames.append((at, said))
                if self._awaited is not None and said.startswith(self._openings):
                    self._wake()
            case 0x89:
                self._write(_PONG, said)
            case 0x88:
                self._end("The server closed a client's socket.")
            case _:
                self._end("The server sent a client a frame that is not a whole text.")

    def _write(self, kind: int, said: bytes) -> None:
        """A frame in one piece. The mask that clients must use may be any; zeros leave the text as it is."""
        size = len(said)
        if size < 126:
            head = struct.pack("!BB", _WHOLE | kind, _MASKED | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", _WHOLE | kind, _MASKED | 126, size)
        else:
            head = struct.pack("!BBQ", _WHOLE | kind, _MASKED | 127, size)
        self._transport.write(head + bytes(4) + said)

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        if not self._open.done():
            self._open.set_exception(ConnectionError(self._ended))
        self._wake()

    def _wake(self) -> None:
        if self._awaited is not None and not self._awaited.done():
            self._awaited.set_result(None)
        self._awaited = None

    async def opened(self) -> None:
        """Once frames may come. Raises ConnectionError where the server wants none."""
        await self._open


async def connect(address: str, path: str, cookies: str) -> WebSocket:
    """A socket at a server's http address. Raises OSError."""
    host = urlsplit(address)
    _, socket = await asyncio.get_running_loop().create_connection(WebSocket, host.hostname or "", host.port or 80)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host.netloc}",
        f"Cookie: {cookies}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    )
    socket._transport.write("\r\n".join((*lines, "", "")).encode("latin-1"))
    await socket.opened()
    return socket
