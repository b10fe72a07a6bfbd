"""The answers that are being written, as far as they have come: for a browser that comes back at another process.

Knows a table, and whose process is dead. Does not know what an answer looks like, nor what becomes of one whose process
died.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any

from tandem.cluster.member import Member

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select, TextClause


@dataclass(frozen=True, slots=True)
class Written:
    """An answer under way: the records of its message and of the element under it, and whose conversation it is in."""

    message: str
    thread: str
    person: str
    member: str
    step: dict[str, Any]
    element: dict[str, Any]


_COLUMNS = tuple(field.name for field in fields(Written))


class RunningAnswers:
    """Those of all processes. For any thread; raises what SQLAlchemy raises."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._engine = member.place

    @property
    def mine(self) -> str:
        """By which name this process writes."""
        return self._member.id

    def keep(self, begun: Sequence[Written], went_on: Mapping[str, dict[str, Any]], over: Collection[str]) -> set[str]:
        """Note answers as a whole, how far only the messages of others have come, and which are no more being written;
        of which messages nothing was noted before, so that they are to be noted as a whole.

        One statement each, however many: what stands beneath an answer is large, and seldom changes while it is
        written.
        """
        if not (begun or went_on or over):
            return set()
        whole, further, ended = _statements()
        with self._engine.engine.begin() as db:
            if begun:
                db.execute(whole, {name: [getattr(one, name) for one in begun] for name in _COLUMNS})
            unknown = set(went_on)
            if went_on:
                given = {"message": list(went_on), "step": list(went_on.values())}
                unknown.difference_update(db.execute(further, given).scalars())
            if over:
                db.execute(ended, {"over": list(over)})
        return unknown

    def in_thread(self, thread: str) -> list[Written]:
        """The answers that other processes are writing in a conversation."""
        from sqlalchemy import select

        from tandem.cluster.tables import answers as a

        with self._engine.at_once.connect() as db:
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


@cache
def _statements() -> tuple[TextClause, TextClause, TextClause]:
    """Of `keep`: for answers as a whole, for how far messages have come, for what is over."""
    from sqlalchemy import JSON, Text, bindparam, text
    from sqlalchemy.dialects.postgresql import ARRAY

    lists = {name: bindparam(name, type_=ARRAY(Text)) for name in (*_COLUMNS, "over")}
    lists |= {name: bindparam(name, type_=ARRAY(JSON)) for name in ("step", "element")}
    given = ", ".join(f"CAST(:{name} AS {'json' if name in ('step', 'element') else 'text'}[])" for name in _COLUMNS)
    whole = text(
        f"INSERT INTO answers ({', '.join(_COLUMNS)}) SELECT * FROM unnest({given}) ON CONFLICT (message) DO UPDATE "
        "SET step = excluded.step, element = excluded.element, member = excluded.member"
    ).bindparams(*(lists[name] for name in _COLUMNS))
    further = text(
        "UPDATE answers SET step = further.step FROM unnest(CAST(:message AS text[]), CAST(:step AS json[])) "
        "AS further (message, step) WHERE answers.message = further.message RETURNING answers.message"
    ).bindparams(lists["message"], lists["step"])
    ended = text("DELETE FROM answers WHERE message = ANY(CAST(:over AS text[]))").bindparams(lists["over"])
    return whole, further, ended
