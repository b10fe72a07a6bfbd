"""What has ended cookies, in the database of accounts: for all the processes that serve the same people.

Knows two tables, and that whoever asks must not wait for a server. Does not know cookies. Nothing is opened before it
is asked for.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rag.database.places import Place
from tandem.auth.ended import EndedInFile
from tandem.people.looking import Looker
from tandem.people.store import AccountsError, Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = logging.getLogger(__name__)

_EPOCH, _TICKET = "epoch", "ticket"
_NUMBER = 2
"""Which of the numbers in `changes` counts what ends cookies."""


@dataclass(frozen=True, slots=True)
class _Known:
    number: int
    epochs: dict[str, int]
    tickets: frozenset[str]


class EndedForAll:
    """The `tandem.auth.ended.Ended` of one database: what another process ends is known a second later at most. Where
    nothing was ever read, no cookie counts."""

    def __init__(self, store: Store, file: Path) -> None:
        """What stands in `file`, from when there was one process, is taken over."""
        self._store = store
        self._file = file
        self._known: _Known | None = None
        self._looker = Looker("who is signed out", self._look_quietly)

    def close(self) -> None:
        """Wait for a look that is under way; the database may be let go of then."""
        self._looker.close()

    def epoch(self, person: str) -> int:
        known = self._current()
        return known.epochs.get(person, 0) if known is not None else -1

    def has(self, number: str) -> bool:
        known = self._current()
        return known is None or number in known.tickets

    def end(self, number: str, now: float, until: float) -> None:
        def work(db: Connection) -> None:
            from sqlalchemy import delete

            from tandem.people.tables import signed_out as s

            _count_up(db)  # first: of two at once, the second waits here
            db.execute(delete(s).where(s.c.kind == _TICKET, s.c.value <= now))
            _put(db, _TICKET, number, until)

        self._change(work)

    def end_all(self, person: str) -> None:
        def work(db: Connection) -> None:
            _count_up(db)
            _put(db, _EPOCH, person, _read(db).epochs.get(person, 0) + 1)

        self._change(work)

    def state(self) -> int:
        known = self._current()
        return known.number if known is not None else -1

    def _change(self, work: object) -> None:
        self._store.note(work)  # type: ignore[arg-type]
        self._look()

    def _current(self) -> _Known | None:
        if self._known is None:
            self._looker.wait()
        else:
            self._looker.begin()
        return self._known

    def _look_quietly(self) -> None:
        try:
            self._look()
        except AccountsError as error:
            log.warning("Who is signed out cannot be read: %s", error)

    def _look(self) -> None:
        if self._known is None:
            self._store.note(self._take_over)
        before = self._known.number if self._known is not None else -1
        if self._store.read(_number) != before:
            self._known = self._store.read(_read)

    def _take_over(self, db: Connection) -> None:
        if not self._file.is_file():
            return
        kept, known = EndedInFile(self._file, time.time).kept(), _read(db)
        later = {name: epoch + kept["base"] for name, epoch in kept["epochs"].items()}
        later = {name: epoch for name, epoch in later.items() if epoch > known.epochs.get(name, 0)}
        more = {number: until for number, until in kept["tickets"].items() if number not in known.tickets}
        if not later and not more:
            return
        _count_up(db)
        for name, epoch in later.items():
            _put(db, _EPOCH, name, epoch)
        for number, until in more.items():
            _put(db, _TICKET, number, until)


def write_out(place: Place, file: Path) -> None:
    """Write what ended cookies from a database of accounts into a file, for a single process; nothing where nothing
    ended. Raises OSError or AccountsError."""
    from sqlalchemy import select

    from tandem.people.tables import signed_out as s

    store = Store(place)
    rows = store.read(lambda db: db.execute(select(s)).all())
    if rows:
        epochs = {row.name: int(row.value) for row in rows if row.kind == _EPOCH}
        tickets = {row.name: float(row.value) for row in rows if row.kind == _TICKET}
        EndedInFile(file, time.time).keep({"base": 0, "epochs": epochs, "tickets": tickets})


def _read(db: Connection) -> _Known:
    from sqlalchemy import select

    from tandem.people.tables import signed_out as s

    rows = db.execute(select(s)).all()
    return _Known(
        _number(db),
        {row.name: int(row.value) for row in rows if row.kind == _EPOCH},
        frozenset(row.name for row in rows if row.kind == _TICKET),
    )


def _number(db: Connection) -> int:
    from sqlalchemy import select

    from tandem.people.tables import changes

    return int(db.execute(select(changes.c.number).where(changes.c.id == _NUMBER)).scalar() or 0)


def _count_up(db: Connection) -> None:
    from sqlalchemy import insert, update

    from tandem.people.tables import changes as c

    if not db.execute(update(c).where(c.c.id == _NUMBER).values(number=c.c.number + 1)).rowcount:
        db.execute(insert(c).values(id=_NUMBER, number=1))


def _put(db: Connection, kind: str, name: str, value: float) -> None:
    from sqlalchemy import insert, update

    from tandem.people.tables import signed_out as s

    if not db.execute(update(s).where(s.c.kind == kind, s.c.name == name).values(value=value)).rowcount:
        db.execute(insert(s).values(kind=kind, name=name, value=value))
