"""Text that every encoding can hold: half of a surrogate pair is no character, yet JSON and a command line let it in,
and neither SQLite, nor a socket, nor a terminal lets it out again.

Knows Python's strings. Does not know whose text it is.
"""

from __future__ import annotations

import re

_HALF = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """The text with the halves of a pair joined where they meet, and U+FFFD for every other half.

    >>> whole("a\\ud83d\\ude00b\\ud83d")
    'a😀b�'
    """
    if _HALF.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Joiner:
    """Makes a stream of text `whole` piece by piece; a pair that is cut between two pieces comes with the second."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """The next piece; a half that the next one may complete is held back."""
        if not piece:
            return piece
        text, self._held = self._held + piece, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return whole(text)
