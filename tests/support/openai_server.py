"""A real HTTP server that speaks the OpenAI chat protocol from a script, with delays and every fault we know.

    with OpenAIServer() as server:
        server.models["phi-4-mini"] = Reply(["Hello", " there."])
        ... AsyncOpenAI(base_url=server.base_url) ...
        assert server.requests[0]["model"] == "phi-4-mini"

It runs in a thread with an event loop of its own, on a free loopback port. `models` maps a model id to the reply it
gives, or to a list of replies that are given one after the other (the last one again and again).
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


@dataclass
class Reply:
    """What one chat request gets.

    `pieces` become one SSE chunk each. `end` says what follows them: "done" (finish_reason, usage and [DONE], as far as
    they are not None or False), "error" (an error event), "garbage" (a chunk that is no JSON), "shape" (JSON of a wrong
    shape), "reset" (TCP reset), "eof" (orderly close without an end), "hang" (nothing, for ever), "tool" (a tool call);
    "whole" sends `whole` as plain JSON in place of any stream.
    `status` other than 200 answers with `error` as the body instead. `bytes_per_write` cuts the stream at any byte.
    `hold` keeps the headers back until the event is set.
    """

    pieces: Sequence[str] = ()
    end: str = "done"
    reasoning: Sequence[str] = ()
    reasoning_field: str = "reasoning_content"
    finish_reason: str | None = "stop"
    usage: dict[str, Any] | None = field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    )
    done: bool = True
    close: bool = True
    logprob: float | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] | str = field(default_factory=lambda: {"message": "scripted error", "type": "server_error"})
    first_delay_s: float = 0.0
    delay_s: float = 0.0
    bytes_per_write: int | None = None
    hold: threading.Event | None = None
    needs_load: bool = False
    whole: dict[str, Any] = field(default_factory=dict)


class OpenAIServer:
    """The server. `connections` counts open sockets, `requests` holds the bodies of the chat calls, `paths` every path,
    `left` how many clients went before their answer was whole. `deaf` leaves every GET without an answer. `listed` are
    more fields of a model in the list. `drops` cuts a connection when a second request comes on it, as servers do that
    promise to keep it; `waiting` counts the connections that wait for one."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, api_key: str | None = None, lists: bool = True) -> None:
        self.models: dict[str, Reply | list[Reply]] = {}
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections = 0
        self.left = 0
        self.loaded: set[str] = set()
        self.deaf = False
        self.drops = False
        self.waiting = 0
        self.listed: dict[str, dict[str, Any]] = {}
        self.changed = threading.Condition()
        self._tls, self._api_key, self._lists = tls, api_key, lists
        self._thread = threading.Thread(target=self._run, name="openai-server", daemon=True)
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._writers: set[Writer] = set()
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> OpenAIServer:
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        self._started.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(60)

    def wait_for(self, condition: Callable[[OpenAIServer], bool], timeout: float = 60.0) -> bool:
        """Wait until `condition(server)` holds; whether it came to hold in time."""
        with self.changed:
            return self.changed.wait_for(lambda: condition(self), timeout)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Meanwhile nobody listens on its port, and whoever is connected is cut off."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(60)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)

    async def _leave(self) -> None:
        self._server.close()
        for writer in self._writers:
            _reset(writer)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self) -> None:
        await self._listen()
        self._started.set()
        await self._stopping.wait()
        self._server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _count(self, **changes: int) -> None:
        with self.changed:
            for name, step in changes.items():
                setattr(self, name, getattr(self, name) + step)
            self.changed.notify_all()

    async def _connection(self, reader: Reader, writer: Writer) -> None:
        self._count(connections=1)
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                if self.drops:
                    self._count(waiting=1)
                    await reader.read(1)
                    self._count(waiting=-1)
                    _reset(writer)
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._count(connections=-1)
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: Reader, writer: Writer) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.paths.append(path)
        if self._api_key is not None and headers.get("authorization") != f"Bearer {self._api_key}":
            return await _json(writer, 401, {"error": {"message": "Incorrect API key provided."}})
        if method == "GET" and self.deaf:
            await reader.read(1)
            return False
        if method == "GET" and path == "/v1/models" and self._lists:
            base = {"object": "model", "created": 0, "owned_by": "test"}
            data = [{"id": name, **base, **self.listed.get(name, {})} for name in self.models]
            return await _json(writer, 200, {"object": "list", "data": data})
        if method == "GET" and path.startswith("/models/load/") and path.rpartition("/")[2] in self.models:
            self.loaded.add(path.rpartition("/")[2])
            return await _json(writer, 200, {})
        if method != "POST" or path != "/v1/chat/completions":
            return await _json(writer, 404, {"error": {"message": "Not Found"}})
        asked = json.loads(body)
        with self.changed:
            self.requests.append(asked)
            self.headers.append(headers)
            self.changed.notify_all()
        reply = self._reply(asked["model"])
        if reply is None:
            message = f"The model `{asked['model']}` does not exist"
            return await _json(writer, 404, {"error": {"message": message, "code": "model_not_found"}})
        return await self._answer(asked, reply, reader, writer)

    def _reply(self, model: str) -> Reply | None:
        found = self.models.get(model)
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    async def _answer(self, asked: dict[str, Any], reply: Reply, reader: Reader, writer: Writer) -> bool:
        if reply.needs_load and asked["model"] not in self.loaded:
            return _reset(writer)
        gone = asyncio.ensure_future(reader.read(1))
        work = asyncio.ensure_future(self._stream(asked, reply, writer))
        try:
            await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() or isinstance(work.exception(), ConnectionError):
                self._count(left=1)
                return False
            return work.result() and not gone.done()
        finally:
            work.cancel()
            if not gone.done():
                gone.cancel()
                try:
                    await gone
                except asyncio.CancelledError:
                    pass

    async def _stream(self, asked: dict[str, Any], reply: Reply, writer: Writer) -> bool:
        if reply.hold is not None:
            await asyncio.to_thread(reply.hold.wait, 60)
        await asyncio.sleep(reply.first_delay_s)
        if reply.status != 200:
            body = {"error": reply.error} if isinstance(reply.error, dict) else reply.error
            return await _json(writer, reply.status, body, reply.headers)
        if reply.end == "whole":
            return await _json(writer, 200, reply.whole)
        send = _Sender(writer, reply.bytes_per_write)
        await send.headers(reply.headers)
        for name, pieces in ((reply.reasoning_field, reply.reasoning), ("content", reply.pieces)):
            for piece in pieces:
                await send.event(_chunk(asked["model"], {name: piece}, logprob=reply.logprob))
                if reply.delay_s:
                    await asyncio.sleep(reply.delay_s)
        return await _ENDS[reply.end](asked["model"], reply, send)


class _Sender:
    def __init__(self, writer: Writer, bytes_per_write: int | None) -> None:
        self.writer, self.bytes_per_write = writer, bytes_per_write

    async def headers(self, extra: dict[str, str]) -> None:
        lines = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked", **extra}
        head = "HTTP/1.1 200 OK\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
        self.writer.write(head.encode())
        await self.writer.drain()

    async def event(self, data: dict[str, Any] | str) -> None:
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        await self.raw(f"data: {text}\n\n".encode())

    async def raw(self, data: bytes) -> None:
        size = self.bytes_per_write or len(data)
        for at in range(0, len(data), size):
            piece = data[at : at + size]
            self.writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await self.writer.drain()
            if self.bytes_per_write:
                await asyncio.sleep(0)

    async def close(self) -> None:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()


def _chunk(
    model: str, delta: dict[str, Any], *, finish: str | None = None, logprob: float | None = None
) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
    if logprob is not None and "content" in delta:
        choice["logprobs"] = {"content": [{"token": delta["content"], "logprob": logprob, "top_logprobs": []}]}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": [choice]}


async def _done(model: str, reply: Reply, send: _Sender) -> bool:
    if reply.finish_reason is not None:
        await send.event(_chunk(model, {}, finish=reply.finish_reason))
    if reply.usage is not None:
        await send.event({**_chunk(model, {}), "choices": [], "usage": reply.usage})
    if reply.done:
        await send.event("[DONE]")
    if not reply.close:
        await asyncio.Event().wait()
    await send.close()
    return True


async def _error(model: str, reply: Reply, send: _Sender) -> bool:
    await send.event({"error": reply.error})
    await send.close()
    return True


async def _garbage(model: str, reply: Reply, send: _Sender) -> bool:
    await send.event('{"id": "c", "choices": [{"delta": {"cont')
    await send.close()
    return True


async def _shape(model: str, reply: Reply, send: _Sender) -> bool:
    await send.event({"choices": [{"delta": "a string", "finish_reason": 5}]})
    await send.close()
    return True


async def _tool(model: str, reply: Reply, send: _Sender) -> bool:
    call = {"index": 0, "id": "t", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    await send.event(_chunk(model, {"tool_calls": [call]}))
    await send.event(_chunk(model, {}, finish="tool_calls"))
    await send.event("[DONE]")
    await send.close()
    return True


async def _reset_now(model: str, reply: Reply, send: _Sender) -> bool:
    return _reset(send.writer)


async def _eof(model: str, reply: Reply, send: _Sender) -> bool:
    await send.close()
    return False


async def _hang(model: str, reply: Reply, send: _Sender) -> bool:
    await asyncio.Event().wait()
    return False


_ENDS: dict[str, Callable[[str, Reply, _Sender], Awaitable[bool]]] = {
    "done": _done,
    "error": _error,
    "garbage": _garbage,
    "shape": _shape,
    "tool": _tool,
    "reset": _reset_now,
    "eof": _eof,
    "hang": _hang,
}


def _reset(writer: Writer) -> bool:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    return False


async def _json(writer: Writer, status: int, body: Any, headers: dict[str, str] | None = None) -> bool:
    data = json.dumps(body).encode()
    lines = {"content-type": "application/json", "content-length": str(len(data)), **(headers or {})}
    head = f"HTTP/1.1 {status} Scripted\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    writer.write(head.encode() + data)
    await writer.drain()
    return True
