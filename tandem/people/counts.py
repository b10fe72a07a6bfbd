"""What is counted about people by all the processes that serve them: failed attempts to sign in, questions asked.

Knows a table, and that of two processes one waits for the other where both count about the same. Does not know what
counts, nor limits.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from tandem.auth.login_throttle import Name
from tandem.people.store import Store

if TYPE_CHECKING:
    from sqlalchemy import Connection

Found = TypeVar("Found")

_FORGET_SECONDS = 2 * 86400.0
_TIDY_SECONDS = 3600.0


class CountsForAll:
    """The `tandem.auth.login_throttle.Counts` of one database on a server. For any thread."""

    def __init__(self, store: Store) -> None:
        """Opens nothing yet."""
        self._store = store
        self._lock = threading.Lock()
        self._tidied = time.monotonic()

    def together(self, names: Sequence[Name], work: Callable[[MutableMapping[Name, Any]], Found]) -> Found:
        """What `work` finds, which is given what is kept under the names and changes it; nobody else reads or changes
        these meanwhile. Raises AccountsError; then nothing is changed."""
        names = sorted(set(names))
        found: list[Found] = []

        def inside(db: Connection) -> None:
            from sqlalchemy import delete, select, text, tuple_

            from tandem.people.tables import counts as c

            for lock in sorted({_lock(name) for name in names}):
                db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            rows = db.execute(select(c.c.kind, c.c.name, c.c.content).where(tuple_(c.c.kind, c.c.name).in_(names)))
            before = {(row.kind, row.name): row.content for row in rows}
            kept = dict(before)
            found.append(work(kept))
            for name in names:
                if kept.get(name) != before.get(name):
                    _put(db, name, kept.get(name), there=name in before)
            if self._is_time_to_tidy():
                db.execute(delete(c).where(c.c.at < time.time() - _FORGET_SECONDS))

        self._store.note(inside)
        return found[-1]

    def _is_time_to_tidy(self) -> bool:
        with self._lock:
            if time.monotonic() - self._tidied < _TIDY_SECONDS:
                return False
            self._tidied = time.monotonic()
            return True


def _put(db: Connection, name: Name, content: Any, *, there: bool) -> None:
    from sqlalchemy import delete, insert, update

    from tandem.people.tables import counts as c

    mine = (c.c.kind == name[0]) & (c.c.name == name[1])
    if content is None:
        db.execute(delete(c).where(mine))
    elif there:
        db.execute(update(c).where(mine).values(at=time.time(), content=content))
    else:
        db.execute(insert(c).values(kind=name[0], name=name[1], at=time.time(), content=content))


def _lock(name: Name) -> int:
    digest = hashlib.blake2b("\0".join(name).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
