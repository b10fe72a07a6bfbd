"""Running heads, feet and page numbers: lines in the margins that come again on other pages.

Knows that they stand in one place of many pages, that page numbers count pages, and that a table's header comes again
too but has its table below it. Does not know the format of the file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import regex

from rag.formats.layout import Segment

PAGE_WORDS = regex.compile(r"(?:page|pagina|pag|página|seite|sayfa|p|s|of|von|de|di|sur|\d|[^\w\s]|\s)*", regex.I)
"""A margin that does nothing but count pages, its numbers left out or not."""
_MARGIN = 0.12
_GRID = 4.0
_NUMBER = regex.compile(r"\p{Nd}+")
_ROMAN = regex.compile(r"[ivxlc]{1,7}|[IVXLC]{1,7}")
_ROMAN_WORD = regex.compile(r"(?<!\p{L})(?:[ivxlc]{1,7}|[IVXLC]{1,7})(?!\p{L})")
_PAGE_WORD = regex.compile(r"(?<!\p{L})(?:page|pg|p|seite|s|sayfa|página|pagina|strona|str|blatt)(?!\p{L})", regex.I)
_OF = regex.compile(r"(?<!\p{L})(?:of|von|de|di|sur|z|toplam|out)(?!\p{L})", regex.I)
_ALONE = regex.compile(
    r"\W*(?:page|seite|sayfa|página|pagina)\W{0,3}\d{1,5}(?:\W{0,3}(?:of|von|de|di|sur|/)\W{0,3}\d{1,5})?\W*", regex.I
)
_PARTED = regex.compile(r"(?:^|[|·•–—])\s*\p{Nd}{1,5}\s*(?:$|[|·•–—])")
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page's lines in its frame."""

    height: float
    pieces: tuple[Segment, ...]


def without_running_lines(pages: Sequence[Sheet]) -> list[tuple[Sheet, tuple[str, ...]]]:
    """Every page without its running lines and page numbers, and those that it is the first to show, but numbers."""
    lines: dict[tuple[int, str], list[tuple[int, Segment]]] = defaultdict(list)
    for at, page in enumerate(pages):
        for piece in page.pieces:
            if _in_margin(page, piece):
                lines[round(piece.bottom / _GRID), _pattern(piece.text)].append((at, piece))
    if len(pages) < 2:
        return [(page, ()) for page in pages]
    dropped: list[set[int]] = [set() for _ in pages]
    shown: list[list[str]] = [[] for _ in pages]
    enough = max(2, len(pages) / 3)
    for found in lines.values():
        where = {at for at, _ in found}
        lone = all(_ALONE.fullmatch(piece.text) for _, piece in found)
        # Left and right pages may have a line each: a third of the pages is enough.
        if not lone and (len(where) < enough or not _same_or_counting(found)):
            continue
        if _is_header(pages, found):
            continue
        for at, piece in found:
            dropped[at].add(id(piece))
        first, piece = found[0]
        if not _only_number(piece.text):
            shown[first].append(piece.text)
    if all(len(gone) == len(page.pieces) for page, gone in zip(pages, dropped, strict=True)):
        return [(page, ()) for page in pages]  # they hold nothing else
    return [
        (replace(page, pieces=tuple(s for s in page.pieces if id(s) not in gone)), tuple(texts))
        for page, gone, texts in zip(pages, dropped, shown, strict=True)
    ]


def _in_margin(page: Sheet, piece: Segment) -> bool:
    return piece.bottom < page.height * _MARGIN or piece.top > page.height * (1 - _MARGIN)


def _pattern(text: str) -> str:
    """The text with signs for its numbers; Roman ones count where nothing but the word for a page is with them."""
    if _ROMAN_WORD.search(text) and not _NUMBER.search(text):
        rest = _PAGE_WORD.sub("", _ROMAN_WORD.sub("", text, count=1))
        if not regex.search(r"\p{L}", rest):
            return _ROMAN_WORD.sub("#", text, count=1)
    return _NUMBER.sub("#", text)


def _numbers(text: str) -> list[int]:
    found = [int(one) for one in _NUMBER.findall(text) if len(one) < 10]
    if not found and (roman := _ROMAN_WORD.search(text)):
        found = [_roman(roman[0])]
    return found


def _roman(text: str) -> int:
    values = [_VALUES[sign] for sign in text.lower()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _same_or_counting(found: Sequence[tuple[int, Segment]]) -> bool:
    """Whether the lines say the same but for numbers that count the pages, and those are page numbers."""
    numbers = [(at, _numbers(piece.text)) for at, piece in found]
    if len({len(own) for _, own in numbers}) > 1:
        return False
    counting = []
    for place in range(len(numbers[0][1])):
        values = [(at, own[place]) for at, own in numbers]
        if len({value for _, value in values}) == 1:
            continue
        if len({value - at for at, value in values}) != 1:
            return False
        counting.append(place)
    return not counting or _says_page(found[0][1].text)


def _says_page(text: str) -> bool:
    """Whether a number that counts the pages is their number: it stands alone, beside the word, or set apart."""
    rest = _OF.sub("", _PAGE_WORD.sub("", text))
    if not regex.search(r"\p{L}{2}", rest):
        return True
    return bool(_PAGE_WORD.search(text)) or bool(_PARTED.search(text))


def _only_number(text: str) -> bool:
    rest = _OF.sub("", _PAGE_WORD.sub("", text))
    return not regex.search(r"\p{L}", rest) or bool(_ROMAN.fullmatch(rest.strip(" -–—.|()[]")))


def _is_header(pages: Sequence[Sheet], found: Sequence[tuple[int, Segment]]) -> bool:
    """Whether the line is the first row of a table: others stand beside it, and others again below, close and in the
    same columns.
    """
    votes = 0
    for at, piece in found:
        page = pages[at]
        row = [s for s in page.pieces if abs(s.middle - piece.middle) < piece.size * 0.5]
        below = [s for s in page.pieces if 0 < piece.bottom - s.bottom < piece.size * 3 and s not in row]
        if len(row) < 2 or not below:
            continue
        top = max(s.middle for s in below)
        below = [s for s in below if top - s.middle < piece.size * 0.5]
        matching = sum(any(min(a.right, b.right) - max(a.left, b.left) > -a.size for b in below) for a in row)
        votes += len(below) >= 2 and matching >= 2
    return votes * 2 > len(found)
