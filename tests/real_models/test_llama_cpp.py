"""What goes wrong with a real llama.cpp server, and what a person reads of it. The model's words do not matter here."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from hybrid.answering.generation import Written, generate
from hybrid.errors import ModelError
from hybrid.events import Delta
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.settings import EndpointSettings, TimeoutSettings
from hybrid.tracing.trace import Trace
from rag.types import Message
from tests.real_models.conftest import KEY
from tests.support.llama_server import CONTEXT, MODEL, LlamaServer

pytestmark = pytest.mark.real_model

HELLO = ChatRequest(MODEL, (Message("user", "Name three colours."),), max_tokens=8, temperature=0.0, seed=1)
ENDLESS = replace(HELLO, messages=(Message("user", "Tell a very long story about a river."),), max_tokens=1500)
LONG = replace(HELLO, messages=(Message("user", "The river runs. " * 300 + "Name three colours."),))


def runtime(server: LlamaServer, key: str = KEY, **options: float) -> OpenAICompatible:
    endpoint = EndpointSettings(name="llama", base_url=server.base_url)
    return OpenAICompatible(endpoint, api_key=key, timeouts=TimeoutSettings(connect=20), **options)


async def ask(endpoint: OpenAICompatible, request: ChatRequest = HELLO, stop_after: int = 0) -> tuple[Written, Trace]:
    """The answer, or as many pieces of it as are wanted."""
    written, trace = Written("draft"), Trace.start("q")
    async with aclosing(generate(written, endpoint, request, trace, TimeoutSettings())) as events:
        async for event in events:
            if stop_after and isinstance(event, Delta) and len(written.pieces) >= stop_after:
                break
    return written, trace


async def test_an_answer_is_counted_and_its_model_described(llama: LlamaServer) -> None:
    endpoint = runtime(llama)
    found = await endpoint.models()
    written, trace = await ask(endpoint)
    await endpoint.close()
    assert [(info.id, info.context_length) for info in found] == [(MODEL, CONTEXT)]
    assert found[0].size_mb and found[0].size_mb > 50
    assert written.text.strip() and written.usage is not None and not written.usage.estimated
    assert 1 <= written.usage.completion_tokens <= 8
    assert written.logprobs and all(value <= 0 for value in written.logprobs)
    assert [span.name for span in trace.spans] == ["send", "first_token", "first_content", "last_token"]


async def test_a_prompt_read_before_comes_from_the_cache(llama: LlamaServer) -> None:
    endpoint = runtime(llama)
    request = replace(HELLO, messages=(Message("user", "One two three four. " * 40 + "Go on."),), max_tokens=2)
    first, again = (await ask(endpoint, request))[0].usage, (await ask(endpoint, request))[0].usage
    await endpoint.close()
    assert first is not None and again is not None
    assert first.cached_tokens < 40 < again.cached_tokens < again.prompt_tokens == first.prompt_tokens


async def test_connections_that_the_server_closes_cost_no_request(llama: LlamaServer) -> None:
    endpoint = runtime(llama)
    answers = [(await ask(endpoint, replace(HELLO, max_tokens=2)))[0] for _ in range(6)]
    await endpoint.close()
    assert {written.text for written in answers} == {answers[0].text}


async def test_a_prompt_that_does_not_fit(llama: LlamaServer) -> None:
    endpoint = runtime(llama)
    with pytest.raises(ModelError, match="too long for smollm2") as caught:
        await ask(endpoint, replace(HELLO, messages=(Message("user", "word " * 3000),)))
    assert caught.value.kind == "too_long"
    assert (await ask(endpoint))[0].text
    await endpoint.close()


async def test_the_wrong_key(llama: LlamaServer) -> None:
    endpoint = runtime(llama, key="wrong")
    with pytest.raises(ModelError, match="rejected the key"):
        await ask(endpoint)
    await endpoint.close()


async def test_stop_sets_the_only_slot_free(llama: LlamaServer) -> None:
    endpoint = runtime(llama)
    stopped, _ = await ask(endpoint, ENDLESS, stop_after=3)
    assert stopped.finish_reason == "cancelled" and len(stopped.pieces) == 3
    async with asyncio.timeout(30):  # the story would take minutes where others work too
        assert (await ask(endpoint))[0].text
    await endpoint.close()


async def test_stop_while_the_prompt_is_read(llama: LlamaServer) -> None:
    endpoint = runtime(llama)
    reading = asyncio.create_task(ask(endpoint, LONG))
    done, _ = await asyncio.wait({reading}, timeout=0.3)
    assert not done
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await ask(endpoint))[0].text
    await endpoint.close()


async def test_a_process_that_stands_still_hangs_and_one_that_dies_cuts_off(doomed: LlamaServer) -> None:
    endpoint = runtime(doomed, key="", sign_of_life_s=0.5)
    await ask(endpoint, replace(HELLO, max_tokens=2))
    doomed.pause()
    with pytest.raises(ModelError, match="hangs: it takes questions but does not answer; start it again"):
        await ask(endpoint)
    doomed.go_on()

    written, trace = Written("draft"), Trace.start("q")
    with pytest.raises(ModelError, match="cut the connection; ask again"):
        async for event in generate(written, endpoint, ENDLESS, trace, TimeoutSettings()):
            if isinstance(event, Delta) and len(written.pieces) == 3:
                doomed.kill()
    assert len(written.pieces) >= 3 and trace.stages[0].text == written.text

    with pytest.raises(ModelError, match=r"Nothing answers at .*; start the server"):
        await ask(endpoint)
    await endpoint.close()
