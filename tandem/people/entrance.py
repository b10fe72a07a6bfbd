"""Everything about people that an installation holds, opened together: accounts, sessions, codes, keys, quotas.

Knows what depends on what, and that nothing of it is opened where nobody signs in. Does not know pages or routes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rag.database.places import Place
from rag.errors import UserFacingError
from rag.text import phrases
from tandem.auth.rights import Granted
from tandem.auth.sign_in import asking_from
from tandem.auth.tickets import LOCAL_USER, SECONDS, signing_secret
from tandem.people.accounts import FIRST, People, Person
from tandem.people.announcements import Announcements
from tandem.people.collections import Collections
from tandem.people.counts import CountsForAll
from tandem.people.ended import EndedForAll
from tandem.people.keys import Keys
from tandem.people.quotas import Asker, Exceeded, Quotas, Used
from tandem.people.sealing import Seal
from tandem.people.second_factor import SecondFactor
from tandem.people.sessions import Session, Sessions
from tandem.people.shares import Shares
from tandem.people.store import AccountsError, Store, now
from tandem.settings import Settings

if TYPE_CHECKING:
    from hybrid.tracing.trace import Trace

log = logging.getLogger(__name__)

FIRST_HOURS = 24.0
key_in_use: ContextVar[str] = ContextVar("key_in_use", default="")
"""The key with which what is being answered was asked."""


class _Nobody(People):
    """Where nobody signs in: no account counts, and no database is opened for it."""

    def granted(self, name: str) -> Granted:
        return Granted()

    def find(self, name: str) -> Person | None:
        return None


class Entrance:
    """The people of one installation. `close` it."""

    def __init__(self, settings: Settings, place: Place) -> None:
        """Opens nothing yet."""
        server = settings.server
        self.store = Store(place)
        self.people: People = (People if server.login_required else _Nobody)(self.store, server.users)
        self.sessions = Sessions(self.store)
        self.codes = SecondFactor(self.people, Seal(lambda: signing_secret(settings.files.secret)))
        self.keys = Keys(self.store)
        self.shares = Shares(self.store)
        self.announcements = Announcements(self.store)
        self.collections = Collections(self.store)
        together = server.login_required and place.on_server
        self.counts = CountsForAll(self.store) if together else None
        """What several processes count together; None where there is but one."""
        self.ended = EndedForAll(self.store, settings.files.signed_out) if together else None
        """What ends cookies for several processes; None where a file says so."""
        self.quotas = Quotas(server.limits, self.store if server.login_required else None, counts=self.counts)
        self.directories: dict[str, Callable[[str, str], str | None]] = {}
        if server.sign_in.ldap is not None:
            from tandem.people.ldap import Directory

            self.directories["ldap"] = Directory(server.sign_in.ldap, self.people).person
        self._settings = settings
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="sessions")

    def ask(self, person: str, key: str = "") -> Exceeded | None:
        """Count a question of somebody's; which limit it would go beyond, if any."""
        return self.quotas.ask(self._asker(person, key))

    def usage(self, trace: Trace) -> None:
        """Note what a finished answer came to."""
        person = str(trace.principal.get("identity") or "")
        if not self._settings.server.login_required or not person:
            return
        tokens = sum(s.usage.prompt_tokens + s.usage.completion_tokens for s in trace.stages if s.usage is not None)
        shown = next((stage.model for stage in reversed(trace.stages)), "")
        used = Used(
            model=shown,
            questions=1,
            tokens=tokens,
            seconds=(trace.total_ms or 0.0) / 1000,
            money=trace.cost or 0.0,
            escalated=int(bool(trace.decision.get("escalate"))),
            refused=int(phrases.is_refusal(trace.answer)),
        )
        self.quotas.used(self._asker(person, key_in_use.get()), used)

    def noted(self, person: str, number: str, epoch: int) -> None:
        """Note that somebody has signed in, in the background."""
        if person == LOCAL_USER:
            return
        address, browser = asking_from()
        until = (datetime.now(UTC) + timedelta(seconds=SECONDS)).isoformat(timespec="milliseconds")
        self._writing.submit(self._note, Session(number, person, epoch, now(), until, address, browser))

    def first_code(self) -> str:
        """A code by which whoever has it makes the first administrator, where there is none; "" where there is.
        Raises AccountsError."""
        server = self._settings.server
        if not server.login_required or server.users or self.people.has_administrator():
            return ""
        return self.people.link("", FIRST, FIRST_HOURS)

    def seal_old(self) -> None:
        """Seal what an earlier version kept open, in the background."""
        if self._settings.server.login_required:
            self._writing.submit(self._seal_old)

    def close(self) -> None:
        """Write what waits, and let go of the database."""
        self.quotas.close()
        self._writing.shutdown()
        if self.ended is not None:
            self.ended.close()
        self.store.close()

    def _asker(self, person: str, key: str) -> Asker:
        named = {group for group, members in self._settings.groups.items() if person in members}
        return Asker(person, frozenset(named) | self.people.granted(person).groups, key)

    def _note(self, session: Session) -> None:
        try:
            self.sessions.signed_in(session)
        except AccountsError as error:
            log.warning("A sign-in could not be noted: %s", error)

    def _seal_old(self) -> None:
        try:
            self.codes.seal_old()
        except (UserFacingError, OSError) as error:
            log.warning("Second factors of before could not be sealed: %s", error)
