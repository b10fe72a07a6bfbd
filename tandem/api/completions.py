"""One chat completion over HTTP: a stream of events or one object, ended when the client leaves.

Knows the protocol's objects and the connection. Does not know where the text comes from.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from hybrid.runtimes.base import Usage
from rag.errors import UserFacingError
from tandem.api.asked import Asked
from tandem.api.errors import SERVER, ApiError
from tandem.api.sources import End, Part, Piece, Revised

log = logging.getLogger(__name__)

HEADERS_AFTER_S = 1.0
BREATH_S = 10.0
GATHER_S = 0.025
WAITING = 256
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}


@dataclass
class Calls:
    """How many completions are under way, and how those ended that are not."""

    most: int = 500
    active: int = 0
    finished: int = 0
    failed: int = 0
    cancelled: int = 0


class Completion(Response):
    """An ASGI response that answers `asked` from `parts`; the generation ends with the connection."""

    def __init__(self, asked: Asked, parts: AsyncGenerator[Part, None], calls: Calls) -> None:
        super().__init__()
        self._asked = asked
        self._parts = parts
        self._calls = calls
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answering = self._stream(scope, receive, send) if self._asked.stream else self._whole(scope, receive, send)
        work = asyncio.create_task(answering, name="answer a completion")
        gone = asyncio.create_task(_disconnected(receive), name="watch a client")
        self._calls.active += 1
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._calls.active -= 1
            unfinished = not work.done()
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
            await self._parts.aclose()
            if unfinished or work.cancelled():
                self._calls.cancelled += 1
            elif work.exception() is not None or not work.result():
                self._calls.failed += 1
            else:
                self._calls.finished += 1
        if not unfinished and (error := work.exception()) is not None and not isinstance(error, OSError):
            raise error

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> bool:
        text: list[str] = []
        thoughts: list[str] = []
        end: End | None = None
        try:
            async with aclosing(_safe(self._parts)) as parts:
                async for part in parts:
                    if isinstance(part, Piece):
                        text.append(part.text)
                        thoughts.append(part.reasoning)
                    elif isinstance(part, End):
                        end = part
        except ApiError as error:
            await error.response()(scope, receive, send)
            return False
        assert end is not None  # _safe sees to it
        message: dict[str, Any] = {"role": "assistant", "content": "".join(text), "refusal": None}
        if any(thoughts):
            message["reasoning_content"] = "".join(thoughts)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": end.finish_reason}
        body = self._object("chat.completion", [choice], usage=_usage(end.usage), tandem=_extension(end))
        await JSONResponse(body, headers={"cache-control": "no-store"})(scope, receive, send)
        return True

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Events as they come: what has piled up while the network was busy goes out in one write."""
        queue: asyncio.Queue[Part | ApiError | None] = asyncio.Queue(WAITING)
        pump = asyncio.create_task(_pump(self._parts, queue), name="pump a completion")
        events = _Events(send)
        try:
            while True:
                part = await _next(queue, BREATH_S if events.begun else HEADERS_AFTER_S)
                if isinstance(part, ApiError) and not events.begun:
                    await part.response()(scope, receive, send)
                    return False
                if not events.begun:
                    await events.begin(self._chunk({"role": "assistant", "content": ""}))
                parts = [part]
                while not queue.empty() and part is not None and not isinstance(part, ApiError | End):
                    part = queue.get_nowait()
                    parts.append(part)
                await events.send("".join(self._lines(one) for one in _joined(parts)))
                if isinstance(part, ApiError | End):
                    await events.end()
                    return isinstance(part, End)
                if part is not None:
                    # What is written meanwhile goes out together: a reader notices nothing, a hundred cost a third.
                    await asyncio.sleep(GATHER_S)
        finally:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump

    def _lines(self, part: Part | ApiError | None) -> str:
        match part:
            case None:
                return ": still at work\n\n"
            case ApiError():
                return _event(part.body())
            case Piece():
                delta: dict[str, Any] = {"reasoning_content": part.reasoning} if part.reasoning else {}
                if part.text:
                    delta["content"] = part.text
                return _event(self._chunk(delta))
            case Revised():
                return _event({**self._chunk({}), "tandem": {"revised": {"text": part.text}}})
            case End():
                last = _event({**self._chunk({}, part.finish_reason), "tandem": _extension(part)})
                if self._asked.include_usage:
                    last += _event(self._object("chat.completion.chunk", [], usage=_usage(part.usage)))
                return last + "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._object("chat.completion.chunk", [choice], **({"usage": None} if self._asked.include_usage else {}))

    def _object(self, kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        head = {"id": self._id, "object": kind, "created": self._created, "model": self._asked.model}
        return {**head, "choices": choices, **more}


class _Events:
    """The body of an event stream."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def begin(self, first: dict[str, Any]) -> None:
        self.begun = True
        headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send(_event(first))

    async def send(self, text: str) -> None:
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _safe(parts: AsyncGenerator[Part, None]) -> AsyncGenerator[Part, None]:
    """The parts, with every failure an ApiError; one of them is that the parts are over and there was no end."""
    ended = False
    try:
        async with aclosing(parts):
            async for part in parts:
                ended = isinstance(part, End)
                yield part
        if not ended:
            raise ApiError(502, "The answer broke off; ask again.", type=SERVER, code="answer_failed")
    except ApiError:
        raise
    except UserFacingError as error:
        raise ApiError(503, str(error), type=SERVER, code="answer_failed") from None
    except Exception as error:
        log.exception("A completion failed in a way it should not")
        message = f"Something unforeseen went wrong ({type(error).__name__}); the server's log has it."
        raise ApiError(500, message, type=SERVER) from error


async def _pump(parts: AsyncGenerator[Part, None], queue: asyncio.Queue[Part | ApiError | None]) -> None:
    try:
        async with aclosing(_safe(parts)) as safe:
            async for part in safe:
                await queue.put(part)
    except ApiError as error:
        await queue.put(error)


async def _next(queue: asyncio.Queue[Part | ApiError | None], patience: float) -> Part | ApiError | None:
    """The next part, or None when nothing came for `patience` seconds."""
    if not queue.empty():
        return queue.get_nowait()
    try:
        async with asyncio.timeout(patience):
            return await queue.get()
    except TimeoutError:
        return None


def _joined(parts: list[Part | ApiError | None]) -> list[Part | ApiError | None]:
    """The parts, with text that follows text, and thinking that follows thinking, in one."""
    found: list[Part | ApiError | None] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, Piece) and isinstance(last, Piece) and _kind(part) == _kind(last):
            found[-1] = Piece(last.text + part.text, last.reasoning + part.reasoning)
        else:
            found.append(part)
    return found


def _kind(piece: Piece) -> tuple[bool, bool]:
    return bool(piece.text), bool(piece.reasoning)


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


def _extension(end: End) -> dict[str, Any]:
    return {**end.extension, "usage_estimated": end.usage.estimated}
