"""What is about to be stored: a document with its passages, cut and analysed.

Knows the shape of it. Does not know how it came about nor how it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewPassage:
    """A passage about to be stored: its place in the document's text, its packed features, and its terms for the
    index, each kind in one string with spaces between (empty: the index analyses the text itself).
    """

    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]
    language: str
    tokens: bytes
    grams: bytes
    terms: str = ""
    title_terms: str = ""
    surfaces: str = ""


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document about to be stored.

    `pictures` are the pages (from 1) read from a picture, each with how sure its reader is, in [0, 1].
    """

    name: str
    title: str
    kind: str
    language: str
    modified: float
    text: str
    pages: int
    token_count: int
    passages: tuple[NewPassage, ...]
    scope: str = ""
    pictures: tuple[tuple[int, float], ...] = ()
