"""Checks what was written against the passages, and compares two texts.

Knows the acceptance test, what Tandem wrote itself, and which of draft and refinement is worth more. Does not know who
decides, nor what is shown where neither will do.
"""

from __future__ import annotations

from dataclasses import replace

from hybrid.answering import acceptance
from hybrid.answering.acceptance import Searched, Verdict
from hybrid.answering.generation import Written
from hybrid.answering.notices import notice, part, phrase
from hybrid.answering.task import Task
from hybrid.events import Notice, Withheld
from hybrid.executors import checking
from hybrid.policies.degeneration import CUT
from hybrid.policies.signals import is_truncated
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag import prompts
from rag.grounding import citations
from rag.text import phrases
from rag.types import CheckedAnswer, CheckedSentence, Support

FORM = ("abandoned_loop", "abandoned_echo")
"""Why a text is cut off while it is written, where what it said before may still be good."""


class Verifier:
    """Checks the texts of one question."""

    def __init__(self, task: Task) -> None:
        self.task = task

    async def check(self, written: Written) -> Verdict:
        """Whether it may be shown, found out beside the event loop."""
        if self.claims_nothing(written):
            return self.check_now(written)
        with self.task.trace.span("verify", written.stage):
            return await checking(self.check_now, written)

    def prepare(self) -> None:
        """Read the passages ahead in this thread, so that the check is quick once something is written."""
        acceptance.prepare(self._searched())

    def _searched(self) -> Searched:
        task = self.task
        return Searched(
            task.question.text,
            task.found.passages,
            task.found.confidence,
            task.answerable,
            prompts.INSTRUCTIONS,
            given=task.given,
            free=task.plan.route is not None,
            query=task.found.query,
            likes=task.found.likes,
        )

    def claims_nothing(self, written: Written) -> bool:
        """Whether it is Tandem's own refusal: nothing to check."""
        return written.runtime == EXTRACTIVE and not self.task.answerable

    def check_now(self, written: Written) -> Verdict:
        """Whether it may be shown, found out in this thread."""
        task, text = self.task, written.text
        if self.claims_nothing(written):
            return Verdict(CheckedAnswer(text, (_claimless(text),)), refused=True)
        if written.runtime == EXTRACTIVE or task.question.options.accept_all:
            checked = written.checked  # quoted: it is known where every piece stands
            if checked is None:
                checked = citations.check(text, task.found.passages, task.question.text)
            carried = any(one.support is Support.SUPPORTED for one in checked.sentences)
            return Verdict(checked, refused=not carried and phrases.is_refusal(text))
        reliability = task.engine.reliability
        verdict = acceptance.judge(
            text, self._searched(), truncated=self._truncated(written), trusted=reliability.trusted(written.alias)
        )
        if written.runtime and verdict.sound is not None:
            reliability.learn(written.alias, verdict.sound)
        if verdict.accepted and not verdict.refused and task.answerable and reliability.distrusted(written.alias):
            return replace(verdict, why="unproved")
        if verdict.accepted and written.abandoned is not None and written.abandoned.code not in FORM:
            return Verdict(verdict.checked, written.abandoned.code.removeprefix("abandoned_"), verdict.faults)
        return verdict

    def _truncated(self, written: Written) -> bool:
        if written.abandoned is not None:
            return True
        counted = written.usage is not None and not written.usage.estimated
        tokens = written.usage.completion_tokens if written.usage is not None and counted else None
        return is_truncated(written.text, written.finish_reason or "stop", tokens, self.task.plan.generation.max_tokens)

    def worse(self, refined: Written, rechecked: Verdict, draft: Written, checked: Verdict) -> Notice | None:
        """Why the refinement must not replace the draft, or None when it may."""
        language = self.task.language
        if not checked.accepted:
            return None
        if not refined.text.strip():
            return notice("refinement_empty", language, alias=refined.alias)
        before, after = self._merit(checked), self._merit(rechecked)
        if rechecked.refused and after < before:
            return notice("refinement_refused", language, alias=refined.alias)
        if not rechecked.accepted:
            return notice("refinement_withheld", language, alias=refined.alias, why=self.reason(rechecked))
        if after >= before:
            return None
        return notice(
            "refinement_kept_draft", language, alias=refined.alias, before=round(before * 100), after=round(after * 100)
        )

    def _merit(self, verdict: Verdict) -> float:
        """Support in [0, 1]; a refusal is as right as retrieval has it."""
        if verdict.refused:
            return 0.0 if self.task.answerable else 1.0
        return verdict.checked.supported_share

    def replaced(self, written: Written, verdict: Verdict) -> Notice:
        """That the documents are quoted, or the refusal given, in place of what was written, and why."""
        language = self.task.language
        instead = part(EXTRACTIVE)
        if verdict.why == "empty":
            return notice("model_empty", language, alias=written.alias, instead=instead)
        return notice("withheld", language, alias=written.alias, why=self.reason(verdict), instead=instead)

    def reason(self, verdict: Verdict) -> Notice:
        """Why a text was not accepted, in words that end a sentence."""
        return part(f"why_{verdict.why}")

    def withheld(self, written: Written, verdict: Verdict) -> Withheld | None:
        """The text for who wants to see it all the same; None where all of it is shown, or nothing was written."""
        if written.runtime in ("", EXTRACTIVE) or not written.text.strip():
            return None
        if verdict.accepted and (not verdict.faults or verdict.faults == (CUT,)):
            return None
        why = verdict.why or verdict.faults[0]
        return Withheld(written.stage, written.model, written.text, why, phrase(f"why_{why}"))


def _claimless(text: str) -> CheckedSentence:
    return CheckedSentence(text, 0, len(text), Support.NEUTRAL, 0.0)
