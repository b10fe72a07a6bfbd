"""Who may use the API: anyone on this machine, elsewhere whoever has the key or is signed in to the chat.

Knows the bearer key and the chat's cookie. Does not know what is asked.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping

from starlette.requests import Request

from tandem.api.errors import ApiError
from tandem.context import House

log = logging.getLogger(__name__)

LOCAL = "local"
PROGRAM = "api"


async def admit(request: Request) -> str:
    """The opaque id of who asks. Raises ApiError 401.

    Where people sign in to the chat, and wherever a key is set, a request needs the key or the chat's own cookie.
    """
    house: House = request.app.state.house
    server = house.settings.server
    if server.api_key is None and not server.login_required:
        return LOCAL
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if sent:
        known = server.api_key.get_secret_value() if server.api_key is not None else None
        given = sent.strip().encode()
        if scheme.lower() == "bearer" and known is not None and hmac.compare_digest(given, known.encode()):
            return PROGRAM
        raise _refused("The key is not right; send the one that TANDEM_SERVER__API_KEY holds on the server.")
    user = await asyncio.to_thread(_signed_in, request.cookies) if request.cookies else None
    if user is None:
        raise _refused(
            "Send the server's key as Authorization: Bearer KEY, or sign in to the chat in this browser."
            if server.api_key is not None
            else "This server has no key for programs yet; set TANDEM_SERVER__API_KEY there, or sign in to the chat."
        )
    return user


def _refused(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", headers={"www-authenticate": "Bearer"})


def _signed_in(cookies: Mapping[str, str]) -> str | None:
    """The user whom the chat's cookie names, if it is valid. Blocks while the chat is being imported."""
    from chainlit.auth import decode_jwt, get_token_from_cookies

    token = get_token_from_cookies(dict(cookies))
    if not token:
        return None
    try:
        return decode_jwt(token).identifier
    except Exception as problem:
        # Expired, forged, or the chat that signs them could not be started: in every case nobody is signed in.
        log.info("A cookie was not accepted: %s", type(problem).__name__)
        return None
