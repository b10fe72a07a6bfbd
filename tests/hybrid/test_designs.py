"""Designs of an escalation: cut early, written anew, read ahead, compared unseen; what is shown and what is counted."""

from __future__ import annotations

from hybrid.answering.pipeline import Question, answer
from hybrid.events import Decided, Delta, Finished, Notice, StageBegan, StageEnded
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import CostSettings, Escalate, EscalationSettings, Price
from hybrid.tracing.store import TraceStore
from rag.types import Support
from tests.hybrid.conftest import MakeEngine

ASK = "How many days of annual leave do employees have?"
GOOD = "Annual leave is 25 days per year for every employee [1]."
BETTER = "Every employee has 25 days of annual leave per year [1]. Unused days may be carried over until March [1]."
INVENTED = (
    "Purple whales migrate across seventeen frozen oceans, singing ancient lullabies beneath emerald glaciers. "
    "Nobody remembers their melodies except wandering astronomers polishing copper telescopes at dawn. "
) * 6


def models(draft: Script | str, refine: Script | str = BETTER) -> Scripted:
    scripts = {"phi-4-mini": draft, "gpt-oss-20b": refine}
    return Scripted({name: Script(s) if isinstance(s, str) else s for name, s in scripts.items()})


async def ask(engine, text: str = ASK):  # type: ignore[no-untyped-def]
    await engine.start()
    events = [event async for event in answer(Question(text), engine)]
    assert isinstance(events[-1], Finished), events[-1]
    return events, events[-1]


async def test_a_hopeless_draft_is_cut_and_the_large_model_answers_anew(make_engine: MakeEngine) -> None:
    runtime = models(INVENTED)
    events, end = await ask(make_engine(runtime))
    written = "".join(event.text for event in events if isinstance(event, Delta) and event.stage == "draft")
    assert len(written) < len(INVENTED) / 2
    ended = next(event for event in events if isinstance(event, StageEnded))
    assert (ended.stage, ended.finish_reason) == ("draft", "aborted")
    decided = next(event.decision for event in events if isinstance(event, Decided))
    assert decided.escalate and decided.regenerate and decided.reasons[0].code == "abandoned_invention"
    told = next(event for event in events if isinstance(event, Notice))
    assert told.code == "draft_abandoned" and "gpt-oss-20b" in told.text
    order = [type(event) for event in events if not isinstance(event, Delta)]
    assert order.index(Decided) < order.index(Notice) < len(order) - order[::-1].index(StageBegan)
    first, second = (request.messages for request in runtime.requests)
    assert first == second, "a hopeless draft is not shown to the large model"
    assert end.answer.model == "gpt-oss-20b" and end.answer.draft == written
    assert runtime.active == 0


async def test_what_was_cut_off_is_counted(make_engine: MakeEngine) -> None:
    _, end = await ask(make_engine(models(INVENTED)))
    draft = end.trace.stages[0]
    assert draft.usage is not None and draft.usage.estimated and draft.usage.completion_tokens > 10
    assert end.trace.costs["stages"]["draft"]["calls"] == 1
    assert end.trace.cost == end.trace.costs["money"] or abs(end.trace.cost - end.trace.costs["money"]) < 1e-8


async def test_without_a_large_model_or_leave_no_draft_is_cut(make_engine: MakeEngine) -> None:
    invented = INVENTED[: len(INVENTED) // 6] + (
        "Velvet tractors negotiate with sceptical lighthouses about marmalade. Seven bishops juggled molten pumpkins. "
        "Underneath the carousel a choir of beetles rehearses forgotten operas until the custard thunders."
    )
    _, alone = await ask(make_engine(Scripted({"phi-4-mini": Script(invented)})))
    assert alone.trace.stages[0].finish_reason == "stop"
    for settings in (EscalationSettings(early_abort=False), EscalationSettings(mode=Escalate.ALWAYS)):
        _, end = await ask(make_engine(models(invented), escalation=settings))
        assert end.trace.stages[0].finish_reason == "stop"


async def test_a_cut_draft_whose_replacement_fails_is_not_shown(make_engine: MakeEngine) -> None:
    events, end = await ask(make_engine(models(INVENTED, "")))
    assert end.answer.runtime == "extractive" and "25 days" in end.answer.text
    assert "model_empty" in {event.code for event in events if isinstance(event, Notice)}


async def test_a_refusal_is_written_anew_and_an_answer_is_refined(make_engine: MakeEngine) -> None:
    refused = models("I could not find an answer.")
    await ask(make_engine(refused))
    assert refused.requests[0].messages == refused.requests[1].messages
    refined = models(GOOD)
    await ask(make_engine(refined, escalation=EscalationSettings(mode=Escalate.ALWAYS)))
    assert any(message.content == GOOD for message in refined.requests[1].messages)


async def test_the_changes_are_told_with_the_support_of_each_version(make_engine: MakeEngine) -> None:
    draft = f"{GOOD} Whales sing beneath emerald glaciers."
    _, end = await ask(make_engine(models(draft), escalation=EscalationSettings(mode=Escalate.ALWAYS)))
    kinds = {change.kind for change in end.answer.changes}
    assert "dropped" in kinds and kinds & {"changed", "added"}
    lost = next(change for change in end.answer.changes if "Whales" in change.before)
    assert lost.before_support is Support.UNSUPPORTED


async def test_the_large_model_reads_ahead_and_it_is_counted(make_engine: MakeEngine) -> None:
    runtime = models(Script(GOOD, tokens_per_second=200), Script(BETTER, prefill_per_second=2000))
    escalation = EscalationSettings(mode=Escalate.ALWAYS, warm=True)
    _, end = await ask(make_engine(runtime, escalation=escalation))
    assert [request.model for request in runtime.requests] == ["phi-4-mini", "gpt-oss-20b", "gpt-oss-20b"]
    ahead = runtime.requests[1]
    assert ahead.max_tokens == 1 and ahead.messages == runtime.requests[0].messages
    by_stage = {stage.stage: stage for stage in end.trace.stages}
    assert by_stage["refine"].usage.cached_tokens > 0.5 * by_stage["warm"].usage.prompt_tokens
    assert end.trace.costs["stages"]["warm"]["calls"] == 1


async def test_reading_ahead_ends_with_the_question(make_engine: MakeEngine) -> None:
    slow = Script(BETTER, prefill_per_second=1)
    runtime = models(Script(GOOD, tokens_per_second=100), slow)
    escalation = EscalationSettings(warm=True, topics=("leave",), flagged_topics=True)
    engine = make_engine(runtime, escalation=escalation)
    await engine.start()
    events = answer(Question(ASK), engine)
    async for event in events:
        if isinstance(event, Delta):
            break
    await events.aclose()
    assert runtime.active == 0, "stopping ends the reading ahead"


async def test_a_kept_draft_is_compared_unseen(make_engine: MakeEngine, traces: TraceStore) -> None:
    engine = make_engine(models(GOOD), escalation=EscalationSettings(background_share=1.0))
    events, end = await ask(engine)
    assert not any(isinstance(event, StageBegan) and event.model == "gpt-oss-20b" for event in events)
    await engine.settled()
    saved = traces.get(end.trace.id)
    assert saved is not None and saved["comparison"]["text"] == BETTER
    assert saved["comparison"]["agreement"] > 0.4
    assert saved["costs"]["stages"]["background"]["calls"] == 1
    assert saved["total_ms"] == end.trace.total_ms


async def test_a_fitted_policy_weighs_time(make_engine: MakeEngine) -> None:
    draft = "Annual leave is 25 days per year. Managers receive golden tickets and a yacht each summer."
    for worth, escalated in ((0.0, True), (1000.0, False)):
        settings = EscalationSettings(policy="logistic", second_worth=worth, early_abort=False)
        _, end = await ask(make_engine(models(draft), escalation=settings))
        assert end.answer.escalated is escalated
        assert end.trace.decision["policy"] == "logistic"
        assert {"gain_pays", "gain_too_small"} & {reason["code"] for reason in end.trace.decision["reasons"]}


async def test_prices_reach_the_trace(make_engine: MakeEngine) -> None:
    engine = make_engine(models(GOOD))
    engine.prices.settings = CostSettings()
    engine.prices._known = {"phi-4-mini": Price(completion=1_000_000.0)}
    _, end = await ask(engine)
    assert end.trace.cost == float(end.trace.stages[0].usage.completion_tokens)
