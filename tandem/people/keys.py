"""Keys with which somebody's programs ask `/v1`: made once, shown once, kept as a hash.

Knows scopes, expiry and last use. Does not know what a scope opens (`tandem.api.access` does). A key can do nothing
that its person may not.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tandem.people.store import AccountsError, Store, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCOPES = ("ask", "search", "files", "models", "metrics")
"""ask: answers from the documents or a model; search: passages; files: documents as they are; models: their list;
metrics: figures, for administrators."""
PREFIX = "tandem_"
LONGEST_DAYS = 3650
MOST_KEYS = 50
_WRITTEN = re.compile(r"tandem_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOTED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its secret. `until` and `used` are moments, "" for never."""

    id: str
    person: str
    name: str
    scopes: frozenset[str]
    created: str
    until: str = ""
    used: str = ""


class Keys:
    """The keys of everybody. For any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[str, float] = {}

    def make(self, person: str, name: str, scopes: Collection[str], days: float | None = 365) -> tuple[Key, str]:
        """A new key, and what its holder sends: nobody is shown it again. Without `days` it counts until it is revoked.
        Raises AccountsError."""
        if wrong := sorted(set(scopes) - set(SCOPES)):
            raise AccountsError(f"{wrong[0]!r} is no scope; choose among {', '.join(SCOPES)}.")
        if not scopes:
            raise AccountsError(f"A key without a scope opens nothing; choose among {', '.join(SCOPES)}.")
        if not name.strip() or len(name) > 100:
            raise AccountsError("A key's name has 1 to 100 characters; say what it is for.")
        if days is not None and not 0 < days <= LONGEST_DAYS:
            raise AccountsError(f"A key counts for up to {LONGEST_DAYS} days; choose fewer.")
        if len(self.of(person)) >= MOST_KEYS:
            raise AccountsError(f"{person} has {MOST_KEYS} keys already; revoke one first.")
        number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        until = "" if days is None else (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
        key = Key(number, person, name.strip(), frozenset(scopes), now(), until)

        def work(db: Connection) -> None:
            from sqlalchemy import insert

            from tandem.people.tables import keys

            values: dict[str, object] = {"id": key.id, "person": person, "name": key.name, "hash": _digest(secret)}
            values |= {"scopes": sorted(key.scopes), "created": key.created, "until": until or None}
            db.execute(insert(keys).values(**values))

        self._store.change(work)
        return key, f"{PREFIX}{number}_{secret}"

    def find(self, sent: str) -> Key | None:
        """The key that was sent, if it counts. Notes that it was used. Raises AccountsError."""
        written = _WRITTEN.fullmatch(sent)
        if written is None:
            return None
        number, secret = written.groups()

        def query(db: Connection) -> Key | None:
            from sqlalchemy import select

            from tandem.people.tables import keys

            row = db.execute(select(keys).where(keys.c.id == number)).first()
            if row is None or not hmac.compare_digest(str(row.hash), _digest(secret)):
                return None
            return _key(row) if not row.until or row.until > now() else None

        key = self._store.read(query)
        if key is not None and time.monotonic() - self._noted.get(key.id, -_NOTED_SECONDS) >= _NOTED_SECONDS:
            self._noted[key.id] = time.monotonic()
            self._note_use(key.id)
        return key

    def of(self, person: str | None = None) -> list[Key]:
        """Somebody's keys, or everybody's, the latest first. Raises AccountsError."""

        def query(db: Connection) -> list[Key]:
            from sqlalchemy import desc, select

            from tandem.people.tables import keys

            wanted = select(keys).order_by(desc(keys.c.created))
            if person is not None:
                wanted = wanted.where(keys.c.person == person)
            return [_key(row) for row in db.execute(wanted)]

        return self._store.read(query)

    def revoke(self, number: str, person: str | None = None) -> Key:
        """End a key, at once; with `person` only one of theirs. Raises AccountsError where there is none."""
        found = next((key for key in self.of(person) if key.id == number), None)
        if found is None:
            raise AccountsError(f"There is no key {number[:20]}; `tandem keys list` names those there are.")

        def work(db: Connection) -> None:
            from sqlalchemy import delete

            from tandem.people.tables import keys

            db.execute(delete(keys).where(keys.c.id == number))

        self._store.change(work)
        return found

    def _note_use(self, number: str) -> None:
        def work(db: Connection) -> None:
            from sqlalchemy import update

            from tandem.people.tables import keys

            db.execute(update(keys).where(keys.c.id == number).values(used=now()))

        self._store.note(work)


def _key(row: object) -> Key:
    values = row._mapping  # type: ignore[attr-defined]
    scopes = frozenset(values["scopes"] or ())
    return Key(
        values["id"], values["person"], values["name"], scopes, values["created"], values["until"] or "",
        values["used"] or "",
    )  # fmt: skip


def _digest(secret: str) -> str:
    """A key is drawn, not chosen: nobody can try them all, so a plain hash is enough, and quick."""
    return hashlib.sha256(secret.encode()).hexdigest()
