"""Who is in which group, which collections there are, and who may read them: as the settings and the chat say now.

Knows groups, collections and roles. Reads tandem.yaml again when it changes, so that a right that is given or taken
counts at the next question; which folders make up one of its collections is read at the start, those of the chat's may
change. Does not know how somebody signs in, nor what is asked. What a person may do is always granted: whoever is named
nowhere reads what is for everybody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rag import labels
from rag.ingest.labelling import Labelling
from rag.principal import OWNER, Principal
from rag.types import FileReceipt
from tandem.auth.collections import Collection, Depths, Made, Roots, label_of, nearest, of_chat, of_settings
from tandem.auth.tickets import LOCAL_USER
from tandem.settings import PROGRAM, CollectionSettings, Settings, load
from tandem.settings_file import SettingsError

ADMINISTRATOR, CURATOR = "administrator", "curator"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Granted:
    """What somebody was granted besides the settings: groups, the collections that they look after (by key),
    administration."""

    groups: frozenset[str] = frozenset()
    administers: bool = False
    curates: frozenset[str] = frozenset()


class InChat(Protocol):
    """The collections that administrators make in the chat; `tandem.people.collections` keeps them."""

    def current(self) -> tuple[int, tuple[Made, ...]]:
        """Their number, which goes up with every change (-1: not known), and all of them."""
        ...

    def look(self) -> None:
        """Have `current` know what is there in this moment. Raises UserFacingError."""
        ...


class _None:
    """Where there are none but those of the settings."""

    def current(self) -> tuple[int, tuple[Made, ...]]:
        return 0, ()

    def look(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Now:
    """The rights of one moment: the settings' `written` collections, their `groups`, and the chat's with them."""

    written: tuple[CollectionSettings, ...]
    groups: Mapping[str, tuple[str, ...]]
    number: int = 0
    collections: tuple[Collection, ...] = ()
    folders: Depths | None = None


class Rights:
    """The rights of one installation. Safe from any thread; asked at every question.

    `granted` says what accounts were granted, `made` which collections the chat has, from where those are kept."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[Path], Settings] = load,
        granted: Callable[[str], Granted] = lambda identity: Granted(),
        made: InChat | None = None,
    ) -> None:
        self._granted = granted
        self._made = made or _None()
        self.roots = Roots(settings)
        self._server = settings.server
        self._file = settings.file
        self._read = read
        self._folders = tuple((folder.resolve(), one.name) for one in settings.collections for folder in one.folders)
        self._lock = threading.Lock()
        self._seen = self._state()
        self.told: Callable[[dict[str, list[str]]], None] = lambda changes: None
        """Called with what was given ("+ somebody") and taken ("- somebody"), by group and collection."""
        self.held: Callable[[], bool] = lambda: False
        """Whether nobody may read anything now but who may read all: it could not be written down who may read what."""
        self._take(settings)

    def _take(self, settings: Settings) -> None:
        self._now = _Now(settings.collections, settings.groups)

    @property
    def collections(self) -> tuple[Collection, ...]:
        """The collections as they are now: those of the settings, then those of the chat, by name."""
        return self._current().collections

    @property
    def number(self) -> int:
        """Of the chat's collections: another one after every change of one."""
        return self._current().number

    @property
    def labelling(self) -> Labelling:
        """Which labels the documents of files get, as it changes."""
        return Labelling(self.labelled, lambda: self.number, self._made.look)

    def groups_of(self, identity: str) -> frozenset[str]:
        """The groups that somebody is in."""
        named = frozenset(name for name, people in self._current().groups.items() if identity in people)
        return named | self._granted(identity).groups

    def principal(self, identity: str) -> Principal:
        """Who `identity` is: the owner where nobody signs in, else a person (or the key of /v1) with what is granted to
        them."""
        if not self._server.login_required:
            return Principal(identity or LOCAL_USER, roles=frozenset({OWNER}))
        roles = set()
        named = identity in self._server.administrators and identity in self._server.users
        if named or self._granted(identity).administers:
            roles.add(ADMINISTRATOR)
        groups = self.groups_of(identity)
        if any(self._looks_after(identity, groups, one) for one in self.collections):
            roles.add(CURATOR)
        return Principal(identity, groups, frozenset(roles))

    def labels(self, principal: Principal) -> frozenset[str]:
        """See `rag.principal.Rights.labels`."""
        if self.held() and OWNER not in principal.roles:
            return frozenset()
        every = labels.UNSETTLED if OWNER in principal.roles else frozenset[str]()
        return labels.PUBLIC | every | {labels.collection(one.key) for one in self.readable(principal)}

    def readable(self, principal: Principal) -> list[Collection]:
        """The collections that somebody may read."""
        return [one for one in self.collections if self._may_read(principal, one)]

    def administers(self, identity: str | None) -> bool:
        """Whether somebody may change models and the library: who was granted that, and where nobody signs in the local
        user."""
        if identity is None:
            return False
        roles = self.principal(identity).roles
        return ADMINISTRATOR in roles or (OWNER in roles and identity == LOCAL_USER)

    def curates(self, principal: Principal, receipt: FileReceipt) -> bool:
        """Whether somebody looks after the collection that a file is of."""
        mine = {one.key for one in self.curated(principal)}
        return CURATOR in principal.roles and not mine.isdisjoint(labels.collections_of(self.labelled(receipt)))

    def curated(self, principal: Principal) -> list[Collection]:
        """The collections that somebody looks after."""
        return [one for one in self.collections if self._looks_after(principal.identity, principal.groups, one)]

    def may_see(self, principal: Principal, receipt: FileReceipt) -> bool:
        """Whether somebody may know of a file, read or not."""
        return not self.labelled(receipt).isdisjoint(self.labels(principal))

    def collections_of(self, principal: Principal, receipt: FileReceipt) -> list[str]:
        """The names of the collections that a file is of, as far as somebody may read them."""
        keys = labels.collections_of(self.labelled(receipt) & self.labels(principal))
        return sorted(one.name for one in self.collections if one.key in keys)

    def keys_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """The keys of collections that somebody names; a key is itself, and so is what is the name of none."""
        known = self.collections
        return tuple(key for name in names for key in [one.key for one in known if one.name == name] or [name])

    def labelled(self, receipt: FileReceipt) -> frozenset[str]:
        """The labels that the document of a file gets: the collections of the nearest folder above it."""
        return self.labelled_by(self._current().folders or (), receipt)

    def labelled_by(self, folders: Depths, receipt: FileReceipt) -> frozenset[str]:
        """As `labelled`, if the chat's collections had these folders. What the settings say of a folder is not changed
        by what the chat says of one in it or above it."""
        return label_of(self.roots.path(receipt.root, receipt.path), (self._folders, folders))

    def folders_of(self, key: str) -> list[Path]:
        """The folders that the settings give a collection."""
        return [folder for folder, name in self._folders if name == key]

    def fixed(self, folder: Path) -> frozenset[str]:
        """The labels that the settings alone give what lies in a folder; none where they say nothing of it."""
        return nearest(folder, self._folders)

    def _looks_after(self, identity: str, groups: frozenset[str], collection: Collection) -> bool:
        return (
            identity in collection.curators
            or collection.key in self._granted(identity).curates
            or not groups.isdisjoint(collection.curating)
        )

    def _may_read(self, principal: Principal, collection: Collection) -> bool:
        if OWNER in principal.roles or collection.readers is None:
            return True
        return not principal.groups.isdisjoint(collection.readers) or (
            CURATOR in principal.roles and self._looks_after(principal.identity, principal.groups, collection)
        )

    def _current(self) -> _Now:
        if (state := self._state()) != self._seen:
            with self._lock:
                if state != self._seen:
                    self._read_again()
                    self._seen = state
        if (now := self._now).number != self._made.current()[0] or now.folders is None:
            with self._lock:
                number, made = self._made.current()
                both = of_settings(self._now.written) + of_chat(made)
                now = _Now(self._now.written, self._now.groups, number, both, self.roots.depths(made))
                self._now = now
        return now

    def _read_again(self) -> None:
        assert self._file is not None
        before = _granted(self._now.written, self._now.groups)
        try:
            self._take(self._read(self._file))
            log.info("The rights in %s were read again", self._file.name)
        except SettingsError as error:
            log.warning("The rights stay as they were: %s", error)
        after = _granted(self._now.written, self._now.groups)
        changes = {
            of: [f"+ {who}" for who in sorted(after.get(of, set()) - before.get(of, set()))]
            + [f"- {who}" for who in sorted(before.get(of, set()) - after.get(of, set()))]
            for of in sorted(before.keys() | after.keys())
        }
        if changes := {of: changed for of, changed in changes.items() if changed}:
            self.told(changes)

    def _state(self) -> tuple[int, int, int] | None:
        if self._file is None:
            return None
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def doubts(settings: Settings, accounts: Mapping[str, Granted] | None = None) -> list[str]:
    """What in the settings' rights grants nothing, or closes nothing, in a sentence each. `accounts` are those who have
    one, with what is granted to them."""
    if not settings.collections:
        return []
    if not settings.server.login_required:
        return ["Nobody signs in here, so the collections are closed to nobody; set TANDEM_SERVER__USERS."]
    accounts, ways = accounts or {}, settings.server.sign_in
    vouching = [way for way in (*ways.providers, ways.ldap, ways.proxy) if way is not None]
    filled = {name for name, people in settings.groups.items() if people}
    filled |= {group for one in accounts.values() for group in one.groups}
    filled |= {group for way in vouching for group in way.groups.values()}
    found = []
    for one in settings.collections:
        if nobody := sorted(group for group in one.readers or () if group not in filled):
            found.append(
                f"Nobody is in the group {nobody[0]!r}, which may read {one.name}; add it under 'groups', or put "
                "somebody with an account into it: `tandem people join`."
            )
    if vouching:  # whoever is not known yet may come by them
        return found
    known = {*settings.server.users, PROGRAM, *accounts}
    for one in settings.collections:
        if strangers := sorted(set(one.curators) - known):
            found.append(f"{strangers[0]!r}, who curates {one.name}, is not among the users and has no account.")
    for name, people in settings.groups.items():
        if strangers := sorted(set(people) - known):
            found.append(f"{strangers[0]!r} of the group {name!r} is not among the users and has no account.")
    return found


def _granted(collections: tuple[CollectionSettings, ...], groups: Mapping[str, tuple[str, ...]]) -> dict[str, set[str]]:
    """Everything that is granted, by what it is granted in."""
    found = {f"group {name}": set(people) for name, people in groups.items()}
    for one in collections:
        found[f"readers of {one.name}"] = {"everybody"} if one.readers is None else set(one.readers)
        found[f"curators of {one.name}"] = set(one.curators)
    return found
