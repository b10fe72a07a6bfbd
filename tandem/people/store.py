"""The database of accounts: opened when first asked, changed in one transaction, and noticed when others change it.

Knows the place, what its errors are to people, and the number that every change counts up. Does not know what is kept.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from rag.database.places import Place, Sqlite
from rag.database.tables import TooNewError
from rag.errors import UserFacingError
from tandem.people.looking import Looker

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

Found = TypeVar("Found")
_NUMBER = 1
"""Which of the numbers in `changes` counts what is granted; others count other things."""


class AccountsError(UserFacingError):
    """The accounts cannot be read or written, or what was asked of them cannot be done."""


class Store:
    """One database of accounts. For any thread; `close` it."""

    def __init__(self, place: Place) -> None:
        """Opens nothing yet."""
        self.place = place
        self.problem = ""
        """Why accounts cannot be read or written, "" where they can."""
        self._lock = threading.RLock()
        self._prepared = False
        self._looker = Looker("accounts", self._look)
        self._number = -1
        self._changed_here = False
        self._file: object = None

    def read(self, query: Callable[[Connection], Found]) -> Found:
        """What `query` finds. Raises AccountsError."""

        def found() -> Found:
            self._prepare()
            with self.place.at_once.connect() as db:
                return query(db)

        return self._explained("read", found)

    def change(self, work: Callable[[Connection], Found]) -> Found:
        """Do `work` in one transaction that others notice. Raises AccountsError; nothing is changed then. What `work`
        itself raises undoes it too."""

        def changed(db: Connection) -> Found:
            found = work(db)
            _count_up(db)
            return found

        done = self._explained("written", lambda: self._in_transaction(changed))
        self._changed_here = True
        return done

    def note(self, work: Callable[[Connection], object]) -> None:
        """As `change`, for what nobody waits to notice. Raises AccountsError."""
        self._explained("written", lambda: self._in_transaction(work))

    def latest(self) -> int:
        """A number that goes up whenever somebody changes something: on a server known a second later at most. Quick;
        the last one known where it cannot be told, and -1 where none is."""
        if self._is_told_at_once():
            self._look()
        elif not isinstance(self.place, Sqlite):
            self._looker.begin()
        return self._number

    def _is_told_at_once(self) -> bool:
        """Whether whoever asks waits for a look: not for a server, which may be away, but where it is not known yet
        what is there, or where it was changed from here."""
        at_once, self._changed_here = self._changed_here or self._number < 0, False
        if isinstance(self.place, Sqlite):
            before, self._file = self._file, _mark(self.place.path)
            at_once = at_once or self._file != before
        return at_once

    def _look(self) -> None:
        try:
            self._number = self.read(_number)
        except AccountsError as error:
            if str(error) != self.problem:
                log.warning("%s", error)
            self.problem = str(error)
        else:
            self.problem = ""

    def close(self) -> None:
        """Let go of the database, once a look that is under way has ended. Twice is once."""
        self._looker.close()
        self.place.close()

    def _prepare(self) -> None:
        with self._lock:
            if not self._prepared:
                self.place.prepare()
                self._prepared = True

    def _in_transaction(self, work: Callable[[Connection], Found]) -> Found:
        self._prepare()
        with self.place.engine.begin() as db:
            return work(db)

    def _explained(self, done: str, work: Callable[[], Found]) -> Found:
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return work()
        except TooNewError:
            raise AccountsError("A newer version of Tandem wrote the accounts; update Tandem.") from None
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            raise AccountsError(self.place.sentence(f"The accounts cannot be {done}", error)) from None


class Remembered(Generic[Found]):
    """What a query finds, asked again when somebody has changed something. For any thread."""

    def __init__(self, store: Store, query: Callable[[Connection], Found], before: Found) -> None:
        """Asks nothing yet; `before` is what is known until then."""
        self._store = store
        self._query = query
        self._lock = threading.Lock()
        self._found = before
        self._number = -1

    def now(self) -> Found:
        """As it was at the `latest` change. Raises AccountsError."""
        with self._lock:
            if (number := self._store.latest()) != self._number:
                self._found, self._number = self._store.read(self._query), number
            return self._found

    def look(self) -> None:
        """Have `now` know what is there in this moment. Raises AccountsError."""
        with self._lock:
            self._found = self._store.read(self._query)


def _mark(path: Path) -> object:
    """What is another as soon as the file is written to."""
    found = []
    for suffix in ("", "-wal"):
        try:
            status = path.with_name(path.name + suffix).stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)


def now() -> str:
    """This moment, as the tables hold it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _number(db: Connection) -> int:
    from sqlalchemy import select

    from tandem.people.tables import changes

    return int(db.execute(select(changes.c.number).where(changes.c.id == _NUMBER)).scalar() or 0)


def _count_up(db: Connection) -> None:
    from sqlalchemy import insert, update

    from tandem.people.tables import changes

    mine = update(changes).where(changes.c.id == _NUMBER)
    if not db.execute(mine.values(number=changes.c.number + 1)).rowcount:
        db.execute(insert(changes).values(id=_NUMBER, number=1))
