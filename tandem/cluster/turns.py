"""Whose turn it is at a model of this machine, in all the processes that have it: users are served in turn whichever
process they ask.

Knows a table, and whose process is dead. Does not know models. Only for what a machine has of its own: other machines
do not wait. While the database is away each process serves its own people, one after the other.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybrid.runtimes.queueing import Ticket
from rag.database.tables import TooNewError
from tandem.cluster.member import Member

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

_TOPIC = "turns"
_LOOK_SECONDS = 1.0


@dataclass(slots=True)
class _Waiting:
    """A ticket of this process: in which queue, under which id."""

    id: str
    queue: str
    at_once: int


class SharedTurns:
    """The `hybrid.runtimes.queueing.Turns` of one member. On one event loop; `close` it there."""

    def __init__(self, member: Member, machine: str = "") -> None:
        """`machine` is by which name queues are this machine's."""
        self._member = member
        self._machine = machine or socket.gethostname()
        self._mine: dict[Ticket, _Waiting] = {}
        self._unsure: dict[str, int] = {}
        """The queues of which the database may not know what happened here."""
        self._loop = asyncio.get_running_loop()
        self._work = ThreadPoolExecutor(1, "whose turn it is")
        self._looking: asyncio.TimerHandle | None = None
        self._closed = False
        member.hear(_TOPIC, self._hear)

    def enter(self, queue: str, ticket: Ticket, at_once: int) -> None:
        """See `Turns`."""
        one = _Waiting(secrets.token_hex(12), f"{self._machine} {queue}", at_once)
        self._mine[ticket] = one
        self._join(one, ticket.user)
        self._look()

    def leave(self, ticket: Ticket) -> None:
        """See `Turns`."""
        if (one := self._mine.pop(ticket, None)) is not None:
            self._later(one.queue, one.at_once, tell=True)

    async def close(self) -> None:
        """Leave every queue."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
        for ticket in list(self._mine):
            self.leave(ticket)
        await asyncio.to_thread(self._work.shutdown)

    def _hear(self, told: Mapping[str, Any]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._again, str(told.get("queue")))

    def _join(self, one: _Waiting, person: str) -> None:
        self._later(one.queue, one.at_once, lambda db: self._add(db, one, person))

    def _look(self) -> None:
        """Look now and then while somebody waits: a process may have died in its turn."""
        if self._looking is None and not self._closed:
            self._looking = self._loop.call_later(_LOOK_SECONDS, self._look_now)

    def _look_now(self) -> None:
        self._looking = None
        waiting = {one.queue for ticket, one in self._mine.items() if ticket.position is not None}
        for queue in waiting | self._unsure.keys():
            self._again(queue)
        if waiting or self._unsure:
            self._look()

    def _again(self, queue: str) -> None:
        at_once = next((one.at_once for one in self._mine.values() if one.queue == queue), self._unsure.get(queue, 0))
        if at_once and not self._closed:
            self._later(queue, at_once, tell=queue in self._unsure)

    def _later(
        self, queue: str, at_once: int, change: Callable[[Connection], None] = lambda db: None, *, tell: bool = False
    ) -> None:
        """Have the change made, after those of before, and find out whose turn it is then."""
        known = [one.id for one in self._mine.values() if one.queue == queue]
        self._work.submit(self._advance, queue, at_once, known, change, tell)

    # In its thread

    def _advance(
        self, queue: str, at_once: int, known: Sequence[str], change: Callable[[Connection], None], tell: bool
    ) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            if not self._member.listens():
                raise OSError("nobody is heard")
            with self._member.place.engine.begin() as db:
                order, others = self._turn(db, queue, at_once, known, change)
        except (OSError, SQLAlchemyError, TooNewError) as error:
            log.debug("Whose turn it is cannot be agreed on: %s", error)
            order, others = None, False
        if tell or others:
            self._member.tell(_TOPIC, queue=queue)
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._move, queue, at_once, order)

    def _turn(
        self,
        db: Connection,
        queue: str,
        at_once: int,
        known: Sequence[str],
        change: Callable[[Connection], None],
    ) -> tuple[dict[str, int | None], bool]:
        """Where each stands after the change, and whether somebody of another process has just got a turn."""
        from sqlalchemy import delete, select, text, update

        from tandem.cluster.tables import members as m
        from tandem.cluster.tables import turns as t

        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _lock(queue)})
        if self._member.settled:
            gone = t.c.member.in_(self._member.dead(db)) | t.c.member.not_in(select(m.c.id))
            db.execute(delete(t).where(t.c.queue == queue, t.c.member != self._member.id, gone))
        left_here = (t.c.member == self._member.id) & t.c.id.not_in(known)
        db.execute(delete(t).where(t.c.queue == queue, left_here))
        change(db)
        rows = db.execute(select(t).where(t.c.queue == queue).order_by(t.c.round, t.c.asked, t.c.id)).all()
        running = sum(row.begun for row in rows)
        new = [row for row in rows if not row.begun][: max(0, at_once - running)]
        if new:
            db.execute(update(t).where(t.c.id.in_([row.id for row in new])).values(begun=True))
        order: dict[str, int | None] = {row.id: None for row in (*new, *(row for row in rows if row.begun))}
        left = [row.id for row in rows if row.id not in order]
        order |= {id: number for number, id in enumerate(left)}
        return order, any(row.member != self._member.id for row in new)

    def _add(self, db: Connection, one: _Waiting, person: str) -> None:
        from sqlalchemy import func, select, text
        from sqlalchemy.dialects.postgresql import insert

        from tandem.cluster.tables import turns as t

        here = t.c.queue == one.queue
        mine = db.execute(select(func.max(t.c.round)).where(here, t.c.person == person)).scalar()
        waiting = db.execute(select(func.min(t.c.round)).where(here, t.c.begun.is_(False))).scalar()
        running = db.execute(select(func.max(t.c.round)).where(here)).scalar()
        now = next((number for number in (waiting, running) if number is not None), 0)
        values = {"id": one.id, "queue": one.queue, "person": person, "member": self._member.id, "begun": False}
        asked = text("extract(epoch FROM clock_timestamp())")
        new = insert(t).values(**values, round=now if mine is None else max(now, mine + 1), asked=asked)
        db.execute(new.on_conflict_do_nothing())

    # On the loop again

    def _move(self, queue: str, at_once: int, order: Mapping[str, int | None] | None) -> None:
        here = [(ticket, one) for ticket, one in self._mine.items() if one.queue == queue]
        if order is not None:
            self._unsure.pop(queue, None)
            for ticket, one in [pair for pair in here if pair[0].position is not None]:  # who has begun goes on
                if one.id in order:
                    ticket.move(order[one.id])
                elif not self._closed:  # it came while the database was away
                    self._join(one, ticket.user)
            return
        self._unsure[queue] = at_once
        self._look()
        free = max((one.at_once for _, one in here), default=0) - sum(t.position is None for t, _ in here)
        for ticket, _ in [pair for pair in here if pair[0].position is not None][: max(0, free)]:
            ticket.move(None)


def _lock(queue: str) -> int:
    digest = hashlib.blake2b(f"turns {queue}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
