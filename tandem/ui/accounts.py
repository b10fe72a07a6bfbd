"""Who is at the browser: a local user without a password on loopback, else a user with one.

Knows Chainlit's sign-in hooks, the secret that signs its cookies, whose request is being served, and who of them is an
administrator. Does not know what a user may see, nor what administrators alone may do.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import urlsplit

import chainlit as cl
from chainlit.auth import get_current_user
from chainlit.auth.cookie import OAuth2PasswordBearerWithCookie
from chainlit.config import config
from chainlit.context import ChainlitContextException
from chainlit.user import PersistedUser
from fastapi import Depends, FastAPI
from starlette.datastructures import Headers

from rag.errors import UserFacingError
from tandem.guard import LOCAL_NAMES
from tandem.settings import ServerSettings

LOCAL_USER = "local"

_signed_in: ContextVar[str | None] = ContextVar("signed_in", default=None)
_cookie = OAuth2PasswordBearerWithCookie(tokenUrl="/login", auto_error=False)


class SignInError(UserFacingError):
    """The chat would be open to people who cannot be told apart."""


def install(server: ServerSettings, app: FastAPI, secret_file: Path) -> None:
    """Register the sign-in that the address asks for. Raises SignInError where it needs users and there are none.

    The address is the one of the settings, or the one that `chainlit run` was given.
    """
    os.environ.setdefault("CHAINLIT_AUTH_SECRET", _secret(secret_file))
    app.dependency_overrides[get_current_user] = _current_user
    started_by_chainlit = server.model_copy(update={"host": config.run.host})
    if not (server.login_required or started_by_chainlit.login_required):
        cl.header_auth_callback(local_user)
        return
    if not server.users:
        host = config.run.host if server.loopback else server.host
        raise SignInError(
            f"{host} can be reached from other machines, so people must sign in: "
            "set TANDEM_SERVER__USERS=name:password first, or listen on 127.0.0.1."
        )

    async def check(username: str, password: str) -> cl.User | None:
        return user_with_password(username, password, server)

    cl.password_auth_callback(check)


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


def user_with_password(username: str, password: str, server: ServerSettings) -> cl.User | None:
    """The user whose password this is, or None. Takes the same time whether or not the name is known."""
    known = server.users.get(username)
    expected = known.get_secret_value() if known is not None else secrets.token_hex(16)
    right = hmac.compare_digest(password.encode(), expected.encode())
    return cl.User(identifier=username) if right and known is not None else None


def administers(server: ServerSettings) -> bool:
    """Whether whoever is being served may change models and the library: an administrator, or anybody where nobody
    signs in."""
    return config.code.password_auth_callback is None or caller() in server.administrators


def caller() -> str | None:
    """The identifier of whoever sent the request or the message that is being served, or None."""
    if (identifier := _signed_in.get()) is not None:
        return identifier
    with suppress(ChainlitContextException):
        user = cl.context.session.user
        return user.identifier if user is not None else None
    return None


async def _current_user(token: str = Depends(_cookie)) -> cl.User | PersistedUser | None:
    """Chainlit's own check, noting who it was: its data layer is not told."""
    user = await get_current_user(token)
    _signed_in.set(user.identifier if user is not None else None)
    return user


def _secret(file: Path) -> str:
    """What signs the cookies: made once, so that a restart signs nobody out."""
    with suppress(FileNotFoundError):
        if kept := file.read_text(encoding="utf-8").strip():
            return kept
    secret = secrets.token_urlsafe(48)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    return secret
