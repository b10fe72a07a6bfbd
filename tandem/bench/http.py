"""HTTP/1.1 POST for measuring: every piece of a response carries the moment its bytes were read from the socket.

Knows connections, kept alive and used again, and when data came; llhttp (through httptools) reads the protocol. Goes
straight to the server, since a proxy's time would count as the server's. Does not know what the bodies mean.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator
from typing import cast
from urllib.parse import urlsplit

import httptools

_MOST_BODY = 2**26


class Cut(ConnectionError):
    """The connection ended before the response did."""


class Response:
    """Status and body of one response, as far as it has come."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.status = 0

    async def body(self) -> AsyncGenerator[tuple[float, bytes], None]:
        """(moment, bytes) as they came, on the clock of time.perf_counter. Raises Cut."""
        connection = self._connection
        while True:
            while connection.pieces:
                yield connection.pieces.popleft()
            if connection.complete:
                return
            await connection.more()

    async def read(self, most: int = _MOST_BODY) -> bytes:
        """The whole body, or its first `most` bytes. Raises Cut."""
        whole = b""
        async for _, piece in self.body():
            whole += piece
            if len(whole) >= most:
                break
        return whole[:most]


class Client:
    """All connections to one address. Raises OSError (Cut among them) and httptools.HttpParserError."""

    def __init__(self, url: str, headers: dict[str, str], connect_s: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl else 80)
        self._connect_s = connect_s
        netloc = parts.netloc.rpartition("@")[2]
        lines = {"host": netloc, "accept": "*/*", "content-type": "application/json", **headers}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._idle: list[_Connection] = []

    async def open(self, count: int) -> None:
        """Have `count` connections ready; opening many at once would count as the first answers' time."""
        made = await asyncio.gather(*(self._made() for _ in range(count - len(self._idle))), return_exceptions=True)
        self._idle += [connection for connection in made if isinstance(connection, _Connection)]

    async def post(self, body: bytes) -> AsyncGenerator[Response, None]:
        """Yields the one response once its head is there; close the generator when done with it.

        A connection that the server closed since its last answer, before a byte of this one came, was none: llama.cpp's
        does so after every stream. The request then goes over a new one, as any pool of connections has it.
        """
        request = f"{self._head}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
        connection = await self._connection()
        try:
            try:
                await connection.send(request)
            except Cut:
                if not connection.used or connection.heard:
                    raise
                connection.abort()
                connection = await self._made()
                await connection.send(request)
            response = Response(connection)
            response.status = connection.status
            yield response
        finally:
            if connection.reusable:
                self._idle.append(connection)
            else:
                connection.abort()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().abort()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
            connection.abort()
        return await self._made()

    async def _made(self) -> _Connection:
        async with asyncio.timeout(self._connect_s):
            loop = asyncio.get_running_loop()
            _, made = await loop.create_connection(_Connection, self._host, self._port, ssl=self._ssl)
        return made


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.pieces: deque[tuple[float, bytes]] = deque()
        self.complete = True
        self.used = self.heard = False
        self.status = 0
        self._now = 0.0
        self._size = 0
        self._lost = False
        self._keep_alive = True
        self._problem: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def reusable(self) -> bool:
        return self.complete and self._keep_alive and not self._lost and self._problem is None

    async def send(self, data: bytes) -> None:
        """Send a request and wait for the head of its response."""
        self.pieces.clear()
        self.used, self.heard = self.heard, False
        self.complete, self.status, self._size = False, 0, 0
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(data)
        while not self.status:
            await self.more()

    async def more(self) -> None:
        """Wait until something has come. Raises what went wrong."""
        if self._problem is not None:
            raise self._problem
        if self._lost:
            raise Cut("the connection was cut")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._now = time.perf_counter()
        self.heard = True
        if self.complete:
            self._keep_alive = False
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._problem = error
        self._wake()

    def eof_received(self) -> None:
        """A response without a length ends with the connection."""
        if self.status and not self.complete and not self._framed:
            self.complete, self._keep_alive = True, False
        self._wake()

    def on_message_begin(self) -> None:
        self._framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._keep_alive = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > _MOST_BODY:
            self._problem = Cut("the answer was far too long")
            self._transport.abort()
        else:
            self.pieces.append((self._now, data))

    def on_message_complete(self) -> None:
        self.complete = True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
