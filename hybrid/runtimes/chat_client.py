"""One POST at a time to a server of chat completions, and the bytes that come back, at little cost a token.

Knows connections: kept alive and dead between two requests, slow to be made because the server does not answer or
because this machine is busy, closed by whoever has enough. Does not know what the bytes mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hybrid.runtimes.chat_events import ServerSaid, said_in

if TYPE_CHECKING:
    import aiohttp

_LONGEST_ERROR = 65_536
_ERROR_S = 5.0
_DRAIN_S = 0.02
_BUSY_S = 30.0


class TooBusy(Exception):
    """The server takes connections, but this process did not get to making one in time."""


class ChatClient:
    """The connections to one server. Belongs to one event loop; `close` it there. `trust_env`: by way of a proxy, where
    the machine is set up for one."""

    def __init__(self, url: str, api_key: str, connect_s: float, *, trust_env: bool) -> None:
        self.url = url
        self._connect_s = connect_s
        self._trust_env = trust_env
        self._headers = {
            "authorization": f"Bearer {api_key or 'none'}",
            "content-type": "application/json",
            "accept": "text/event-stream, application/json",
            "accept-encoding": "identity",
        }
        self._session: aiohttp.ClientSession | None = None

    def post(self, body: dict[str, Any]) -> Exchange:
        """Send a request. The exchange must be closed."""
        return Exchange(self, json.dumps(body).encode())

    async def get(self, url: str) -> int:
        """The status with which another address of the server answers."""
        async with self.session().get(url, timeout=self.patience()) as response:
            return response.status

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def session(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            tracing = aiohttp.TraceConfig()
            tracing.on_connection_reuseconn.append(_reused)
            tracing.on_request_chunk_sent.append(_sent)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                headers=self._headers,
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[tracing],
                trust_env=self._trust_env,
            )
        return self._session

    def patience(self, connect_s: float | None = None) -> aiohttp.ClientTimeout:
        """A limit on connecting, and on nothing else: how long an answer may take is not decided here."""
        import aiohttp

        return aiohttp.ClientTimeout(total=None, sock_connect=connect_s or self._connect_s)

    def reachable(self) -> bool:
        """Whether the server takes a connection. Blocks: in a thread, the time is not that of a busy event loop."""
        parts = urlsplit(self.url)
        tls = parts.scheme == "https"
        address = (parts.hostname or "", parts.port or (443 if tls else 80))
        try:
            with contextlib.ExitStack() as stack:
                made = stack.enter_context(socket.create_connection(address, self._connect_s))
                if tls:
                    stack.enter_context(ssl.create_default_context().wrap_socket(made, server_hostname=parts.hostname))
        except ssl.SSLError:
            return True
        except OSError:
            return False
        return True


@dataclass(slots=True)
class Body:
    """A response that was taken on: whether it is a stream of events, and its bytes as they come."""

    streamed: bool
    _response: aiohttp.ClientResponse

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """All that has come, each time; nothing is kept waiting for more. Raises aiohttp's errors."""
        import aiohttp

        content = self._response.content
        try:
            async for piece in content.iter_any():
                yield piece
        except (aiohttp.ClientError, OSError):
            # The library forgets what came before the connection broke, and has no public way to it.
            if left := content._read_nowait(-1):
                yield left
            raise

    async def whole(self) -> bytes:
        return await self._response.read()

    async def drain(self) -> None:
        """Take the end that follows the last event, so that the connection serves again. Not worth waiting for."""
        import aiohttp

        with contextlib.suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(_DRAIN_S):
                await self._response.read()


class Exchange:
    """One request under way. `sent` returns once the server has it, `body` once it is answered; `close` ends it, with
    its connection unless the response was read to its end."""

    def __init__(self, client: ChatClient, body: bytes) -> None:
        self._client = client
        self._body = body
        self._sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._response: aiohttp.ClientResponse | None = None
        self._task = asyncio.create_task(self._post(), name="send a chat request")

    async def sent(self) -> None:
        """Wait until the request is written, or failed (`body` then says how)."""
        either: set[asyncio.Future[Any]] = {self._task, self._sent}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    async def body(self) -> Body:
        """Raises ServerSaid for any status but 200, TooBusy, and aiohttp's errors."""
        response = self._response = await asyncio.shield(self._task)
        if response.status != 200:
            raise ServerSaid(await _said(response), response.status, _retry_after(response))
        return Body("json" not in response.content_type, response)

    async def close(self) -> None:
        """Ends the request wherever it is; returns at once."""
        self._sent.cancel()
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._response is None and not self._task.cancelled() and self._task.exception() is None:
            self._response = self._task.result()
        if self._response is not None:
            self._response.close()

    async def _post(self) -> aiohttp.ClientResponse:
        """Ask; again where a connection kept alive turns out to be dead before a byte was read from it, and where this
        process was too busy to notice that the server had taken the connection."""
        import aiohttp

        patience = self._client.patience()
        busy = False
        while True:
            way = SimpleNamespace(reused=False, sent=self._sent)
            try:
                return await self._client.session().post(
                    self._client.url, data=self._body, trace_request_ctx=way, timeout=patience
                )
            except aiohttp.ConnectionTimeoutError:
                if busy:
                    raise TooBusy from None
                if not await asyncio.to_thread(self._client.reachable):
                    raise
                busy, patience = True, self._client.patience(_BUSY_S)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if not way.reused or isinstance(error, aiohttp.ClientConnectorError):
                    raise


async def _reused(session: Any, way: Any, params: Any) -> None:
    if (context := way.trace_request_ctx) is not None:
        context.reused = True


async def _sent(session: Any, way: Any, params: Any) -> None:
    context = way.trace_request_ctx
    if context is not None and not context.sent.done():
        context.sent.set_result(None)


async def _said(response: aiohttp.ClientResponse) -> str:
    """The words of an error's body, as far as it has some."""
    raw = b""
    with contextlib.suppress(TimeoutError, OSError, ValueError):
        async with asyncio.timeout(_ERROR_S):
            async for piece in response.content.iter_any():
                raw += piece
                if len(raw) > _LONGEST_ERROR:
                    break
    try:
        return said_in(json.loads(raw)) or raw.decode("utf-8", "replace")
    except ValueError:
        return raw.decode("utf-8", "replace")


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    try:
        return float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
