"""Has a text written by whoever can: the draft, the second text, the reading ahead.

Knows what is tried when a model is missing, fails, or cannot hold the prompt, and what each is told. Does not know
what becomes of the text, nor how a runtime generates.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import cached_property

from hybrid.answering.context import shortened
from hybrid.answering.generation import Written, generate
from hybrid.answering.notices import notice, part
from hybrid.answering.numbering import inverse, numbers, renumbered
from hybrid.answering.task import Task
from hybrid.answering.warming import Warming
from hybrid.errors import ModelError
from hybrid.events import Decision, Event
from hybrid.policies.early_exit import Watch
from hybrid.policies.signals import touched
from hybrid.runtimes.base import ChatRequest, Runtime
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate
from rag import prompts
from rag.types import Message, Passage

PATIENCE_S = 0.05

Messages = Callable[[Sequence[Passage]], tuple[Message, ...]]


class Drafter:
    """Writes for one question."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.watch: Watch | None = None

    async def write(
        self, written: Written, aliases: tuple[str, ...], messages: Messages
    ) -> AsyncGenerator[Event, None]:
        """Have the first of `aliases` that can write this stage. Raises the last ModelError when none can."""
        language = self.task.language
        patience = asyncio.get_running_loop().time() + PATIENCE_S
        trouble: tuple[str, str, ModelError] | None = None
        for alias in aliases:
            try:
                left = max(0.0, patience - asyncio.get_running_loop().time())
                runtime, model = await self.task.engine.models.find(alias, left)
            except ModelError as error:
                self.task.failed[alias] = error
                code = "models_pending" if error.kind == "pending" else "model_missing"
                trouble = trouble or (code, alias, error)
                continue
            if trouble is not None:
                code, who, why = trouble
                instead = part(EXTRACTIVE) if alias == EXTRACTIVE else alias
                yield notice(code, language, alias=who, why=why, instead=instead)
            elif runtime.name == EXTRACTIVE and not self.task.reading.settled:
                yield notice("quoted", language)
            written.begin(alias, model, runtime.name)
            try:
                async with aclosing(self._fitted(written, runtime, model, messages)) as events:
                    async for event in events:
                        yield event
                return
            except ModelError as error:
                self.task.failed[alias] = error
                trouble = ("model_failed", alias, error)
        if trouble is not None:
            raise trouble[2]

    async def _fitted(
        self, written: Written, runtime: Runtime, model: str, messages: Messages
    ) -> AsyncGenerator[Event, None]:
        """One model's call, with as many of the passages as its context holds."""
        passages = self.task.found.passages
        while True:
            with self.task.trace.span("prepare"):
                shown = self.task.arranged(model, passages)
                request = self.task.request(model, messages(shown), passages, shown)
            try:
                self.watch = self._watch(written)
                heard = self.watch.add if self.watch is not None else None
                async with aclosing(
                    generate(written, runtime, request, self.task.trace, self.task.engine.settings.timeouts, heard)
                ) as events:
                    async for event in events:
                        yield event
                if runtime.name != EXTRACTIVE and not self.task.given:
                    self.task.engine.conversations.read(self.task.question, model, shown, written.usage)
                break
            except ModelError as error:
                fewer = shortened(passages, error)
                if fewer is None:
                    raise
                passages = fewer
        dropped = len(self.task.found.passages) - len(passages)
        if dropped:
            yield notice("shortened", self.task.language, dropped=dropped, alias=written.alias)

    def _watch(self, written: Written) -> Watch | None:
        """A watch over what a model writes: for loops and echoes always, and over a draft that the large model could
        take the place of, where the settings ask for it, for all that makes it hopeless.
        """
        task, escalation = self.task, self.task.plan.escalation
        if written.runtime == EXTRACTIVE or task.question.options.accept_all:
            return None
        judged = escalation.policy == "logistic" or escalation.low_confidence
        wanted = escalation.mode is Escalate.AUTO and judged and (escalation.early_abort or escalation.warm)
        replaceable = written.stage == "draft" and wanted and task.refiner(written.alias) is not None
        return Watch(
            task.question.text,
            task.found,
            task.engine.minimum_confidence,
            cuts=escalation.early_abort or not replaceable,
            form_only=not replaceable,
            instructions=prompts.INSTRUCTIONS,
        )

    def warm(self, warming: Warming, draft: Written) -> None:
        """Have the large model read the prompt ahead once it is likely to be asked."""
        escalation = self.task.plan.escalation
        if warming.started or not escalation.warm or escalation.mode is Escalate.NEVER:
            return
        likely = escalation.mode is Escalate.ALWAYS or (self.watch is not None and self.watch.likely) or self.flagged
        refiner = self.task.refiner(draft.alias) if likely else None
        if refiner is not None:
            runtime, model = refiner
            warming.start(runtime, self.request(model))

    @cached_property
    def flagged(self) -> tuple[str, ...]:
        """The flagged topics that the question touches."""
        escalation = self.task.plan.escalation
        return (
            touched(self.task.question.text, escalation.topics, self.task.language) if escalation.flagged_topics else ()
        )

    def draft_messages(self, passages: Sequence[Passage]) -> tuple[Message, ...]:
        return prompts.draft_messages(
            self.task.question.text, passages, history=self._history(), language=self.task.language
        )

    def refine_messages(self, draft: Written) -> Messages:
        found = self.task.found.passages

        def messages(shown: Sequence[Passage]) -> tuple[Message, ...]:
            text = renumbered(draft.text, inverse(numbers(shown, found), len(found)))
            return prompts.refine_messages(
                self.task.question.text, shown, text, history=self._history(), language=self.task.language
            )

        return messages

    def second_messages(self, decision: Decision, draft: Written) -> Messages:
        """What the large model is given: the draft to refine, or the question alone where the draft is no help."""
        return self.draft_messages if decision.regenerate else self.refine_messages(draft)

    def request(self, model: str) -> ChatRequest:
        """What a model is asked that sees no draft."""
        passages = self.task.found.passages
        shown = self.task.arranged(model, passages)
        return self.task.request(model, self.draft_messages(shown), passages, shown)

    def _history(self) -> list[tuple[str, str]]:
        return self.task.engine.conversations.said(self.task.question)
