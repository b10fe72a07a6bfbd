"""What providers of identities say, in Tandem's terms: whose word a claim is, and which groups count here.

Knows the names of ways to sign in and the mapping of groups. Does not know any protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LDAP, PROXY = "ldap", "proxy"


def oidc(name: str) -> str:
    """The way of a provider of OpenID Connect."""
    return f"oidc:{name}"


def mapped(theirs: Iterable[str], groups: Mapping[str, str]) -> frozenset[str]:
    """The groups here that a provider's stand for: those that the settings name, and no other."""
    known = {name.casefold(): ours for name, ours in groups.items()}
    return frozenset(known[name.casefold()] for name in theirs if name.casefold() in known)
