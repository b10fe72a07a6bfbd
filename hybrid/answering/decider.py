"""Decides on a draft: keep it, have it refined, or have the large model write anew.

Knows the signals that the policy is given, and what overrules it: what was asked for, a draft that was cut off, a large
model that is not there. Does not know how a policy decides.
"""

from __future__ import annotations

from dataclasses import replace

from hybrid.answering.acceptance import UNSUPPORTED, Verdict
from hybrid.answering.generation import Written
from hybrid.answering.notices import notice, part
from hybrid.answering.task import Task
from hybrid.answering.verifier import Verifier
from hybrid.errors import ModelError
from hybrid.events import Decision, Notice, Reason
from hybrid.executors import checking
from hybrid.policies.rules import REPETITIVE
from hybrid.policies.signals import Signals, measure
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate
from hybrid.tracing.trace import Span
from rag.types import CheckedAnswer


class Decider:
    """Decides for one question."""

    def __init__(self, task: Task, verifier: Verifier) -> None:
        self.task = task
        self.verifier = verifier

    async def judge(self, draft: Written) -> tuple[Verdict, Decision, Notice | None]:
        """Whether the draft may be shown, and the policy's decision, or why the draft must stand in spite of it, with
        the notice to give.
        """
        verify = None if self.verifier.claims_nothing(draft) else self.task.trace.begin("verify", draft.stage)
        # In one go: where many answers wait to be checked, this one waits but once.
        verdict, at, signals = await checking(self._measured, draft)
        if verify is not None:
            verify.duration_ms = at - verify.start_ms
        decide = Span("decide", at)
        self.task.trace.spans.append(decide)
        self.task.trace.signals = signals.as_dict()
        decision, excuse = self._possible(self._routed(self._wanted(signals, draft, verdict)), draft)
        self.task.trace.decision = decision.as_dict()
        self.task.trace.end(decide)
        return verdict, decision, excuse

    def _measured(self, draft: Written) -> tuple[Verdict, float, Signals]:
        """The verdict on the draft, when it was found (see `Trace.now`), and the draft's signals."""
        verdict = self.verifier.check_now(draft)
        at = self.task.trace.now()
        return verdict, at, self._signals(draft, verdict.written)

    def _routed(self, decision: Decision) -> Decision:
        """The decision, with the reason why another model than the set one drafted."""
        chosen = self.task.plan.route
        if chosen is None:
            return decision
        text = f"{chosen.model} was asked because the question calls for {chosen.capability.value} ({chosen.words})."
        values: dict[str, float | str] = {"model": chosen.model, "capability": chosen.capability.value}
        return replace(decision, reasons=(*decision.reasons, Reason("routed", text, values)))

    def _signals(self, draft: Written, checked: CheckedAnswer) -> Signals:
        counted = draft.usage is not None and not draft.usage.estimated
        return measure(
            self.task.question.text,
            draft.text,
            checked,
            self.task.found,
            finish_reason=draft.finish_reason or "stop",
            completion_tokens=draft.usage.completion_tokens if draft.usage is not None and counted else None,
            max_tokens=self.task.plan.generation.max_tokens,
            topics=self.task.plan.escalation.topics if self.task.plan.escalation.flagged_topics else (),
            logprobs=draft.logprobs,
        )

    def _wanted(self, signals: Signals, draft: Written, verdict: Verdict) -> Decision:
        decision = self.task.plan.policy.decide(signals)
        if self.task.question.options.draft_text:
            return replace(decision, escalate=True, reasons=(Reason("asked", "You asked the large model."),))
        if not self.task.answerable:  # nothing found means nothing invented, by a large model neither
            return replace(decision, escalate=False, reasons=(self._nothing(), *decision.reasons))
        if draft.abandoned is not None and self.task.refiner(draft.alias) is not None:
            return replace(decision, escalate=True, reasons=(draft.abandoned,), regenerate=True)
        escalation = self.task.plan.escalation
        judged = escalation.mode is Escalate.AUTO and escalation.policy == "rules" and escalation.low_confidence
        if judged and not verdict.accepted and not decision.escalate:
            text = f"The draft is not fit to be shown: {self.verifier.reason(verdict)}"
            decision = replace(decision, escalate=True, reasons=(Reason("not_accepted", text, {"why": verdict.why}),))
        useless = (
            signals.empty
            or signals.refused
            or bool({*verdict.faults} - {UNSUPPORTED})
            or signals.repetition > REPETITIVE
        )
        return replace(decision, regenerate=decision.escalate and useless)

    def _nothing(self) -> Reason:
        values: dict[str, float | str] = {"confidence": self.task.found.confidence}
        return Reason("nothing_found", "The search found nothing to answer from.", values)

    def abandoned(self, draft: Written) -> Notice:
        """That the draft was cut off, why, and who writes instead."""
        why = part(draft.abandoned.code) if draft.abandoned is not None else ""
        return notice("draft_abandoned", self.task.language, why=why, alias=self.task.plan.refine)

    def _possible(self, decision: Decision, draft: Written) -> tuple[Decision, Notice | None]:
        plan = self.task.plan
        refine = plan.refine
        if not decision.escalate:
            return decision, None
        if draft.alias == refine and (
            self.task.plan.draft != refine or self.task.plan.escalation.mode is Escalate.AUTO
        ):
            same = Reason("same_model", f"{refine} wrote the draft itself.", {"model": refine})
            return replace(decision, escalate=False, reasons=(*decision.reasons, same)), None
        known, error = refine in self.task.failed, self.task.failed.get(refine)
        if error is None:
            try:
                self.task.engine.models.resolve(refine)
                return decision, None
            except ModelError as missing:
                error = missing
        gone = Reason("refine_unavailable", f"{refine} is not available: {error}", {"model": refine})
        decision = replace(decision, escalate=False, reasons=(*decision.reasons, gone))
        told = known and draft.runtime == EXTRACTIVE
        return decision, None if told else notice("refine_missing", self.task.language, alias=refine, why=error)
