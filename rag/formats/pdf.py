"""PDF: the text of each page in reading order, with headings, paragraphs and tables told from where the text stands.

Knows pages, encryption, running headers and pages without text. Does not read pictures of text.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium
import regex

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, clean, one_line
from rag.formats.layout import Block, Segment, blocks, is_table, rows, table_cells
from rag.formats.tables import add_table

_one_at_a_time = threading.Lock()  # PDFium is not made for threads
_MAX_SEGMENTS = 5_000
_MOST_MISSING = 50
_MARGIN = 0.12
_BOLD = 600
_PAGE_NUMBER = regex.compile(
    r"\W*(?:page|p\.|seite|sayfa|página)?\s*(?:\d{1,4}|[ivxl]{1,6})\W*(?:(?:of|von|de)?\W*\d{1,4}\W*)?", regex.I
)
_BROKEN = "The PDF is damaged and cannot be read; open it in a viewer and save it again."


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    height: float
    segments: tuple[Segment, ...]
    plain: str = ""


def read_pdf(data: bytes) -> Extracted:
    """The text of a PDF with the offset of every page. Raises DocumentError when it is encrypted, broken or all
    pictures.
    """
    with _one_at_a_time:
        return _read(data)


def _read(data: bytes) -> Extracted:
    builder = Builder()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError("The PDF is protected by a password; save a copy without one.") from error
        raise DocumentError(_BROKEN) from error
    try:
        builder.title = document.get_metadata_value("Title")
        pages = list(_pages(document))
    finally:
        document.close()
    _write(builder, _without_running_lines(pages))
    if not builder.length:
        raise DocumentError("The PDF holds no text, only pictures; run text recognition on it first.")
    return builder.build()


def _pages(document: pypdfium2.PdfDocument) -> Iterator[_Page]:
    missing = 0
    for number in range(len(document)):
        page = _read_page(document, number)
        missing = 0 if page.height else missing + 1
        if missing > _MOST_MISSING:  # the file only says that it has so many
            return
        yield page


def _read_page(document: pypdfium2.PdfDocument, number: int) -> _Page:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return _Page(number + 1, 0.0, ())
    text = page.get_textpage()
    try:
        if text.count_rects() > _MAX_SEGMENTS:  # a drawing made of letters: its places say nothing
            return _Page(number + 1, page.get_height(), (), text.get_text_range())
        return _Page(number + 1, page.get_height(), tuple(_segments(text)))
    finally:
        text.close()
        page.close()


def _segments(page: pypdfium2.PdfTextPage) -> Iterator[Segment]:
    for at in range(page.count_rects()):
        left, bottom, right, top = page.get_rect(at)
        # Hyphens at line ends come as control characters.
        text = one_line(
            clean(page.get_text_bounded(left, bottom, right, top).replace("\x02", "-").replace("\ufffe", "-"))
        )
        if not text:
            continue
        index = page.get_index(left + 0.5, (bottom + top) / 2, 3, 5)
        size = float(pdfium.FPDFText_GetFontSize(page, index)) if index is not None else top - bottom
        weight = pdfium.FPDFText_GetFontWeight(page, index) if index is not None else 0
        yield Segment(left, bottom, right, top, round(max(size, 1.0) * 2) / 2, weight >= _BOLD, text)


def _without_running_lines(pages: Sequence[_Page]) -> list[_Page]:
    """The pages without the lines that stand in the same place of most pages, and without page numbers."""

    def place(page: _Page, segment: Segment) -> tuple[int, int, str]:
        return round(segment.bottom / 4), round(segment.left / 4), regex.sub(r"\d+", "#", segment.text)

    def in_margin(page: _Page, segment: Segment) -> bool:
        return segment.bottom < page.height * _MARGIN or segment.top > page.height * (1 - _MARGIN)

    # Left and right pages may have a line each, in two places: a third of the pages is enough.
    counts = Counter(key for page in pages for key in {place(page, s) for s in page.segments if in_margin(page, s)})
    enough = max(2, len(pages) / 3)
    return [
        replace(
            page,
            segments=tuple(
                s
                for s in page.segments
                if not in_margin(page, s) or (counts[place(page, s)] < enough and not _PAGE_NUMBER.fullmatch(s.text))
            ),
        )
        for page in pages
    ]


def _write(builder: Builder, pages: Sequence[_Page]) -> None:
    body = _body(pages)
    levels = _heading_sizes(pages, body)
    empty: list[int] = []
    header: tuple[Block, ...] | None = None
    for page in pages:
        builder.page()
        if page.plain.strip():
            builder.add(clean(page.plain))
        elif not page.segments:
            empty.append(page.number)
        found = rows(blocks(page.segments))
        at = 0
        while at < len(found):
            end = at
            while end < len(found) and len(found[end]) > 1:
                end += 1
            if end > at and is_table(found[at:end], header if at == 0 else None):
                header = _add_table(builder, found[at:end], header if at == 0 else None)
                at = end
                continue
            for block in found[at]:
                _add_block(builder, block, body, levels)
            header = None
            at += 1
    if empty and builder.length:
        shown = ", ".join(map(str, empty[:10])) + (" and more" if len(empty) > 10 else "")
        builder.notes.append(f"No text on page {shown}: pictures are not read.")


def _body(pages: Sequence[_Page]) -> Segment:
    """A segment as most of the text is set: its size and weight."""
    letters: Counter[tuple[float, bool]] = Counter()
    for page in pages:
        for segment in page.segments:
            letters[segment.size, segment.bold] += len(segment.text)
    size, bold = letters.most_common(1)[0][0] if letters else (10.0, False)
    return Segment(0, 0, 0, 0, size, bold, "")


def _heading_sizes(pages: Sequence[_Page], body: Segment) -> list[float]:
    return sorted({s.size for page in pages for s in page.segments if s.size >= body.size * 1.12}, reverse=True)[:5]


def _add_block(builder: Builder, block: Block, body: Segment, levels: Sequence[float]) -> None:
    text = block.text
    first = block.segments[0]
    stands_out = first.size >= body.size * 1.12 or (first.bold and not body.bold and first.size >= body.size * 0.95)
    if stands_out and len(text) <= 160 and len(block.segments) <= 3 and not text.endswith((".", ",", ";", "!")):
        builder.heading(text, levels.index(first.size) + 1 if first.size in levels else len(levels) + 1)
        return
    for paragraph in block.paragraphs():
        builder.add(paragraph)


def _add_table(
    builder: Builder, found: Sequence[tuple[Block, ...]], header: tuple[Block, ...] | None
) -> tuple[Block, ...]:
    """Append a table; `header` is that of the table which the page before broke off. Returns the table's header."""
    grid = list(found)
    if header is not None and [b.text for b in grid[0]] != [b.text for b in header]:
        grid.insert(0, header)
    add_table(builder, table_cells(grid))
    return grid[0]
