"""What stands on one page of a PDF: its words in the order of PDFium's text page, the lines drawn, what was filled in.

Knows PDFium, the rotated page's frame (points, y growing upward from its lower left corner), form fields and
annotations (`rag.formats.pdf_fields`). Does not know paragraphs, tables or other pages.
"""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium
import regex

from rag.formats.extracted import clean
from rag.formats.layout import Frame, Place, Segment, in_lines, with_marks
from rag.formats.pdf_fields import added_by_people, with_fields
from rag.formats.turned import levelled, mirrored, mostly_turned, reads_leftward, turn_of, without_slanted

_MOST_WORDS = 20_000
_MOST_OBJECTS = 20_000
_BOLD = 600
_FORCE_BOLD = 1 << 18
_THIN = 3.0
_SHORT = 5.0
_FAR = 1e6  # further out there is no paper
_LINE_END_HYPHENS = (0x02, 0xFFFE)
_WHOLLY_LEFTWARD = regex.compile(r"[\p{Bidi_Class:R}\p{Bidi_Class:AL}]+[.,:،؛؟!]?")
_BLANKS = frozenset((*range(1, 0x21), 0x85, 0xA0, 0x2028, 0x2029, 0x3000, *range(0x2000, 0x200B)))


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `number` counts from 1; `plain` is its text where places say nothing; `broken` pages cannot be opened.

    `drawn` says that there is anything to see; `pictured` is the share of the page that its largest picture covers.
    `horizontal` and `vertical` are drawn lines; `filled` are coloured areas with their colour; `remarks` are people's
    notes that stand behind a mark, `slanted` are lines that lie across the page.
    """

    number: int
    width: float = 0.0
    height: float = 0.0
    words: tuple[Segment, ...] = ()
    horizontal: tuple[Place, ...] = ()
    vertical: tuple[Place, ...] = ()
    filled: tuple[tuple[Place, int], ...] = ()
    remarks: tuple[str, ...] = ()
    slanted: tuple[str, ...] = ()
    plain: str = ""
    broken: bool = False
    drawn: bool = False
    pictured: float = 0.0


def read_page(document: pypdfium2.PdfDocument, number: int) -> Page:
    """The page at `number`, from 0. Never raises for a damaged page."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return Page(number + 1, broken=True)
    try:
        text = page.get_textpage()
    except pypdfium2.PdfiumError:
        page.close()
        return Page(number + 1, broken=True)
    try:
        width, height = page.get_size()
        frame = _frame(page)
        found = _words(text, frame, page.get_rotation()) if text.count_chars() else []
        if turn := mostly_turned(found):  # a wide table set on end: it is read as one reads it
            frame = _frame(page, turn)
            found = _words(text, frame, (page.get_rotation() + turn) % 360)
            width, height = (width, height) if turn == 180 else (height, width)
        straight, slanted = without_slanted(found)
        words = with_marks(in_lines(levelled(straight)))
        if len(words) > _MOST_WORDS:  # a drawing made of letters: its places say nothing
            return Page(number + 1, width, height, plain=text.get_text_range())
        drawn = _Drawn()
        drawn.read(page, frame, width * height)
        fields, remarks = added_by_people(document, page, frame)
        words = with_fields(words, fields)
        if reads_leftward(words):
            words = [replace(w, left=width - w.right, right=width - w.left) for w in words]
            drawn.mirror(width)
        return Page(
            number + 1, width, height, tuple(words), tuple(drawn.horizontal),
            tuple(drawn.vertical), tuple(drawn.filled), tuple(remarks), tuple(slanted),
            drawn=drawn.any, pictured=drawn.pictured,
        )  # fmt: skip
    finally:
        text.close()
        page.close()


def _frame(page: pypdfium2.PdfPage, further: int = 0) -> Frame:
    """How a place in the page's own space lies in the page as it is shown, turned `further` by so many degrees."""
    left, bottom, right, top = page.get_bbox()
    turn = (page.get_rotation() + further) % 360

    def shown(x0: float, y0: float, x1: float, y1: float) -> Place:
        if turn == 90:
            return y0 - bottom, right - x1, y1 - bottom, right - x0
        if turn == 180:
            return right - x1, top - y1, right - x0, top - y0
        if turn == 270:
            return top - y1, x0 - left, top - y0, x1 - left
        return x0 - left, y0 - bottom, x1 - left, y1 - bottom

    return shown


def _words(text: pypdfium2.PdfTextPage, frame: Frame, rotation: int) -> list[tuple[Segment, int]]:
    """The words in order, each with its turn; `begins` marks those with which PDFium begins a line."""
    raw = text.raw
    unicode = pdfium.FPDFText_GetUnicode
    measure = _Measure(raw, frame, rotation)
    found: list[tuple[Segment, int]] = []
    letters: list[str] = []
    first = 0
    begins = True

    def end(last: int) -> None:
        nonlocal letters, begins
        word = clean("".join(letters).encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
        letters = []
        if word:
            found.append(measure.word(first, last, word, begins))
            begins = False

    for at in range(text.count_chars()):
        code = unicode(raw, at)
        if code in _LINE_END_HYPHENS and pdfium.FPDFText_IsHyphen(raw, at) == 1:
            if not letters:
                first = at
            letters.append("-")
            end(at)
            begins = True
        elif code in _BLANKS:
            if letters:
                end(at - 1)
            begins = begins or code in (0x0A, 0x0D)
        elif 0 < code < 0x110000:  # what has no letter has no code
            if not letters:
                first = at
            letters.append(chr(code))
    if letters:
        end(text.count_chars() - 1)
    return found


class _Measure:
    """Measures words: their place, size and weight."""

    def __init__(self, raw: object, frame: Frame, rotation: int) -> None:
        self._raw = raw
        self._frame = frame
        self._rotation = rotation
        self._box = pdfium.FS_RECTF()
        self._matrix = pdfium.FS_MATRIX()
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()

    def word(self, first: int, last: int, text: str, begins: bool) -> tuple[Segment, int]:
        left, bottom, right, top = self._char(first)
        began = left
        if last != first:
            l2, b2, r2, t2 = self._char(last)
            if min(top, t2) > max(bottom, b2) or min(right, r2) > max(left, l2):  # else broken without a sign of it
                left, bottom, right, top = min(left, l2), min(bottom, b2), max(right, r2), max(top, t2)
        size = pdfium.FPDFText_GetFontSize(self._raw, first)
        turn = 0
        if pdfium.FPDFText_GetMatrix(self._raw, first, self._matrix):
            size *= math.hypot(self._matrix.c, self._matrix.d) or 1.0
            turn = turn_of(self._matrix.a, self._matrix.b, self._rotation)
        if not 0.5 < size < 2_000:
            size = max(top - bottom, 1.0)
        if turn == 0 and last != first and _WHOLLY_LEFTWARD.fullmatch(text) and self._char(last)[0] > began:
            text = text[::-1]  # PDFium leaves the letters of some words in the order in which they stand
        return Segment(left, bottom, right, top, round(size * 2) / 2, self._bold(first), text, begins), turn

    def _char(self, at: int) -> Place:
        box = self._box
        if not pdfium.FPDFText_GetLooseCharBox(self._raw, at, box):
            return 0.0, 0.0, 0.0, 0.0
        low, high = (box.bottom, box.top) if box.bottom <= box.top else (box.top, box.bottom)
        place = self._frame(box.left, low, box.right, high)
        return place if all(abs(side) < _FAR for side in place) else (0.0, 0.0, 0.0, 0.0)

    def _bold(self, at: int) -> bool:
        if pdfium.FPDFText_GetFontWeight(self._raw, at) >= _BOLD:
            return True
        length = pdfium.FPDFText_GetFontInfo(self._raw, at, self._name, 128, self._flags)
        return bool(self._flags.value & _FORCE_BOLD) or (0 < length <= 128 and b"bold" in self._name.value.lower())


class _Drawn:
    """The straight lines and coloured areas of a page."""

    def __init__(self) -> None:
        self.horizontal: list[Place] = []
        self.vertical: list[Place] = []
        self.filled: list[tuple[Place, int]] = []
        self.any = False
        self.pictured = 0.0

    def read(self, page: pypdfium2.PdfPage, frame: Frame, area: float) -> None:
        count = pdfium.FPDFPage_CountObjects(page)
        sides = [ctypes.c_float() for _ in range(4)]
        for at in range(min(count, _MOST_OBJECTS)):
            thing = pdfium.FPDFPage_GetObject(page, at)
            kind = pdfium.FPDFPageObj_GetType(thing)
            if kind == pdfium.FPDF_PAGEOBJ_TEXT or not pdfium.FPDFPageObj_GetBounds(thing, *sides):
                continue
            self.any = True
            place = frame(*(side.value for side in sides))
            if not all(abs(side) < _FAR for side in place):
                continue
            if kind in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_FORM):
                share = (place[2] - place[0]) * (place[3] - place[1]) / max(area, 1.0)
                self.pictured = max(self.pictured, share)
            if kind != pdfium.FPDF_PAGEOBJ_PATH:
                continue
            if self._line(place):
                continue
            steps = pdfium.FPDFPath_CountSegments(thing)
            if steps <= 6:
                self._box(thing, place, area)
            elif steps <= 2_000:
                self._steps(thing, steps, frame)

    def mirror(self, width: float) -> None:
        self.horizontal = [mirrored(place, width) for place in self.horizontal]
        self.vertical = [mirrored(place, width) for place in self.vertical]
        self.filled = [(mirrored(place, width), colour) for place, colour in self.filled]

    def _line(self, place: Place) -> bool:
        left, bottom, right, top = place
        if top - bottom <= _THIN and right - left >= _SHORT:
            self.horizontal.append(place)
        elif right - left <= _THIN and top - bottom >= _SHORT:
            self.vertical.append(place)
        else:
            return right - left <= _THIN and top - bottom <= _THIN
        return True

    def _box(self, thing: object, place: Place, area: float) -> None:
        left, bottom, right, top = place
        if (right - left) * (top - bottom) > area * 0.9:  # the paper's colour
            return
        colour = [ctypes.c_uint() for _ in range(4)]
        mode, stroked = ctypes.c_int(), ctypes.c_int()
        filled = pdfium.FPDFPath_GetDrawMode(thing, mode, stroked) and mode.value
        if filled and pdfium.FPDFPageObj_GetFillColor(thing, *colour):
            value = (colour[0].value << 16) | (colour[1].value << 8) | colour[2].value
            if value != 0xFFFFFF:
                self.filled.append((place, value))
        if stroked.value:
            self.horizontal += [(left, bottom, right, bottom), (left, top, right, top)]
            self.vertical += [(left, bottom, left, top), (right, bottom, right, top)]

    def _steps(self, thing: object, count: int, frame: Frame) -> None:
        """The lines of a path that draws many."""
        matrix = pdfium.FS_MATRIX()
        if not pdfium.FPDFPageObj_GetMatrix(thing, matrix):
            return
        x, y = ctypes.c_float(), ctypes.c_float()
        last: tuple[float, float] | None = None
        for at in range(count):
            step = pdfium.FPDFPath_GetPathSegment(thing, at)
            if not pdfium.FPDFPathSegment_GetPoint(step, x, y):
                continue
            point = (
                matrix.a * x.value + matrix.c * y.value + matrix.e,
                matrix.b * x.value + matrix.d * y.value + matrix.f,
            )
            if last is not None and pdfium.FPDFPathSegment_GetType(step) == pdfium.FPDF_SEGMENT_LINETO:
                low = min(last[0], point[0]), min(last[1], point[1])
                high = max(last[0], point[0]), max(last[1], point[1])
                self._line(frame(*low, *high))
            last = point
