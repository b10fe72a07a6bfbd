"""Accounts: made by an administrator, opened by a link that works once, and what is granted to each.

Knows people, their groups and roles, and the links by which passwords are chosen. Does not know how somebody is asked
for a password (`tandem.auth.sign_in` does), nor what a role may do (`tandem.auth.rights` does).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tandem.auth.passwords import account_hash
from tandem.auth.rights import ADMINISTRATOR, CURATOR, Granted
from tandem.people.store import AccountsError, Remembered, Store, now

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCAL = "local"
"""The way to sign in of who has a password here; other ways are "oidc:NAME", "ldap" and "proxy"."""
INVITE, RESET, FIRST = "invite", "reset", "first"
LINK_HOURS = 72
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 1_000
MEMBER = "member"
_RESERVED = {"api", "local", "console", "everybody"}
_NAME = re.compile(r"[^\x00-\x1f\x7f,:/\\]{1,100}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account, or with something granted here. `way` is "" for who has no account (but may be a user
    of the settings)."""

    name: str
    way: str = ""
    subject: str = ""
    hash: str = field(default="", repr=False)
    two_factor: bool = False
    created: str = ""
    seen: str = ""
    removed: str = ""
    groups: frozenset[str] = frozenset()
    administers: bool = False
    curates: frozenset[str] = frozenset()

    @property
    def active(self) -> bool:
        """Whether they may sign in, as soon as they have what their way asks for."""
        return bool(self.way) and not self.removed


class People:
    """Everybody with an account. For any thread; what changes in another process is noticed."""

    def __init__(self, store: Store, users: Collection[str] = ()) -> None:
        """`users` are those of the settings, whose names nobody else may have. Opens nothing yet."""
        self.store = store
        self._users = frozenset(users)
        self._known: Remembered[dict[str, Person]] = Remembered(store, _everybody, {})

    # What is known

    def find(self, name: str) -> Person | None:
        """Whoever has this name and something here, removed or not."""
        return self._known.now().get(name)

    def everybody(self) -> list[Person]:
        """All of them, by name."""
        return sorted(self._known.now().values(), key=lambda person: person.name.casefold())

    def granted(self, name: str) -> Granted:
        """What is granted to somebody here; to who is removed, nothing."""
        person = self._known.now().get(name)
        if person is None or person.removed:
            return Granted()
        return Granted(person.groups, person.administers, person.curates)

    def hash_of(self, name: str) -> str:
        """The hash of the password of an account, "" where there is none."""
        person = self._account(name)
        return person.hash if person is not None and person.way == LOCAL else ""

    def stands_for(self, name: str) -> str:
        """What somebody's cookies are marked with: it changes with their password, their way to sign in and their
        account, and is "" for nobody."""
        person = self._account(name)
        if person is None or (person.way == LOCAL and not person.hash):
            return ""
        return f"{person.way}\0{person.subject}\0{person.hash}\0{person.created}"

    def has_administrator(self) -> bool:
        """Whether anybody with an account administers."""
        return any(person.active and person.administers for person in self._known.now().values())

    # What is changed

    def add(self, name: str, *, way: str = LOCAL, groups: Sequence[str] = ()) -> None:
        """Make an account, which can be used once a link was opened or the provider says who it is. Raises
        AccountsError."""
        self._check_name(name)
        if (known := self.find(name)) is not None and known.active:
            raise AccountsError(f"{name} has an account already; `tandem people reset` makes a new link for it.")

        def work(db: Connection) -> None:
            from sqlalchemy import delete, insert

            from tandem.people.tables import people

            db.execute(delete(people).where(people.c.name == name))
            db.execute(insert(people).values(name=name, way=way, totp_step=0, created=now()))
            for group in groups:
                _join(db, name, group, LOCAL)

        self._change(work)

    def link(self, name: str, kind: str, hours: float = LINK_HOURS) -> str:
        """A code that lets its holder choose the account's password, once; earlier ones end. Raises AccountsError."""
        if kind != FIRST and ((person := self._account(name)) is None or person.way != LOCAL):
            raise AccountsError(f"{name} has no account with a password here; `tandem people list` names those who do.")
        code = secrets.token_urlsafe(24)

        def work(db: Connection) -> None:
            from sqlalchemy import delete, insert

            from tandem.people.tables import codes

            until = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds")
            db.execute(delete(codes).where((codes.c.person == name) | (codes.c.until < now())))
            db.execute(insert(codes).values(hash=_digest(code), person=name, kind=kind, until=until))

        self._change(work)
        return code

    def opened(self, code: str) -> tuple[str, str] | None:
        """Whose link this is and of which kind; None where it does not count (any more). Raises AccountsError."""

        def query(db: Connection) -> tuple[str, str] | None:
            from sqlalchemy import select

            from tandem.people.tables import codes

            wanted = select(codes.c.person, codes.c.kind).where(codes.c.hash == _digest(code), codes.c.until > now())
            found = db.execute(wanted).first()
            return (found.person, found.kind) if found else None

        return self.store.read(query)

    def redeem(self, code: str, password: str, name: str = "") -> str:
        """Use a link: set the password of its account, or with the first administrator's code make `name`. Returns
        whose it is. Raises AccountsError where the link was used, is too old, or the password is too short."""
        check_password(password)
        found = self.opened(code)
        if found is None:
            raise AccountsError("This link was used already or is too old; ask an administrator for another one.")
        first = found[1] == FIRST
        who = name.strip() if first else found[0]
        if first:
            self._check_name(who)
        kept = account_hash(password)

        def work(db: Connection) -> None:
            from sqlalchemy import delete, insert, update

            from tandem.people.tables import codes, grants, people

            if not db.execute(delete(codes).where(codes.c.hash == _digest(code))).rowcount:
                raise AccountsError("This link was used already or is too old; ask an administrator for another one.")
            if first:
                db.execute(delete(people).where(people.c.name == who))
                db.execute(insert(people).values(name=who, way=LOCAL, hash=kept, totp_step=0, created=now()))
                db.execute(insert(grants).values(person=who, role=ADMINISTRATOR, collection=""))
            else:
                changed = {"hash": kept} | ({"totp": None, "totp_step": 0} if found[1] == RESET else {})
                db.execute(update(people).where(people.c.name == who).values(**changed))

        self._change(work)
        return who

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password: every cookie of the old one ends. Raises AccountsError."""
        check_password(password)
        kept = account_hash(password)
        self.set(name, hash=kept)

    def remove(self, name: str) -> None:
        """Take an account away with all that is granted to it; a provider's word does not bring it back. Raises
        AccountsError."""
        if self._account(name) is None:
            raise AccountsError(f"{name} has no account here; `tandem people list` names those who do.")

        def work(db: Connection) -> None:
            from sqlalchemy import delete, update

            from tandem.people.tables import codes, grants, keys, memberships, people, sessions

            for table in (codes, grants, keys, memberships, sessions):
                db.execute(delete(table).where(table.c.person == name))
            gone = {"removed": now(), "hash": None, "totp": None}
            db.execute(update(people).where(people.c.name == name).values(**gone))

        self._change(work)

    def grant(self, name: str, role: str, collection: str = "") -> None:
        """Make somebody administrator, or curator of a collection; "member" takes every role away. Raises
        AccountsError."""
        if role not in (MEMBER, CURATOR, ADMINISTRATOR):
            raise AccountsError(f"{role!r} is no role; choose member, curator or administrator.")
        if (role == CURATOR) != bool(collection):
            raise AccountsError("A curator looks after a collection; name it, and name none for another role.")
        self._check_known(name)

        def work(db: Connection) -> None:
            from sqlalchemy import delete, insert

            from tandem.people.tables import grants

            mine = grants.c.person == name
            same = (grants.c.role == role) & (grants.c.collection == collection)
            db.execute(delete(grants).where(mine if role == MEMBER else mine & same))
            if role != MEMBER:
                db.execute(insert(grants).values(person=name, role=role, collection=collection))

        self._change(work)

    def join(self, name: str, group: str) -> None:
        """Put somebody into a group. Raises AccountsError."""
        self._check_known(name)
        check_group(group)
        self._change(lambda db: _join(db, name, group, LOCAL))

    def leave(self, name: str, group: str) -> None:
        """Take somebody out of a group that they were put into here. Raises AccountsError where they were not."""

        def work(db: Connection) -> None:
            from sqlalchemy import delete

            from tandem.people.tables import memberships as m

            mine = (m.c.person == name) & (m.c.group_name == group) & (m.c.given_by == LOCAL)
            if not db.execute(delete(m).where(mine)).rowcount:
                raise AccountsError(
                    f"{name or 'Nobody'} was not put into {group or 'a group'} here; `tandem people list` says who is "
                    "in which group, and what tandem.yaml or a provider grants is changed there."
                )

        self._change(work)

    def welcome(self, way: str, subject: str, name: str, groups: Collection[str]) -> str:
        """Whom a provider has just vouched for: known by `subject`, which never changes there, under the name of their
        first time. Their groups from there are what it says now. Returns the name. Raises AccountsError where the name
        is somebody else's, or the account was removed."""
        known = next((p for p in self._known.now().values() if p.way == way and p.subject == subject), None)
        if known is None and (same := self.find(name)) is not None and same.way == way and not same.subject:
            known = same  # made beforehand, and waits for its first time
        who = known.name if known is not None else name
        if known is None:
            self._check_name(name)
            if (other := self.find(name)) is not None and other.way:
                raise AccountsError(f"The name {name} belongs to another account here; ask an administrator.")
        elif known.removed:
            raise AccountsError(f"The account of {who} was removed; ask an administrator.")
        given = frozenset(groups)

        def work(db: Connection) -> None:
            from sqlalchemy import delete, insert, update

            from tandem.people.tables import memberships as m
            from tandem.people.tables import people

            if known is None:
                made = {"name": who, "way": way, "subject": subject, "totp_step": 0, "created": now(), "seen": now()}
                db.execute(insert(people).values(**made))
            else:
                db.execute(update(people).where(people.c.name == who).values(subject=subject, seen=now()))
            db.execute(delete(m).where(m.c.person == who, m.c.given_by == way))
            for group in given:
                _join(db, who, group, way)

        self._change(work)
        return who

    # Below

    def _account(self, name: str) -> Person | None:
        person = self._known.now().get(name)
        return person if person is not None and person.active else None

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name) or name != name.strip() or name.casefold() in _RESERVED:
            raise AccountsError("A name has 1 to 100 characters, none of , : / \\ in it, and is not api or local.")
        if name in self._users:
            raise AccountsError(f"{name} is a user of the settings already; choose another name.")

    def is_known(self, name: str) -> bool:
        """Whether somebody of this name may sign in, as soon as they have what their way asks for."""
        return self._account(name) is not None or name in self._users

    def _check_known(self, name: str) -> None:
        if not self.is_known(name):
            raise AccountsError(f"{name} has no account here; `tandem people add` makes one.")

    def set(self, name: str, **values: Any) -> None:
        """Change columns of an account. Raises AccountsError."""
        if self._account(name) is None:
            raise AccountsError(f"{name} has no account here; `tandem people add` makes one.")

        def work(db: Connection) -> None:
            from sqlalchemy import update

            from tandem.people.tables import people

            db.execute(update(people).where(people.c.name == name).values(**values))

        self._change(work)

    def _change(self, work: Any) -> None:
        self.store.change(work)
        self._known.now()


def check_password(password: str) -> None:
    """Raises AccountsError where a password is too short to be one."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountsError(f"A password has at least {SHORTEST_PASSWORD} characters; choose a longer one.")


def check_group(name: str) -> None:
    """Raises AccountsError where a group cannot be called so."""
    if not _NAME.fullmatch(name):
        raise AccountsError("A group's name has 1 to 100 characters, and none of , : / \\ in it.")


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _join(db: Connection, name: str, group: str, given_by: str) -> None:
    from sqlalchemy import delete, insert

    from tandem.people.tables import memberships as m

    db.execute(delete(m).where(m.c.person == name, m.c.group_name == group, m.c.given_by == given_by))
    db.execute(insert(m).values(person=name, group_name=group, given_by=given_by))


def _everybody(db: Connection) -> dict[str, Person]:
    from sqlalchemy import select

    from tandem.people.tables import grants, memberships, people

    groups: dict[str, set[str]] = {}
    for row in db.execute(select(memberships.c.person, memberships.c.group_name)):
        groups.setdefault(row.person, set()).add(row.group_name)
    roles: dict[str, set[tuple[str, str]]] = {}
    for row in db.execute(select(grants)):
        roles.setdefault(row.person, set()).add((row.role, row.collection))
    rows: dict[str, Any] = {row.name: row for row in db.execute(select(people))}
    found = {}
    for name in rows.keys() | groups.keys() | roles.keys():
        one = rows.get(name)
        mine = roles.get(name, set())
        found[name] = Person(
            name,
            one.way if one else "",
            (one.subject or "") if one else "",
            (one.hash or "") if one else "",
            bool(one and one.totp),
            one.created if one else "",
            (one.seen or "") if one else "",
            (one.removed or "") if one else "",
            frozenset(groups.get(name, ())),
            (ADMINISTRATOR, "") in mine,
            frozenset(collection for role, collection in mine if role == CURATOR),
        )
    return found
