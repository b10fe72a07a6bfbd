"""A document's text, as it was read, as HTML: headings, paragraphs and tables, with sentences marked.

Knows how readers lay out text (`rag.formats.extracted`, `rag.formats.tables`). Everything that comes from a document is
escaped, and nothing of it becomes an address or a style. Does not know the page around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import regex

from rag.formats.tables import row_cells
from rag.storage.provenance import Place

PART = 60_000
"""About how many characters are shown at once."""
_BLANK = regex.compile(r"\n[ \t]*\n\s*")
_WORDS = regex.compile(r"[\p{L}\p{N}]")
_MOST_COLUMNS = 100

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in a document's text; `level` counts from 1."""

    start: int
    end: int
    level: int


def parts(length: int, places: Sequence[Place]) -> list[Span]:
    """The text's parts, each of about PART characters, cut where a passage ends. At least one."""
    cuts = [0]
    for before, place in pairwise(places):
        if place.end - cuts[-1] > PART and before.end > cuts[-1]:
            cuts.append(before.end)
    return list(zip(cuts, [*cuts[1:], length], strict=True))


def headings(text: str, places: Sequence[Place]) -> list[Heading]:
    """What stands between passages: a passage never holds a heading."""
    found: list[Heading] = []
    at = 0
    for place in [*places, Place(len(text), len(text), ())]:
        path = {" ".join(heading.split()): level for level, heading in enumerate(place.headings, 1)}
        for start, end in lines(text, at, place.start):
            if _WORDS.search(text, start, end):
                level = path.get(" ".join(text[start:end].split()), len(path) or 1)
                found.append(Heading(start, end, level))
        at = max(at, place.end)
    return found


def html(text: str, part: Span, titles: Sequence[Heading], marks: Sequence[Span]) -> str:
    """The part of a text as HTML. The first mark has the id `sentence`."""
    writer = _Writer(text, sorted(marks))
    at = part[0]
    for title in titles:
        if part[0] <= title.start < part[1]:
            writer.body(at, title.start)
            writer.heading(title)
            at = title.end
    writer.body(at, part[1])
    return "\n".join(writer.blocks)


class _Writer:
    def __init__(self, text: str, marks: Sequence[Span]) -> None:
        self._text = text
        self._marks = marks
        self._named = False
        self.blocks: list[str] = []

    def heading(self, title: Heading) -> None:
        tag = f"h{min(title.level + 1, 6)}"
        self.blocks.append(f'<{tag} dir="auto">{self._said(title.start, title.end)}</{tag}>')

    def body(self, start: int, end: int) -> None:
        rows: list[_Row] = []
        for begin, stop in _blocks(self._text, start, end):
            found = [_row(self._text, *line) for line in lines(self._text, begin, stop)]
            whole = [row for row in found if row is not None]
            if len(whole) == len(found):
                for row in whole:
                    if rows and not _alike(rows[0], row):
                        self._table(rows)
                        rows = []
                    rows.append(row)
                continue
            self._table(rows)
            rows = []
            self.blocks.append(f'<p dir="auto">{self._said(begin, stop)}</p>')
        self._table(rows)

    def _table(self, rows: Sequence[_Row]) -> None:
        if not rows:
            return
        names = list(dict.fromkeys(name for row in rows for name, _, _ in row))[:_MOST_COLUMNS]
        head = "".join(f'<th scope="col" dir="auto">{escape(name)}</th>' for name in names)
        made = []
        for row in rows:
            cells = {name: self._said(start, end) for name, start, end in row}
            made.append("<tr>" + "".join(f'<td dir="auto">{cells.get(name, "")}</td>' for name in names) + "</tr>")
        self.blocks.append(
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(made)}</tbody></table></div>'
        )

    def _said(self, start: int, end: int) -> str:
        """A piece of the text, escaped, with what is marked of it."""
        made: list[str] = []
        at = start
        for begin, stop in self._marks:
            begin, stop = max(begin, at), min(stop, end)
            if begin >= stop or not self._text[begin:stop].strip():
                continue
            name = "" if self._named else ' id="sentence"'
            self._named = True
            made += (escape(self._text[at:begin]), f"<mark{name}>{escape(self._text[begin:stop])}</mark>")
            at = stop
        made.append(escape(self._text[at:end]))
        return "".join(made)


_Row = list[tuple[str, int, int]]
"""(column, start, end) of every cell."""


def _row(text: str, start: int, end: int) -> _Row | None:
    """The cells of a line that is a table's row, each with its place in the text."""
    row: _Row = []
    at = start
    for name, cell in row_cells(text[start:end]):
        if name:
            at = text.index(f"{name}: ", at, end) + len(name) + 2
        at = text.index(cell, at, end)
        row.append((name, at, at + len(cell)))
        at += len(cell)
    names = [name for name, _, _ in row]
    return row if row and len(set(names)) == len(names) else None


def _alike(one: _Row, other: _Row) -> bool:
    names, others = {name for name, _, _ in one}, {name for name, _, _ in other}
    return 2 * len(names & others) > max(len(names), len(others))


def _blocks(text: str, start: int, end: int) -> Iterator[Span]:
    for gap in _BLANK.finditer(text, start, end):
        yield from _stripped(text, start, gap.start())
        start = gap.end()
    yield from _stripped(text, start, end)


def lines(text: str, start: int, end: int) -> Iterator[Span]:
    """The lines of a piece of a text that hold anything."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield from _stripped(text, start, stop)
        start = stop + 1


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    """The piece without blank space around it, where anything is left; a first line keeps its indent."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start] == "\n":
        start += 1
    if text[start:end].strip():
        yield start, end
