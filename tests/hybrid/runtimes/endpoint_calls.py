"""Calls of the OpenAI-compatible runtime, after which no task and no socket may be left."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from hybrid.answering.generation import Written, generate
from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.settings import EndpointSettings, TimeoutSettings
from hybrid.tracing.trace import Trace
from rag.types import Message
from tests.support.openai_server import OpenAIServer

MODEL = "phi-4-mini"
REQUEST = ChatRequest(MODEL, (Message("user", "How many days?"),), max_tokens=64, temperature=0.2, seed=3)
QUICK = TimeoutSettings(connect=5, first_token=10, silence=0.3, total=20)
IMPATIENT = TimeoutSettings(connect=5, first_token=0.3, silence=10, total=20)


def runtime(server: OpenAIServer | str, **options: object) -> OpenAICompatible:
    address = server if isinstance(server, str) else server.base_url
    return OpenAICompatible(EndpointSettings(name="test", base_url=address), **options)  # type: ignore[arg-type]


async def ask(
    server: OpenAIServer | str,
    request: ChatRequest = REQUEST,
    timeouts: TimeoutSettings | None = None,
    **options: object,
) -> tuple[Written, Trace]:
    """One whole call; afterwards no task of ours may be left."""
    before = asyncio.all_tasks()
    timeouts = timeouts or TimeoutSettings()
    written, trace = Written("draft"), Trace.start("q")
    endpoint = runtime(server, timeouts=timeouts, **options)
    try:
        async with aclosing(generate(written, endpoint, request, trace, timeouts)) as events:
            async for _ in events:
                pass
    finally:
        await endpoint.close()
        await no_task_left(before)
    return written, trace


async def no_task_left(before: set[asyncio.Task[object]]) -> None:
    """The client library closes its generators in tasks that end by themselves; nothing else may run on."""
    others = asyncio.all_tasks() - before
    if others:
        _, running = await asyncio.wait(others, timeout=60)
        assert not running


async def fails(server: OpenAIServer | str, **options: object) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(server, **options)  # type: ignore[arg-type]
    if isinstance(server, OpenAIServer):
        assert server.wait_for(lambda s: s.connections == 0), "a socket was left open"
    return caught.value
