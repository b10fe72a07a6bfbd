"""What Tandem's runtime adapters cost: against the bare Foundry Local SDK, and against the bare OpenAI client.

Knows how to time both sides on the same work, in turn. Does not know any front door. The model is a few KB that ships
with this module and recites numbers, so that nothing but the way to it is measured; the server sends as fast as it can.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.foundry import Foundry
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.settings import EndpointSettings
from rag.types import Message

MODEL_DIRECTORY = Path(__file__).with_name("tiny_model")
TOKENS = 400
_ALIAS = "tandem-bench"
_MESSAGES = (Message("system", "Be brief."), Message("user", "Count."))
_START_S = 30.0
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

Call = Callable[[], Awaitable["_Timing"]]


@dataclass(frozen=True, slots=True)
class _Timing:
    """One call: seconds to the first token, and from there to the last."""

    first: float
    rest: float


async def measure(rounds: int = 30, progress: Callable[[int, int], None] = lambda done, of: None) -> dict[str, Any]:
    """Time both adapters and what they stand on, in turn. `progress` hears calls done, of how many.

    For each: `bare_first_ms` and `first_ms` (medians to the first token), `first_token_overhead_ms` (their difference),
    `bare_tokens_per_s` and `tokens_per_s` (medians, after the first token), and `throughput_ratio` (median over the
    rounds of adapter to bare, so that what else the machine does weighs on both sides alike).
    """
    foundry = await _foundry(rounds, lambda done: progress(done, 2 * rounds))
    openai = await _openai(rounds, lambda done: progress(rounds + done, 2 * rounds))
    return {"tokens": TOKENS, "rounds": rounds, "foundry": foundry, "openai_compatible": openai}


async def _foundry(rounds: int, progress: Callable[[int], None]) -> dict[str, float]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        runtime = Foundry(Path(directory))
        try:
            model = (await runtime.register(MODEL_DIRECTORY, _ALIAS)).id
            native = await runtime.native(model)
            request = ChatRequest(model, _MESSAGES, max_tokens=TOKENS, temperature=0.0)
            return await _compare(
                lambda: asyncio.to_thread(_bare_sdk, native), _through(runtime, request), rounds, progress
            )
        finally:
            await runtime.close()


def _bare_sdk(model: Any) -> _Timing:
    from foundry_local_sdk import ChatSession, MessageItem, Request, RequestOptions, SearchOptions

    began = time.perf_counter()
    first = None
    with ChatSession(model) as session, Request() as request:
        session.set_streaming(True)
        request.set_options(RequestOptions(search=SearchOptions(max_output_tokens=TOKENS, temperature=0.0)))
        request.add_item(MessageItem.system(_MESSAGES[0].content))
        request.add_item(MessageItem.user(_MESSAGES[1].content))
        with session.process_streaming_request(request) as stream:
            for _ in stream:
                first = first or time.perf_counter()
            with stream.final_response as final:
                final.get_usage()
    return _timing(began, first)


async def _openai(rounds: int, progress: Callable[[int], None]) -> dict[str, float]:
    from openai import AsyncOpenAI

    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        if not await asyncio.to_thread(here.poll, _START_S):
            raise RuntimeError("The benchmark's server did not start.")
        address = f"http://127.0.0.1:{here.recv()}/v1"
        runtime = OpenAICompatible(EndpointSettings(name="bench", base_url=address))
        async with AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
            request = ChatRequest("bench", _MESSAGES, max_tokens=TOKENS)
            try:
                return await _compare(lambda: _bare_client(client), _through(runtime, request), rounds, progress)
            finally:
                await runtime.close()
    finally:
        process.terminate()
        process.join()


async def _bare_client(client: Any) -> _Timing:
    began = time.perf_counter()
    first = None
    messages = [{"role": message.role, "content": message.content} for message in _MESSAGES]
    stream = await client.chat.completions.create(
        model="bench",
        messages=messages,
        max_tokens=TOKENS,
        stream=True,
        logprobs=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            first = first or time.perf_counter()
    return _timing(began, first)


def _through(runtime: Foundry | OpenAICompatible, request: ChatRequest) -> Call:
    async def call() -> _Timing:
        began = time.perf_counter()
        first = None
        async with aclosing(runtime.stream(request)) as chunks:
            async for chunk in chunks:
                if chunk.text:
                    first = first or time.perf_counter()
        return _timing(began, first)

    return call


def _timing(began: float, first: float | None) -> _Timing:
    now = time.perf_counter()
    if first is None:
        raise RuntimeError("Nothing was written.")
    return _Timing(first - began, now - first)


async def _compare(bare: Call, adapter: Call, rounds: int, progress: Callable[[int], None]) -> dict[str, float]:
    pairs: list[tuple[_Timing, _Timing]] = []
    for number in range(rounds + 1):
        # Who goes first alternates: what the first call leaves warm or busy would otherwise count for one side only.
        if number % 2:
            ours = await adapter()
            theirs = await bare()
        else:
            theirs = await bare()
            ours = await adapter()
        if number:
            pairs.append((theirs, ours))
            progress(number)
    first = [statistics.median(pair[side].first for pair in pairs) * 1000.0 for side in (0, 1)]
    speed = [statistics.median((TOKENS - 1) / pair[side].rest for pair in pairs) for side in (0, 1)]
    return {
        "bare_first_ms": round(first[0], 3),
        "first_ms": round(first[1], 3),
        "first_token_overhead_ms": round(first[1] - first[0], 3),
        "bare_tokens_per_s": round(speed[0], 1),
        "tokens_per_s": round(speed[1], 1),
        "throughput_ratio": round(statistics.median(theirs.rest / ours.rest for theirs, ours in pairs), 3),
    }


def _serve(pipe: Any) -> None:
    """The server's process: every POST gets TOKENS chunks and the usage, as fast as the socket takes them."""
    asyncio.run(_server(pipe))


async def _server(pipe: Any) -> None:
    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next((line for line in head.split("\r\n") if line.startswith("content-length:")), ":0")
                await reader.readexactly(int(length.partition(":")[2]))
                writer.write(_HEAD)
                for number in range(TOKENS):
                    writer.write(_event({"choices": [_choice({"content": f" {number}"})]}))
                    await writer.drain()
                usage = {"prompt_tokens": 9, "completion_tokens": TOKENS, "total_tokens": TOKENS + 9}
                writer.write(_event({"choices": [_choice({}, "stop")]}) + _event({"choices": [], "usage": usage}))
                writer.write(_framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish}


def _event(content: dict[str, Any]) -> bytes:
    whole = {"id": "b", "object": "chat.completion.chunk", "created": 0, "model": "bench", **content}
    return _framed(f"data: {json.dumps(whole)}\n\n".encode())


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
