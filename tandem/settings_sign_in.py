"""The settings of how people sign in, apart from users with passwords, and of how much each may ask.

Knows these settings with their defaults and meanings. Does not know what is done with them.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

CHECKED = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
Groups = dict[str, str]
_GROUPS = "The provider's groups that count here, each with the name of the group that it stands for; no other does."


class ProviderSettings(BaseModel):
    """Somebody who vouches for people by OpenID Connect."""

    model_config = CHECKED

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,29}$", description="Short, as it stands in addresses.")
    label: str = Field("", max_length=60, description="As the sign-in page shows it; empty: its name.")
    issuer: str = Field(description="Its address, below which its discovery document lies.")
    client_id: str = Field(min_length=1, description="How it knows Tandem.")
    secret_env: str = Field("", description="The variable that holds the secret it gave Tandem; empty: it gave none.")
    name_claim: Literal["preferred_username", "email", "sub"] = Field(
        "preferred_username", description="What people are called here, from their first time on."
    )
    scopes: tuple[str, ...] = Field(("profile", "email"), description="What is asked for besides openid.")
    groups_claim: str = Field("groups", description="The claim that lists a person's groups.")
    groups: Groups = Field(default_factory=dict, description=_GROUPS)
    admit: tuple[str, ...] = Field((), description="Its groups whose people are let in; empty: everybody it knows.")

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        return address(value, ("https",))


class LdapSettings(BaseModel):
    """A directory that people sign in to with their name and password there."""

    model_config = CHECKED

    url: str = Field(description="Like ldaps://directory.example.org.")
    bind: str = Field(description="What one signs in as, like uid={name},ou=people,dc=example.")
    base: str = Field(min_length=1, description="Where people are looked for.")
    name_attribute: str = Field("uid", pattern=r"^[A-Za-z][A-Za-z0-9;-]*$", description="What people are called by.")
    group_base: str = Field("", description="Where groups are looked for; empty: memberOf says which one is in.")
    start_tls: bool = Field(False, description="Whether ldap:// changes to TLS before anything is said.")
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's.")
    groups: Groups = Field(default_factory=dict, description=_GROUPS + " Written as a DN or as its cn.")
    seconds: float = Field(5.0, gt=0, le=60, description="How long it is waited for.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
            raise ValueError("it is no directory; write it like ldaps://directory.example.org")
        return value

    @field_validator("bind")
    @classmethod
    def _check_bind(cls, value: str) -> str:
        if value.count("{name}") != 1:
            raise ValueError("it holds {name} once, in the place of the name")
        return value


class ProxySettings(BaseModel):
    """A proxy in front that knows who asks, and says so in a header."""

    model_config = CHECKED

    header: str = Field("X-Forwarded-User", pattern=r"^[A-Za-z0-9-]+$", description="The header that names the person.")
    addresses: tuple[str, ...] = Field(
        min_length=1,
        description="From where it is believed, like 127.0.0.1 or 10.1.0.0/24.",
    )
    groups_header: str = Field("", pattern=r"^[A-Za-z0-9-]*$", description="The header with their groups, with commas.")
    groups: Groups = Field(default_factory=dict, description=_GROUPS)

    @field_validator("addresses")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise ValueError(f"{one!r} is no address; write it like 127.0.0.1 or 10.1.0.0/24") from None
        return value


class SignInSettings(BaseModel):
    """How people sign in, apart from the users; several ways at once."""

    model_config = CHECKED

    accounts: bool = Field(False, description="Whether people sign in to accounts of their own on loopback too.")
    address: str = Field("", description="As people reach the chat, like https://chat.example.org; for links.")
    providers: tuple[ProviderSettings, ...] = Field((), description="Who vouches for people by OpenID Connect.")
    ldap: LdapSettings | None = Field(None, description="A directory that people have passwords in.")
    proxy: ProxySettings | None = Field(None, description="A proxy in front that knows who asks.")

    @field_validator("address")
    @classmethod
    def _check_address(cls, value: str) -> str:
        return address(value, ("https", "http")) if value else ""

    @field_validator("providers")
    @classmethod
    def _check_names(cls, value: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        names = [one.name for one in value]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two providers are called {twice!r}; name them apart")
        return value

    @property
    def used(self) -> bool:
        """Whether people sign in by any of this, wherever the chat is served."""
        return bool(self.accounts or self.providers or self.ldap or self.proxy)


class LimitSettings(BaseModel):
    """How much may be asked: by each person, by each key, or by all of a group together. What is not given is free."""

    model_config = CHECKED

    per: Literal["person", "key", "group"] = Field("person", description="Whom it is counted for.")
    group: str = Field("", description="The group it holds for; empty: for everybody.")
    requests_per_minute: int | None = Field(None, ge=1, description="Questions in a minute.")
    requests_per_day: int | None = Field(None, ge=1, description="Questions in a day (UTC).")
    tokens_per_day: int | None = Field(None, ge=1, description="Tokens read and written in a day.")
    money_per_day: float | None = Field(None, gt=0, description="Money in a day, where prices are known.")


def address(value: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(value)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.hostname or (parts.scheme not in schemes and not (local and parts.scheme == "http")):
        raise ValueError(f"{value!r} is no address; write it like https://login.example.org")
    return value.rstrip("/") if parts.path in ("", "/") else value
