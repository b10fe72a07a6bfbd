"""How an answer comes about: search, draft, decide, refine, check. One generator of typed events.

Knows the order of the stages and what is tried when one fails. Does not know how a runtime generates, how a policy
decides, how a span is measured, or who listens.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from hybrid.answering import learning
from hybrid.answering.decider import Decider
from hybrid.answering.drafter import Drafter
from hybrid.answering.generation import Written
from hybrid.answering.notices import across, notice, part
from hybrid.answering.reading import Reading, read
from hybrid.answering.task import Task
from hybrid.answering.verifier import Verifier
from hybrid.answering.warming import Warming
from hybrid.comparison import Change, changes
from hybrid.engine import Engine, Plan
from hybrid.errors import ModelError
from hybrid.events import Answer, Decided, Delta, Event, Failed, Finished, Retrieved
from hybrid.executors import checking, searching
from hybrid.question import Options, Question, Turn
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.tracing.trace import Trace
from rag.errors import UserFacingError
from rag.text.unicode import whole
from rag.types import SearchResult

__all__ = ["Options", "Question", "Turn", "answer"]

log = logging.getLogger(__name__)


async def answer(question: Question, engine: Engine, found: SearchResult | None = None) -> AsyncGenerator[Event, None]:
    """Answer one question; the events come in the order `hybrid.events` describes. `found`, where given, is what it is
    answered from: nothing is searched.

    Closing the iterator (or cancelling its task) stops whatever runs; the trace is saved with what was written by then.
    """
    question = _storable(question)
    trace = Trace.start(question.text, question.conversation, question.principal)
    with engine.keeping(trace):
        expected: UserFacingError | None = None
        try:
            async with aclosing(_answer(question, engine, trace, found)) as events:
                async for event in events:
                    yield event
        except UserFacingError as error:
            message, expected = str(error), error
        except Exception as error:
            log.exception("A question failed in a way it should not")
            message = f"Something unforeseen went wrong ({type(error).__name__}); the log has it. Please ask again."
        else:
            return
        text = next((stage.text for stage in reversed(trace.stages) if stage.text), "")
        yield Failed(message, engine.keep(trace, "failed", text), text, expected)


async def _answer(
    question: Question, engine: Engine, trace: Trace, given: SearchResult | None
) -> AsyncGenerator[Event, None]:
    plan = engine.plan(question.options, question.text)
    reading = Reading(given) if given is not None else await _read(question, plan, engine, trace)
    found = reading.found
    if reading.settled and not question.options.draft_text:
        plan = plan.quoting()
    trace.retrieval = _noted(found)
    yield Retrieved(found)
    if given is None and engine.reading():
        yield notice("reading", found.language)
    for typed, corrected in found.corrections:
        yield notice("spelling", found.language, typed=typed, corrected=corrected)
    quoted = found.passages and reading.reply is None and found.confidence >= engine.minimum_confidence
    if quoted and (foreign := across(found.language, found.passages[0].language)) is not None:
        yield foreign
    if reading.chosen is not None:
        yield notice("version", found.language, current=reading.chosen[0], older=reading.chosen[1])
    task = Task(question, plan, found, engine, trace, reading, given is not None)
    if given is None and question.history:
        task.shown = await searching(engine.conversations.shown, question, engine.retriever)
    drafter, verifier = Drafter(task), Verifier(task)
    decider = Decider(task, verifier)

    draft = Written("draft")
    checkable = plan.draft != EXTRACTIVE and bool(found.passages)
    async with Warming(trace, engine.settings.timeouts) as warming:
        if question.options.draft_text:
            draft.alias = draft.model = plan.draft
            draft.pieces.append(question.options.draft_text)
        else:
            drafter.warm(warming, draft)
            async with aclosing(drafter.write(draft, plan.drafters, drafter.draft_messages)) as events:
                async for event in events:
                    yield event
                    drafter.warm(warming, draft)
                    if checkable and isinstance(event, Delta):  # in nobody's way to the first word
                        engine.spawn(checking(verifier.prepare), "read the passages for the check")
                        checkable = False
        verdict, decision, excuse = await decider.judge(draft)
        yield Decided(decision)
        if excuse is not None:
            yield excuse
        if draft.abandoned is not None and decision.escalate:
            yield decider.abandoned(draft)
        if decision.escalate:
            await warming.done()

    final, refined = draft, Written("refine")
    withheld = [verifier.withheld(draft, verdict)]
    changed: tuple[Change, ...] = ()
    if decision.escalate:
        told = drafter.second_messages(decision, draft)
        try:
            async with aclosing(drafter.write(refined, (plan.refine,), told)) as events:
                async for event in events:
                    yield event
        except ModelError as error:
            code = "refinement_failed" if verdict.accepted else "model_failed"
            instead = part(EXTRACTIVE)
            yield notice(code, found.language, alias=plan.refine, why=error, instead=instead)
        else:
            second = await verifier.check(refined)
            changed = changes(verdict.written, second.checked)
            withheld.append(verifier.withheld(refined, second))
            worse = verifier.worse(refined, second, draft, verdict)
            if worse is None:
                final, verdict = refined, second
            else:
                yield worse

    if not verdict.accepted:  # neither will do: the quote where the documents answer, the refusal where they do not
        yield verifier.replaced(final, verdict)
        final = draft = Written("draft")
        async with aclosing(drafter.write(draft, (EXTRACTIVE,), drafter.draft_messages)) as events:
            async for event in events:
                yield event
        verdict = await verifier.check(draft)

    checked = verdict.checked
    if given is None:
        engine.conversations.answered(question, checked)
    engine.keep(trace, "finished", checked.text)
    if not decision.escalate and final.runtime != EXTRACTIVE:
        learning.compare_unseen(task, final.alias, drafter.request, checked)
    answered = Answer(
        text=checked.text,
        checked=checked,
        passages=found.passages,
        model=final.model,
        runtime=final.runtime,
        stage=final.stage,
        escalated=decision.escalate,
        draft=draft.text if final is not draft else "",
        refused=verdict.refused,
        changes=changed,
        alias=final.alias,
        withheld=tuple(one for one in withheld if one is not None),
    )
    yield Finished(answered, trace)


def _storable(question: Question) -> Question:
    """The question without what no database and no socket can take."""
    history = tuple(Turn(whole(turn.question), whole(turn.answer)) for turn in question.history)
    return replace(question, text=whole(question.text), history=history)


async def _read(question: Question, plan: Plan, engine: Engine, trace: Trace) -> Reading:
    if not question.text.strip():
        raise UserFacingError("There is no question; please type one.")
    history = [(turn.question, turn.answer) for turn in question.history]
    with trace.span("retrieve"):
        return await searching(
            read,
            engine.retriever,
            question.text,
            principal=question.principal,
            conversation=question.conversation,
            collections=question.options.collections,
            history=history,
            limit=plan.passages,
            minimum=engine.minimum_confidence,
        )


def _noted(found: SearchResult) -> dict[str, Any]:
    """What a trace keeps of a search."""
    return {
        "query": found.query,
        "confidence": found.confidence,
        "language": found.language,
        "passages": [passage.id for passage in found.passages],
        "corrections": [list(pair) for pair in found.corrections],
    }
