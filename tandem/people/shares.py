"""What people share: a copy of an answer or a conversation, with the people and groups that may open it.

Knows who made it, for whom and until when. Does not know what is in the copy, nor what of it somebody may read
(`tandem.sharing` does).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tandem.people.store import AccountsError, Store, now

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

PERSON, GROUP = "person", "group"
MOST, MOST_READERS = 500, 100
_LISTED = 500
_TWICE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Share:
    """Something shared. `answer` is the id of the one answer that it is, "" where it is a conversation as it stood;
    `until` "" stands for good, and until it is ended."""

    id: str
    owner: str
    conversation: str
    answer: str
    title: str
    created: str
    until: str
    people: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def opens_for(self, person: str, groups: Collection[str]) -> bool:
        """Whether somebody may open it: its owner, and who is named."""
        return person == self.owner or person in self.people or not self.groups.isdisjoint(groups)


class Shares:
    """Everything that is shared. For any thread. What is over counts as not there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(
        self,
        owner: str,
        conversation: str,
        content: Mapping[str, Any],
        *,
        title: str,
        answer: str = "",
        people: Sequence[str] = (),
        groups: Sequence[str] = (),
        days: float = 0.0,
    ) -> Share:
        """Share a copy, for so many days (0: until it is ended); the same for the same readers a moment later is what
        was shared before, for a button may be pressed twice. Raises AccountsError."""
        named = [(PERSON, name) for name in dict.fromkeys(people)] + [(GROUP, name) for name in dict.fromkeys(groups)]
        if not named:
            raise AccountsError("Name at least one person or group that may read it.")
        if len(named) > MOST_READERS:
            raise AccountsError(f"Something can be shared with {MOST_READERS} people and groups; name a group instead.")
        made = datetime.now(UTC)
        share = Share(
            id=secrets.token_urlsafe(24),
            owner=owner,
            conversation=conversation,
            answer=answer,
            title=title,
            created=made.isoformat(timespec="milliseconds"),
            until=(made + timedelta(days=days)).isoformat(timespec="milliseconds") if days else "",
            people=frozenset(people),
            groups=frozenset(groups),
        )
        row = {name: getattr(share, name) for name in ("id", "owner", "conversation", "answer", "title", "created")}

        twins: list[Share] = []

        def work(db: Connection) -> None:
            from sqlalchemy import func, insert, select

            from tandem.people.tables import share_readers, shares

            _end(db, shares.c.until < now())
            moment = (made - timedelta(seconds=_TWICE_SECONDS)).isoformat(timespec="milliseconds")
            same = (shares.c.owner == owner) & (shares.c.conversation == conversation) & (shares.c.answer == answer)
            before = _found(db, same & (shares.c.created >= moment))
            alike = share.people, share.groups, share.until[:10]
            twins[:] = [one for one in before if (one.people, one.groups, one.until[:10]) == alike]
            if twins:
                return
            count = db.execute(select(func.count()).select_from(shares).where(shares.c.owner == owner)).scalar_one()
            if count >= MOST:
                raise AccountsError(f"{MOST} things are shared by you already; end one that nobody reads any more.")
            db.execute(insert(shares).values(**row, until=share.until or None, content=dict(content)))
            for kind, name in named:
                db.execute(insert(share_readers).values(share=share.id, kind=kind, name=name))

        self._store.note(work)
        return twins[0] if twins else share

    def find(self, number: str) -> Share | None:
        """What has this id; None where there is nothing, or it is over. Raises AccountsError."""

        def query(db: Connection) -> list[Share]:
            from tandem.people.tables import shares

            return _found(db, shares.c.id == number)

        return next(iter(self._store.read(query)), None)

    def content(self, number: str) -> dict[str, Any]:
        """The copy. Raises AccountsError."""

        def query(db: Connection) -> dict[str, Any]:
            from sqlalchemy import select

            from tandem.people.tables import shares

            return dict(db.execute(select(shares.c.content).where(shares.c.id == number)).scalar() or {})

        return self._store.read(query)

    def of(self, owner: str) -> list[Share]:
        """What somebody shares, the latest first. Raises AccountsError."""

        def query(db: Connection) -> list[Share]:
            from tandem.people.tables import shares

            return _found(db, shares.c.owner == owner)

        return self._store.read(query)

    def shown_to(self, person: str, groups: Collection[str]) -> list[Share]:
        """What others share with somebody, the latest first. Raises AccountsError."""

        def query(db: Connection) -> list[Share]:
            from sqlalchemy import or_, select

            from tandem.people.tables import share_readers as r
            from tandem.people.tables import shares

            me, mine = (r.c.kind == PERSON) & (r.c.name == person), (r.c.kind == GROUP) & r.c.name.in_(sorted(groups))
            named = select(r.c.share).where(or_(me, mine))
            return _found(db, shares.c.id.in_(named) & (shares.c.owner != person))

        return self._store.read(query)

    def revoke(self, number: str, owner: str) -> Share | None:
        """End something that somebody shares, at once; None where it is not theirs. Raises AccountsError."""
        found = self.find(number)
        if found is None or found.owner != owner:
            return None

        def work(db: Connection) -> None:
            from tandem.people.tables import shares

            _end(db, shares.c.id == number)

        self._store.note(work)
        return found

    def end_of(self, conversation: str) -> None:
        """End whatever is shared of a conversation, which is deleted. Raises AccountsError."""

        def work(db: Connection) -> None:
            from tandem.people.tables import shares

            _end(db, shares.c.conversation == conversation)

        self._store.note(work)


def _end(db: Connection, which: ColumnElement[bool]) -> None:
    from sqlalchemy import delete, select

    from tandem.people.tables import share_readers, shares

    db.execute(delete(share_readers).where(share_readers.c.share.in_(select(shares.c.id).where(which))))
    db.execute(delete(shares).where(which))


def _found(db: Connection, which: ColumnElement[bool]) -> list[Share]:
    from sqlalchemy import desc, or_, select

    from tandem.people.tables import share_readers as r
    from tandem.people.tables import shares

    still = or_(shares.c.until.is_(None), shares.c.until > now())
    columns = [column for column in shares.columns if column.name != "content"]
    rows = db.execute(select(*columns).where(which, still).order_by(desc(shares.c.created)).limit(_LISTED)).all()
    named: dict[str, dict[str, set[str]]] = {row.id: {PERSON: set(), GROUP: set()} for row in rows}
    for one in db.execute(select(r).where(r.c.share.in_(named))):
        named[one.share].setdefault(one.kind, set()).add(one.name)
    return [
        Share(
            **{**row._mapping, "until": row.until or ""},
            people=frozenset(named[row.id][PERSON]),
            groups=frozenset(named[row.id][GROUP]),
        )
        for row in rows
    ]
