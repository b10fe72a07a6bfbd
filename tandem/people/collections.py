"""The collections that administrators make in the chat, kept with the accounts.

Knows their table, who curates them, and that two administrators may change one at once. Does not know which documents
lie where, nor what a change does to them (`tandem.collecting` does).
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rag.database.places import Sqlite
from tandem.auth.collections import Folder, Made
from tandem.auth.rights import CURATOR
from tandem.people.store import AccountsError, Remembered, Store, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST, LONGEST_NAME = 500, 60
_NUMBER = 3
"""Which of the numbers in `changes` counts what the collections are."""
_NAME = re.compile(r"[^\x00-\x1f\x7f,-][^\x00-\x1f\x7f,]{0,59}")
Known = tuple[int, tuple[Made, ...]]


class Collections:
    """Those of one installation. For any thread; what another process changes is noticed."""

    def __init__(self, store: Store) -> None:
        """Opens nothing yet."""
        self._store = store
        self._known: Remembered[Known] = Remembered(store, _read, (-1, ()))

    def current(self) -> Known:
        """Their number, which goes up with every change of one, and all of them by name: on a server as they were a
        second ago at most. The number is -1 where they could never be read. Quick; raises AccountsError."""
        return (0, ()) if self._missing() else self._known.now()

    def look(self) -> None:
        """Have `current` know what is there in this moment. Raises AccountsError."""
        if not self._missing():
            self._known.look()

    def put(self, made: Made, people: Collection[str], number: int) -> None:
        """Keep a collection in place of its earlier version, with the people who curate it; `number` is the one that
        all of them have from then on. Raises AccountsError where somebody was faster, or the name is taken."""

        def work(db: Connection) -> None:
            from sqlalchemy import delete, func, insert, select, update

            from tandem.people.tables import collections as c
            from tandem.people.tables import grants as g

            _count_up(db, number)
            alike = select(c.c.key).where(c.c.folded == folded(made.name), c.c.key != made.key)
            if db.execute(alike).first() is not None:
                raise AccountsError(f"There is a collection {made.name} already; choose another name.")
            values = {"name": made.name, "folded": folded(made.name), "content": _content(made), "changed": now()}
            if made.version == 0:
                if db.execute(select(func.count()).select_from(c)).scalar_one() >= MOST:
                    raise AccountsError(f"There are {MOST} collections already; delete one first.")
                db.execute(insert(c).values(key=made.key, version=1, **values))
            else:
                mine = (c.c.key == made.key) & (c.c.version == made.version)
                if not db.execute(update(c).where(mine).values(version=made.version + 1, **values)).rowcount:
                    raise AccountsError(_FASTER)
            db.execute(delete(g).where(_curating(made.key)))
            for person in dict.fromkeys(people):
                db.execute(insert(g).values(person=person, role=CURATOR, collection=made.key))

        self._store.change(work)

    def drop(self, made: Made, number: int) -> None:
        """Delete one, and who was granted to curate it. Raises AccountsError where somebody was faster."""

        def work(db: Connection) -> None:
            from sqlalchemy import delete

            from tandem.people.tables import collections as c
            from tandem.people.tables import grants as g

            _count_up(db, number)
            if not db.execute(delete(c).where(c.c.key == made.key, c.c.version == made.version)).rowcount:
                raise AccountsError(_FASTER)
            db.execute(delete(g).where(_curating(made.key)))

        self._store.change(work)

    def _missing(self) -> bool:
        """Whether there is no database yet, which is not to be made for being asked."""
        place = self._store.place
        return isinstance(place, Sqlite) and not place.path.exists()


_FASTER = "Somebody else has changed this collection meanwhile; open it again and look at what it is now."


def new_key() -> str:
    """A key for a new collection, which no name of the settings can be."""
    return f"-{secrets.token_hex(8)}"


def checked_name(text: str) -> str:
    """A name as it is kept. Raises AccountsError where it is none."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    odd = any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Cn") for one in name)
    if odd or not _NAME.fullmatch(name):
        raise AccountsError(
            f"A collection's name has 1 to {LONGEST_NAME} characters, no comma in it, and does not begin with a hyphen."
        )
    return name


def folded(name: str) -> str:
    """What two names have in common that people would take for the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def _content(made: Made) -> dict[str, Any]:
    return {
        "readers": list(made.readers) if made.readers is not None else None,
        "curators": list(made.curators),
        "folders": [[one.root, one.path] for one in made.folders],
    }


def _read(db: Connection) -> Known:
    from sqlalchemy import select

    from tandem.people.tables import changes
    from tandem.people.tables import collections as c

    number = int(db.execute(select(changes.c.number).where(changes.c.id == _NUMBER)).scalar() or 0)
    return number, tuple(_made(row) for row in db.execute(select(c).order_by(c.c.folded)))


def _made(row: Any) -> Made:
    """What a row says; one that is damaged is for nobody, and stays closed."""
    kept = row.content if isinstance(row.content, dict) else {}
    readers = kept.get("readers", ())
    return Made(
        key=row.key,
        name=row.name,
        readers=tuple(readers) if readers is not None else None,
        curators=tuple(kept.get("curators", ())),
        folders=tuple(Folder(root, path) for root, path in kept.get("folders", ())),
        version=row.version,
    )


def _curating(key: str) -> Any:
    from tandem.people.tables import grants as g

    return (g.c.role == CURATOR) & (g.c.collection == key)


def _count_up(db: Connection, number: int) -> None:
    """First, so that of two at once the second waits here. Raises AccountsError where it comes to another number."""
    from sqlalchemy import insert, select, update

    from tandem.people.tables import changes as c

    mine = c.c.id == _NUMBER
    if not db.execute(update(c).where(mine).values(number=c.c.number + 1)).rowcount:
        db.execute(insert(c).values(id=_NUMBER, number=1))
    if db.execute(select(c.c.number).where(mine)).scalar_one() != number:
        raise AccountsError(_FASTER)
