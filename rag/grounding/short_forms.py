"""Short forms and the long ones they stand for, as a few passages tell them: "paid parental leave (PPL)".

Knows initials. Does not know questions, nor any short form by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

import regex

from rag.text import idf
from rag.text.analyser import casefold, fold, stop_terms
from rag.types import Passage

_GIVEN = regex.compile(r"((?:[\p{L}\p{N}'’-]+[^\S\n]+){2,8})\(([\p{Lu}]{2,6})s?\)")
_USED = regex.compile(r"(?<![\p{L}\p{N}])(\p{Lu}{3,6})s?(?![\p{L}\p{N}])")
_WORDS = regex.compile(r"[\p{L}\p{N}'’]+")
_LEFT_OUT = 3
"""Words of a long form, at most, whose initials a short form leaves out."""


def short_forms(passages: Sequence[Passage]) -> dict[str, frozenset[str]]:
    """Folded short form -> the stems of its long form, where a passage, its headings or its document's name says both,
    or the initials of a document's title are what a passage writes in capitals.
    """
    used = {short for passage in passages for short in _USED.findall(passage.text)}
    found: dict[str, frozenset[str]] = {}
    for passage in passages:
        name = PurePosixPath(passage.document).stem.replace("-", " ").replace("_", " ")
        stop = stop_terms(passage.language or "en")
        titles = [told for told in _titles(name, passage.headings[:1]) if told[0] in used]
        for short, long in (*_given(name, passage.headings, passage.text), *titles):
            stems = frozenset(word[0] for word in idf.terms_of(long, passage.language)) - stop
            found.setdefault(fold(casefold(short)), stems)
    return found


@lru_cache(maxsize=1024)
def _given(name: str, headings: tuple[str, ...], text: str) -> tuple[tuple[str, str], ...]:
    """The short forms that stand in brackets behind their long ones."""
    told: list[tuple[str, str]] = []
    for said in (name, *headings, text):
        for match in _GIVEN.finditer(said):
            words, short = _WORDS.findall(match[1]), match[2]
            for count in range(len(short), min(len(words), len(short) + _LEFT_OUT) + 1):
                if _spells(words[-count:], short):
                    told.append((short, " ".join(words[-count:])))
                    break
    return tuple(told)


@lru_cache(maxsize=1024)
def _titles(name: str, headings: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Titles of several words by their initials, small words left out."""
    small = stop_terms("en")
    said = [[word for word in _WORDS.findall(title) if casefold(word) not in small] for title in (name, *headings)]
    return tuple(("".join(word[:1].upper() for word in words), " ".join(words)) for words in said if len(words) > 2)


def _spells(words: Sequence[str], short: str) -> bool:
    """Whether the initials of `words`, some left out but not the first, which is no small word, are `short`."""
    initials = [word[:1].upper() for word in words]
    rest = iter(initials)
    begins = initials[0] == short[0] and casefold(words[0]) not in stop_terms("en")
    return begins and all(letter in rest for letter in short)
