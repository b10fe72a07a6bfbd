"""Passwords as they are kept: a salted argon2id hash, never the words themselves; scrypt hashes of earlier days count.

Knows how a hash is written and checked. Does not know whose it is, nor how often somebody has guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from rag.errors import UserFacingError

# 19 MiB and some 30 ms, as OWASP has it: more would let a few sign-ins at once take the machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_SCRYPT_COST = {"n": 2**14, "r": 8, "p": 1}
_SCRYPT = re.compile(r"scrypt:([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{43})")
# The usual form without the signs that a shell, or the list of users, would take for its own.
_WRITTEN = str.maketrans({"$": ":", ",": "-"})
_ARGON2 = re.compile(r":?argon2id:v=(\d+):m=(\d+)-t=(\d+)-p=(\d+):([A-Za-z0-9+/]{22}):([A-Za-z0-9+/]{43})")
_MOST_MEMORY_KB = 1024 * 1024
_MOST_ROUNDS = 20


class Passwords:
    """The hash of everybody's password. `users` holds passwords or what `hashed` made of them, by name; a password is
    hashed when it is first asked for. `elsewhere` gives the hash of whoever has an account, "" for everybody else. For
    two threads at a time or more.

    Raises UserFacingError where a hash is not whole.
    """

    def __init__(self, users: Mapping[str, SecretStr], elsewhere: Callable[[str], str] = lambda name: "") -> None:
        self._elsewhere = elsewhere
        self._plain: dict[str, SecretStr] = {}
        self._hashes: dict[str, str] = {}
        for name, secret in users.items():
            given = secret.get_secret_value()
            if is_hash(given):
                self._hashes[name] = _whole(name, given)
            else:
                self._plain[name] = secret
        self._scrypt_too = any(kept.startswith("scrypt:") for kept in self._hashes.values())

    def knows(self, name: str) -> bool:
        """Whether somebody of this name has a password here."""
        return name in self._plain or name in self._hashes or bool(self._elsewhere(name))

    def right(self, name: str, password: str) -> bool:
        """Whether this is the user's password. Takes the same time whether or not the name is known."""
        words = _bytes(password)
        plain, kept = self._plain.get(name), self._hashes.get(name)
        if plain is None and kept is None:
            kept = self._elsewhere(name) or None
        if kept is None:
            # One hash is made in either case: of what is kept, or of what nobody has.
            expected = _bytes(plain.get_secret_value()) if plain is not None else words
            made = _HASHER.hash(expected)
            same = plain is not None and hmac.compare_digest(expected, words)
            if plain is not None:
                self._hashes[name] = made
                self._plain.pop(name, None)
            self._spend_scrypt(words)
            return same
        if kept.startswith("scrypt:"):
            _HASHER.hash(words)
            return _same_scrypt(words, kept)
        self._spend_scrypt(words)
        return _same(words, kept)

    def _spend_scrypt(self, words: bytes) -> None:
        if self._scrypt_too:
            _scrypt(words, b"\0" * 16)


def hashed(password: str) -> str:
    """A hash of the password with a salt of its own, as it may stand among the users: `argon2id:v=…:m=…:SALT:HASH`."""
    return _HASHER.hash(_bytes(password)).translate(_WRITTEN).lstrip(":")


def account_hash(password: str) -> str:
    """A hash of the password with a salt of its own, as an account keeps it."""
    return _HASHER.hash(_bytes(password))


def is_hash(given: str) -> bool:
    """Whether this is meant as a hash."""
    return given.startswith(("scrypt:", "argon2id:", "argon2id$", "$argon2id$", ":argon2id:"))


def _whole(name: str, given: str) -> str:
    """The hash as the library reads it. Raises UserFacingError."""
    if _SCRYPT.fullmatch(given):
        return given
    match = _ARGON2.fullmatch(given.translate(_WRITTEN))
    if match and int(match[2]) <= _MOST_MEMORY_KB and int(match[3]) <= _MOST_ROUNDS:
        version, memory, rounds, lanes, salt, digest = match.groups()
        return f"$argon2id$v={version}$m={memory},t={rounds},p={lanes}${salt}${digest}"
    raise UserFacingError(f"The password hash of {name} is not whole; copy all that `tandem password` printed.")


def _same(words: bytes, kept: str) -> bool:
    try:
        return _HASHER.verify(kept, words)
    except (VerificationError, InvalidHashError):
        return False


def _same_scrypt(words: bytes, kept: str) -> bool:
    match = _SCRYPT.fullmatch(kept)
    assert match is not None
    salt, expected = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in match.groups())
    return hmac.compare_digest(_scrypt(words, salt), expected)


def _scrypt(words: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(words, salt=salt, dklen=32, **_SCRYPT_COST)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
