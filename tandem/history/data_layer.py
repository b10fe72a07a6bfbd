"""Conversations on disk: users, threads, steps, elements and feedback, in a SQLite file or on a PostgreSQL server.

Knows Chainlit's data layer, and keeps each step and element as the record that Chainlit hands over, so that what is
shown again is what was shown. Checks that whoever writes owns what is written to. Does not know what a step means.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from chainlit.data.base import BaseDataLayer
from chainlit.data.utils import queue_until_user_message
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User
from sqlalchemy import (
    Connection,
    Row,
    Select,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from rag.database.places import Place, Sqlite
from rag.formats.extracted import clean, one_line
from rag.text.unicode import whole
from tandem.history import shelf
from tandem.history.backlog import Told
from tandem.history.base import Change, HistoryError, Shelf, Shelved, Wanted
from tandem.history.database import Database
from tandem.history.queries import (
    IN_ORDER,
    PLACE,
    Upserts,
    element_of,
    filtered,
    listed,
    new_thread,
    now,
    own,
    person,
    step_of,
    thread_of,
    touch,
    with_feedback,
)
from tandem.history.revisions import TABLES
from tandem.history.shelf import NAME_CHARS
from tandem.history.tables import elements, feedbacks, steps, threads, users

log = logging.getLogger(__name__)

LARGEST_PAGE = 100
Result = TypeVar("Result")
Forget = Callable[[str], Awaitable[None]]


class SqlHistory(BaseDataLayer):
    """The `History` over SQLAlchemy. Open it with `open`; use it on one event loop; `close` it there.

    `caller` says whose request is being served: a user's identifier, or None where nobody asks; then nothing that
    belongs to somebody is touched. `forget` is awaited with a thread's id before the thread is deleted, so that what
    others keep of it goes with it. `told` is awaited where something could not be written (see `backlog`).

    """

    def __init__(self, database: Database, caller: Callable[[], str | None], forget: Forget | None = None) -> None:
        self._db = database
        self._upserts = Upserts(database.place)
        self._caller = caller
        self._forget = forget
        self._new_users: dict[str, PersistedUser] = {}
        self._known: dict[str, PersistedUser] = {}

    @classmethod
    def open(
        cls,
        place: Path | Place,
        caller: Callable[[], str | None],
        forget: Forget | None = None,
        told: Told | None = None,
    ) -> SqlHistory:
        """Open what lies there (a path: in that SQLite file), making the tables where they are missing, and a file
        anew where it is damaged: that one is set aside first. Raises HistoryError."""
        place = Sqlite(place, TABLES) if isinstance(place, Path) else place
        return cls(Database.open(place, told), caller, forget)

    @property
    def problem(self) -> str:
        """Why conversations cannot be written now, in a sentence that names no place; "" where they can."""
        return self._db.problem

    async def close(self) -> None:
        """Finish what is being written, then let go of the file."""
        await self._db.close()

    async def build_debug_url(self) -> str:
        return ""

    # Users

    async def get_user(self, identifier: str) -> PersistedUser | None:
        try:
            row = await self._one(select(users).where(users.c.identifier == identifier))
        except HistoryError:
            known = self._known.get(identifier) or self._new_users.get(identifier)
            if known is None:
                raise
            return known  # every request asks; who is there stays while the database is away
        if row is None:
            return self._new_users.get(identifier)  # until it can be written
        user = PersistedUser(id=row.id, identifier=row.identifier, createdAt=row.created, metadata=row.metadata or {})
        self._known[identifier] = user
        self._new_users.pop(identifier, None)
        return user

    async def create_user(self, user: User) -> PersistedUser | None:
        new = self._new_users.get(user.identifier)
        if new is None:
            new = PersistedUser(
                id=str(uuid.uuid4()), identifier=user.identifier, createdAt=now(), metadata=user.metadata
            )  # fmt: skip
            self._new_users[user.identifier] = new
        values = {"id": new.id, "identifier": new.identifier, "created": new.createdAt, "metadata": new.metadata}
        await self._db.write(lambda db: db.execute(self._upserts.user, values))
        return await self.get_user(user.identifier)

    async def settings_of(self, user_id: str) -> dict[str, Any]:
        """What the user last chose in the settings panel, for new conversations."""
        try:
            row = await self._one(select(users.c.settings).where(users.c.id == user_id))
        except HistoryError as error:  # a conversation begins without them
            log.warning("What a person chose cannot be read: %s", error)
            return {}
        return dict(row.settings) if row is not None and row.settings else {}

    async def remember_settings(self, user_id: str, thread_id: str, values: dict[str, Any]) -> None:
        """Keep what was chosen, for the user's new conversations and for this one when it is resumed."""
        query = update(users).where(users.c.id == user_id).values(settings=values)
        await self._db.write(lambda db: db.execute(query))
        if await self._one(select(threads.c.id).where(threads.c.id == thread_id)) is not None:
            await self.update_thread(thread_id, metadata={"chat_settings": values})

    # Threads

    async def get_thread_author(self, thread_id: str) -> str:
        query = select(users.c.identifier).join(threads, threads.c.user_id == users.c.id)
        row = await self._one(query.where(threads.c.id == thread_id))
        return row.identifier if row is not None else ""

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        """Change what is given; metadata merges, and None in it deletes. Only a thread with a user is made anew:
        Chainlit also calls this when a browser leaves, and a thread deleted before must stay so."""

        caller = self._caller()

        def work(db: Connection) -> None:
            row = db.execute(select(threads).where(threads.c.id == thread_id)).first()
            if row is None and user_id is None:
                return
            # Who signed in while the database was away may have another id there.
            owner = person(db, user_id, caller) if user_id is not None else None
            if row is None:
                new_thread(db, thread_id, owner)
            changes: dict[str, Any] = {}
            if name is not None:
                changes["name"] = one_line(clean(whole(name)))[:NAME_CHARS]
            if tags is not None:
                changes["tags"] = tags
            if owner is not None and row is not None and row.user_id is None:
                changes["user_id"] = owner
            if metadata is not None:
                merged = {**((row.metadata if row is not None else None) or {}), **metadata}
                changes["metadata"] = {key: value for key, value in merged.items() if value is not None}
            if changes:
                db.execute(update(threads).where(threads.c.id == thread_id).values(**changes))

        await self._db.write(work)

    async def delete_thread(self, thread_id: str) -> None:
        if self._forget is not None:
            await self._forget(thread_id)
        await self._db.do(lambda db: db.execute(delete(threads).where(threads.c.id == thread_id)))

    async def unused_since(self, moment: str, limit: int) -> list[str]:
        query = select(threads.c.id).where(threads.c.updated < moment).order_by(threads.c.updated).limit(limit)
        return await self._db.read(lambda db: list(db.execute(query).scalars()))

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        def work(db: Connection) -> ThreadDict | None:
            query = select(threads, users.c.identifier).outerjoin(users, threads.c.user_id == users.c.id)
            row = db.execute(query.where(threads.c.id == thread_id)).first()
            if row is None:
                return None
            said = select(steps.c.id, steps.c.record).where(steps.c.thread_id == thread_id)
            kept = [step_of(*row, thread_id) for row in db.execute(said.order_by(*IN_ORDER))]
            marks = db.execute(select(feedbacks).where(feedbacks.c.thread_id == thread_id)).all()
            by_step = {mark.step_id: mark for mark in marks}
            thread = thread_of(row)
            thread["steps"] = [with_feedback(step, by_step) for step in kept if step is not None]
            shown = db.execute(select(elements.c.id, elements.c.record).where(elements.c.thread_id == thread_id))
            thread["elements"] = [element for row in shown if (element := element_of(*row, thread_id)) is not None]
            return thread

        thread = await self._db.read(work)
        if thread is not None:
            thread["steps"] = self._db.backlog.shown(thread_id, "steps", thread["steps"])
            thread["elements"] = self._db.backlog.shown(thread_id, "elements", thread["elements"] or [])
        return thread

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of a user's threads, those that are pinned first, then latest activity first, without their steps;
        what is archived is not among them."""
        if not filters.userId:
            raise HistoryError("Sign in to see your conversations.")
        query = select(threads, users.c.identifier).join(users, threads.c.user_id == users.c.id)
        query = filtered(query.where(threads.c.user_id == filters.userId, threads.c.archived.is_(None)), filters)
        query = query.order_by(*(part.desc() for part in PLACE))
        first = max(1, min(pagination.first, LARGEST_PAGE))

        def work(db: Connection) -> list[Row[Any]]:
            page = query
            if pagination.cursor:
                last = db.execute(select(*PLACE).where(threads.c.id == pagination.cursor)).first()
                if last is not None:
                    page = query.where(tuple_(*PLACE) < tuple(last))
            return list(db.execute(page.limit(first + 1)).all())

        rows = await self._db.read(work)
        page = [listed(row) for row in rows[:first]]
        info = PageInfo(
            hasNextPage=len(rows) > first,
            startCursor=page[0]["id"] if page else None,
            endCursor=page[-1]["id"] if page else None,
        )
        return PaginatedResponse(pageInfo=info, data=page)

    async def arrange(self, owner: str, thread_id: str, change: Change) -> None:
        """Pin, archive, tag or rename it. Raises HistoryError where it is not `owner`'s; nothing is kept then."""
        await self._db.do(shelf.arranged(owner, thread_id, change))

    async def shelved(self, owner: str, thread_id: str) -> Shelved | None:
        """One conversation of somebody, None where it is not theirs or not there."""
        return await self._db.read(shelf.single(owner, thread_id))

    async def shelf(self, owner: str, wanted: Wanted) -> Shelf:
        """The conversations of somebody that are `wanted`, with all their tags."""
        return await self._db.read(shelf.found(owner, wanted))

    # Steps

    @queue_until_user_message()
    async def create_step(self, step_dict: StepDict) -> None:
        await self.keep_step(step_dict)

    @queue_until_user_message()
    async def update_step(self, step_dict: StepDict) -> None:
        await self.keep_step(step_dict)

    async def keep_step(self, step: StepDict) -> None:
        """Keep a step, whoever's session it is not. Chainlit calls this in tasks that nobody awaits: a failure is
        logged, and the conversation goes on."""
        try:
            await self._write_step(step)
        except (HistoryError, SQLAlchemyError) as error:
            log.error("A message could not be kept in the history: %s", str(error).splitlines()[0])

    async def _write_step(self, step: StepDict) -> None:
        created = step.get("createdAt") or step.get("start") or now()
        is_message = "message" in step.get("type", "")
        row = {
            "id": step["id"],
            "thread_id": step["threadId"],
            "created": created,
            "searchable": whole(step.get("output") or "").casefold() if is_message else "",
            "record": {**step, "createdAt": created, "streaming": False},
        }
        caller = self._caller()

        def work(db: Connection) -> None:
            touch(db, step["threadId"], caller, back=step.get("type") == "user_message")
            db.execute(self._upserts.step, row)

        await self._db.write(work, thread_id=step["threadId"], table="steps", record=row["record"])

    @queue_until_user_message()
    async def delete_step(self, step_id: str) -> None:
        caller = self._caller()

        def work(db: Connection) -> None:
            thread = db.execute(select(steps.c.thread_id).where(steps.c.id == step_id)).scalar()
            if thread is not None:
                own(db, thread, caller)
                db.execute(delete(elements).where(elements.c.for_id == step_id))
                db.execute(delete(steps).where(steps.c.id == step_id))

        await self._db.do(work)

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        """None: favourite messages are switched off in .chainlit/config.toml."""
        return []

    # Elements

    async def create_element(self, element: Element) -> None:
        """Nothing: Chainlit calls this for elements that a browser sends in, and none is taken. See `keep_element`."""

    async def keep_element(self, element: Element) -> None:
        """Keep an element that the server made, or its new state."""
        await self.keep_element_record({**element.to_dict(), "threadId": element.thread_id})

    async def keep_element_record(self, record: dict[str, Any]) -> None:
        """Keep an element as the page gets it."""
        thread_id = record["threadId"]
        row = {"id": record["id"], "thread_id": thread_id, "for_id": record.get("forId"), "record": record}
        caller = self._caller()

        def work(db: Connection) -> None:
            own(db, thread_id, caller)
            db.execute(self._upserts.element, row)

        await self._db.write(work, thread_id=thread_id, table="elements", record=record)

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        row = await self._one(
            select(elements.c.id, elements.c.record).where(
                elements.c.id == element_id, elements.c.thread_id == thread_id
            )
        )
        return element_of(row.id, row.record, thread_id) if row is not None else None

    @queue_until_user_message()
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        caller = self._caller()

        def work(db: Connection) -> None:
            kept = db.execute(select(elements.c.thread_id).where(elements.c.id == element_id)).scalar()
            if kept is not None:
                own(db, kept, caller)
                db.execute(delete(elements).where(elements.c.id == element_id))

        await self._db.do(work)

    # Feedback

    async def upsert_feedback(self, feedback: Feedback) -> str:
        """Keep a thumb and its comment; one a step. Raises HistoryError where the step is not the caller's."""
        caller = self._caller()

        def work(db: Connection) -> str:
            thread = db.execute(select(steps.c.thread_id).where(steps.c.id == feedback.forId)).scalar()
            if thread is None:
                raise HistoryError("The message that was rated is not there any more; reload the page.")
            own(db, thread, caller)
            mark = {"value": feedback.value, "comment": feedback.comment, "created": now()}
            row = {"id": str(uuid.uuid4()), "step_id": feedback.forId, "thread_id": thread, **mark}
            db.execute(self._upserts.feedback, row)
            return str(db.execute(select(feedbacks.c.id).where(feedbacks.c.step_id == feedback.forId)).scalar_one())

        return await self._db.do(work)

    async def delete_feedback(self, feedback_id: str) -> bool:
        caller = self._caller()

        def work(db: Connection) -> bool:
            thread = db.execute(select(feedbacks.c.thread_id).where(feedbacks.c.id == feedback_id)).scalar()
            if thread is None:
                return False
            own(db, thread, caller)
            db.execute(delete(feedbacks).where(feedbacks.c.id == feedback_id))
            return True

        return await self._db.do(work)

    async def _one(self, query: Select[Any]) -> Row[Any] | None:
        return await self._db.read(lambda db: db.execute(query).first())
