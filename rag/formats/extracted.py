"""What reading a file gives, whatever its format: plain text, where its headings and pages begin.

Knows how text, headings and pages are put together. Does not know any format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import dedent, indent

import regex

from rag.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: `start`/`end` are its offsets in the extracted text, `level` counts from 1 (outermost)."""

    start: int
    end: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document as plain text. `pages` holds the offset at which each page begins, empty where there are no pages.

    `notes` are sentences about what could not be read (a page without text). `pictures` are the pages (from 1) whose
    text was read from a picture, each with how sure its reader is, in [0, 1]; `unread` are the pages that are pictures
    which nobody read.
    """

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[tuple[int, float], ...] = ()
    unread: tuple[int, ...] = ()


MAX_CHARACTERS = 20_000_000

_CONTROL = regex.compile(r"[\p{Cc}\p{Cs}--[\n\t]]|[\u200b\u2060\ufeff\u00ad]|[\u202a-\u202e\u2066-\u2069]", regex.V1)


def clean(text: str) -> str:
    """`text` with plain line ends and without control, zero-width and direction-override characters."""
    if text.isprintable():  # most blocks: none of these is, nor a line end
        return text
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """`text` on one line with single spaces."""
    return " ".join(text.split())


@dataclass(slots=True)
class Builder:
    """Collects blocks of text in reading order and remembers where headings and pages begin.

    Raises DocumentError when they become too many.
    """

    title: str = ""
    notes: list[str] = field(default_factory=list)
    pictures: list[tuple[int, float]] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _headings: list[Heading] = field(default_factory=list)
    _pages: list[int] = field(default_factory=list)
    _apart: bool = False

    def apart(self) -> None:
        """What comes next is no line of the block before: that was a table."""
        self._apart = True

    def add(self, text: str, *, separator: str = "\n\n") -> None:
        """Append one block; blocks without letters are left out."""
        text = clean(text).strip("\n").rstrip()
        if not text.strip():
            return
        self._append(text, separator)

    def code(self, text: str) -> None:
        """Append what a program or a terminal says, set in by four signs, by which it is told from sentences."""
        self.add(indent(dedent(clean(text).expandtabs(4)), "    "))
        self.apart()

    def heading(self, text: str, level: int) -> None:
        """Append a heading of `level` (1 is outermost)."""
        text = one_line(clean(text))
        if not text:
            return
        start = self._append(text, "\n\n")
        self._headings.append(Heading(start, start + len(text), level, text))

    def page(self, *, goes_on: bool = False) -> None:
        """The next block begins a page; it `goes_on` with the sentence before, to which a space leads."""
        self._pages.append(self._length + ((1 if goes_on else 2) if self._parts else 0))

    @property
    def length(self) -> int:
        return self._length

    def _append(self, text: str, separator: str) -> int:
        if self._apart:
            separator, self._apart = "\n\n", False
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise DocumentError(f"The file holds more than {MAX_CHARACTERS // 1_000_000} million characters; split it.")
        return start

    def build(self) -> Extracted:
        """The document so far. Without a title of its own it takes the first heading of the outermost level."""
        title = one_line(clean(self.title))
        if not title and self._headings:
            top = min(h.level for h in self._headings)
            title = next(h.text for h in self._headings if h.level == top)
        return Extracted(
            "".join(self._parts), title[:300], tuple(self._headings), tuple(self._pages), tuple(self.notes),
            tuple(self.pictures), tuple(self.unread),
        )  # fmt: skip
