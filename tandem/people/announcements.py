"""What administrators tell everybody who chats, until a day: plain text.

Knows what stands now. Does not know how it is shown.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tandem.people.store import AccountsError, Store, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

MOST, LONGEST = 5, 500
_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """One of them."""

    id: str
    text: str
    created: str
    until: str


class Announcements:
    """Those of one installation. For any thread."""

    def __init__(self, store: Store) -> None:
        """Opens nothing yet."""
        self._store = store
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._known: list[Announcement] = []

    def make(self, text: str, days: float) -> Announcement:
        """Tell everybody something for so many days. Raises AccountsError."""
        text = " ".join(text.split())
        if not 0 < len(text) <= LONGEST:
            raise AccountsError(f"An announcement has 1 to {LONGEST} characters; write it shorter.")
        begun = datetime.now(UTC)
        created, until = (moment.isoformat(timespec="milliseconds") for moment in (begun, begun + timedelta(days=days)))
        made = Announcement(secrets.token_urlsafe(9), text, created, until)

        def work(db: Connection) -> None:
            from sqlalchemy import delete, func, insert, select

            from tandem.people.tables import announcements as a

            db.execute(delete(a).where(a.c.until <= now()))
            if db.execute(select(func.count()).select_from(a)).scalar_one() >= MOST:
                raise AccountsError(f"{MOST} announcements stand already; end one first.")
            db.execute(insert(a).values(**{name: getattr(made, name) for name in Announcement.__slots__}))

        self._store.note(work)
        self._forget()
        return made

    def end(self, number: str) -> None:
        """Take one back. Raises AccountsError."""

        def work(db: Connection) -> None:
            from sqlalchemy import delete

            from tandem.people.tables import announcements as a

            db.execute(delete(a).where(a.c.id == number))

        self._store.note(work)
        self._forget()

    def standing(self) -> list[Announcement]:
        """Those that stand now, the latest first. Raises AccountsError."""

        def query(db: Connection) -> list[Announcement]:
            from sqlalchemy import desc, select

            from tandem.people.tables import announcements as a

            rows = db.execute(select(a).where(a.c.until > now()).order_by(desc(a.c.created)))
            return [Announcement(**row._mapping) for row in rows]

        return self._store.read(query)

    def current(self) -> list[Announcement]:
        """As `standing`, of a few seconds ago at most, and what was known last where it cannot be read."""
        with self._lock:
            if time.monotonic() - self._looked > _LOOK_SECONDS:
                try:
                    self._known = self.standing()
                except AccountsError as error:
                    log.warning("The announcements cannot be read: %s", error)
                self._looked = time.monotonic()
            return [one for one in self._known if one.until > now()]

    def _forget(self) -> None:
        with self._lock:
            self._looked = float("-inf")
