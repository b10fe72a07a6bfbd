"""Asks every question of a set through the pipeline and counts: found, answered, refused.

Knows the measures. Does not know where questions come from, nor how an answer comes about.

recall@5: share of the answerable questions with one of their documents among the first five passages.
key_facts: share of the answerable questions whose answer holds every key fact, in one of its accepted wordings.
abstention: share of the unanswerable questions that were refused. false_refusals: of the answerable ones.
citation_precision: share of the citations whose document answers the question. citation_recall: share of the claims
that carry a citation. Both over the answerable questions that were answered. doubted_right: share of the answers with
every key fact that say of themselves that they may not answer; doubted_wrong: of the others that were no refusals, to
unanswerable questions too. auroc: how well the confidence of the search tells the unanswerable questions from the
others. written: share of the answers that a model wrote. repeating: answers that go round in circles. unmarked:
written answers, no refusals, of which nothing was checked. accepting_ms: what checking all that was written took.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.answering.pipeline import Options, Question, Turn
from hybrid.events import Event, Failed, Finished, Retrieved
from hybrid.policies import degeneration
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag.errors import UserFacingError
from rag.text.analyser import casefold
from rag.types import Passage, Support
from tandem.evaluate import measures
from tandem.evaluate.questions import Asked

DEPTH = 5
MARKER = re.compile(r"\s*\[\d+\]")
_TABLE_HEAD = re.compile(r"^\|[^\n]*\|\n\|(?: --- \|)+$", re.M)
_PERCENT = re.compile(r"(?:(?:yüzde|%) ?(\d[\d.,]*)|(\d[\d.,]*) ?(?:per ?cent\b|%))")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question. `written` says that a model wrote what is shown, `accepting_ms` is the time that the
    check of all that was written took.

    `claims` has one entry a claim of the answer: the documents it cites, none where nothing supports it. `doubtful`
    answers say that they may not answer. `confidence` is retrieval's; the times count from asking to the first word
    and to the end.
    """

    asked: Asked
    text: str
    refused: bool
    retrieved: tuple[str, ...]
    claims: tuple[tuple[str, ...], ...] = ()
    doubtful: bool = False
    confidence: float = 0.0
    first_ms: float | None = None
    total_ms: float | None = None
    written: bool = False
    accepting_ms: float | None = None

    @property
    def repeats(self) -> bool:
        """Whether the answer goes round in circles; names of columns stand over each table that has them."""
        return degeneration.LOOP in degeneration.sound(_TABLE_HEAD.sub("", self.text)).faults

    @property
    def recalled(self) -> bool:
        return any(document in self.asked.documents for document in self.retrieved[:DEPTH])

    @property
    def complete(self) -> bool:
        """Whether every key fact stands in the answer."""
        return all(contains(self.text, alternatives) for alternatives in self.asked.facts)


def contains(text: str, alternatives: Iterable[str]) -> bool:
    """Whether one of `alternatives` stands in `text`, without regard to case, white space, citation markers and how a
    percentage is written. A figure is not part of a longer one: 5 years do not stand in 15 years.
    """
    plain = normalised(MARKER.sub("", text))
    for wanted in map(normalised, alternatives):
        before = r"(?<!\d)(?<!\d[.,])" if wanted[:1].isdigit() else ""
        after = r"(?![.,]?\d)" if wanted[-1:].isdigit() else ""
        if re.search(before + re.escape(wanted) + after, plain):
            return True
    return False


def normalised(text: str) -> str:
    return _PERCENT.sub(lambda found: f"{found[1] or found[2]}%", " ".join(casefold(text).split()))


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
        history = tuple(Turn(before, said) for before, said in asked.history)
        async for event in answer(Question(asked.question, history=history, options=options)):
            if isinstance(event, Retrieved):
                retrieved = tuple(document_of(passage) for passage in event.result.passages)
            elif isinstance(event, Failed):
                raise UserFacingError(f"Question {asked.id} was not answered: {event.message}")
            elif isinstance(event, Finished):
                outcomes.append(_outcome(asked, event, retrieved, document_of))
        progress(len(outcomes), len(questions))
    return outcomes


def _outcome(
    asked: Asked, event: Finished, retrieved: tuple[str, ...], document_of: Callable[[Passage], str]
) -> Outcome:
    answer, trace = event.answer, event.trace
    owner = {passage.id: document_of(passage) for passage in answer.passages}
    return Outcome(
        asked,
        answer.text,
        answer.refused,
        retrieved,
        claims=tuple(
            tuple(owner[passage] for passage in sentence.passages)
            for sentence in answer.checked.sentences
            if sentence.support is not Support.NEUTRAL
        ),
        doubtful=answer.checked.doubtful,
        confidence=trace.retrieval["confidence"],
        first_ms=next((span.start_ms for span in trace.spans if span.name == "last_token"), None),
        total_ms=trace.total_ms,
        written=answer.runtime != EXTRACTIVE,
        accepting_ms=sum(span.duration_ms or 0.0 for span in trace.spans if span.name == "verify"),
    )


def report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The measures; shares in [0, 1], null where no question counts. `words` is the mean length of the answers that
    were no refusals; `kinds` has the shares of each kind of question, where there are several; `missed` names the
    questions behind each share.
    """
    kinds = dict.fromkeys(o.asked.kind for o in outcomes)
    each = {kind: _shares([o for o in outcomes if o.asked.kind == kind]) for kind in kinds} if len(kinds) > 1 else {}
    answerable = [o for o in outcomes if o.asked.documents]
    unanswerable = [o for o in outcomes if not o.asked.documents]
    answered = [o for o in answerable if not o.refused]
    cited = [(document, o) for o in answered for claim in o.claims for document in claim]
    shown = [o for o in outcomes if not o.refused]
    right = [o for o in answered if o.complete]
    lengths = [len(MARKER.sub("", o.text).split()) for o in shown]
    return {
        **_shares(outcomes),
        "refused": _share(o.refused for o in outcomes),
        "citation_precision": _share(document in o.asked.documents for document, o in cited),
        "citation_recall": _share(bool(claim) for o in answered for claim in o.claims),
        "doubted_right": _share(o.doubtful for o in right),
        "doubted_wrong": _share(o.doubtful for o in shown if o not in right),
        "auroc": _separation(answerable, unanswerable),
        "words": round(statistics.fmean(lengths), 1) if lengths else None,
        "written": _share(o.written for o in outcomes),
        "repeating": sum(o.repeats for o in outcomes),
        "unmarked": sum(o.written and not o.refused and not o.claims for o in outcomes),
        "accepting_ms": _times([o.accepting_ms for o in outcomes]),
        "first_word_ms": _times([o.first_ms for o in outcomes]),
        "total_ms": _times([o.total_ms for o in outcomes]),
        "answerable": len(answerable),
        "unanswerable": len(unanswerable),
        **({"kinds": each} if each else {}),
        "missed": {
            "recall@5": [o.asked.id for o in answerable if not o.recalled],
            "key_facts": [o.asked.id for o in answerable if not o.complete],
            "abstention": [o.asked.id for o in unanswerable if not o.refused],
            "false_refusals": [o.asked.id for o in answerable if o.refused],
        },
    }


def told(outcome: Outcome) -> dict[str, Any]:
    """One question and its answer, to be read: what a score does not say."""
    asked = outcome.asked
    return {
        "id": asked.id,
        "kind": asked.kind,
        "question": asked.question,
        "answer": outcome.text,
        "refused": outcome.refused,
        "doubtful": outcome.doubtful,
        "confidence": outcome.confidence,
        "recalled": outcome.recalled,
        "complete": outcome.complete,
    }


def _shares(outcomes: Sequence[Outcome]) -> dict[str, float | None]:
    """The four shares that every kind of question is judged by; null where no question counts."""
    answerable = [o for o in outcomes if o.asked.documents]
    return {
        "recall@5": _share(o.recalled for o in answerable),
        "key_facts": _share(o.complete for o in answerable),
        "abstention": _share(o.refused for o in outcomes if not o.asked.documents),
        "false_refusals": _share(o.refused for o in answerable),
    }


def _separation(answerable: Sequence[Outcome], unanswerable: Sequence[Outcome]) -> float | None:
    """AUROC of retrieval's doubt for "not answerable"; None where one kind is missing."""
    both = [*answerable, *unanswerable]
    labels = np.array([0.0] * len(answerable) + [1.0] * len(unanswerable))
    found = measures.auroc(np.array([-o.confidence for o in both]), labels)
    return round(found, 4) if np.isfinite(found) else None


def _times(values: Sequence[float | None]) -> dict[str, float] | None:
    """Median and 95th percentile of what was measured."""
    measured = [value for value in values if value is not None]
    if not measured:
        return None
    p50, p95 = np.percentile(measured, [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def _share(flags: Iterable[bool]) -> float | None:
    counted = list(flags)
    return round(sum(counted) / len(counted), 4) if counted else None
