"""Who may use the API: anyone on this machine, elsewhere whoever has the key or is signed in to the chat.

Knows the server's key and those of people, how often one may be guessed, and the chat's cookie. Does not know what is
asked.
"""

from __future__ import annotations

import asyncio
import hmac
import math
from dataclasses import dataclass

from starlette.requests import Request

from tandem.api.errors import SERVER, ApiError
from tandem.auth.login_throttle import Brake, Brakes, clock_for
from tandem.auth.tickets import TicketError, ticket_of
from tandem.context import AppContext
from tandem.people.entrance import key_in_use
from tandem.people.keys import PREFIX, Key
from tandem.people.store import AccountsError
from tandem.settings import PROGRAM
from tandem.texts import say, waiting

LOCAL = "local"
FREE_GUESSES = 20
WAITS = (10, 30, 60, 120, 300, 900)
_KEYS = "keys"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a person, PROGRAM or LOCAL, and with which key of a person ("" for none)."""

    name: str
    key: str = ""


async def admit(request: Request, scope: str) -> Caller:
    """Who asks. Raises ApiError: 401 for nobody, 403 where the key was not made for this `scope`
    (`tandem.people.keys.SCOPES`).

    Where people sign in to the chat, and wherever a key is set, a request needs the server's key, a person's, or the
    chat's own cookie.
    """
    context: AppContext = request.app.state.context
    server = context.settings.server
    if server.api_key is None and not server.login_required:
        return Caller(LOCAL)
    guesses = _guesses(request)
    address = request.client.host if request.client else ""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if sent:
        known = server.api_key.get_secret_value() if server.api_key is not None else None
        given = sent.strip().encode()
        if scheme.lower() == "bearer" and known is not None and hmac.compare_digest(given, known.encode()):
            return Caller(PROGRAM)
        if scheme.lower() == "bearer" and (key := await _key(context, sent.strip())) is not None:
            if scope not in key.scopes:
                raise ApiError(
                    403,
                    f"This key was made for {', '.join(sorted(key.scopes))}, not for {scope}; make one that is.",
                    code="scope_missing",
                )
            key_in_use.set(key.id)
            return Caller(key.person, key.id)
        if (wait := await guesses.attempt([(_KEYS, address)])) > 0:
            raise ApiError(
                429,
                f"Too many wrong keys came from {address}; try again in {math.ceil(wait)} s with the right one.",
                type="rate_limit_error",
                code="too_many_wrong_keys",
                headers={"retry-after": str(math.ceil(wait))},
            )
        raise _refused("The key is not right, or does not count any more; send one that does.")
    user = _signed_in(context, request)
    if user is None:
        raise _refused(
            "Send a key as Authorization: Bearer KEY, or sign in to the chat in this browser."
            if server.login_required or server.api_key is not None
            else "This server has no key for programs yet; set TANDEM_SERVER__API_KEY there, or sign in to the chat."
        )
    return Caller(user)


async def admit_question(request: Request, scope: str) -> Caller:
    """As `admit`, for what counts as a question. Raises ApiError 429 where a limit is reached."""
    caller = await admit(request, scope)
    context: AppContext = request.app.state.context
    reached = await asyncio.to_thread(context.entrance.ask, caller.name, caller.key)
    if reached is not None:
        seconds = math.ceil(reached.seconds)
        raise ApiError(
            429,
            say(reached.limit, "en", count=f"{reached.value:g}", wait=waiting(seconds, "en")),
            type="rate_limit_error",
            code="quota_exceeded",
            headers={"retry-after": str(seconds)},
        )
    return caller


async def _key(context: AppContext, sent: str) -> Key | None:
    """The key of a person who may still sign in. Raises ApiError 503 where keys cannot be read."""
    if not sent.startswith(PREFIX) or not context.settings.server.login_required:
        return None
    try:
        key = await asyncio.to_thread(context.entrance.keys.find, sent)
    except AccountsError as error:
        raise ApiError(503, str(error), type=SERVER, code="accounts_unavailable") from None
    return key if key is not None and context.tickets.knows(key.person) else None


def _guesses(request: Request) -> Brakes:
    """Wrong keys by address, of this application. Whoever has the right one is never held up by them."""
    state = request.app.state
    if not hasattr(state, "guesses"):
        counts = request.app.state.context.entrance.counts
        state.guesses = Brakes({_KEYS: Brake(FREE_GUESSES, WAITS, clock_for(counts))}, counts)
    guesses: Brakes = state.guesses
    return guesses


def _refused(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})


def _signed_in(context: AppContext, request: Request) -> str | None:
    """The user whom the chat's cookie names, if it counts."""
    try:
        return context.tickets.read(ticket_of(request.cookies)).person
    except TicketError:
        return None
