"""Cuts a document into passages along its headings and sentences.

Knows offsets, pages and heading paths. Does not know formats, terms or where passages are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from rag.formats.extracted import Extracted
from rag.formats.tables import row_cells
from rag.text import sentences

_LONGEST_OVER = 1_200
"""Characters on the next page among which a sentence that goes over ends."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One passage of a document: `document_text[start:end]`, its page (from 1, or None) and its heading path."""

    start: int
    end: int
    page: int | None
    headings: tuple[str, ...]


def cut(document: Extracted, aim: int) -> list[Cut]:
    """Passages of about `aim` characters in reading order.

    A passage never crosses a heading, nor a page but to end a sentence there, and never splits a sentence, except one
    that is by itself much longer than `aim`. Headings are not passages: they are in `headings`, outermost first.
    """
    cuts: list[Cut] = []
    for start, end, path in _sections(document):
        for page_start, page_end, page in _pages(document, start, end):
            cuts.extend(Cut(a, b, page, path) for a, b in _pack(document.text, page_start, page_end, aim))
    return cuts


def _sections(document: Extracted) -> list[tuple[int, int, tuple[str, ...]]]:
    sections: list[tuple[int, int, tuple[str, ...]]] = []
    path: list[tuple[int, str]] = []
    begin = 0
    for heading in document.headings:
        sections.append((begin, heading.start, tuple(text for _, text in path)))
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, heading.text))
        begin = heading.end
    sections.append((begin, len(document.text), tuple(text for _, text in path)))
    return sections


def _pages(document: Extracted, start: int, end: int) -> list[tuple[int, int, int | None]]:
    if not document.pages:
        return [(start, end, None)]
    pieces: list[tuple[int, int, int | None]] = []
    while start < end:
        number = max(1, bisect_right(document.pages, start))
        stop = min(end, document.pages[number]) if number < len(document.pages) else end
        if stop < end and document.text[stop - 1] != "\n":
            stop = _sentence_end(document.text, stop, end)
        pieces.append((start, stop, number))
        start = stop
    return pieces


def _sentence_end(text: str, page: int, end: int) -> int:
    """Where the sentence ends in the middle of which a page begins: it is of the page on which it began."""
    spans = sentences.split(text[page : min(end, page + _LONGEST_OVER)])
    return page + spans[0][1] if len(spans) > 1 or (spans and page + spans[0][1] >= end) else page


def _pack(text: str, start: int, end: int, aim: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for a, b in _whole_rows(text[start:end], sentences.split(text[start:end])):
        spans.extend(_shorten(text, start + a, start + b, aim))
    packed: list[tuple[int, int]] = []
    for a, b in spans:
        if packed and b - packed[-1][0] <= aim:
            packed[-1] = (packed[-1][0], b)
        else:
            packed.append((a, b))
    # A short remainder says little alone and a little more length hurts nobody.
    if len(packed) > 1 and packed[-1][1] - packed[-1][0] < aim // 4:
        last = packed.pop()
        packed[-1] = (packed[-1][0], last[1])
    return packed


def _whole_rows(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans, those of one row of a table as one: its cells may hold several sentences."""
    made: list[tuple[int, int]] = []
    line_end, row = -1, False
    for a, b in spans:
        if a < line_end:  # a line is looked at once, where it begins
            if row:
                made[-1] = (made[-1][0], b)
            else:
                made.append((a, b))
            continue
        made.append((a, b))
        line_end = text.find("\n", a)
        line_end = line_end if line_end >= 0 else len(text)
        row = line_end > b and bool(row_cells(text[a:line_end].rstrip()))
    return made


def _shorten(text: str, start: int, end: int, aim: int) -> list[tuple[int, int]]:
    limit = aim * 3 // 2
    pieces: list[tuple[int, int]] = []
    while end - start > limit:
        stop = max(text.rfind("\n", start + aim // 2, start + aim), text.rfind(" ", start + aim // 2, start + aim))
        if stop < 0:
            stop = start + aim
        pieces.append((start, stop))
        start = stop
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        pieces.append((start, end))
    return pieces
