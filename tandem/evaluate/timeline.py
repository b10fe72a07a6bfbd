"""What a design would have changed about one answer's time: computed from a trace, without asking any model.

Knows the spans of an escalated answer and what the designs overlap or leave out. Does not know models. All times are
milliseconds from the question's arrival.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Timeline:
    """An escalated answer, drafted to its end and then refined.

    `words` begin (first visible word) and `drafted` ends the draft; `asked` is when the large model was asked,
    `reading` how long it read, `total` when all was done. The prompts count tokens.
    """

    words: float
    drafted: float
    asked: float
    reading: float
    total: float
    draft_prompt: int
    refine_prompt: int

    @classmethod
    def of(cls, trace: Mapping[str, Any]) -> Timeline | None:
        """From a stored trace (`Trace.as_dict`); None where it was not escalated, was cut off, or lacks a part."""
        spans = {(span["stage"], span["name"]): span for span in trace["spans"]}
        stages = {stage["stage"]: stage for stage in trace["stages"]}
        wanted = [("draft", "last_token"), ("refine", "first_token"), ("refine", "send")]
        if any(key not in spans for key in wanted) or not {"draft", "refine"} <= set(stages):
            return None
        draft, refine = stages["draft"], stages["refine"]
        if draft["usage"] is None or refine["usage"] is None or draft["finish_reason"] in ("aborted", "cancelled"):
            return None
        words, reads, send = (spans[key] for key in wanted)
        return cls(
            words=words["start_ms"],
            drafted=words["start_ms"] + (words["duration_ms"] or 0.0),
            asked=send["start_ms"],
            reading=reads["start_ms"] + (reads["duration_ms"] or 0.0) - send["start_ms"],
            total=trace["total_ms"],
            draft_prompt=draft["usage"]["prompt_tokens"],
            refine_prompt=refine["usage"]["prompt_tokens"],
        )

    def aborted(self, share: float) -> float:
        """The total, had the draft been cut after this share of its text and the question been answered anew."""
        spared = (1.0 - share) * (self.drafted - self.words)
        unread = self.reading * (1.0 - self.draft_prompt / max(1, self.refine_prompt))
        return self.total - spared - max(0.0, unread)

    def warmed(self, share: float) -> float:
        """The total, had the large model begun to read the prompt after this share of the draft's text."""
        token = self.reading / max(1, self.refine_prompt)
        begun = self.words + share * (self.drafted - self.words)
        ready = max(self.asked, begun + token * self.draft_prompt)
        left = token * max(0, self.refine_prompt - self.draft_prompt)
        return self.total - (self.asked + self.reading) + (ready + left)
