"""The Foundry Local runtime, on the real SDK with tiny models."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelState, Phase
from hybrid.runtimes.foundry import Foundry
from hybrid.runtimes.foundry_sdk import explained
from rag.types import Message
from tests.support.foundry_home import GPT, PHI, TEXT, FoundryHome

FAST, SLOW, NARROW = f"{PHI}:1", "slow:1", "narrow:1"


@pytest.fixture
async def runtime(foundry_home: FoundryHome) -> AsyncIterator[Foundry]:
    foundry = Foundry(foundry_home.data_dir, foundry_home.catalog_urls)
    yield foundry
    await foundry.close()


def request(model: str, *, words: int = 5, user: str = "", max_tokens: int = 64, **rest: object) -> ChatRequest:
    messages = (Message("system", "Be brief."), Message("user", "word " * words))
    return ChatRequest(model, messages, max_tokens=max_tokens, user=user, **rest)  # type: ignore[arg-type]


async def collect(runtime: Foundry, asked: ChatRequest) -> list[Chunk]:
    return [chunk async for chunk in runtime.stream(asked)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in a thread of the SDK
            await asyncio.sleep(0.005)


async def idle(runtime: Foundry, model: str) -> None:
    """Wait until the SDK has let go of the model."""
    await until(lambda: not runtime._slot(model).queue.busy)


async def test_models_say_what_state_they_are_in(runtime: Foundry) -> None:
    found = {info.alias: info for info in await runtime.models()}
    assert found["gpt-oss-20b"].state is ModelState.DOWNLOADABLE and found["gpt-oss-20b"].size_mb
    assert found["phi-4-mini"].state in (ModelState.CACHED, ModelState.READY)
    assert found["phi-4-mini"].context_length == 8192 and found["phi-4-mini"].licence == "MIT"
    assert found["slow"].id == SLOW


async def test_a_stream_loads_the_model_and_counts_tokens(runtime: Foundry) -> None:
    chunks = await collect(runtime, request(FAST))
    assert "".join(chunk.text for chunk in chunks) == TEXT
    # Another test's engine may still be warming its model up in the one runtime that there is.
    phases = [chunk.phase for chunk in chunks if chunk.phase not in (None, Phase.QUEUE)]
    assert phases in ([Phase.LOAD, Phase.SEND], [Phase.SEND])
    last = chunks[-1]
    assert last.finish_reason == "stop" and last.usage is not None
    assert last.usage.completion_tokens == 20 and last.usage.prompt_tokens > 10 and not last.usage.estimated
    again = await collect(runtime, request(FAST))
    assert [chunk.phase for chunk in again if chunk.phase] == [Phase.SEND]


async def test_the_limit_cuts_the_answer(runtime: Foundry) -> None:
    chunks = await collect(runtime, request(FAST, max_tokens=16))
    assert chunks[-1].finish_reason == "length"


async def test_a_stop_string_ends_the_answer(runtime: Foundry) -> None:
    chunks = await collect(runtime, request(FAST, stop=("leave",)))
    assert "".join(chunk.text for chunk in chunks) == "The handbook says that annual "
    assert chunks[-1].finish_reason == "stop"


async def test_too_long_a_prompt_says_by_how_much(runtime: Foundry) -> None:
    with pytest.raises(ModelError) as caught:
        await collect(runtime, request(NARROW, words=200))
    assert caught.value.kind == "too_long" and caught.value.deficit and caught.value.deficit > 500
    assert await collect(runtime, request(NARROW, words=1))


async def test_an_unknown_and_an_absent_model(runtime: Foundry) -> None:
    with pytest.raises(ModelError) as caught:
        await collect(runtime, request("no-such-model"))
    assert caught.value.kind == "not_found"
    with pytest.raises(ModelError) as caught:
        await collect(runtime, request(f"{GPT}:1"))
    assert caught.value.kind == "not_found" and "download" in str(caught.value)


async def test_stop_while_generating_frees_the_model(runtime: Foundry) -> None:
    async with aclosing(runtime.stream(request(SLOW, max_tokens=500))) as stream:
        pieces = 0
        async for chunk in stream:
            pieces += bool(chunk.text)
            if pieces == 5:
                break
    await idle(runtime, SLOW)
    assert (await collect(runtime, request(SLOW, max_tokens=16)))[-1].finish_reason == "length"


async def test_stop_during_prefill_returns_at_once(runtime: Foundry) -> None:
    """The person has the screen back at once; the next question waits until the runtime has really let go."""
    await runtime.load(SLOW)
    stream = runtime.stream(request(SLOW, words=40))
    async for chunk in stream:
        if chunk == Chunk():
            break
    before = time.monotonic()
    await stream.aclose()
    returned = time.monotonic() - before
    queue = runtime._slot(SLOW).queue
    assert queue.busy == 1
    chunks = await collect(runtime, request(SLOW, max_tokens=16))
    assert chunks[0].phase is Phase.QUEUE and chunks[-1].finish_reason == "length"
    assert returned < time.monotonic() - before
    await idle(runtime, SLOW)


async def test_users_are_served_in_turn(runtime: Foundry) -> None:
    order: list[str] = []

    async def ask(user: str) -> None:
        await collect(runtime, request(SLOW, user=user, max_tokens=16))
        order.append(user)

    first = asyncio.create_task(ask("ann"))
    await until(lambda: runtime._slot(SLOW).queue.busy > 0)
    rest = [asyncio.create_task(ask(user)) for user in ("ann", "ann", "bob")]
    await asyncio.gather(first, *rest)
    assert order == ["ann", "ann", "bob", "ann"] or order == ["ann", "bob", "ann", "ann"]
    assert order.index("bob") < 3


async def test_positions_are_told_while_waiting(runtime: Foundry) -> None:
    running = asyncio.create_task(collect(runtime, request(SLOW, max_tokens=16)))
    await until(lambda: runtime._slot(SLOW).queue.busy > 0)
    waiting = [asyncio.create_task(collect(runtime, request(SLOW, user=str(n), max_tokens=16))) for n in range(2)]
    results = await asyncio.gather(running, *waiting)
    told = [[chunk.position for chunk in chunks if chunk.phase is Phase.QUEUE] for chunks in results]
    assert told == [[], [0], [1, 0]]


async def test_a_model_in_use_is_not_unloaded(runtime: Foundry) -> None:
    running = asyncio.create_task(collect(runtime, request(SLOW, max_tokens=64)))
    await until(lambda: runtime._slot(SLOW).queue.busy > 0)
    with pytest.raises(ModelError) as caught:
        await runtime.unload(SLOW)
    assert caught.value.kind == "busy" and "answering" in str(caught.value)
    await running
    await runtime.unload(SLOW)
    states = {info.id: info.state for info in await runtime.models()}
    assert states[SLOW] is ModelState.CACHED


async def test_a_download_that_fails_says_so_and_can_be_tried_again(
    runtime: Foundry, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The catalog is on loopback, but what it names is elsewhere: a proxy that is not there keeps the SDK from asking.
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, nowhere)
    for _ in range(2):
        with pytest.raises(ModelError):
            await runtime.download(f"{GPT}:1", lambda percent: None)
        states = {info.alias: info.state for info in await runtime.models()}
        assert states["gpt-oss-20b"] is ModelState.DOWNLOADABLE


async def test_threads_end_with_their_calls(runtime: Foundry) -> None:
    await collect(runtime, request(FAST))
    for _ in range(5):
        await collect(runtime, request(FAST, max_tokens=16))
    await idle(runtime, FAST)
    await until(lambda: not any(thread.name.startswith("foundry") for thread in threading.enumerate()))


def test_a_library_that_the_runtime_lacks_is_named_with_what_to_do() -> None:
    with pytest.raises(OSError) as raised:
        ctypes.CDLL("libnothing-of-the-kind.so.9")
    said = str(explained(raised.value))
    assert "libnothing-of-the-kind" in said and said.endswith("or set models.foundry to false.")
    assert str(explained(RuntimeError("no answer"))) == "Foundry Local failed: no answer."
