"""What every runtime keeps, whoever generates: how a stream ends, what is counted and refused, how it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, Runtime
from hybrid.runtimes.extractive import Extractive
from hybrid.runtimes.foundry import Foundry
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import EndpointSettings
from rag.types import Message, Passage
from tests.support.foundry_home import FoundryHome
from tests.support.openai_server import OpenAIServer, Reply

WORDS = "Every employee has 25 days of paid holiday a year [1]."
PASSAGE = Passage("p1", "leave.md", "Every employee has 25 days of paid holiday a year.", 0, 52, None, (), 1.0)
QUESTION = "How many days of paid holiday does every employee have?"


@pytest.fixture(params=["scripted", "extractive", "endpoint", "foundry"])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Runtime, str]]:
    """A runtime and the name of a model that it has."""
    runtime: Runtime
    if request.param == "foundry":
        home: FoundryHome = request.getfixturevalue("foundry_home")
        runtime, model = Foundry(home.data_dir, home.catalog_urls), "slow"
    elif request.param == "endpoint":
        server: OpenAIServer = request.getfixturevalue("openai_server")
        server.models["phi-4-mini"] = Reply([f"{word} " for word in WORDS.split()])
        runtime = OpenAICompatible(EndpointSettings(name="local", base_url=server.base_url))
        model = "phi-4-mini"
    elif request.param == "extractive":
        runtime, model = Extractive(), "extractive"
    else:
        runtime, model = Scripted({"phi-4-mini": Script(WORDS)}), "phi-4-mini"
    yield runtime, model
    await runtime.close()


def asked(model: str, **rest: object) -> ChatRequest:
    messages = (Message("system", "Be brief."), Message("user", QUESTION))
    return ChatRequest(
        model, messages, question=QUESTION, typed=QUESTION, passages=(PASSAGE,), language="en", max_tokens=32, **rest
    )  # type: ignore[arg-type]


async def listed(runtime: Runtime, model: str) -> str:
    """The id under which a runtime knows its model."""
    return next((info.id for info in await runtime.models() if model in (info.id, info.alias)), model)


async def test_its_models_are_called_by_its_name(case: tuple[Runtime, str]) -> None:
    runtime, model = case
    found = await runtime.models()
    assert any(model in (info.id, info.alias) or info.id.startswith(model) for info in found)
    assert {info.runtime for info in found} == {runtime.name}


async def test_the_last_chunk_alone_says_how_it_ended(case: tuple[Runtime, str]) -> None:
    runtime, model = case
    chunks: list[Chunk] = []
    async with aclosing(runtime.stream(asked(await listed(runtime, model)))) as stream:
        async for chunk in stream:
            chunks.append(chunk)
    assert "".join(chunk.text for chunk in chunks).strip()
    assert chunks[-1].finish_reason in ("stop", "length")
    assert all(chunk.finish_reason is None for chunk in chunks[:-1])
    counted = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert all(usage.completion_tokens <= 32 + 8 for usage in counted)


async def test_leaving_a_stream_ends_it_and_the_next_one_is_whole(case: tuple[Runtime, str]) -> None:
    runtime, model = case
    known = await listed(runtime, model)
    before = asyncio.all_tasks()
    async with aclosing(runtime.stream(asked(known))) as stream:
        async for chunk in stream:
            if chunk.text:
                break
    async with aclosing(runtime.stream(asked(known))) as again:
        last = [chunk async for chunk in again][-1]
    assert last.finish_reason is not None
    assert {task for task in asyncio.all_tasks() - before if not task.done()} == set()


async def test_a_model_that_is_not_there_is_refused_in_a_sentence(case: tuple[Runtime, str]) -> None:
    runtime, _ = case
    if runtime.name == "extractive":
        pytest.skip("Quoting has one model, whatever it is called.")
    with pytest.raises(ModelError) as refusal:
        async with aclosing(runtime.stream(asked("no-such-model"))) as stream:
            async for _ in stream:
                pass
    assert str(refusal.value).endswith((".", "!"))
    assert "Traceback" not in str(refusal.value)


async def test_what_it_cannot_do_it_says(case: tuple[Runtime, str]) -> None:
    runtime, _ = case
    for doing in (runtime.unload("no-such-model"), runtime.download("no-such-model", lambda percent: None)):
        with pytest.raises(ModelError) as refusal:
            await doing
        assert refusal.value.kind
