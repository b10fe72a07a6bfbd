"""Secrets that have to be read again, sealed before they lie in a database: whoever has the database alone has nothing.

Knows the key that is made of the data directory's secret, and whose each is: put beside another name it opens no more.
Does not know what is sealed.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MARK = "1:"
_NONCE = 12


class Seal:
    """Seals and opens with a key made of `secret`, which is asked for when first needed. For any thread."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    def sealed(self, text: str, whose: str) -> str:
        """The text as it may be kept. Raises UserFacingError, OSError where there is no secret to be had."""
        nonce = secrets.token_bytes(_NONCE)
        closed = self._cipher().encrypt(nonce, text.encode("utf-8"), whose.encode("utf-8", "surrogatepass"))
        return _MARK + base64.urlsafe_b64encode(nonce + closed).decode("ascii")

    def opened(self, kept: str, whose: str) -> str | None:
        """The text; None where it was sealed with another secret, or is somebody else's. What was kept before there
        were seals is as it is. Raises UserFacingError, OSError where there is no secret to be had."""
        from cryptography.exceptions import InvalidTag

        if not is_sealed(kept):
            return kept
        try:
            data = base64.urlsafe_b64decode(kept.removeprefix(_MARK))
            closed = self._cipher().decrypt(data[:_NONCE], data[_NONCE:], whose.encode("utf-8", "surrogatepass"))
            return closed.decode("utf-8")
        except (ValueError, InvalidTag):
            return None

    def _cipher(self) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        key = HKDF(SHA256(), 32, None, b"tandem: what lies in the database").derive(self._secret().encode("utf-8"))
        return AESGCM(key)


def is_sealed(kept: str) -> bool:
    """Whether something was sealed before it was kept."""
    return kept.startswith(_MARK)
