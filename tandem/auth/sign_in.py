"""Whether a name and a password are somebody's, with a brake on guesses.

Knows the brake, whom it counts for, and in which order ways to sign in are asked. Does not know pages or sockets.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from fastapi import HTTPException
from starlette.requests import Request

from rag.errors import UserFacingError
from tandem.auth.login_throttle import Brake, Brakes, Counts, clock_for
from tandem.auth.passwords import Passwords
from tandem.texts import Language, language_for, say

DEVICE_COOKIE = "tandem_browser"
CODE_NEEDED = {"X-Code": "needed"}
"""Headers of the refusal of who gave the right password and must give a code too."""
WAITS = (10, 30, 60, 120, 300, 900)
CHECKED_AT_ONCE = 2
_LONGEST_NAME = 200
_ACCOUNT, _BROWSER, _ADDRESS = "account", "browser", "address"

_asking: ContextVar[tuple[str, str, Language, str]] = ContextVar("asking", default=("", "", "en", ""))
_browser: ContextVar[str] = ContextVar("browser", default="")
_just_signed_in: ContextVar[str] = ContextVar("just_signed_in", default="")

Record = Callable[[str, str, str, dict[str, Any]], None]
"""Notes who did what to whom, for the audit log (see `tandem.audit.log.AuditLog.record`)."""


def not_recorded(actor: str, action: str, object: str, details: dict[str, Any]) -> None:
    """Where nobody keeps a log."""


def just_signed_in() -> str:
    """Whose password the request that is being served has just given, "" for nobody's."""
    return _just_signed_in.get()


def note_request(request: Request, code: str = "") -> None:
    """Note where a request that signs somebody in comes from, and its two-factor code: the check is not told."""
    language = language_for("", "", request.headers.get("accept-language", ""))
    address = request.client.host if request.client else ""
    _asking.set((address, request.cookies.get(DEVICE_COOKIE, ""), language, code.strip()[:20]))
    _browser.set(request.headers.get("user-agent", "")[:200])


def asking_from() -> tuple[str, str]:
    """The address and the browser of the request that was noted."""
    return _asking.get()[0], _browser.get()


class Codes:
    """Asks nobody for a second factor; what may stand in its place, `tandem.people.second_factor`, asks those who want
    it."""

    def asked_of(self, name: str) -> bool:
        return False

    def right_code(self, name: str, code: str) -> bool:
        return False


class SignIn:
    """Checks passwords, with a brake on guesses by account and by the address that they come from.

    The account's brake stays short, and does not hold up a browser in which the person has signed in before (as
    `remembered` says of a name and a cookie): nobody can lock somebody else out, from however many addresses. The
    address's lets more pass first, since a whole office may share one. `others` are asked in turn, in a thread, about
    who is not known here: each gives the name of whose password it is, or None. With `counts` the brake is that of all
    processes.
    """

    def __init__(
        self,
        passwords: Passwords,
        remembered: Callable[[str, str], str] = lambda name, cookie: "",
        clock: Callable[[], float] | None = None,
        record: Record = not_recorded,
        codes: Codes | None = None,
        others: Mapping[str, Callable[[str, str], str | None]] | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._record = record
        self.passwords = passwords
        self._remembered = remembered
        self._codes = codes or Codes()
        self._others = others or {}
        clock = clock or clock_for(counts)
        brakes = {_ACCOUNT: (5, WAITS[:3]), _BROWSER: (5, WAITS), _ADDRESS: (20, WAITS)}
        self._brakes = Brakes({name: Brake(*given, clock) for name, given in brakes.items()}, counts)
        self._checking = asyncio.Semaphore(CHECKED_AT_ONCE)

    async def check(self, username: str, password: str) -> str:
        """Whose password this is. Raises HTTPException: 401 where it is not, or where a code is missing or wrong, 429
        after too many failures."""
        address, cookie, language, code = _asking.get()
        account = username[:_LONGEST_NAME]
        if browser := self._remembered(account, cookie):
            brakes = [(_BROWSER, browser)]
        else:
            brakes = [(_ACCOUNT, account), (_ADDRESS, address)]
        # Counted before it is known: of many attempts at once only so many are looked at.
        wait = await self._brakes.attempt(brakes)
        if wait > 0:
            self._record(account, "sign_in.held_up", "", {"address": address, "seconds": math.ceil(wait)})
            raise HTTPException(429, _too_often(wait, language), {"Retry-After": str(math.ceil(wait))})
        try:
            async with self._checking:
                person, way = await asyncio.to_thread(self._person, username, password)
                asked = person is not None and self._codes.asked_of(person)
                coded = bool(asked and code) and await asyncio.to_thread(self._codes.right_code, person or "", code)
        except UserFacingError as error:
            raise HTTPException(503, str(error)) from None
        if person is not None and asked and not code:
            await self._brakes.take_back(brakes)
            raise HTTPException(401, say("sign_in_code", language), CODE_NEEDED)
        right = person is not None and (not asked or coded)
        details = {"address": address} | ({"way": way} if way else {})
        self._record(person or account, "sign_in.ok" if right else "sign_in.failed", "", details)
        if person is None or not right:
            said = "sign_in_code_wrong" if person is not None else "sign_in_wrong"
            raise HTTPException(401, say(said, language), CODE_NEEDED if person is not None else None)
        await self._brakes.take_back([one for one in brakes if one[0] == _ADDRESS])
        await self._brakes.forget([one for one in brakes if one[0] != _ADDRESS])
        _just_signed_in.set(person)
        return person

    def _person(self, name: str, password: str) -> tuple[str | None, str]:
        """Whose password it is, and by which of the other ways."""
        if self.passwords.right(name, password):
            return name, ""
        if password and not self.passwords.knows(name):
            for way, ask in self._others.items():
                if (found := ask(name, password)) is not None:
                    return found, way
        return None, ""


def _too_often(wait: float, language: Language) -> str:
    seconds = math.ceil(wait)
    if seconds < 60:
        return say("sign_in_seconds", language, count=seconds)
    return say("sign_in_minutes", language, count=math.ceil(seconds / 60))
