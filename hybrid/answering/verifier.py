"""Checks what was written against the passages, and compares two texts.

Knows the citation check, refusals, and which of draft and refinement is worth more. Does not know who decides, nor what
is shown where neither will do.
"""

from __future__ import annotations

from hybrid.answering.generation import Written
from hybrid.answering.notices import notice
from hybrid.answering.task import Task
from hybrid.events import Notice
from hybrid.executors import checking
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag.grounding import citations
from rag.text import phrases
from rag.types import CheckedAnswer, CheckedSentence, Support


class Verifier:
    """Checks the texts of one question."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._refusals: dict[str, bool] = {}

    async def check(self, written: Written) -> CheckedAnswer:
        """The citation check, beside the event loop."""
        if self.claims_nothing(written):
            return self.checked_now(written)
        with self.task.trace.span("verify", written.stage):
            return await checking(self.checked_now, written)

    def claims_nothing(self, written: Written) -> bool:
        """Whether it is Tandem's own refusal: nothing to check."""
        return written.runtime == EXTRACTIVE and not self.task.answerable

    def checked_now(self, written: Written) -> CheckedAnswer:
        """The citation check, in this thread."""
        text = written.text
        if self.claims_nothing(written):
            return CheckedAnswer(text, (CheckedSentence(text, 0, len(text), Support.NEUTRAL, 0.0),))
        if written.checked is not None:  # quoted: it is known where every piece stands
            return written.checked
        return citations.check(text, self.task.found.passages, self.task.question.text)

    def worse(
        self, refined: Written, rechecked: CheckedAnswer, draft: Written, checked: CheckedAnswer
    ) -> Notice | None:
        """Why the refinement must not replace the draft, or None when it may."""
        language = self.task.language
        if draft.abandoned is not None:
            return None
        if not refined.text.strip():
            return notice("refinement_empty", language, alias=refined.alias)
        before, after = self.merit(draft, checked), self.merit(refined, rechecked)
        if after >= before:
            return None
        if self.refused(refined):
            return notice("refinement_refused", language, alias=refined.alias)
        return notice(
            "refinement_kept_draft", language, alias=refined.alias, before=round(before * 100), after=round(after * 100)
        )

    def merit(self, written: Written, checked: CheckedAnswer) -> float:
        """Support in [0, 1]; nothing is worth nothing, and a refusal is as right as retrieval has it."""
        if not written.text.strip():
            return 0.0
        if self.refused(written):
            return 0.0 if self.task.answerable else 1.0
        return checked.supported_share

    def know(self, text: str, refused: bool) -> None:
        """Take in whether a text says that there is no answer, where somebody found out already."""
        self._refusals[text] = refused

    def refused(self, written: Written) -> bool:
        """Whether the text says that there is no answer; found out once."""
        text = written.text
        if written.checked is not None and any(one.support is Support.SUPPORTED for one in written.checked.sentences):
            return False
        if text not in self._refusals:
            self._refusals[text] = phrases.is_refusal(text)
        return self._refusals[text]
