"""What people were not content with: answers that were rated down, and questions that got none, by topic.

Knows ratings and traces as they are kept. Shows questions and comments, never what was answered from documents.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid.tracing.store import TraceStore
from rag.database.places import Place
from rag.text import phrases
from rag.text.analyser import stop_terms, tokens
from rag.text.language import detect
from tandem.people.store import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 200
_LOOKED_AT = 5_000
_MOST_QUESTIONS = 5


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer that somebody rated down: when, what was asked, and what they said of the answer."""

    at: str
    question: str
    comment: str


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions without an answer that share a word: the word, how many, and some of them."""

    terms: str
    count: int
    questions: tuple[str, ...]


def rated(history: Place) -> list[Rated]:
    """The answers that were rated down, the latest first. Raises AccountsError."""
    store = Store(history)
    try:
        return store.read(_rated)
    finally:
        store.close()


def _rated(db: Connection) -> list[Rated]:
    from sqlalchemy import desc, select

    from tandem.history.tables import feedbacks, steps

    found = []
    wanted = select(feedbacks).where(feedbacks.c.value == 0).order_by(desc(feedbacks.c.created)).limit(MOST)
    for row in db.execute(wanted).all():
        answer = db.execute(select(steps.c.created).where(steps.c.id == row.step_id)).scalar() or row.created
        before = select(steps.c.record).where(steps.c.thread_id == row.thread_id, steps.c.created <= answer)
        records = db.execute(before.order_by(desc(steps.c.created)).limit(50)).scalars()
        asked = next((one for one in map(_whole, records) if one.get("type") == "user_message"), {})
        found.append(Rated(row.created, str(asked.get("output") or "")[:500], row.comment or ""))
    return found


def _whole(record: Any) -> dict[str, Any]:
    if isinstance(record, str):
        try:
            record = json.loads(record)
        except ValueError:
            return {}
    return record if isinstance(record, dict) else {}


def topics(traces: TraceStore) -> list[Topic]:
    """The questions that got no answer lately, by the word that most of them share. Touches the disk."""
    records = traces.recent(limit=_LOOKED_AT)
    return grouped([str(one.get("question") or "") for one in records if unanswered(str(one.get("answer") or ""))])


def unanswered(answer: str) -> bool:
    """Whether an answer says that there is none."""
    return phrases.is_refusal(answer)


def grouped(questions: list[str], language_of: Callable[[str], str] = detect) -> list[Topic]:
    """Questions by the word that most of them share, the most asked about first."""
    words: list[tuple[str, dict[str, str]]] = []
    for question in dict.fromkeys(one.strip()[:500] for one in questions if one.strip()):
        language = language_of(question)
        stops = stop_terms(language)
        said = {one.term: question[one.start : one.end] for one in tokens(question, language) if one.term not in stops}
        words.append((question, {term: word for term, word in said.items() if len(term) > 2}))
    counts = Counter(term for _, terms in words for term in terms)
    repeated = Counter(one.strip()[:500] for one in questions)
    found: dict[str, list[str]] = {}
    shown: dict[str, str] = {}
    for question, terms in words:
        chief = max(terms, key=lambda term: (counts[term], len(term)), default="")
        found.setdefault(chief, []).append(question)
        shown.setdefault(chief, terms.get(chief, "–"))
    made = [
        Topic(shown[term], sum(repeated[one] for one in asked), tuple(asked[:_MOST_QUESTIONS]))
        for term, asked in found.items()
    ]
    return sorted(made, key=lambda topic: -topic.count)[:MOST]
