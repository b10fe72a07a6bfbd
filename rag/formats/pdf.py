"""PDF: the text of each page in reading order, with headings, paragraphs and tables told from where the text stands.

Knows encryption, bookmarks and pages that are pictures. Does not read pictures itself (`rag.ocr` does), nor words
(`rag.formats.pdf_page` does), and does not know how a page is written (`rag.formats.page_writer` does).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pypdfium2
import pypdfium2.raw as pdfium

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, clean, one_line
from rag.formats.layout import Segment
from rag.formats.mistaken_letters import with_right_letters
from rag.formats.page_writer import Flow, Writer, flow_of, take_running_lines
from rag.formats.parts import Parts
from rag.formats.pdf_page import Page, read_page
from rag.formats.recognised import Recogniser, read_picture

_one_at_a_time = threading.Lock()  # PDFium is not made for threads
_MOST_MISSING = 50
_MOST_OUTLINE = 5_000
_MOST_ATTACHED = 50
_MOST_PICTURES = 1_000
_SOME_WORDS = 60
_LARGE = 0.3
_DOTS = 200.0
_LARGEST_SIDE = 3_000.0
_BROKEN = "The PDF is damaged and cannot be read; open it in a viewer and save it again."


def read_pdf(data: bytes, recogniser: Recogniser | None = None) -> Extracted:
    """The text of a PDF with the offset of every page. The `recogniser` reads pages that are pictures; without one they
    are `unread`. Raises DocumentError when it is encrypted or broken.
    """
    builder = Builder()
    with _one_at_a_time:
        attached = _read(data, recogniser, builder)
    parts = Parts(builder)
    for name, inner in attached:
        parts.add(inner, name, f"Attachment: {name}", 1)
    return with_right_letters(builder.build())


def _read(data: bytes, recogniser: Recogniser | None, builder: Builder) -> list[tuple[str, bytes]]:
    """Write the pages; returns the files that are attached, by name."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError("The PDF is protected by a password; save a copy without one.") from error
        raise DocumentError(_BROKEN) from error
    try:
        builder.title = document.get_metadata_value("Title")
        if document.get_formtype() in (pdfium.FORMTYPE_ACRO_FORM, pdfium.FORMTYPE_XFA_FOREGROUND):
            with suppress(pypdfium2.PdfiumError):
                document.init_forms()
        flows = list(_flows(document, builder, recogniser))
        for number, level, title in _outline(document):
            if number < len(flows):
                flows[number].outline.append((level, title))
        attached = list(_attached(document))
    finally:
        document.close()
    take_running_lines(flows)
    Writer(builder, flows).write()
    return attached


def _flows(document: pypdfium2.PdfDocument, builder: Builder, recogniser: Recogniser | None) -> Iterator[Flow]:
    missing = 0
    for number in range(len(document)):
        page = read_page(document, number)
        missing = missing + 1 if page.broken else 0
        if missing > _MOST_MISSING:  # the file only says that it has so many
            return
        if _is_picture(page):
            if recogniser is None or len(builder.pictures) >= _MOST_PICTURES:
                builder.unread.append(number + 1)
            else:
                page = _recognised(document, page, recogniser, builder)
        yield flow_of(page)


def _is_picture(page: Page) -> bool:
    """Whether the page shows more than its text says: it has none, or little beside a large picture."""
    if page.plain or page.broken or not page.drawn:
        return False
    return not page.words or (len(page.words) < _SOME_WORDS and page.pictured > _LARGE)


def _recognised(document: pypdfium2.PdfDocument, page: Page, recogniser: Recogniser, builder: Builder) -> Page:
    """The page with the words that stand in its picture."""
    opened = document[page.number - 1]
    try:
        scale = min(_DOTS / 72, _LARGEST_SIDE / max(page.width, page.height, 1.0))
        image = opened.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    finally:
        opened.close()
    reading = read_picture(image, recogniser, page.width, page.height)
    if not reading.words:
        return page
    builder.pictures.append((page.number, reading.confidence))
    if page.words:
        # What the page itself says is exact: of the picture, the lines that it does not say.
        own = [line for line in reading.words if not any(_over(word, line) for word in page.words)]
        return replace(page, words=(*page.words, *own))
    return replace(page, words=reading.words, width=reading.width, height=reading.height)


def _over(word: Segment, line: Segment) -> bool:
    """Whether a word of the page lies on a line that was read in its picture."""
    across = (word.left + word.right) / 2
    return line.left - 2 <= across <= line.right + 2 and line.bottom <= word.middle <= line.top


def _attached(document: pypdfium2.PdfDocument) -> Iterator[tuple[str, bytes]]:
    for at in range(min(document.count_attachments(), _MOST_ATTACHED)):
        with suppress(pypdfium2.PdfiumError):
            one = document.get_attachment(at)
            yield one_line(clean(one.get_name())) or "attachment", bytes(one.get_data())


def _outline(document: pypdfium2.PdfDocument) -> Iterator[tuple[int, int, str]]:
    """(page from 0, level from 1, title) of the bookmarks."""
    try:
        for count, mark in enumerate(document.get_toc(max_depth=5)):
            if count >= _MOST_OUTLINE:
                return
            target = mark.get_dest()
            number = target.get_index() if target else None
            title = one_line(clean(mark.get_title()))
            if number is not None and title:
                yield number, mark.level + 1, title
    except (pypdfium2.PdfiumError, ValueError):
        return
