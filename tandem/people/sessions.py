"""Where somebody has signed in. Knows one row a browser. Does not know whether its cookie still counts: tickets do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tandem.people.store import Store, now

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which somebody is signed in."""

    number: str
    person: str
    epoch: int
    begun: str
    until: str
    address: str
    browser: str


class Sessions:
    """The browsers of everybody. For any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def signed_in(self, session: Session) -> None:
        """Note that somebody has signed in. Raises AccountsError."""

        def work(db: Connection) -> None:
            from sqlalchemy import delete, insert, update

            from tandem.people.tables import people, sessions

            db.execute(delete(sessions).where(sessions.c.until < now()))
            values = {name: getattr(session, name) for name in Session.__slots__}
            db.execute(insert(sessions).values(**values))
            db.execute(update(people).where(people.c.name == session.person).values(seen=session.begun))

        self._store.note(work)

    def sessions(self, name: str) -> list[Session]:
        """Where somebody has signed in, the latest first, whether or not it was ended since. Raises AccountsError."""

        def query(db: Connection) -> list[Session]:
            from sqlalchemy import desc, select

            from tandem.people.tables import sessions as s

            wanted = select(s).where(s.c.person == name, s.c.until > now()).order_by(desc(s.c.begun)).limit(200)
            return [Session(**row._mapping) for row in db.execute(wanted)]

        return self._store.read(query)
