"""Who is at the browser: a local user without a password on loopback, else a user with one.

Knows Chainlit's sign-in hooks, the brake on guesses, the browsers in which somebody has signed in before, whose request
is being served, and who is an administrator. Does not know what a user may see, nor what administrators alone may do.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from typing import Annotated, Any
from urllib.parse import urlsplit

import chainlit as cl
from chainlit.auth import get_current_user
from chainlit.auth.cookie import OAuth2PasswordBearerWithCookie
from chainlit.config import config
from chainlit.context import ChainlitContextException
from chainlit.user import PersistedUser
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import OAuth2PasswordRequestForm
from starlette.datastructures import Headers

from rag.errors import UserFacingError
from tandem.auth.login_throttle import Brake
from tandem.auth.passwords import Passwords
from tandem.auth.tickets import LOCAL_USER, Tickets
from tandem.guard import LOCAL_NAMES
from tandem.settings import ServerSettings
from tandem.texts import Language, language_for, say

DEVICE_COOKIE = "tandem_browser"
_WAITS = (10, 30, 60, 120, 300, 900)
CHECKED_AT_ONCE = 2
_LONGEST_NAME = 200

_signed_in: ContextVar[str | None] = ContextVar("signed_in", default=None)
_asking: ContextVar[tuple[str, str, Language]] = ContextVar("asking", default=("", "", "en"))
_just_signed_in: ContextVar[str] = ContextVar("just_signed_in", default="")
_cookie = OAuth2PasswordBearerWithCookie(tokenUrl="/login", auto_error=False)


class SignInError(UserFacingError):
    """The chat would be open to people who cannot be told apart."""


Record = Callable[[str, str, str, dict[str, Any]], None]
"""Notes who did what to whom, for the audit log (see `tandem.audit.log.AuditLog.record`)."""


def _not_recorded(actor: str, action: str, object: str, details: dict[str, Any]) -> None:
    pass


def install(server: ServerSettings, app: FastAPI, tickets: Tickets, record: Record = _not_recorded) -> bool:
    """Register the sign-in that the address asks for; whether people sign in. Raises SignInError where they must and
    there are no users.

    The address is the one of the settings, or the one that `chainlit run` was given.
    """
    app.dependency_overrides[get_current_user] = _current_user
    started_by_chainlit = server.model_copy(update={"host": config.run.host})
    if not (server.login_required or started_by_chainlit.login_required):
        cl.header_auth_callback(local_user)
        return False
    if not server.users:
        host = config.run.host if server.loopback else server.host
        raise SignInError(
            f"{host} can be reached from other machines, so people must sign in: "
            "set TANDEM_SERVER__USERS=name:password first, or listen on 127.0.0.1."
        )

    app.dependency_overrides[OAuth2PasswordRequestForm] = _sign_in_form
    # Not through cl.password_auth_callback, which would swallow the answer to who tries too often.
    config.code.password_auth_callback = SignIn(Passwords(server.users), tickets.remembered, record=record).check
    return True


def just_signed_in() -> str:
    """Whose password the request that is being served has just given, "" for nobody's."""
    return _just_signed_in.get()


async def local_user(headers: Headers) -> cl.User | None:
    """The local user, where the browser calls this machine by a name of its own: a page elsewhere whose name is made to
    point here would call it by its own name, and gets nobody."""
    return cl.User(identifier=LOCAL_USER) if is_local(headers) else None


def is_local(headers: Mapping[str, str]) -> bool:
    """Whether a request's Host is a name of this machine."""
    try:
        return (urlsplit(f"//{headers.get('host', '')}").hostname or "") in LOCAL_NAMES
    except ValueError:
        return False


class SignIn:
    """Checks passwords, with a brake on guesses by account and by the address that they come from.

    The account's brake stays short, and does not hold up a browser in which the person has signed in before (as
    `remembered` says of a name and a cookie): nobody can lock somebody else out, from however many addresses. The
    address's lets more pass first, since a whole office may share one.
    """

    def __init__(
        self,
        passwords: Passwords,
        remembered: Callable[[str, str], str] = lambda name, cookie: "",
        clock: Callable[[], float] = time.monotonic,
        record: Record = _not_recorded,
    ) -> None:
        self._record = record
        self._passwords = passwords
        self._remembered = remembered
        self._accounts = Brake(5, _WAITS[:3], clock)
        self._browsers = Brake(5, _WAITS, clock)
        self._addresses = Brake(20, _WAITS, clock)
        self._checking = asyncio.Semaphore(CHECKED_AT_ONCE)

    async def check(self, username: str, password: str) -> cl.User:
        """The user whose password this is. Raises HTTPException: 401 where it is not, 429 after too many failures."""
        address, cookie, language = _asking.get()
        account = username[:_LONGEST_NAME]
        if browser := self._remembered(account, cookie):
            brakes = [(self._browsers, browser)]
        else:
            brakes = [(self._accounts, account), (self._addresses, address)]
        wait = max(brake.wait(key) for brake, key in brakes)
        if wait > 0:
            self._record(account, "sign_in.held_up", "", {"address": address, "seconds": math.ceil(wait)})
            raise HTTPException(429, _too_often(wait, language), {"Retry-After": str(math.ceil(wait))})
        # Counted before it is known: of many attempts at once only so many are looked at.
        for brake, key in brakes:
            brake.fail(key)
        async with self._checking:
            right = await asyncio.to_thread(self._passwords.right, username, password)
        self._record(account, "sign_in.ok" if right else "sign_in.failed", "", {"address": address})
        if not right:
            raise HTTPException(401, say("sign_in_wrong", language))
        for brake, key in brakes:
            if brake is self._addresses:
                brake.take_back(key)
            else:
                brake.forget(key)
        _just_signed_in.set(username)
        return cl.User(identifier=username)


def _too_often(wait: float, language: Language) -> str:
    seconds = math.ceil(wait)
    if seconds < 60:
        return say("sign_in_seconds", language, count=seconds)
    return say("sign_in_minutes", language, count=math.ceil(seconds / 60))


def administers(server: ServerSettings) -> bool:
    """Whether whoever is being served may change models and the library: a user whom the settings name, or the local
    user where nobody signs in. Whoever came in any other way may not."""
    who = caller()
    if server.login_required:
        return who is not None and who in server.users and who in server.administrators
    return who == LOCAL_USER


def caller() -> str | None:
    """The identifier of whoever sent the request or the message that is being served, or None."""
    if (identifier := _signed_in.get()) is not None:
        return identifier
    with suppress(ChainlitContextException):
        user = cl.context.session.user
        return user.identifier if user is not None else None
    return None


class _Form(OAuth2PasswordRequestForm):
    """Chainlit's own form, by another name, so that it is not replaced by what builds on it."""


async def _sign_in_form(request: Request, form: Annotated[_Form, Depends()]) -> _Form:
    """The form of the login page, noting where it comes from and the browser's language: the check is not told."""
    language = language_for("", "", request.headers.get("accept-language", ""))
    address = request.client.host if request.client else ""
    _asking.set((address, request.cookies.get(DEVICE_COOKIE, ""), language))
    return form


async def _current_user(token: str = Depends(_cookie)) -> cl.User | PersistedUser | None:
    """Chainlit's own check, noting who it was: its data layer is not told."""
    user: cl.User | PersistedUser | None = await get_current_user(token)
    _signed_in.set(user.identifier if user is not None else None)
    return user
