"""How an answer comes about: search, draft, decide, refine, check. One generator of typed events.

Knows the order of the stages and what is tried when one fails. Does not know how a runtime generates, how a policy
decides, how a span is measured, or who listens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace

from hybrid.engine import Engine, Options, Plan
from hybrid.errors import ModelError
from hybrid.events import Answer, Decided, Decision, Event, Failed, Finished, Notice, Reason, Retrieved
from hybrid.generation import Written, generate
from hybrid.notices import notice, phrase
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate
from hybrid.signals import Signals, measure
from hybrid.trace import Trace
from rag import grounding, phrases, prompts
from rag.errors import UserFacingError
from rag.types import CheckedAnswer, CheckedSentence, Message, SearchResult, Support

__all__ = ["Options", "Question", "Turn", "answer"]

log = logging.getLogger(__name__)

PATIENCE_S = 0.05


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation, and the answer that was shown."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `user` is an opaque id for fair queueing; `conversation` groups traces."""

    text: str
    history: tuple[Turn, ...] = ()
    conversation: str = ""
    user: str = ""
    options: Options = field(default_factory=Options)


async def answer(question: Question, engine: Engine) -> AsyncGenerator[Event, None]:
    """Answer one question; the events come in the order `hybrid.events` describes.

    Closing the iterator (or cancelling its task) stops whatever runs; the trace is saved with what was written by then.
    """
    trace = Trace.start(question.text, question.conversation)
    with engine.keeping(trace):
        try:
            async with aclosing(_answer(question, engine, trace)) as events:
                async for event in events:
                    yield event
        except UserFacingError as error:
            message = str(error)
        except Exception as error:
            log.exception("A question failed in a way it should not")
            message = f"Something unforeseen went wrong ({type(error).__name__}); the log has it. Please ask again."
        else:
            return
        text = next((stage.text for stage in reversed(trace.stages) if stage.text), "")
        yield Failed(message, engine.keep(trace, "failed", text), text)


async def _answer(question: Question, engine: Engine, trace: Trace) -> AsyncGenerator[Event, None]:
    plan = engine.plan(question.options)
    found = await _search(question, plan, engine, trace)
    yield Retrieved(found)
    for typed, corrected in found.corrections:
        yield notice("spelling", found.language, typed=typed, corrected=corrected)
    work = _Work(question, plan, found, engine, trace)

    draft = Written("draft")
    if question.options.draft_text:
        draft.alias = draft.model = plan.draft
        draft.pieces.append(question.options.draft_text)
    else:
        async with aclosing(work.write(draft, plan.drafters, work.draft_messages)) as events:
            async for event in events:
                yield event
    checked = await work.check(draft)

    decision, excuse = work.decide(draft, checked)
    yield Decided(decision)
    if excuse is not None:
        yield excuse

    final, refined = draft, Written("refine")
    if decision.escalate:
        try:
            async with aclosing(work.write(refined, (plan.refine,), work.refine_messages(draft))) as events:
                async for event in events:
                    yield event
        except ModelError as error:
            yield notice("refinement_failed", found.language, alias=plan.refine, why=error)
        else:
            rechecked = await work.check(refined)
            worse = work.worse(refined, rechecked, draft, checked)
            if worse is None:
                final, checked = refined, rechecked
            else:
                yield worse

    if not final.text.strip():
        yield notice("model_empty", found.language, alias=final.alias, instead=phrase(EXTRACTIVE, found.language))
        final = draft = Written("draft")
        async with aclosing(work.write(draft, (EXTRACTIVE,), work.draft_messages)) as events:
            async for event in events:
                yield event
        checked = await work.check(draft)

    engine.keep(trace, "finished", checked.text)
    yield Finished(work.answer(final, checked, draft, decision), trace)


async def _search(question: Question, plan: Plan, engine: Engine, trace: Trace) -> SearchResult:
    if not question.text.strip():
        raise UserFacingError("There is no question; please type one.")
    history = [(turn.question, turn.answer) for turn in question.history]
    with trace.span("retrieve"):
        found = await asyncio.to_thread(
            engine.retriever.search,
            question.text,
            history=history,
            limit=plan.passages,
            conversation=question.conversation,
        )
    trace.retrieval = {
        "query": found.query,
        "confidence": found.confidence,
        "language": found.language,
        "passages": [passage.id for passage in found.passages],
        "corrections": [list(pair) for pair in found.corrections],
    }
    return found


class _Work:
    """One question under way: what the stages share."""

    def __init__(self, question: Question, plan: Plan, found: SearchResult, engine: Engine, trace: Trace) -> None:
        self.question = question
        self.plan = plan
        self.found = found
        self.engine = engine
        self.trace = trace
        self.failed: dict[str, ModelError] = {}
        self.answerable = bool(found.passages) and found.confidence >= engine.minimum_confidence

    async def write(
        self, written: Written, aliases: tuple[str, ...], messages: Callable[[], tuple[Message, ...]]
    ) -> AsyncGenerator[Event, None]:
        """Have the first of `aliases` that can write this stage. Raises the last ModelError when none can."""
        language = self.found.language
        patience = asyncio.get_running_loop().time() + PATIENCE_S
        trouble: tuple[str, str, ModelError] | None = None
        for alias in aliases:
            try:
                left = max(0.0, patience - asyncio.get_running_loop().time())
                runtime, model = await self.engine.models.find(alias, left)
            except ModelError as error:
                self.failed[alias] = error
                code = "models_pending" if error.kind == "pending" else "model_missing"
                trouble = trouble or (code, alias, error)
                continue
            if trouble is not None:
                code, who, why = trouble
                instead = phrase(EXTRACTIVE, language) if alias == EXTRACTIVE else alias
                yield notice(code, language, alias=who, why=why, instead=instead)
            elif runtime.name == EXTRACTIVE:
                yield notice("quoted", language)
            written.begin(alias, model, runtime.name)
            request = self._request(model, messages)
            try:
                async with aclosing(
                    generate(written, runtime, request, self.trace, self.engine.settings.timeouts)
                ) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                self.failed[alias] = error
                trouble = ("model_failed", alias, error)
        if trouble is not None:
            raise trouble[2]

    def _request(self, model: str, messages: Callable[[], tuple[Message, ...]]) -> ChatRequest:
        generation = self.plan.generation
        with self.trace.span("prepare"):
            return ChatRequest(
                model=model,
                messages=messages(),
                question=self.question.text,
                passages=self.found.passages,
                answerable=self.answerable,
                language=self.found.language,
                max_tokens=generation.max_tokens,
                temperature=generation.temperature,
                seed=generation.seed,
                user=self.question.user,
            )

    def draft_messages(self) -> tuple[Message, ...]:
        return prompts.draft_messages(
            self.question.text, self.found.passages, history=self._history(), language=self.found.language
        )

    def refine_messages(self, draft: Written) -> Callable[[], tuple[Message, ...]]:
        return lambda: prompts.refine_messages(
            self.question.text, self.found.passages, draft.text, history=self._history(), language=self.found.language
        )

    def _history(self) -> list[tuple[str, str]]:
        return [(turn.question, turn.answer) for turn in self.question.history]

    async def check(self, written: Written) -> CheckedAnswer:
        """The citation check, beside the event loop. Tandem's own refusal claims nothing: nothing to check."""
        text = written.text
        if written.runtime == EXTRACTIVE and not self.answerable:
            return CheckedAnswer(text, (CheckedSentence(text, 0, len(text), Support.NEUTRAL, 0.0),))
        with self.trace.span("verify", written.stage):
            return await asyncio.to_thread(grounding.check, text, self.found.passages)

    def decide(self, draft: Written, checked: CheckedAnswer) -> tuple[Decision, Notice | None]:
        """The policy's decision, or why the draft must stand in spite of it; with the notice to give."""
        with self.trace.span("decide"):
            signals = self._signals(draft, checked)
            self.trace.signals = signals.as_dict()
            decision, excuse = self._possible(self._wanted(signals), draft)
            self.trace.decision = asdict(decision)
        return decision, excuse

    def _signals(self, draft: Written, checked: CheckedAnswer) -> Signals:
        counted = draft.usage is not None and not draft.usage.estimated
        return measure(
            self.question.text,
            draft.text,
            checked,
            self.found,
            finish_reason=draft.finish_reason or "stop",
            completion_tokens=draft.usage.completion_tokens if draft.usage is not None and counted else None,
            max_tokens=self.plan.generation.max_tokens,
            topics=self.plan.escalation.topics if self.plan.escalation.flagged_topics else (),
        )

    def _wanted(self, signals: Signals) -> Decision:
        decision = self.plan.policy.decide(signals)
        if self.question.options.draft_text:
            return replace(decision, escalate=True, reasons=(Reason("asked", "You asked the large model."),))
        return decision

    def _possible(self, decision: Decision, draft: Written) -> tuple[Decision, Notice | None]:
        refine = self.plan.refine
        if not decision.escalate:
            return decision, None
        if draft.alias == refine and (self.plan.draft != refine or self.plan.escalation.mode is Escalate.AUTO):
            same = Reason("same_model", f"{refine} wrote the draft itself.", {"model": refine})
            return replace(decision, escalate=False, reasons=(*decision.reasons, same)), None
        known, error = refine in self.failed, self.failed.get(refine)
        if error is None:
            try:
                self.engine.models.resolve(refine)
                return decision, None
            except ModelError as missing:
                error = missing
        gone = Reason("refine_unavailable", f"{refine} is not available: {error}", {"model": refine})
        decision = replace(decision, escalate=False, reasons=(*decision.reasons, gone))
        told = known and draft.runtime == EXTRACTIVE
        return decision, None if told else notice("refine_missing", self.found.language, alias=refine, why=error)

    def worse(
        self, refined: Written, rechecked: CheckedAnswer, draft: Written, checked: CheckedAnswer
    ) -> Notice | None:
        """Why the refinement must not replace the draft, or None when it may."""
        language = self.found.language
        if not refined.text.strip():
            return notice("refinement_empty", language, alias=refined.alias)
        before, after = self._merit(draft, checked), self._merit(refined, rechecked)
        if after >= before:
            return None
        if phrases.is_refusal(refined.text):
            return notice("refinement_refused", language, alias=refined.alias)
        return notice(
            "refinement_kept_draft", language, alias=refined.alias, before=round(before * 100), after=round(after * 100)
        )

    def _merit(self, written: Written, checked: CheckedAnswer) -> float:
        """Support in [0, 1]; nothing is worth nothing, and a refusal is as right as retrieval has it."""
        if not written.text.strip():
            return 0.0
        if phrases.is_refusal(written.text):
            return 0.0 if self.answerable else 1.0
        return checked.supported_share

    def answer(self, final: Written, checked: CheckedAnswer, draft: Written, decision: Decision) -> Answer:
        return Answer(
            text=checked.text,
            checked=checked,
            passages=self.found.passages,
            model=final.model,
            runtime=final.runtime,
            stage=final.stage,
            escalated=decision.escalate,
            draft=draft.text if final is not draft else "",
            refused=phrases.is_refusal(checked.text),
        )
