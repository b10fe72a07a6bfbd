"""Who answers when somebody cannot, and that nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hybrid.errors import ModelError
from hybrid.events import (
    Failed,
    Finished,
    StageBegan,
)
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import EndpointSettings, Escalate, EscalationSettings
from hybrid.tracing.store import TraceStore
from rag.errors import LibraryError
from tests.hybrid.answering.asked import (
    ALWAYS,
    ASK,
    GOOD,
    INVENTED,
    events_of,
    finished,
    models,
    notices,
)
from tests.hybrid.conftest import MakeEngine
from tests.support.openai_server import OpenAIServer, Reply


async def test_a_missing_draft_model_is_replaced_by_the_large_one(make_engine: MakeEngine) -> None:
    runtime = Scripted({"gpt-oss-20b": Script(GOOD)})
    events = await events_of(make_engine(runtime, escalation=ALWAYS), ASK)
    end = finished(events)
    assert end.answer.model == "gpt-oss-20b" and not end.answer.escalated
    assert "gpt-oss-20b answers instead" in notices(events)["model_missing"]
    assert "same_model" in [reason["code"] for reason in end.trace.decision["reasons"]]


async def test_a_missing_large_model_leaves_a_good_draft_and_quotes_in_place_of_a_bad_one(
    make_engine: MakeEngine,
) -> None:
    always = EscalationSettings(mode=Escalate.ALWAYS)
    events = await events_of(make_engine(Scripted({"phi-4-mini": Script(GOOD)}), escalation=always), ASK)
    assert finished(events).answer.model == "phi-4-mini" and not finished(events).answer.escalated
    assert "gpt-oss-20b" in notices(events)["refine_missing"]
    events = await events_of(make_engine(Scripted({"phi-4-mini": Script(INVENTED)})), ASK)
    end = finished(events)
    assert end.answer.runtime == "extractive" and "25 days" in end.answer.text
    assert "do not carry what it says" in notices(events)["withheld"]
    [withheld] = end.answer.withheld
    assert withheld.text == INVENTED and withheld.why == "unsupported" and withheld.stage == "draft"


async def test_a_stream_that_fails_in_the_middle_starts_over_with_the_next(make_engine: MakeEngine) -> None:
    broken = Script(GOOD, error=ModelError("the connection was cut.", kind="reset"), error_after=4)
    events = await events_of(make_engine(models(broken, GOOD)), ASK)
    began = [event.model for event in events if isinstance(event, StageBegan)]
    assert began == ["phi-4-mini", "gpt-oss-20b"]
    assert "the connection was cut" in notices(events)["model_failed"]
    assert finished(events).answer.model == "gpt-oss-20b"
    errors = [stage.error for stage in finished(events).trace.stages]
    assert errors == ["the connection was cut.", ""]


async def test_both_models_fail_and_the_documents_are_quoted(make_engine: MakeEngine) -> None:
    broken = Script("", error=ModelError("out of order.", kind="unavailable"))
    events = await events_of(make_engine(models(broken, broken)), ASK)
    assert finished(events).answer.runtime == "extractive"


class Listing:
    """A runtime whose catalog answers when it is told to."""

    name = "catalog"

    def __init__(self) -> None:
        self.answer = asyncio.Event()

    async def models(self) -> list[ModelInfo]:
        await self.answer.wait()
        return [ModelInfo("phi-4-mini:1", "phi-4-mini", self.name, ModelState.DOWNLOADABLE, size_mb=3700)]

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        raise ModelError("never asked", kind="unavailable")
        yield Chunk()

    async def load(self, model: str) -> None: ...

    async def unload(self, model: str) -> None: ...

    async def download(self, model: str, progress: Callable[[float], None]) -> None: ...

    async def close(self) -> None: ...


async def test_a_slow_catalog_holds_up_no_question(make_engine: MakeEngine) -> None:
    catalog = Listing()
    engine = make_engine(catalog)
    events = await events_of(engine, ASK)
    assert finished(events).answer.runtime == "extractive" and "models_pending" in notices(events)
    catalog.answer.set()
    assert await engine.models.wait_ready(60)
    events = await events_of(engine, ASK)
    assert "3.6 GB" in notices(events)["model_missing"] and "download" in notices(events)["model_missing"]


class Broken:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def search(self, question: str, **_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [(LibraryError("The library is damaged; run tandem index."), "tandem index"), (KeyError("x"), "unforeseen")],
)
async def test_a_search_that_fails_is_told(
    make_engine: MakeEngine, traces: TraceStore, error: Exception, words: str
) -> None:
    engine = make_engine(models(GOOD))
    engine.retriever = Broken(error)  # type: ignore[assignment]
    [event] = await events_of(engine, ASK)
    assert isinstance(event, Failed) and words in event.message and "Traceback" not in event.message
    assert event.error is (error if isinstance(error, LibraryError) else None)
    assert traces.recent()[0]["outcome"] == "failed"


async def test_an_empty_question_is_answered_with_advice(make_engine: MakeEngine) -> None:
    [event] = await events_of(make_engine(models(GOOD)), "  ")
    assert isinstance(event, Failed) and "type one" in event.message


async def test_a_very_long_question_is_answered(make_engine: MakeEngine) -> None:
    events = await events_of(make_engine(models(GOOD)), "annual leave days? " * 5000)
    assert finished(events).answer.text


@given(text=st.text(st.characters() | st.characters(categories=["Cs"]), max_size=200))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(text="half of a pair \ud83d and nothing after it")
async def test_any_question_and_any_draft_come_to_an_end(
    make_engine: MakeEngine, traces: TraceStore, text: str
) -> None:
    engine = make_engine(models(text, text))
    events = await events_of(engine, text)
    assert isinstance(events[-1], Finished | Failed)
    assert sum(isinstance(event, Finished | Failed) for event in events) == 1
    assert traces.recent(limit=1)[0]["id"] == events[-1].trace.id


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401),
        Reply(["Half an"], end="error"),
        Reply(["Half an"], end="garbage"),
        Reply(["Half an"], end="reset"),
        Reply(end="tool"),
        Reply(status=400, error={"message": "maximum context length is 10 tokens"}),
        Reply(["<think>Hmm, endless thought"], finish_reason="length"),
    ],
)
async def test_every_fault_of_an_endpoint_ends_in_an_answer(
    make_engine: MakeEngine, openai_server: OpenAIServer, reply: Reply
) -> None:
    openai_server.models.update({"phi-4-mini": reply, "gpt-oss-20b": reply})
    endpoint = OpenAICompatible(EndpointSettings(name="test", base_url=openai_server.base_url))
    engine = make_engine(endpoint)
    await engine.start()
    await engine.models.wait_ready(10)
    events = await events_of(engine, ASK)
    end = finished(events)
    assert end.answer.runtime == "extractive" and "25 days" in end.answer.text
    assert notices(events)
    openai_server.models.update({"phi-4-mini": Reply([GOOD])})
    events = await events_of(engine, ASK)
    assert finished(events).answer.model == "phi-4-mini", ("the session must live on", notices(events))


async def test_an_endpoint_that_is_down_at_the_start(make_engine: MakeEngine) -> None:
    with OpenAIServer() as server:
        address = server.base_url
    endpoint = OpenAICompatible(EndpointSettings(name="office", base_url=address))
    engine = make_engine(endpoint)
    await engine.start()
    await engine.models.wait_ready(10)
    events = await events_of(engine, ASK)
    assert finished(events).answer.runtime == "extractive"
    assert address in notices(events)["model_missing"] and "start the server" in notices(events)["model_missing"]
