"""The stages of one question: have a text written by whoever can, check it, decide on it, compare two.

Knows what is tried when a model is missing, fails, or cannot hold the prompt. Does not know the stages' order
(`hybrid.answering.pipeline` does), how a runtime generates, or how a policy decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cached_property

from hybrid.answering import learning
from hybrid.answering.context import shortened
from hybrid.answering.generation import Written, generate
from hybrid.answering.notices import notice, phrase
from hybrid.answering.warming import Warming
from hybrid.comparison import Change
from hybrid.engine import Engine, Plan
from hybrid.errors import ModelError
from hybrid.events import Answer, Decision, Event, Notice, Reason
from hybrid.executors import checking
from hybrid.policies.early_exit import Watch
from hybrid.policies.rules import REPETITIVE
from hybrid.policies.signals import Signals, measure, touched
from hybrid.question import Question
from hybrid.runtimes.base import ChatRequest, Runtime
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate
from hybrid.tracing.trace import Span, Trace
from rag import prompts
from rag.grounding import citations
from rag.text import phrases
from rag.types import CheckedAnswer, CheckedSentence, Message, Passage, SearchResult, Support

PATIENCE_S = 0.05

Messages = Callable[[Sequence[Passage]], tuple[Message, ...]]


class Stages:
    """One question under way, and what its stages share."""

    def __init__(self, question: Question, plan: Plan, found: SearchResult, engine: Engine, trace: Trace) -> None:
        self.question = question
        self.plan = plan
        self.found = found
        self.engine = engine
        self.trace = trace
        self.failed: dict[str, ModelError] = {}
        self.watch: Watch | None = None
        self._refusals: dict[str, bool] = {}
        self.answerable = bool(found.passages) and found.confidence >= engine.minimum_confidence

    async def write(
        self, written: Written, aliases: tuple[str, ...], messages: Messages
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
            try:
                async with aclosing(self._fitted(written, runtime, model, messages)) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                self.failed[alias] = error
                trouble = ("model_failed", alias, error)
        if trouble is not None:
            raise trouble[2]

    async def _fitted(
        self, written: Written, runtime: Runtime, model: str, messages: Messages
    ) -> AsyncGenerator[Event, None]:
        """One model's call, with as many of the passages as its context holds."""
        passages = self.found.passages
        while True:
            with self.trace.span("prepare"):
                request = self._request(model, messages, passages)
            try:
                self.watch = self._watch(written)
                heard = self.watch.add if self.watch is not None else None
                async with aclosing(
                    generate(written, runtime, request, self.trace, self.engine.settings.timeouts, heard)
                ) as events:
                    async for event in events:
                        yield event
                break
            except ModelError as error:
                fewer = shortened(passages, error)
                if fewer is None:
                    raise
                passages = fewer
        dropped = len(self.found.passages) - len(passages)
        if dropped:
            yield notice("shortened", self.found.language, dropped=dropped, alias=written.alias)

    def _watch(self, written: Written) -> Watch | None:
        """A watch over a draft that the large model could take the place of, where the settings ask for one."""
        escalation = self.plan.escalation
        judged = escalation.policy == "logistic" or escalation.low_confidence
        wanted = escalation.mode is Escalate.AUTO and judged and (escalation.early_abort or escalation.warm)
        if written.stage != "draft" or written.runtime == EXTRACTIVE or not wanted or not self._refiner(written):
            return None
        return Watch(self.question.text, self.found, self.engine.minimum_confidence, cuts=escalation.early_abort)

    def _refiner(self, draft: Written) -> tuple[Runtime, str] | None:
        """Who refines, if it is there and did not write the draft itself."""
        if draft.alias == self.plan.refine or self.plan.refine in self.failed:
            return None
        try:
            return self.engine.models.resolve(self.plan.refine)
        except ModelError:
            return None

    def warm(self, warming: Warming, draft: Written) -> None:
        """Have the large model read the prompt ahead once it is likely to be asked."""
        escalation = self.plan.escalation
        if not escalation.warm or escalation.mode is Escalate.NEVER:
            return
        likely = escalation.mode is Escalate.ALWAYS or (self.watch is not None and self.watch.likely) or self.flagged
        refiner = self._refiner(draft) if likely else None
        if refiner is not None:
            runtime, model = refiner
            warming.start(runtime, self._request(model, self.draft_messages, self.found.passages))

    @cached_property
    def flagged(self) -> tuple[str, ...]:
        """The flagged topics that the question touches."""
        escalation = self.plan.escalation
        return touched(self.question.text, escalation.topics, self.found.language) if escalation.flagged_topics else ()

    def _request(self, model: str, messages: Messages, passages: tuple[Passage, ...]) -> ChatRequest:
        generation = self.plan.generation
        return ChatRequest(
            model=model,
            messages=messages(passages),
            question=self.question.text,
            passages=passages,
            answerable=self.answerable,
            language=self.found.language,
            max_tokens=generation.max_tokens,
            temperature=generation.temperature,
            seed=generation.seed,
            user=self.question.user,
        )

    def draft_messages(self, passages: Sequence[Passage]) -> tuple[Message, ...]:
        return prompts.draft_messages(
            self.question.text, passages, history=self._history(), language=self.found.language
        )

    def refine_messages(self, draft: Written) -> Messages:
        return lambda passages: prompts.refine_messages(
            self.question.text, passages, draft.text, history=self._history(), language=self.found.language
        )

    def _history(self) -> list[tuple[str, str]]:
        return [(turn.question, turn.answer) for turn in self.question.history]

    async def check(self, written: Written) -> CheckedAnswer:
        """The citation check, beside the event loop."""
        if self._claims_nothing(written):
            return self._checked(written)
        with self.trace.span("verify", written.stage):
            return await checking(self._checked, written)

    async def judge(self, draft: Written) -> tuple[CheckedAnswer, Decision, Notice | None]:
        """The citation check of a draft, and the policy's decision or why the draft must stand in spite of it, with the
        notice to give.
        """
        verify = None if self._claims_nothing(draft) else self.trace.begin("verify", draft.stage)
        # In one go: where many answers wait to be checked, this one waits but once.
        checked, at, signals = await checking(self._measured, draft)
        if verify is not None:
            verify.duration_ms = at - verify.start_ms
        decide = Span("decide", at)
        self.trace.spans.append(decide)
        self.trace.signals = signals.as_dict()
        decision, excuse = self._possible(self._routed(self._wanted(signals, draft)), draft)
        self.trace.decision = decision.as_dict()
        self.trace.end(decide)
        return checked, decision, excuse

    def _claims_nothing(self, written: Written) -> bool:
        """Whether it is Tandem's own refusal: nothing to check."""
        return written.runtime == EXTRACTIVE and not self.answerable

    def _checked(self, written: Written) -> CheckedAnswer:
        text = written.text
        if self._claims_nothing(written):
            return CheckedAnswer(text, (CheckedSentence(text, 0, len(text), Support.NEUTRAL, 0.0),))
        return citations.check(text, self.found.passages)

    def _measured(self, draft: Written) -> tuple[CheckedAnswer, float, Signals]:
        """The checked draft, when it was checked (see `Trace.now`), and its signals."""
        checked = self._checked(draft)
        at = self.trace.now()
        signals = self._signals(draft, checked)
        self._refusals[draft.text] = signals.refused
        return checked, at, signals

    def _routed(self, decision: Decision) -> Decision:
        """The decision, with the reason why another model than the set one drafted."""
        chosen = self.plan.route
        if chosen is None:
            return decision
        text = f"{chosen.model} was asked because the question calls for {chosen.capability.value} ({chosen.words})."
        values: dict[str, float | str] = {"model": chosen.model, "capability": chosen.capability.value}
        return replace(decision, reasons=(*decision.reasons, Reason("routed", text, values)))

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
            logprobs=draft.logprobs,
        )

    def _wanted(self, signals: Signals, draft: Written) -> Decision:
        decision = self.plan.policy.decide(signals)
        if self.question.options.draft_text:
            return replace(decision, escalate=True, reasons=(Reason("asked", "You asked the large model."),))
        if draft.abandoned is not None:
            return replace(decision, escalate=True, reasons=(draft.abandoned,), regenerate=True)
        useless = signals.empty or signals.refused or signals.repetition > REPETITIVE
        return replace(decision, regenerate=decision.escalate and useless)

    def abandoned(self, draft: Written) -> Notice:
        """That the draft was cut off, why, and who writes instead."""
        why = phrase(draft.abandoned.code, self.found.language) if draft.abandoned is not None else ""
        return notice("draft_abandoned", self.found.language, why=why, alias=self.plan.refine)

    def second_messages(self, decision: Decision, draft: Written) -> Messages:
        """What the large model is given: the draft to refine, or the question alone where the draft is no help."""
        return self.draft_messages if decision.regenerate else self.refine_messages(draft)

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
        if draft.abandoned is not None:
            return None
        if not refined.text.strip():
            return notice("refinement_empty", language, alias=refined.alias)
        before, after = self._merit(draft, checked), self._merit(refined, rechecked)
        if after >= before:
            return None
        if self._refused(refined):
            return notice("refinement_refused", language, alias=refined.alias)
        return notice(
            "refinement_kept_draft", language, alias=refined.alias, before=round(before * 100), after=round(after * 100)
        )

    def _merit(self, written: Written, checked: CheckedAnswer) -> float:
        """Support in [0, 1]; nothing is worth nothing, and a refusal is as right as retrieval has it."""
        if not written.text.strip():
            return 0.0
        if self._refused(written):
            return 0.0 if self.answerable else 1.0
        return checked.supported_share

    def _refused(self, written: Written) -> bool:
        """Whether the text says that there is no answer; found out once."""
        text = written.text
        if text not in self._refusals:
            self._refusals[text] = phrases.is_refusal(text)
        return self._refusals[text]

    def compare(self, final: Written, checked: CheckedAnswer, decision: Decision) -> None:
        """Have the large model answer too, unseen, where this kept draft is one of the share that is to be compared."""
        share = self.plan.escalation.background_share
        refiner = self._refiner(final) if share and not decision.escalate and final.runtime != EXTRACTIVE else None
        if refiner is None or not learning.chosen(self.trace.id, share):
            return
        runtime, model = refiner
        request = self._request(model, self.draft_messages, self.found.passages)

        async def work() -> None:
            timeouts = self.engine.settings.timeouts
            later = await learning.compare(self.trace, runtime, request, checked, self.found, timeouts)
            if later is not None:
                self.engine.keep(later, self.trace.outcome, self.trace.answer)

        self.engine.spawn(work(), "compare with the large model")

    def answer(
        self,
        final: Written,
        checked: CheckedAnswer,
        draft: Written,
        decision: Decision,
        changed: tuple[Change, ...],
    ) -> Answer:
        return Answer(
            text=checked.text,
            checked=checked,
            passages=self.found.passages,
            model=final.model,
            runtime=final.runtime,
            stage=final.stage,
            escalated=decision.escalate,
            draft=draft.text if final is not draft else "",
            refused=self._refused(final),
            changes=changed,
            alias=final.alias,
        )
