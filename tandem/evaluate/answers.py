"""Asks every question of a set through the pipeline and counts: found, answered, refused.

Knows the measures. Does not know where questions come from, nor how an answer comes about.

recall@5: share of the answerable questions with one of their documents among the first five passages.
key_facts: share of the answerable questions whose answer holds every key fact, in one of its accepted wordings.
abstention: share of the unanswerable questions that were refused. false_refusals: of the answerable ones.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hybrid.events import Event, Failed, Finished, Retrieved
from hybrid.pipeline import Options, Question
from rag.analysis import casefold
from rag.errors import UserFacingError
from rag.types import Passage
from tandem.evaluate.questions import Asked

DEPTH = 5
MARKER = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question."""

    asked: Asked
    text: str
    refused: bool
    retrieved: tuple[str, ...]

    @property
    def recalled(self) -> bool:
        return any(document in self.asked.documents for document in self.retrieved[:DEPTH])

    @property
    def complete(self) -> bool:
        """Whether every key fact stands in the answer."""
        return all(contains(self.text, alternatives) for alternatives in self.asked.facts)


def contains(text: str, alternatives: Iterable[str]) -> bool:
    """Whether one of `alternatives` stands in `text`, without regard to case, white space and citation markers."""
    plain = normalised(MARKER.sub("", text))
    return any(normalised(wanted) in plain for wanted in alternatives)


def normalised(text: str) -> str:
    return " ".join(casefold(text).split())


async def ask_all(
    questions: Sequence[Asked],
    answer: Callable[[Question], AsyncIterator[Event]],
    options: Options,
    document_of: Callable[[Passage], str],
    progress: Callable[[int, int], None],
) -> list[Outcome]:
    """Ask one question after another. `progress` hears how many of how many.

    `document_of` gives the name by which the questions know a passage's document. Raises UserFacingError.
    """
    outcomes = []
    for asked in questions:
        retrieved: tuple[str, ...] = ()
        async for event in answer(Question(asked.question, options=options)):
            if isinstance(event, Retrieved):
                retrieved = tuple(document_of(passage) for passage in event.result.passages)
            elif isinstance(event, Failed):
                raise UserFacingError(f"Question {asked.id} was not answered: {event.message}")
            elif isinstance(event, Finished):
                outcomes.append(Outcome(asked, event.answer.text, event.answer.refused, retrieved))
        progress(len(outcomes), len(questions))
    return outcomes


def report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The measures; shares in [0, 1], null where no question counts. `words` is the mean length of the answers that
    were no refusals; `missed` names the questions behind each share.
    """
    answerable = [o for o in outcomes if o.asked.documents]
    unanswerable = [o for o in outcomes if not o.asked.documents]
    lengths = [len(MARKER.sub("", o.text).split()) for o in outcomes if not o.refused]
    return {
        "recall@5": _share(o.recalled for o in answerable),
        "key_facts": _share(o.complete for o in answerable),
        "abstention": _share(o.refused for o in unanswerable),
        "false_refusals": _share(o.refused for o in answerable),
        "refused": _share(o.refused for o in outcomes),
        "words": round(statistics.fmean(lengths), 1) if lengths else None,
        "answerable": len(answerable),
        "unanswerable": len(unanswerable),
        "missed": {
            "recall@5": [o.asked.id for o in answerable if not o.recalled],
            "key_facts": [o.asked.id for o in answerable if not o.complete],
            "abstention": [o.asked.id for o in unanswerable if not o.refused],
            "false_refusals": [o.asked.id for o in answerable if o.refused],
        },
    }


def _share(flags: Iterable[bool]) -> float | None:
    counted = list(flags)
    return round(sum(counted) / len(counted), 4) if counted else None
