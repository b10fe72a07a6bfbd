"""Draws one page of a PDF and finds sentences on it: the side of `rag.originals.pictures` that runs in a process of its
own, and ends with it.

Knows PDFium and how a sentence that was extracted is found again among a page's letters. Does not know documents.
"""

from __future__ import annotations

import ctypes
import json
import math
import struct
import sys
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

WIDTH = 1_400
MOST_PIXELS = 2_600_000
_LARGEST_SCALE = 4.0
_MOST_LETTERS = 200_000
_MOST_BOXES = 200
_MOST_LINES = 2_000
_CONTEXT = 40
_LEAST_SHARE = 0.6
_NEAR = 3
_MANY = 20


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters and digits of a page: `text` without anything between them, and where each stands on the page.

    `words` are (word, first, last), with places in `text`.
    """

    text: str
    at: tuple[int, ...]
    words: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, letters: Iterable[str]) -> Letters:
        """From a page's letters, one by one; each place counts."""
        text: list[str] = []
        at: list[int] = []
        words: list[tuple[str, int, int]] = []
        begin = 0

        def end() -> None:
            if len(text) > begin:
                words.append(("".join(text[begin:]), begin, len(text) - 1))

        for place, letter in enumerate(letters):
            normal = _normal(letter)
            if not normal:
                end()
                begin = len(text)
            for one in normal:
                text.append(one)
                at.append(place)
        end()
        return cls("".join(text), tuple(at), tuple(words))

    def find(self, text: str, before: str = "", cells: str = "") -> list[int]:
        """Places on the page of what was quoted, [] where it is not there: letter by letter, after what stands before
        it where it stands there more than once; else where most of its words (of its `cells`) stand together."""
        wanted = _normal(text)
        if not wanted:
            return []
        context = _normal(before)[-_CONTEXT:]
        found = self.text.find(context + wanted) if context else -1
        found = found + len(context) if found >= 0 else self._whole(wanted)
        if found < 0 and cells:
            wanted = _normal(cells)
            found = self._whole(wanted)
        if found >= 0:
            return list(self.at[found : found + len(wanted)])
        return self._in_wrong_letters(wanted) or self._near(cells or text)

    def _in_wrong_letters(self, wanted: str) -> list[int]:
        """Where it stands if one strange sign of the page is a letter or two of it: some fonts name their letters
        wrongly, and what was extracted has them right."""
        pairs = {wanted[at : at + 2] for at in range(len(wanted) - 1)}
        for sign, _ in Counter(one for one in self.text if one > "\u017f" or one in "ōɵ").most_common(2):
            for letters in sorted(pairs.union(wanted)):
                found = self.text.replace(sign, letters).find(wanted)
                if found >= 0:
                    each = zip(self.text, self.at, strict=True)
                    at = [place for one, place in each for _ in (letters if one == sign else one)]
                    return at[found : found + len(wanted)]
        return []

    def _whole(self, wanted: str) -> int:
        """Where the letters stand as whole words; where there are many, as parts of words too; else -1."""
        begins, ends = {first for _, first, _ in self.words}, {last for _, _, last in self.words}
        found = first = self.text.find(wanted)
        while found >= 0 and not (found in begins and found + len(wanted) - 1 in ends):
            found = self.text.find(wanted, found + 1)
        return found if found >= 0 or len(wanted) < _MANY else first

    def _near(self, text: str) -> list[int]:
        wanted = [word for word, _, _ in Letters.of(text).words]
        if not wanted:
            return []
        left = Counter(wanted)
        size = len(wanted) * 3 // 2 + 2
        hits = best = best_at = 0
        for end, (word, _, _) in enumerate(self.words):
            left[word] -= 1
            hits += left[word] >= 0
            if end >= size:
                gone = self.words[end - size][0]
                left[gone] += 1
                hits -= left[gone] > 0
            if hits > best:
                best, best_at = hits, max(0, end - size + 1)
        if best < max(1, math.ceil(_LEAST_SHARE * len(wanted))):
            return []
        known = Counter(wanted)
        places: list[int] = []
        for word, first, last in self.words[best_at : best_at + size]:
            if known[word] > 0:
                known[word] -= 1
                places.extend(self.at[first : last + 1])
        return places


def _normal(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def picture(task: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What is said of the page, and its PNG; see `rag.originals.pictures.draw`."""
    try:
        document = pypdfium2.PdfDocument(task["path"])
    except (pypdfium2.PdfiumError, OSError):
        return {"problem": "The PDF cannot be opened any more; download the original to look at it."}, b""
    try:
        pages = len(document)
        if not 1 <= task["page"] <= pages:
            return {"problem": f"There is no page {task['page']}: the document has {pages}."}, b""
        with suppress(pypdfium2.PdfiumError):
            if document.get_formtype() != pdfium.FORMTYPE_NONE:
                document.init_forms()
        page = document[task["page"] - 1]
        across, down = page.get_size()
        if not (across > 0 and down > 0):
            return {"problem": "This page has no size, so there is nothing to draw."}, b""
        scale = min(WIDTH / across, math.sqrt(MOST_PIXELS / (across * down)), _LARGEST_SCALE)
        bitmap = page.render(scale=scale, rev_byteorder=True, no_smoothtext=False)
        boxes = list(_boxes(page, task["quoted"], bitmap.width, bitmap.height))[:_MOST_BOXES]
        lines = list(islice(_lines(page, bitmap.width, bitmap.height), _MOST_LINES))
        said = {"width": bitmap.width, "height": bitmap.height, "pages": pages, "boxes": boxes, "lines": lines}
        return said, _png(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels)
    except pypdfium2.PdfiumError:
        return {"problem": "This page is damaged and cannot be drawn; download the original to look at it."}, b""
    finally:
        document.close()


def _boxes(page: pypdfium2.PdfPage, quoted: Sequence[dict[str, str]], width: int, height: int) -> Iterator[list[int]]:
    if not quoted:
        return
    text = page.get_textpage()
    try:
        count = min(text.count_chars(), _MOST_LETTERS)
        codes = (pdfium.FPDFText_GetUnicode(text.raw, at) for at in range(count))
        letters = Letters.of(chr(code) if 0 < code < 0x110000 else "" for code in codes)
        x, y = ctypes.c_int(), ctypes.c_int()

        def pixel(across: float, up: float) -> tuple[int, int]:
            pdfium.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, across, up, x, y)
            return x.value, y.value

        for one in quoted:
            for first, last in _runs(letters.find(one["text"], one["before"], one["cells"])):
                for number in range(text.count_rects(first, last - first + 1)):
                    left, bottom, right, top = text.get_rect(number)
                    (x0, y0), (x1, y1) = pixel(left, bottom), pixel(right, top)
                    yield [min(x0, x1) - 3, min(y0, y1) - 2, abs(x1 - x0) + 6, abs(y1 - y0) + 4]
    except pypdfium2.PdfiumError:
        return
    finally:
        text.close()


def _lines(page: pypdfium2.PdfPage, width: int, height: int) -> Iterator[list[Any]]:
    """(left, top, width, height, words) of the page's level lines, so that they can be chosen and copied."""
    try:
        text = page.get_textpage()
    except pypdfium2.PdfiumError:
        return
    box, x, y = pdfium.FS_RECTF(), ctypes.c_int(), ctypes.c_int()
    letters: list[str] = []
    sides: list[int] = []

    def line() -> Iterator[list[Any]]:
        said = " ".join("".join(letters).split())
        letters.clear()
        if said and sides and sides[2] - sides[0] >= (sides[3] - sides[1]) // 2:
            yield [sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1], said]
        sides.clear()

    try:
        for at in range(min(text.count_chars(), _MOST_LETTERS)):
            code = pdfium.FPDFText_GetUnicode(text.raw, at)
            if code in (0x0A, 0x0D):
                yield from line()
            elif code <= 0x20 or not pdfium.FPDFText_GetLooseCharBox(text.raw, at, box):
                letters.append(" ")
            elif code < 0xD800 or 0xE000 <= code < 0xFFFE:
                pdfium.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, box.left, box.top, x, y)
                one = [x.value, y.value]
                pdfium.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, box.right, box.bottom, x, y)
                place = [min(one[0], x.value), min(one[1], y.value), max(one[0], x.value), max(one[1], y.value)]
                if sides and _elsewhere(sides, place):
                    yield from line()
                letters.append(chr(code))
                near = zip(sides[:2], place[:2], strict=True), zip(sides[2:], place[2:], strict=True)
                sides[:] = [*(min(pair) for pair in near[0]), *(max(pair) for pair in near[1])] if sides else place
        yield from line()
    finally:
        text.close()


def _elsewhere(line: Sequence[int], letter: Sequence[int]) -> bool:
    """Whether a letter stands on another line, or in another column."""
    tall = max(line[3] - line[1], 1)
    apart = max(letter[0] - line[2], line[0] - letter[2])
    return apart > 2 * tall or min(line[3], letter[3]) - max(line[1], letter[1]) < 0.3 * (letter[3] - letter[1])


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of places that stand together: what lies between words belongs to them."""
    begin = last = -1
    for place in sorted(set(places)):
        if begin >= 0 and place - last > _NEAR:
            yield begin, last
            begin = -1
        begin, last = place if begin < 0 else begin, place
    if begin >= 0:
        yield begin, last


def _png(pixels: bytes, width: int, height: int, stride: int, channels: int) -> bytes:
    """The picture's file. `channels` is 1 (grey), 3 or 4, of which the fourth says nothing."""
    rows = (pixels[row * stride : row * stride + width * channels] for row in range(height))
    if channels == 4:
        rows = (b"".join(row[at : at + 3] for at in range(0, len(row), 4)) for row in rows)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 4)
    head = struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def main() -> None:
    """Read one task from standard input, write what is said of it as a line of JSON, and then the picture."""
    task = json.loads(sys.stdin.buffer.read())
    _limit(int(sys.argv[2]), float(task["seconds"]))
    said, png = picture(task)
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + png)
    sys.stdout.buffer.flush()


def _limit(memory: int, seconds: float) -> None:
    if sys.platform == "win32":
        return
    import resource

    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, math.ceil(seconds)),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):
            resource.setrlimit(what, (most, most))
