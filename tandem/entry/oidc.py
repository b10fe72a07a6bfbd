"""Signing in by OpenID Connect: there and back, with Authlib, which discovers, and checks state, nonce and signature.

Knows the providers of the settings and what a browser carries meanwhile. Does not know accounts beyond `welcome`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from authlib.integrations.starlette_client import OAuth
from starlette.requests import Request
from starlette.responses import Response

from rag.errors import UserFacingError
from tandem.auth.tickets import TicketError, Tickets
from tandem.people.accounts import People
from tandem.people.providers import mapped, oidc
from tandem.settings_sign_in import ProviderSettings

log = logging.getLogger(__name__)

COOKIE = "tandem_oidc"
SECONDS = 600
PATH = "/sign-in/"
_WAITS_SECONDS = 10.0


class ProviderError(UserFacingError):
    """A provider did not vouch for anybody."""


class Providers:
    """The providers of one installation. For one event loop."""

    def __init__(
        self, settings: Iterable[ProviderSettings], secrets: Mapping[str, str], people: People, tickets: Tickets
    ) -> None:
        self._people = people
        self._tickets = tickets
        self.known = {one.name: one for one in settings}
        self._oauth = OAuth()
        for one in self.known.values():
            self._oauth.register(
                one.name,
                server_metadata_url=f"{one.issuer}/.well-known/openid-configuration",
                client_id=one.client_id,
                client_secret=secrets.get(one.secret_env) or None,
                client_kwargs={
                    "scope": " ".join(("openid", *one.scopes)),
                    "code_challenge_method": "S256",
                    "timeout": _WAITS_SECONDS,
                    **({} if one.secret_env else {"token_endpoint_auth_method": "none"}),
                },
            )

    async def there(self, name: str, request: Request, back: str) -> Response:
        """Send the browser to a provider, which sends it `back`. Raises ProviderError."""
        client = self._client(name)
        request.scope["session"] = {}
        try:
            response: Response = await client.authorize_redirect(request, back)
        except Exception as error:  # whatever a provider answers, it lets nobody in
            raise _away(self.known[name], error) from None
        carried = self._tickets.sealed({"oidc": name, "session": request.session}, SECONDS)
        response.set_cookie(COOKIE, carried, max_age=SECONDS, path=PATH, httponly=True, samesite="lax")
        return response

    async def back(self, name: str, request: Request) -> tuple[str, str, frozenset[str]]:
        """For whom the provider vouches: their subject there, their name, and their groups here. Raises
        ProviderError."""
        client, kept = self._client(name), self.known[name]
        try:
            carried = self._tickets.unsealed(request.cookies.get(COOKIE))
        except TicketError:
            raise ProviderError("This sign-in was not begun in this browser just now; begin it again.") from None
        if carried.get("oidc") != name or not isinstance(carried.get("session"), dict):
            raise ProviderError("This sign-in was begun with another provider; begin it again.")
        request.scope["session"] = carried["session"]
        try:
            metadata = await client.load_server_metadata()
            if metadata.get("issuer") != kept.issuer and metadata.get("issuer", "").rstrip("/") != kept.issuer:
                raise ValueError(f"it calls itself {metadata.get('issuer')!r}")
            token = await client.authorize_access_token(request)
            claims = dict(token.get("userinfo") or {})
            if not claims:
                raise ValueError("it sent no ID token")
            if metadata.get("userinfo_endpoint") and not _has_all(claims, kept):
                more = dict(await client.userinfo(token=token))
                if more.get("sub") == claims.get("sub"):
                    claims = {**more, **claims}
        except Exception as error:  # whatever a provider answers, it lets nobody in
            raise _away(kept, error) from None
        return _vouched(kept, claims)

    def welcome(self, name: str, subject: str, person: str, groups: frozenset[str]) -> str:
        """The account of whom a provider has vouched for. Blocks. Raises AccountsError."""
        return self._people.welcome(oidc(name), subject, person, groups)

    def _client(self, name: str) -> Any:
        if name not in self.known:
            raise ProviderError("There is no such way to sign in here; choose one on the sign-in page.")
        return self._oauth.create_client(name)


def _has_all(claims: Mapping[str, Any], kept: ProviderSettings) -> bool:
    return kept.name_claim in claims and (not (kept.groups or kept.admit) or kept.groups_claim in claims)


def _vouched(kept: ProviderSettings, claims: Mapping[str, Any]) -> tuple[str, str, frozenset[str]]:
    subject, name = claims.get("sub"), claims.get(kept.name_claim)
    if not isinstance(subject, str) or not subject or not isinstance(name, str) or not name.strip():
        raise ProviderError(f"{_called(kept)} does not say your {kept.name_claim}; ask an administrator.")
    if kept.name_claim == "email" and claims.get("email_verified") is not True:
        raise ProviderError(f"{_called(kept)} has not verified your e-mail address; verify it there first.")
    said = claims.get(kept.groups_claim)
    theirs = [one for one in said if isinstance(one, str)] if isinstance(said, list) else []
    if kept.admit and not set(kept.admit) & set(theirs):
        raise ProviderError(f"None of your groups at {_called(kept)} is let in here; ask an administrator.")
    return f"{claims.get('iss') or kept.issuer}\n{subject}", name.strip(), mapped(theirs, kept.groups)


def _called(kept: ProviderSettings) -> str:
    return kept.label or kept.name


def _away(kept: ProviderSettings, error: Exception) -> ProviderError:
    log.warning("The provider %s did not vouch for anybody: %s: %s", kept.name, type(error).__name__, error)
    return ProviderError(f"{_called(kept)} did not confirm who you are; try again, or choose another way.")
