"""Who is at the browser: a local user without a password on loopback, else a user with one.

Knows Chainlit's sign-in hooks and whose request is being served. Does not know passwords (`sign_in` does), what a user
may see, nor what administrators alone may do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import chainlit as cl
from chainlit.auth import get_current_user
from chainlit.auth.cookie import OAuth2PasswordBearerWithCookie
from chainlit.config import config
from chainlit.context import ChainlitContextException
from chainlit.user import PersistedUser
from fastapi import FastAPI, Request
from fastapi.security import OAuth2PasswordRequestForm
from starlette.datastructures import Headers

from rag.errors import UserFacingError
from tandem.auth.rights import Rights
from tandem.auth.sign_in import SignIn, note_request
from tandem.auth.tickets import LOCAL_USER
from tandem.guard import LOCAL_NAMES
from tandem.settings import ServerSettings

_signed_in: ContextVar[str | None] = ContextVar("signed_in", default=None)
_cookie = OAuth2PasswordBearerWithCookie(tokenUrl="/login", auto_error=False)


class SignInError(UserFacingError):
    """The chat would be open to people who cannot be told apart."""


def install(server: ServerSettings, app: FastAPI, sign_in: SignIn) -> bool:
    """Register the sign-in that the address asks for; whether people sign in. Raises SignInError where they must and
    none of the settings says so.

    The address is the one of the settings, or the one that `chainlit run` was given.
    """
    app.dependency_overrides[get_current_user] = _current_user
    started_by_chainlit = server.model_copy(update={"host": config.run.host})
    if not (server.login_required or started_by_chainlit.login_required):
        cl.header_auth_callback(local_user)
        return False
    if not server.login_required:
        raise SignInError(
            f"{config.run.host} can be reached from other machines, so people must sign in: set "
            "TANDEM_SERVER__SIGN_IN__ACCOUNTS=true or TANDEM_SERVER__USERS=name:password first, or listen on 127.0.0.1."
        )

    async def check(username: str, password: str) -> cl.User:
        return cl.User(identifier=await sign_in.check(username, password))

    app.dependency_overrides[OAuth2PasswordRequestForm] = _sign_in_form
    # Not through cl.password_auth_callback, which would swallow the answer to who tries too often.
    config.code.password_auth_callback = check
    return True


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


def administers(rights: Rights) -> bool:
    """Whether whoever is being served may change models and the library. Whoever came in no known way may not."""
    return rights.administers(caller())


def caller() -> str | None:
    """The identifier of whoever sent the request or the message that is being served, or None."""
    if (identifier := _signed_in.get()) is not None:
        return identifier
    with suppress(ChainlitContextException):
        user = cl.context.session.user
        return user.identifier if user is not None else None
    return None


@contextmanager
def acting_for(identifier: str) -> Iterator[None]:
    """Within the block, `caller` is whom a route of Tandem's own serves."""
    before = _signed_in.set(identifier)
    try:
        yield
    finally:
        _signed_in.reset(before)


# FastAPI analyses what stands in a dependency's place anew at every request: these two ask for the request alone, and
# there is nothing to analyse.


async def _sign_in_form(request: Request) -> OAuth2PasswordRequestForm:
    """The form of the login page, noting where it comes from and the browser's language: the check is not told."""
    form = await request.form()
    sent = {name: value for name, value in form.items() if isinstance(value, str)}
    note_request(request, sent.get("code", ""))
    return OAuth2PasswordRequestForm(username=sent.get("username", ""), password=sent.get("password", ""))


async def _current_user(request: Request) -> cl.User | PersistedUser | None:
    """Chainlit's own check, noting who it was: its data layer is not told."""
    token: Any = await _cookie(request)
    user: cl.User | PersistedUser | None = await get_current_user(token)
    _signed_in.set(user.identifier if user is not None else None)
    return user
