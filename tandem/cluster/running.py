"""The answers that are being written, as far as they have come: for a browser that comes back at another process.

Knows a table, and whose process is dead. Does not know what an answer looks like, nor what becomes of one whose process
died.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tandem.cluster.member import Member

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select


@dataclass(frozen=True, slots=True)
class Written:
    """An answer under way: the records of its message and of the element under it, and whose conversation it is in."""

    message: str
    thread: str
    person: str
    member: str
    step: dict[str, Any]
    element: dict[str, Any]


class RunningAnswers:
    """Those of all processes. For any thread; raises what SQLAlchemy raises."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._engine = member.place

    @property
    def mine(self) -> str:
        """By which name this process writes."""
        return self._member.id

    def keep(self, written: Sequence[Written], over: Collection[str]) -> None:
        """Note how far answers have come, and which messages are no more being written."""
        from sqlalchemy import delete
        from sqlalchemy.dialects.postgresql import insert

        from tandem.cluster.tables import answers as a

        with self._engine.engine.begin() as db:
            for one in written:
                changed = {"step": one.step, "element": one.element, "member": one.member}
                new = insert(a).values(**asdict(one))
                db.execute(new.on_conflict_do_update(index_elements=[a.c.message], set_=changed))
            if over:
                db.execute(delete(a).where(a.c.message.in_(list(over))))

    def in_thread(self, thread: str) -> list[Written]:
        """The answers that other processes are writing in a conversation."""
        from sqlalchemy import select

        from tandem.cluster.tables import answers as a

        with self._engine.engine.connect() as db:
            return _found(db, select(a).where(a.c.thread == thread, a.c.member != self.mine))

    def orphans(self) -> list[Written]:
        """The answers of processes that are dead, which are forgotten with this."""
        from sqlalchemy import delete, select

        from tandem.cluster.tables import answers as a
        from tandem.cluster.tables import members as m

        with self._engine.engine.begin() as db:
            dead = self._member.dead(db)
            if dead:
                db.execute(delete(m).where(m.c.id.in_(dead)))
            if not self._member.settled:
                return []
            return _found(db, select(a).where(a.c.member.not_in(select(m.c.id)), a.c.member != self.mine))


def _found(db: Connection, query: Select[Any]) -> list[Written]:
    return [Written(**row._mapping) for row in db.execute(query)]
