"""The whole way of a question: what is said when, and by whom."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing

import pytest

from hybrid.answering.pipeline import Options, Question, Turn, answer
from hybrid.errors import ModelError
from hybrid.events import (
    Decided,
    Delta,
    Finished,
    Notice,
    Retrieved,
    StageBegan,
    StageEnded,
)
from hybrid.models.catalogue import Capability, Card, Catalog
from hybrid.runtimes.foundry import Foundry
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings, GenerationSettings
from hybrid.tracing.store import TraceStore
from tests.hybrid.answering.asked import (
    ALWAYS,
    ASK,
    BETTER,
    GOOD,
    INVENTED,
    NEVER,
    events_of,
    finished,
    models,
    notices,
)
from tests.hybrid.conftest import MakeEngine
from tests.support.foundry_home import FoundryHome


async def test_a_good_draft_is_kept(make_engine: MakeEngine, traces: TraceStore) -> None:
    runtime = models(GOOD)
    events = await events_of(make_engine(runtime), ASK)
    kinds = [type(event) for event in events if not isinstance(event, Delta)]
    assert kinds[0] is Retrieved and kinds[1] is StageBegan
    assert kinds[-3:] == [StageEnded, Decided, Finished]
    end = finished(events)
    assert "25 days" in end.answer.text and end.answer.model == "phi-4-mini" and not end.answer.escalated
    assert end.answer.checked.supported_share == 1.0
    assert "".join(event.text for event in events if isinstance(event, Delta)) == GOOD
    assert [request.model for request in runtime.requests] == ["phi-4-mini"]
    saved = traces.get(end.trace.id)
    assert saved is not None and saved["outcome"] == "finished" and saved["answer"] == end.answer.text
    names = [span["name"] for span in saved["spans"]]
    assert names == ["retrieve", "prepare", "send", "first_token", "first_content", "last_token", "verify", "decide"]
    assert all(span["duration_ms"] >= 0 for span in saved["spans"])


async def test_an_invented_draft_is_refined(make_engine: MakeEngine) -> None:
    runtime = models(INVENTED)
    end = finished(await events_of(make_engine(runtime), ASK))
    assert end.answer.model == "gpt-oss-20b" and end.answer.stage == "refine" and end.answer.escalated
    assert end.answer.draft == INVENTED
    assert end.trace.decision["reasons"][0]["code"] == "unsupported"
    draft, refine = (request.messages for request in runtime.requests)
    assert refine[: len(draft)] == draft, "the large model must find the same prefix in its cache"
    assert any(message.role == "assistant" and message.content == INVENTED for message in refine)


@pytest.mark.parametrize("mode", [Escalate.ALWAYS, Escalate.NEVER])
async def test_the_mode_decides(make_engine: MakeEngine, mode: Escalate) -> None:
    engine = make_engine(models(GOOD), escalation=EscalationSettings(mode=mode))
    assert finished(await events_of(engine, ASK)).answer.escalated is (mode is Escalate.ALWAYS)


@pytest.mark.parametrize(
    ("refined", "code"),
    [
        (INVENTED, "refinement_withheld"),
        (f"{BETTER} The canteen closes at noon on Fridays.", "refinement_kept_draft"),
        ("", "refinement_empty"),
        ("The documents do not contain an answer to this.", "refinement_refused"),
        (
            Script(BETTER, error=ModelError("gpt-oss-20b lost its mind.", kind="reset"), error_after=3),
            "refinement_failed",
        ),
    ],
)
async def test_a_worse_refinement_leaves_the_draft(make_engine: MakeEngine, refined: Script | str, code: str) -> None:
    events = await events_of(make_engine(models(GOOD, refined), escalation=ALWAYS), ASK)
    end = finished(events)
    assert end.answer.model == "phi-4-mini" and "25 days" in end.answer.text and end.answer.draft == ""
    assert "gpt-oss-20b" in notices(events)[code]


async def test_no_model_at_all_quotes(make_engine: MakeEngine) -> None:
    events = await events_of(make_engine(), ASK)
    end = finished(events)
    assert end.answer.runtime == "extractive" and "25 days" in end.answer.text and "[1]" in end.answer.text
    said = notices(events)["model_missing"]
    assert "phi-4-mini" in said and "tandem models list" in said and "quotation" in said


async def test_quoting_by_choice_says_that_it_quotes(make_engine: MakeEngine) -> None:
    events = await events_of(make_engine(models(GOOD), draft="extractive", escalation=NEVER), ASK)
    assert finished(events).answer.runtime == "extractive"
    assert set(notices(events)) == {"quoted"}


async def test_while_documents_are_read_an_answer_says_that_they_have_no_part_in_it(make_engine: MakeEngine) -> None:
    engine = make_engine(models(GOOD), escalation=NEVER)
    assert "reading" not in notices(await events_of(engine, ASK))
    engine.reading = lambda: True
    assert "not read yet" in notices(await events_of(engine, "Which moons does the planet Saturn have?"))["reading"]


async def test_what_the_documents_do_not_hold_is_refused(make_engine: MakeEngine) -> None:
    end = finished(await events_of(make_engine(), "Which moons does the planet Saturn have?"))
    assert end.answer.refused and end.answer.checked.supported_share == 1.0


async def test_notices_tell_the_questions_language(make_engine: MakeEngine) -> None:
    events = await events_of(make_engine(draft="extractive"), "Çalışanların yıllık izni kaç gündür?")
    [quoted] = [event for event in events if isinstance(event, Notice) and event.code == "quoted"]
    assert quoted.language == "tr" and quoted.text.startswith("No model wrote this")


@pytest.mark.parametrize("escalation", [NEVER, EscalationSettings(low_confidence=False)])
async def test_an_empty_draft_is_never_shown(make_engine: MakeEngine, escalation: EscalationSettings) -> None:
    events = await events_of(make_engine(models("", ""), escalation=escalation), ASK)
    assert finished(events).answer.runtime == "extractive" and "model_empty" in notices(events)


async def test_an_empty_draft_is_escalated(make_engine: MakeEngine) -> None:
    end = finished(await events_of(make_engine(models("", GOOD)), ASK))
    assert end.answer.model == "gpt-oss-20b"
    assert end.trace.decision["reasons"][0]["code"] == "empty"


async def test_ask_the_large_model_skips_the_draft(make_engine: MakeEngine) -> None:
    runtime = models(GOOD)
    question = Question(ASK, options=Options(draft_text=GOOD, escalation=NEVER))
    end = finished(await events_of(make_engine(runtime), question))
    assert [request.model for request in runtime.requests] == ["gpt-oss-20b"]
    assert end.answer.escalated and end.answer.draft == GOOD


async def test_options_override_the_settings(make_engine: MakeEngine) -> None:
    runtime = Scripted({"a": Script(INVENTED), "b": Script(GOOD)})
    options = Options(draft="a", refine="b", passages=1, generation=GenerationSettings(max_tokens=99, seed=4))
    end = finished(await events_of(make_engine(runtime), Question(ASK, options=options)))
    assert end.answer.model == "b" and len(end.answer.passages) == 1
    assert {(request.max_tokens, request.seed) for request in runtime.requests} == {(99, 4)}


async def test_the_history_reaches_the_search_and_the_prompt(make_engine: MakeEngine) -> None:
    runtime = models(GOOD)
    question = Question("And for parental leave?", history=(Turn(ASK, GOOD),))
    await events_of(make_engine(runtime), question)
    assert any("How many days of annual leave" in message.content for message in runtime.requests[0].messages)


async def test_stop_keeps_what_was_written(make_engine: MakeEngine, traces: TraceStore) -> None:
    runtime = models(Script(BETTER, tokens_per_second=200))
    engine = make_engine(runtime)
    await engine.start()
    shown = ""
    async with aclosing(answer(Question(ASK, conversation="c"), engine)) as events:
        async for event in events:
            if isinstance(event, Delta):
                shown += event.text
                if len(shown) > 20:
                    break
    [saved] = traces.recent("c")
    assert saved["outcome"] == "cancelled" and saved["answer"] == shown
    assert saved["stages"][0]["finish_reason"] == "cancelled" and runtime.active == 0


async def test_cancelling_the_task_during_prefill_saves_the_trace(make_engine: MakeEngine, traces: TraceStore) -> None:
    runtime = models(Script(GOOD, first_token_s=60))
    engine = make_engine(runtime)
    await engine.start()
    started = asyncio.Event()

    async def ask() -> None:
        async for event in answer(Question(ASK), engine):
            if isinstance(event, StageBegan):
                started.set()

    task = asyncio.create_task(ask())
    await started.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert traces.recent()[0]["outcome"] == "cancelled" and runtime.active == 0


async def test_foundry_answers(make_engine: MakeEngine, foundry_home: FoundryHome) -> None:
    engine = make_engine(Foundry(foundry_home.data_dir, foundry_home.catalog_urls), escalation=NEVER)
    await engine.start()
    assert await engine.models.wait_ready(60)
    end = finished(await events_of(engine, ASK))
    assert end.answer.runtime == "foundry" and "25 days" in end.answer.text
    assert end.trace.stages[0].usage is not None and not end.trace.stages[0].usage.estimated


async def test_a_prompt_that_does_not_fit_loses_passages_not_the_question(
    make_engine: MakeEngine, foundry_home: FoundryHome
) -> None:
    runtime = Foundry(foundry_home.data_dir, foundry_home.catalog_urls)
    engine = make_engine(runtime, draft="medium", escalation=NEVER)
    await engine.start()
    assert await engine.models.wait_ready(60)
    question = Question(ASK, options=Options(generation=GenerationSettings(max_tokens=240)))
    events = await events_of(engine, question)
    end = finished(events)
    assert end.answer.runtime == "foundry" and "shortened" in notices(events)


def test_an_endpoint_alone_never_imports_the_foundry_sdk() -> None:
    code = (
        "import sys; from hybrid.engine import Engine; from hybrid.settings import *;"
        "Engine(None, models=ModelSettings(foundry=False, endpoints=(EndpointSettings(name='e', base_url='http://x/v1'),)),"
        "generation=GenerationSettings(), escalation=EscalationSettings(), minimum_confidence=0.3);"
        "sys.exit('foundry_local_sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_question_is_routed_to_a_model_that_can(make_engine: MakeEngine) -> None:
    catalog = Catalog([Card(alias="phi-4-mini"), Card(alias="coder", capabilities=(Capability.CODE,))])
    runtime = Scripted({"phi-4-mini": Script(GOOD), "coder": Script(GOOD)})
    engine = make_engine(runtime, escalation=NEVER, catalog=catalog, routing=True)
    await engine.start()
    assert await engine.models.wait_ready(60)
    end = finished(await events_of(engine, "Write a script that counts the days of annual leave"))
    assert end.answer.model == "coder"
    assert "calls for code (script)" in end.trace.decision["reasons"][-1]["text"]
    assert finished(await events_of(engine, ASK)).answer.model == "phi-4-mini"
