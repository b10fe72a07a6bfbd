"""The first questions of an empty conversation, made of the titles and headings of what somebody may read.

Knows which headings make a question that somebody may ask. Does not know how it is answered, nor when it is offered.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import PurePosixPath

import regex

from rag.seen import Seen
from rag.types import DocumentRecord
from tandem.texts import Language, say

MOST = 4
_LOOKED_AT = 12
"""Documents whose headings are read before one gives up: the page waits for it."""
_WORDS = regex.compile(r"\p{L}{3,}")
_NUMBERED = regex.compile(r"^[\d.()\s]+")
_LONGEST = 48
_ENOUGH = 2
"""Questions in the person's language that need none in another beside them."""


def questions(shelf: Seen, language: Language) -> list[tuple[str, str]]:
    """Label and question, at most four, each on another document: those in the person's language, and others only
    where there is hardly any; from as many folders as there are, long documents before short ones. What has no heading
    is asked about as a whole. Raises LibraryError.
    """
    found: list[tuple[str, str]] = []
    whole: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for record in _spread(shelf.documents(), language)[:_LOOKED_AT]:
        theirs = record.language == language
        if len(found) == MOST or (not theirs and len(found) + len(whole) >= _ENOUGH):
            break
        title = _plain(record.title or PurePosixPath(record.name).stem)
        heading = next(filter(None, (_plain(one) for one in shelf.headings(record.id) if _tells(one, title))), "")
        if title and heading:
            (found if theirs else others).append((heading, say("starter", language, title=title, heading=heading)))
        elif _WORDS.search(title):
            name = record.title or PurePosixPath(record.name).name
            asked = (_short(title.replace("_", " ")), say("starter_whole", language, title=name))
            (whole if theirs else others).append(asked)
    return [*found, *whole, *others][:MOST]


def _spread(records: list[DocumentRecord], language: Language) -> list[DocumentRecord]:
    """One document of each folder, then a second of each, and so on; the person's language goes before, then the one
    that most are written in."""

    def folder(record: DocumentRecord) -> str:
        return str(PurePosixPath(record.name).parent)

    ordered = sorted(records, key=lambda one: (folder(one), -one.characters, one.name))
    places = [(place, record) for _, group in groupby(ordered, folder) for place, record in enumerate(group)]
    many = Counter(record.language for record in records)

    def rank(pair: tuple[int, DocumentRecord]) -> tuple[object, ...]:
        place, record = pair
        return record.language != language, -many[record.language], place, -record.characters, record.name

    places.sort(key=rank)
    return [record for _, record in places]


def _plain(text: str) -> str:
    return _NUMBERED.sub("", " ".join(text.split())).strip(" :.?")


def _tells(heading: str, title: str) -> bool:
    """Whether a heading names something that can be asked about, apart from the title."""
    plain = _plain(heading)
    return len(plain) <= _LONGEST and bool(_WORDS.search(plain)) and plain.casefold() != title.casefold()


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[:_LONGEST].rsplit(' ', 1)[0]}…"
