"""Conversations on disk: users, threads, steps, elements and feedback, in one SQLite file.

Knows Chainlit's data layer, and keeps each step and element as the record that Chainlit hands over, so that what is
shown again is what was shown. Checks that whoever writes owns what is written to. Does not know what a step means.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chainlit.data.base import BaseDataLayer
from chainlit.data.utils import queue_until_user_message
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PageInfo, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User
from sqlalchemy import Row, Select, delete, event, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from rag.errors import UserFacingError
from tandem.ui import history_tables as tables
from tandem.ui.history_tables import elements, feedbacks, steps, threads, users

log = logging.getLogger(__name__)

NAME_CHARS = 120
LARGEST_PAGE = 100
_BUSY_SECONDS = 30


class HistoryError(UserFacingError):
    """The conversations cannot be opened, or belong to somebody else."""


class History(BaseDataLayer):
    """The conversations of one data directory. Open it with `open`; use it on one event loop; `close` it there.

    `caller` says whose request is being served: a user's identifier, or None where nobody asks; then nothing that
    belongs to somebody is touched.
    """

    def __init__(self, path: Path, caller: Callable[[], str | None]) -> None:
        self._caller = caller
        self._engine = create_async_engine(
            f"sqlite+aiosqlite:///{path}",
            json_serializer=lambda value: json.dumps(value, ensure_ascii=False, default=str),
            connect_args={"timeout": _BUSY_SECONDS},
        )
        self._writing = asyncio.Lock()

        @event.listens_for(self._engine.sync_engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    @classmethod
    def open(cls, path: Path, caller: Callable[[], str | None]) -> History:
        """Open the file, making it with its tables where it is missing. Raises HistoryError."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            tables.make(path)
        except tables.TooNewError as error:
            raise HistoryError(
                f"{path} was written by a newer version of Tandem (format {error.version}, known is {tables.VERSION}); "
                "update Tandem, or move the file away to start a new history."
            ) from None
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            reason = str(error).splitlines()[0]
            raise HistoryError(
                f"The conversations at {path} cannot be opened ({reason}); check the disk, or move the file away."
            ) from error
        return cls(path, caller)

    async def close(self) -> None:
        await self._engine.dispose()

    async def build_debug_url(self) -> str:
        return ""

    # Users

    async def get_user(self, identifier: str) -> PersistedUser | None:
        row = await self._one(select(users).where(users.c.identifier == identifier))
        if row is None:
            return None
        return PersistedUser(id=row.id, identifier=row.identifier, createdAt=row.created, metadata=row.metadata or {})

    async def create_user(self, user: User) -> PersistedUser | None:
        values = {"id": str(uuid.uuid4()), "identifier": user.identifier, "created": _now(), "metadata": user.metadata}
        async with self._write() as db:
            await db.execute(insert(users).values(values).on_conflict_do_nothing(index_elements=["identifier"]))
        return await self.get_user(user.identifier)

    async def settings_of(self, user_id: str) -> dict[str, Any]:
        """What the user last chose in the settings panel, for new conversations."""
        row = await self._one(select(users.c.settings).where(users.c.id == user_id))
        return dict(row.settings) if row is not None and row.settings else {}

    async def remember_settings(self, user_id: str, thread_id: str, values: dict[str, Any]) -> None:
        """Keep what was chosen, for the user's new conversations and for this one when it is resumed."""
        async with self._write() as db:
            await db.execute(update(users).where(users.c.id == user_id).values(settings=values))
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
        async with self._write() as db:
            row = (await db.execute(select(threads).where(threads.c.id == thread_id))).first()
            if row is None and user_id is None:
                return
            if row is None:
                await self._new_thread(db, thread_id, user_id)
            changes: dict[str, Any] = {}
            if name is not None:
                changes["name"] = " ".join(name.split())[:NAME_CHARS]
            if tags is not None:
                changes["tags"] = tags
            if user_id is not None and (row is None or row.user_id is None):
                changes["user_id"] = user_id
            if metadata is not None:
                merged = {**((row.metadata if row is not None else None) or {}), **metadata}
                changes["metadata"] = {key: value for key, value in merged.items() if value is not None}
            if changes:
                await db.execute(update(threads).where(threads.c.id == thread_id).values(**changes))

    async def delete_thread(self, thread_id: str) -> None:
        async with self._write() as db:
            await db.execute(delete(threads).where(threads.c.id == thread_id))

    async def get_thread(self, thread_id: str) -> ThreadDict | None:
        async with self._engine.connect() as db:
            query = select(threads, users.c.identifier).outerjoin(users, threads.c.user_id == users.c.id)
            row = (await db.execute(query.where(threads.c.id == thread_id))).first()
            if row is None:
                return None
            own = steps.c.thread_id == thread_id
            kept = (
                await db.execute(select(steps.c.record).where(own).order_by(steps.c.created, text("steps.rowid")))
            ).scalars()
            marks = (await db.execute(select(feedbacks).where(feedbacks.c.thread_id == thread_id))).all()
            shown = await db.execute(select(elements.c.record).where(elements.c.thread_id == thread_id))
            by_step = {mark.step_id: mark for mark in marks}
            thread = _thread(row)
            thread["steps"] = [_with_feedback(step, by_step) for step in kept]
            thread["elements"] = list(shown.scalars())
            return thread

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of a user's threads, latest activity first, without their steps."""
        if not filters.userId:
            raise HistoryError("Sign in to see your conversations.")
        query = select(threads, users.c.identifier).join(users, threads.c.user_id == users.c.id)
        query = _filtered(query.where(threads.c.user_id == filters.userId), filters)
        first = max(1, min(pagination.first, LARGEST_PAGE))
        async with self._engine.connect() as db:
            if pagination.cursor:
                last = (await db.execute(select(threads.c.updated).where(threads.c.id == pagination.cursor))).scalar()
                if last is not None:
                    query = query.where(tuple_(threads.c.updated, threads.c.id) < (last, pagination.cursor))
            query = query.order_by(threads.c.updated.desc(), threads.c.id.desc()).limit(first + 1)
            rows = (await db.execute(query)).all()
        page = [_thread(row) for row in rows[:first]]
        info = PageInfo(
            hasNextPage=len(rows) > first,
            startCursor=page[0]["id"] if page else None,
            endCursor=page[-1]["id"] if page else None,
        )
        return PaginatedResponse(pageInfo=info, data=page)

    # Steps

    @queue_until_user_message()
    async def create_step(self, step_dict: StepDict) -> None:
        await self._keep_step(step_dict)

    @queue_until_user_message()
    async def update_step(self, step_dict: StepDict) -> None:
        await self._keep_step(step_dict)

    async def _keep_step(self, step: StepDict) -> None:
        """Chainlit calls this in tasks that nobody awaits: a failure is logged, and the conversation goes on."""
        try:
            await self._write_step(step)
        except (HistoryError, SQLAlchemyError) as error:
            log.error("A message could not be kept in the history: %s", str(error).splitlines()[0])

    async def _write_step(self, step: StepDict) -> None:
        created = step.get("createdAt") or step.get("start") or _now()
        is_message = "message" in step.get("type", "")
        values = {
            "id": step["id"],
            "thread_id": step["threadId"],
            "created": created,
            "searchable": (step.get("output") or "").casefold() if is_message else "",
            "record": {**step, "createdAt": created, "streaming": False},
        }
        async with self._write() as db:
            await self._own(db, step["threadId"])
            new = insert(steps).values(**values)
            changed = {key: new.excluded[key] for key in ("searchable", "record")}
            await db.execute(
                new.on_conflict_do_update(
                    index_elements=["id"], set_=changed, where=steps.c.thread_id == new.excluded.thread_id
                )
            )
            await db.execute(update(threads).where(threads.c.id == step["threadId"]).values(updated=_now()))

    @queue_until_user_message()
    async def delete_step(self, step_id: str) -> None:
        async with self._write() as db:
            thread = (await db.execute(select(steps.c.thread_id).where(steps.c.id == step_id))).scalar()
            if thread is not None:
                await self._own(db, thread)
                await db.execute(delete(elements).where(elements.c.for_id == step_id))
                await db.execute(delete(steps).where(steps.c.id == step_id))

    async def get_favorite_steps(self, user_id: str) -> list[StepDict]:
        """None: favourite messages are switched off in .chainlit/config.toml."""
        return []

    # Elements

    async def create_element(self, element: Element) -> None:
        """Nothing: Chainlit calls this for elements that a browser sends in, and none is taken. See `keep_element`."""

    async def keep_element(self, element: Element) -> None:
        """Keep an element that the server made, or its new state."""
        record = element.to_dict()
        thread_id = element.thread_id
        async with self._write() as db:
            await self._own(db, thread_id)
            new = insert(elements).values(id=element.id, thread_id=thread_id, for_id=element.for_id, record=record)
            await db.execute(new.on_conflict_do_update(index_elements=["id"], set_={"record": new.excluded.record}))

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None:
        row = await self._one(
            select(elements.c.record).where(elements.c.id == element_id, elements.c.thread_id == thread_id)
        )
        return row.record if row is not None else None

    @queue_until_user_message()
    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None:
        async with self._write() as db:
            kept = (await db.execute(select(elements.c.thread_id).where(elements.c.id == element_id))).scalar()
            if kept is not None:
                await self._own(db, kept)
                await db.execute(delete(elements).where(elements.c.id == element_id))

    # Feedback

    async def upsert_feedback(self, feedback: Feedback) -> str:
        """Keep a thumb and its comment; one a step. Raises HistoryError where the step is not the caller's."""
        async with self._write() as db:
            thread = (await db.execute(select(steps.c.thread_id).where(steps.c.id == feedback.forId))).scalar()
            if thread is None:
                raise HistoryError("The message that was rated is not there any more; reload the page.")
            await self._own(db, thread)
            new = insert(feedbacks).values(
                id=str(uuid.uuid4()),
                step_id=feedback.forId,
                thread_id=thread,
                value=feedback.value,
                comment=feedback.comment,
                created=_now(),
            )
            kept = {key: new.excluded[key] for key in ("value", "comment", "created")}
            await db.execute(new.on_conflict_do_update(index_elements=["step_id"], set_=kept))
            return (await db.execute(select(feedbacks.c.id).where(feedbacks.c.step_id == feedback.forId))).scalar_one()

    async def delete_feedback(self, feedback_id: str) -> bool:
        async with self._write() as db:
            thread = (await db.execute(select(feedbacks.c.thread_id).where(feedbacks.c.id == feedback_id))).scalar()
            if thread is None:
                return False
            await self._own(db, thread)
            await db.execute(delete(feedbacks).where(feedbacks.c.id == feedback_id))
        return True

    # Plumbing

    def _write(self) -> _Writing:
        return _Writing(self._engine.begin(), self._writing)

    async def _one(self, query: Select[Any]) -> Row[Any] | None:
        async with self._engine.connect() as db:
            return (await db.execute(query)).first()

    async def _own(self, db: AsyncConnection, thread_id: str) -> None:
        """Make the thread the caller's if it is nobody's yet. Raises HistoryError when it is somebody else's."""
        caller = self._caller()
        query = select(users.c.id).where(users.c.identifier == caller)
        user_id = (await db.execute(query)).scalar() if caller is not None else None
        row = (await db.execute(select(threads.c.user_id).where(threads.c.id == thread_id))).first()
        if row is None:
            await self._new_thread(db, thread_id, user_id)
        elif row.user_id is None:
            await db.execute(update(threads).where(threads.c.id == thread_id).values(user_id=user_id))
        elif row.user_id != user_id:
            raise HistoryError("This conversation belongs to somebody else; start one of your own.")

    async def _new_thread(self, db: AsyncConnection, thread_id: str, user_id: str | None) -> None:
        now = _now()
        await db.execute(insert(threads).values(id=thread_id, user_id=user_id, created=now, updated=now))


class _Writing:
    """A transaction that writes, one at a time: SQLite has one writer, and waiting here is fair and in order."""

    def __init__(self, transaction: Any, turn: asyncio.Lock) -> None:
        self._transaction = transaction
        self._turn = turn

    async def __aenter__(self) -> AsyncConnection:
        await self._turn.acquire()
        try:
            return await self._transaction.__aenter__()
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(self, *raised: Any) -> None:
        try:
            await self._transaction.__aexit__(*raised)
        finally:
            self._turn.release()


def _filtered(query: Select[Any], filters: ThreadFilter) -> Select[Any]:
    if filters.search and filters.search.strip():
        wanted = filters.search.strip().casefold()
        said = select(steps.c.id).where(steps.c.thread_id == threads.c.id, func.instr(steps.c.searchable, wanted) > 0)
        query = query.where(or_(said.exists(), func.instr(func.lower(threads.c.name), wanted) > 0))
    if filters.feedback is not None:
        marked = select(feedbacks.c.id).where(
            feedbacks.c.thread_id == threads.c.id, feedbacks.c.value == filters.feedback
        )
        query = query.where(marked.exists())
    return query


def _thread(row: Row[Any]) -> ThreadDict:
    return ThreadDict(
        id=row.id,
        createdAt=row.updated,
        name=row.name,
        userId=row.user_id,
        userIdentifier=row.identifier,
        tags=row.tags,
        metadata=row.metadata or {},
        steps=[],
        elements=[],
    )


def _with_feedback(step: StepDict, marks: dict[str, Row[Any]]) -> StepDict:
    mark = marks.get(step["id"])
    if mark is not None:
        step["feedback"] = {"forId": step["id"], "id": mark.id, "value": mark.value, "comment": mark.comment}
    return step


def _now() -> str:
    return datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z"
