"""What is about to be stored or indexed: a document with its passages, cut and analysed; a passage for an index.

Knows the shape of it. Does not know how it came about nor how it is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from rag.labels import PUBLIC
from rag.types import FileReceipt


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

    `pictures` are the pages (from 1) read from a picture, each with how sure its reader is, in [0, 1]; `labels` say who
    may find it.
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
    pictures: tuple[tuple[int, float], ...] = ()
    labels: frozenset[str] = PUBLIC


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as the index takes it. `row` is its number in the store, `folders` are all folders above its
    document; `terms`, `title` and `surfaces` (folded words that are no terms) are words with spaces between.
    """

    row: int
    document: int
    name: str
    folders: tuple[str, ...]
    kind: str
    modified: float
    labels: frozenset[str]
    terms: str
    title: str
    surfaces: str


def folders_above(name: str) -> tuple[str, ...]:
    """All folders above the document of this name."""
    return tuple(str(parent) for parent in PurePosixPath(name).parents if str(parent) != ".")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that was met: its receipt, the id of the document made of it, and how it was read."""

    receipt: FileReceipt
    document: int | None
    form: str
