"""What the engine says of a file or a model, in a person's language.

Such sentences are kept as they were said, in English: a file's receipt may be months old. They are found again by
their English wording, which is the key in the catalogues (place "detail"). Knows how a wording with places in it is
recognised. Does not know what any sentence is about.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from functools import lru_cache, partial

from tandem import catalogues
from tandem.catalogues import ENGLISH

PLACE = "detail"


@dataclass(frozen=True, slots=True)
class _Known:
    """A wording: its longest piece without places, how it is recognised, and what it is in the other language."""

    piece: str
    pattern: re.Pattern[str]
    wording: str


@lru_cache(maxsize=2048)
def detail(text: str, language: str) -> str:
    """`text` with every sentence in it that is known in the language; the others stay as they are."""
    if language == ENGLISH:
        return text
    for one in _known(language):
        if one.piece in text:
            text = one.pattern.sub(partial(_told, one, language), text)
    return text


def _told(one: _Known, language: str, found: re.Match[str]) -> str:
    return one.wording.format(**{name: detail(value, language) for name, value in found.groupdict().items()})


@lru_cache(maxsize=8)
def _known(language: str) -> tuple[_Known, ...]:
    found = []
    for (place, key), wording in catalogues.words(language).items():
        if place == PLACE:
            pieces = [piece for piece, *_ in string.Formatter().parse(key)]
            found.append((sum(map(len, pieces)), _Known(max(pieces, key=len), _pattern(key), wording)))
    # Of two that fit, the one that says more.
    return tuple(one for _, one in sorted(found, key=lambda told: -told[0]))


def _pattern(key: str) -> re.Pattern[str]:
    """`key` as a whole sentence, or part of one, among others."""
    pattern = ""
    for piece, name, _, _ in string.Formatter().parse(key):
        pattern += re.escape(piece)
        if name:
            pattern += rf"(?P<{name}>.+?)" if pattern else rf"(?P<{name}>\S+)"
    return re.compile(rf"(?<!\w){pattern}(?!\w)")
