"""Who may use the API: anyone on this machine, elsewhere whoever has the key or is signed in to the chat.

Knows the bearer key, how often one may be guessed, and the chat's cookie. Does not know what is asked.
"""

from __future__ import annotations

import hmac
import math

from starlette.requests import Request

from tandem.api.errors import ApiError
from tandem.auth.login_throttle import Brake
from tandem.auth.tickets import TicketError, ticket_of
from tandem.context import House
from tandem.settings import PROGRAM

LOCAL = "local"
FREE_GUESSES = 20
WAITS = (10, 30, 60, 120, 300, 900)


async def admit(request: Request) -> str:
    """The opaque id of who asks. Raises ApiError 401.

    Where people sign in to the chat, and wherever a key is set, a request needs the key or the chat's own cookie.
    """
    house: House = request.app.state.house
    server = house.settings.server
    if server.api_key is None and not server.login_required:
        return LOCAL
    guesses = _guesses(request)
    address = request.client.host if request.client else ""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if sent:
        known = server.api_key.get_secret_value() if server.api_key is not None else None
        given = sent.strip().encode()
        if scheme.lower() == "bearer" and known is not None and hmac.compare_digest(given, known.encode()):
            return PROGRAM
        if (wait := guesses.wait(address)) > 0:
            raise ApiError(
                429,
                f"Too many wrong keys came from {address}; try again in {math.ceil(wait)} s with the right one.",
                type="rate_limit_error",
                code="too_many_wrong_keys",
                headers={"retry-after": str(math.ceil(wait))},
            )
        guesses.fail(address)
        raise _refused("The key is not right; send the one that TANDEM_SERVER__API_KEY holds on the server.")
    user = _signed_in(house, request)
    if user is None:
        raise _refused(
            "Send the server's key as Authorization: Bearer KEY, or sign in to the chat in this browser."
            if server.api_key is not None
            else "This server has no key for programs yet; set TANDEM_SERVER__API_KEY there, or sign in to the chat."
        )
    return user


def _guesses(request: Request) -> Brake:
    """Wrong keys by address, of this application. Whoever has the right one is never held up by them."""
    state = request.app.state
    if not hasattr(state, "guesses"):
        state.guesses = Brake(FREE_GUESSES, WAITS)
    guesses: Brake = state.guesses
    return guesses


def _refused(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})


def _signed_in(house: House, request: Request) -> str | None:
    """The user whom the chat's cookie names, if it counts."""
    try:
        return house.tickets.read(ticket_of(request.cookies)).person
    except TicketError:
        return None
