"""What is asked of the tables of conversations: the statements, whose a conversation is, and how rows become records.

Knows the tables and Chainlit's records. Does not know threads, locks or requests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from chainlit.element import ElementDict
from chainlit.step import StepDict
from chainlit.types import ThreadDict, ThreadFilter
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from rag.database.places import Place
from rag.text.analyser import casefold
from rag.text.unicode import whole
from tandem.history.base import HistoryError
from tandem.history.tables import elements, feedbacks, steps, threads, users

# What every message needs is built once: building a statement costs more than running it.


class Upserts:
    """The statements that make a row, or change the one that is there, as a database wants them."""

    def __init__(self, place: Place) -> None:
        if place.on_server:
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
        self.user = insert(users).on_conflict_do_nothing(index_elements=["identifier"])
        step = insert(steps)
        self.step = step.on_conflict_do_update(
            index_elements=["id"],
            set_={key: step.excluded[key] for key in ("searchable", "record")},
            where=steps.c.thread_id == step.excluded.thread_id,
        )
        element = insert(elements)
        self.element = element.on_conflict_do_update(
            index_elements=["id"],
            set_={"record": element.excluded.record},
            where=elements.c.thread_id == element.excluded.thread_id,
        )
        mark = insert(feedbacks)
        self.feedback = mark.on_conflict_do_update(
            index_elements=["step_id"], set_={key: mark.excluded[key] for key in ("value", "comment", "created")}
        )


IN_ORDER: tuple[ColumnElement[Any], ...] = (steps.c.created, literal_column("steps.rowid"))
PLACE: tuple[ColumnElement[Any], ...] = (
    case((threads.c.pinned.is_(None), 0), else_=1),
    threads.c.updated,
    threads.c.id,
)
"""By which conversations are listed, the highest first."""
_NEW_THREAD = insert(threads)
_TOUCH = update(threads).where(threads.c.id == bindparam("thread")).values(updated=bindparam("moment"))
_TOUCH_OWN = _TOUCH.where(
    threads.c.user_id == select(users.c.id).where(users.c.identifier == bindparam("caller")).scalar_subquery()
)
# Whoever goes on with a conversation wants it in the list.
_TOUCHES = {
    False: (_TOUCH_OWN, _TOUCH),
    True: (_TOUCH_OWN.values(archived=None), _TOUCH.values(archived=None)),
}
_CLAIM_THREAD = update(threads).where(threads.c.id == bindparam("thread")).values(user_id=bindparam("user"))
_WHOSE = select(
    select(users.c.id).where(users.c.identifier == bindparam("caller")).scalar_subquery().label("caller_id"),
    select(threads.c.id).where(threads.c.id == bindparam("thread")).scalar_subquery().label("thread_id"),
    select(threads.c.user_id).where(threads.c.id == bindparam("thread")).scalar_subquery().label("owner_id"),
)


def own(db: Connection, thread_id: str, caller: str | None) -> None:
    """Make the thread the caller's if it is nobody's yet. Raises HistoryError when it is somebody else's."""
    row = db.execute(_WHOSE, {"caller": caller, "thread": thread_id}).one()
    if row.thread_id is None:
        new_thread(db, thread_id, row.caller_id)
    elif row.owner_id is None:
        db.execute(_CLAIM_THREAD, {"thread": thread_id, "user": row.caller_id})
    elif row.owner_id != row.caller_id:
        raise HistoryError("This conversation belongs to somebody else; start one of your own.")


def touch(db: Connection, thread_id: str, caller: str | None, *, back: bool) -> None:
    """Note that something happens in a thread which is the caller's, or becomes it; `back` into the list. Raises
    HistoryError when it is somebody else's."""
    at_once, afterwards = _TOUCHES[back]
    moment = {"thread": thread_id, "moment": now()}
    if db.execute(at_once, {**moment, "caller": caller}).rowcount != 1:
        own(db, thread_id, caller)
        db.execute(afterwards, moment)


def person(db: Connection, user_id: str, identifier: str | None) -> str | None:
    """The id of a user who is kept: this one, or else the one of that identifier; None for nobody."""
    known = db.execute(select(users.c.id).where(users.c.id == user_id)).scalar()
    return known or db.execute(select(users.c.id).where(users.c.identifier == identifier)).scalar()


def new_thread(db: Connection, thread_id: str, user_id: str | None) -> None:
    """Make a thread; `user_id` None: it is nobody's yet."""
    moment = now()
    db.execute(_NEW_THREAD, {"id": thread_id, "user_id": user_id, "created": moment, "updated": moment})


def filtered(query: Select[Any], filters: ThreadFilter) -> Select[Any]:
    """The threads of `query` in which the words were said, or which were rated so."""
    if filters.search and filters.search.strip():
        wanted = casefold(whole(filters.search.strip())).replace("\0", "\ufffd")
        said = select(steps.c.id).where(
            steps.c.thread_id == threads.c.id, _one_i(steps.c.searchable).contains(wanted, autoescape=True)
        )
        named = _one_i(func.lower(threads.c.name)).contains(wanted, autoescape=True)
        query = query.where(or_(said.exists(), named))
    if filters.feedback is not None:
        marked = select(feedbacks.c.id).where(
            feedbacks.c.thread_id == threads.c.id, feedbacks.c.value == filters.feedback
        )
        query = query.where(marked.exists())
    return query


def _one_i(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text in lower case in which every I is one, dotted or not, as `casefold` has it: Turkish in capitals too."""
    return func.replace(func.replace(column, "i\u0307", "i"), "ı", "i")


def thread_of(row: Row[Any]) -> ThreadDict:
    """A thread as Chainlit lists it, dated by its last activity; its steps are read where they are asked for."""
    return ThreadDict(
        id=row.id,
        createdAt=row.updated,
        name=row.name,
        userId=row.user_id,
        userIdentifier=row.identifier,
        tags=row.tags if isinstance(row.tags, list) else None,
        metadata=row.metadata if isinstance(row.metadata, dict) else {},
        steps=[],
        elements=[],
    )


def listed(row: Row[Any]) -> ThreadDict:
    """As `thread_of`; what is pinned says so in its metadata, for the list in the browser (public/shelving.js)."""
    thread = thread_of(row)
    thread["metadata"] = {**(thread["metadata"] or {}), "pinned": row.pinned is not None}
    return thread


def step_of(id: str, record: Any, thread_id: str) -> StepDict | None:
    """A message as it was kept, with at least what the page needs of one, whatever became of its record; None where
    nothing of it can be read."""
    if not isinstance(record, dict):
        return None
    least = {"type": "assistant_message", "name": "", "output": ""}
    return cast(StepDict, {**least, **record, "id": id, "threadId": thread_id})


def element_of(id: str, record: Any, thread_id: str) -> ElementDict | None:
    """As `step_of`, for what hangs on a message."""
    if not isinstance(record, dict):
        return None
    least = {"type": "custom", "name": "", "display": "inline"}
    return cast(ElementDict, {**least, **record, "id": id, "threadId": thread_id})


def with_feedback(step: StepDict, marks: dict[str, Row[Any]]) -> StepDict:
    """The step with its rating, if it has one."""
    mark = marks.get(step["id"])
    if mark is not None:
        step["feedback"] = {"forId": step["id"], "id": mark.id, "value": mark.value, "comment": mark.comment}
    return step


def now() -> str:
    """This moment in UTC, in Chainlit's form: it sorts as text."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z"
