"""Passwords as they are kept: a salted scrypt hash, never the words themselves.

Knows how a hash is written and checked. Does not know whose it is, nor how often somebody has guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from pydantic import SecretStr

from rag.errors import UserFacingError

# 16 MiB and some 0.1 s: more would let a few sign-ins at once take the machine.
_COST = {"n": 2**14, "r": 8, "p": 1}
_SALT_BYTES = 16
_HASHED = re.compile(r"scrypt:([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})")


class Passwords:
    """The hash of everybody's password. `users` holds passwords or what `hashed` made of them, by name.

    Raises UserFacingError where a hash is not whole.
    """

    def __init__(self, users: Mapping[str, SecretStr]) -> None:
        self._kept = {name: _kept(name, secret.get_secret_value()) for name, secret in users.items()}
        self._nobodys = hashed(secrets.token_hex())

    def right(self, name: str, password: str) -> bool:
        """Whether this is the user's password. Takes the same time whether or not the name is known."""
        known = self._kept.get(name)
        same = _same(password, known or self._nobodys)
        return same and known is not None


def hashed(password: str) -> str:
    """A hash of the password with a salt of its own, as `scrypt:SALT:HASH`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt:{_text(salt)}:{_text(_derived(password, salt))}"


def _kept(name: str, given: str) -> str:
    if not given.startswith("scrypt:"):
        return hashed(given)
    if not _HASHED.fullmatch(given):
        raise UserFacingError(f"The password hash of {name} is not whole; copy all that `tandem password` printed.")
    return given


def _same(password: str, kept: str) -> bool:
    match = _HASHED.fullmatch(kept)
    assert match is not None
    salt, expected = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in match.groups())
    return hmac.compare_digest(_derived(password, salt), expected)


def _derived(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, dklen=32, **_COST)


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
