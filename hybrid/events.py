"""The events of one question: the only way an answer comes about.

Knows what a front door may hear, in order: Retrieved, then for each model call StageBegan, Progress and Delta in any
number, StageEnded; Decided after the draft; Notice anywhere; and at the very end exactly one of Finished or Failed.
Does not know who listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hybrid.comparison import Change
from hybrid.runtimes.base import Phase, Usage
from hybrid.tracing.trace import Trace
from rag.errors import UserFacingError
from rag.types import CheckedAnswer, Passage, SearchResult

Stage = Literal["draft", "refine", "warm", "background"]
"""What a model call is for. Reading ahead (warm) and comparing (background) make no events; traces have them."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a draft was kept or escalated. `code` is stable; `values` are what a translation fills in."""

    code: str
    text: str
    values: dict[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy decided. `probability` in [0, 1] is its estimate that the draft is bad.

    `regenerate` says that the large model is to write anew, without seeing the draft.
    """

    escalate: bool
    probability: float
    reasons: tuple[Reason, ...]
    policy: str
    version: str
    regenerate: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, as a trace keeps it."""
        reasons = [{"code": one.code, "text": one.text, "values": one.values} for one in self.reasons]
        return {
            "escalate": self.escalate,
            "probability": self.probability,
            "reasons": reasons,
            "policy": self.policy,
            "version": self.version,
            "regenerate": self.regenerate,
        }


@dataclass(frozen=True, slots=True)
class Withheld:
    """A text that was written and is not shown, for the person to open all the same. `why` is a code of
    `hybrid.answering.acceptance.Verdict`, `reason` the same in words.
    """

    stage: Stage
    model: str
    text: str
    why: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a question. `text` is `checked.text`. `model` is who wrote what is shown ("extractive" quotes),
    `alias` what the settings call it.

    `draft` is the draft's text when a refinement replaced it, else "". `refused` says that the corpus has no answer.
    `changes` is what a refinement made of the draft, sentence by sentence, whether it is shown or was left out.
    `withheld` are the texts that were not accepted, or of which a part was left out.
    """

    text: str
    checked: CheckedAnswer
    passages: tuple[Passage, ...]
    model: str
    runtime: str
    stage: Stage
    escalated: bool
    draft: str = ""
    refused: bool = False
    changes: tuple[Change, ...] = ()
    alias: str = ""
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieved:
    result: SearchResult


@dataclass(frozen=True, slots=True)
class StageBegan:
    """A model call starts. A second StageBegan for the same stage starts it over: what it wrote so far is void."""

    stage: Stage
    model: str
    runtime: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A model call waits: in the queue at `position` (0: next), for the model to load, or for the first token."""

    stage: Stage
    phase: Phase
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """Text to append to the stage's text; `reasoning` is thinking aloud and never part of the answer."""

    stage: Stage
    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class StageEnded:
    stage: Stage
    finish_reason: str
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Decided:
    decision: Decision


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence the person should read: a model that is missing and how to mend it, a refinement not shown and why.

    `code` is stable (draft_abandoned, model_missing, model_failed, refinement_kept_draft, spelling, ...), `text` is
    English. `values` are what a translation fills in: other notices and errors may be among them. `language` is the
    question's, "" where it is not known.
    """

    code: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict, compare=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    answer: Answer
    trace: Trace


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer came about. `text` is what the models wrote before, "" if nothing; `error` what was expected to be able
    to fail, None for anything else."""

    message: str
    trace: Trace
    text: str = ""
    error: UserFacingError | None = None


Event = Retrieved | StageBegan | Progress | Delta | StageEnded | Decided | Notice | Finished | Failed
