"""A conversation as its owner sees it, copied to be shown to others, with what decides how much of it they may see.

Knows the history's records, and what answers rest on: every passage that was given for it, cited or not, and whose
document's labels say who may read it. Does not know who will read the copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from hybrid.answering import intents
from hybrid.answering.intents import Kind
from rag.database.places import Place
from rag.labels import thread as label_of_thread
from rag.originals import finding
from tandem.context import AppContext
from tandem.markdown import without_definitions
from tandem.people.store import AccountsError, Store
from tandem.viewer import citations

if TYPE_CHECKING:
    from sqlalchemy import Connection

LARGEST = 3_000_000
_TITLE = 200
_ID = re.compile(r"/source/passage/(\d{1,18})\b")
_CATALOGUE = (Kind.LIBRARY, Kind.DOCUMENT)

Records = tuple[str, list[dict[str, Any]], dict[str, dict[str, Any]]]
"""A conversation, what was said in it, and what stands under each answer."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that an answer was written from. `parts` is its text, cut where sentences are marked; `labels` are its
    document's of when it was shared, [] where it was gone already."""

    number: int
    passage: str
    document: str
    page: int | None
    headings: list[str]
    link: str
    cited: bool
    parts: list[tuple[str, bool]]
    labels: list[str]

    @property
    def text(self) -> str:
        """The passage's text."""
        return "".join(text for text, _ in self.parts)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as harmless Markdown. `catalogue` says that it may tell more than what its `sources`
    hold: of documents, or a briefing. Those that are not `shown` stand before the answer that is shared: it may say
    again what they say."""

    question: str
    answer: str
    sources: list[Source]
    catalogue: bool
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is shared. `labels` are those that its owner could read when it was made, those of the conversation's own
    files included, by the `rights` of this number: by others, other documents may carry them."""

    title: str
    conversation: str
    turns: list[Turn]
    labels: list[str]
    rights: int = 0


def of(context: AppContext, history: Place, who: str, answer: str, *, alone: bool) -> Snapshot | None:
    """A copy of somebody's conversation, or of one answer `alone`, by the id of one of its answers; None where they
    have no such answer. Blocks. Raises UserFacingError."""
    store = Store(history)
    try:
        found = store.read(lambda db: _records(db, who, answer))
    finally:
        store.close()
    return made(context, who, found, answer if alone else "") if found is not None else None


def made(context: AppContext, who: str, records: Records, alone: str) -> Snapshot | None:
    """A copy of what the history has of somebody's conversation, with `alone` of that answer; None where there is none.
    Raises UserFacingError."""
    conversation, steps, elements = records
    turns = _turns(context, steps, elements, alone)
    if not turns:
        return None
    # Not the conversation's name, which may be that of a file dropped there.
    title = next(turn.question for turn in turns if turn.shown)
    labels = context.rights.labels(context.rights.principal(who))
    if context.library.receipts(conversation):
        labels |= {label_of_thread(conversation)}
    copy = Snapshot(" ".join(title.split())[:_TITLE], conversation, turns, sorted(labels), context.rights.number)
    if len(json.dumps(asdict(copy))) > LARGEST:
        raise AccountsError("This conversation is too long to be shared as a whole; share single answers of it.")
    return copy


def read(content: Mapping[str, Any]) -> Snapshot:
    """A copy as it was kept. Raises AccountsError where it is damaged."""
    try:
        turns = [
            Turn(**{**turn, "sources": [_source(one) for one in turn["sources"]]}) for turn in list(content["turns"])
        ]
        title, conversation, rights = str(content["title"]), str(content["conversation"]), content.get("rights", 0)
        return Snapshot(title, conversation, turns, list(content["labels"]), int(rights))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise AccountsError("What was shared cannot be read any more; ask for it to be shared again.") from None


def _source(record: Mapping[str, Any]) -> Source:
    return Source(**{**record, "parts": [(str(text), bool(mark)) for text, mark in record["parts"]]})


def _records(db: Connection, who: str, answer: str) -> Records | None:
    from sqlalchemy import select

    from tandem.history.queries import IN_ORDER
    from tandem.history.tables import elements, steps, threads, users

    mine = select(threads.c.id).join(users, users.c.id == threads.c.user_id)
    mine = mine.join(steps, steps.c.thread_id == threads.c.id)
    thread = db.execute(mine.where(steps.c.id == answer, users.c.identifier == who)).first()
    if thread is None:
        return None
    said = select(steps.c.record).where(steps.c.thread_id == thread.id).order_by(*IN_ORDER)
    beneath = select(elements.c.for_id, elements.c.record).where(elements.c.thread_id == thread.id)
    by_step = {row.for_id: row.record for row in db.execute(beneath) if isinstance(row.record, dict) and row.for_id}
    return thread.id, [one for one in db.execute(said).scalars() if isinstance(one, dict)], by_step


def _turns(
    context: AppContext,
    steps: Iterable[Mapping[str, Any]],
    elements: Mapping[str, Mapping[str, Any]],
    alone: str,
) -> list[Turn]:
    """The questions and answers, in order; with `alone` up to that answer, which alone is shown."""
    turns: list[Turn] = []
    labels: dict[str, list[str]] = {}
    typed = ""
    for step in steps:
        about = step.get("metadata") or {}
        text = without_definitions(str(step.get("output") or ""))
        if step.get("type") == "user_message":
            typed = text
        # Of a briefing what its owner typed: its title is a document's.
        brief = bool(about.get("briefing"))
        asked = typed or "–" if brief else str(about.get("question") or "")
        if step.get("type") == "user_message" or not asked or not text:
            continue
        props = (elements.get(str(step.get("id"))) or {}).get("props") or {}
        props = json.loads(props) if isinstance(props, str) else props
        listed = ((props.get("panel") or {}).get("sources") or []) if isinstance(props, dict) else []
        sources = [_made(context, one, labels) for one in listed]
        # A briefing lists the passages that it cites, not all that it was written from.
        told = brief or any(intents.recognise(part).kind in _CATALOGUE for part in (asked, *intents.parts(asked)))
        turns.append(Turn(asked, text, sources, told, shown=not alone or step.get("id") == alone))
        if step.get("id") == alone:
            return turns
    return [] if alone else turns


def _made(context: AppContext, listed: Mapping[str, Any], labels: dict[str, list[str]]) -> Source:
    link, name = str(listed.get("link") or ""), str(listed.get("document") or "")
    found = _ID.match(link)
    passage = found[1] if found else ""
    if passage not in labels:
        known = finding.called(context.library, passage, name)
        labels[passage] = sorted(frozenset.intersection(*(one.labels for one in known))) if known else []
    query = link.partition("of=")[2].partition("&")[0]
    cited = next((one for one in citations.read(query) if one.passage == passage), citations.Cited(passage))
    trace = link.partition("as=")[2].partition("&")[0]
    return Source(
        number=int(listed.get("n") or 0),
        passage=passage,
        document=name,
        page=listed.get("page"),
        headings=[str(one) for one in listed.get("headings") or ()],
        # What else was cited is no business of who may not read that.
        link=citations.link(passage, citations.written([cited]) if query else "", trace) if passage else "",
        cited=bool(listed.get("cited")),
        parts=[(str(one.get("text") or ""), bool(one.get("mark"))) for one in listed.get("parts") or ()],
        labels=labels[passage],
    )
