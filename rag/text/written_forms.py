"""What people write in more than one way: part numbers, versions, dates, addresses, numbers with signs, options.

Knows which further terms such a piece of text stands for, so that PPR-9087 is found as PPR9087, 3 April 2026 as
2026-04-03, and -20 is not 20. Documents and questions are read alike. Does not know stems, languages or indexes.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

import regex

from rag.text.analyser import casefold, fold
from rag.text.wordlists import word_lists

LONGEST = 120
# Most sentences hold nothing of the kind, which signs alone tell at once; the rest, most patterns need not be tried on.
_DIGIT = re.compile(r"\d")
_PARTED = re.compile(r"\d[-./]\d")
_FOUR_DIGITS = re.compile(r"\d{4}")
_WITHIN = re.compile(r"\w[-‑–]\w")
_BEFORE = re.compile(r"[-−–]\d")
_OPENING = re.compile(r"(?<!\w)-[a-zA-Z]")
_DECIMAL = re.compile(r"\d\.\d")
_THREE_MORE = re.compile(r"\d[.,\u00a0\u202f' ]\d{3}")
_BOUNDARY = regex.compile(
    r"_+|(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L}{2})(?=\p{N})|(?<=\p{N})(?=\p{L}{2})"
)
_ORDINAL = regex.compile(r"\p{N}+(?:st|nd|rd|th|er|eme|ème|te|ten|ter|de|inci|ıncı|uncu|üncü)", regex.I)
_HYPHENED = regex.compile(r"(?<![\p{L}\p{N}_-])[\p{L}\p{N}]+(?:[-‑–][\p{L}\p{N}]+){1,3}(?![\p{L}\p{N}_-])")
_HYPHENED_ASCII = re.compile(r"(?<![\w-])[^\W_]+(?:-[^\W_]+){1,3}(?![\w-])", re.ASCII)
_DOTTED = regex.compile(r"(?<![\p{L}\p{N}.,-])v?(\d+(?:\.\d+)+)(?![\p{N}]|[.,]\d)", regex.I)
_GROUPED = regex.compile(r"(?<![\p{N}.,])\d{1,3}(?:([.,\u00a0\u202f' ])\d{3})(?:\1\d{3})*(?![\p{N}])")
_SIGNED = regex.compile(r"(?<![\p{L}\p{N}_.)\]-])[-−–](\d+(?:[.,]\d+)?)(?![\p{L}\p{N}_-])")
_OPTION = regex.compile(r"(?<![\p{L}\p{N}_-])(-[a-zA-Z]|--[a-zA-Z][a-zA-Z0-9]*(?:-[a-zA-Z0-9]+)*)(?![\p{L}\p{N}_-])")
_MAIL = regex.compile(r"[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+")
_URL = regex.compile(r"(?:https?|ftp)://([^\s<>\"'”»)\]]{3,300})", regex.I)
_YEAR_FIRST = regex.compile(r"(?<![\p{N}.,-])(\d{4})([-./])(\d{1,2})\2(\d{1,2})(?![\p{N}])")
_YEAR_LAST = regex.compile(r"(?<![\p{N}.,-])(\d{1,2})([-./])(\d{1,2})\2(\d{4})(?![\p{N}])")
_NO_HYPHENS = str.maketrans("", "", "-‑–")
_YEAR = re.compile(r"(?<=\s)\d{4}(?!\d)")
_BEFORE_YEAR = 32
_WORD = re.compile(r"[^\s,]+")
_DAY_OF_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|\.|º|ª)?", re.I)
_MONTH_ONLY = regex.compile(
    r"(?<![\p{N}.,/-])(?:(\d{4})-(0[1-9]|1[0-2])|(0?[1-9]|1[0-2])[/.](\d{4}))(?![\p{N}.,/-]*\p{N})"
)


class Form(NamedTuple):
    """A further term of a text, and where what it stands for lies."""

    term: str
    start: int
    end: int


@lru_cache(maxsize=20_000)
def parts(word: str) -> tuple[str, ...]:
    """The parts of a word that was written together: at underscores, inner capitals, and between letters and digits.

    Empty when it has one part only. Ordinals stay whole.

    >>> parts("maxRetryCount"), parts("PPR9087"), parts("2nd")
    (('max', 'Retry', 'Count'), ('PPR', '9087'), ())
    """
    if len(word) < 4 or (word.isalpha() and (word.islower() or word.istitle() or word.isupper())):
        return ()
    if _ORDINAL.fullmatch(word):
        return ()
    found = tuple(piece for piece in _BOUNDARY.split(word) if piece)
    return found if len(found) > 1 else ()


def forms(text: str) -> list[Form]:
    """The further terms of a text, in no particular order, each once where it stands."""
    dashed = "-" in text or "–" in text or "‑" in text or "−" in text
    digits = _DIGIT.search(text) is not None
    found: list[Form] = []
    if dashed and _WITHIN.search(text):
        found += _joined(text)
    if digits and _DECIMAL.search(text):
        found += [Form(m[1], m.start(), m.end()) for m in _DOTTED.finditer(text)]
    if digits and _THREE_MORE.search(text):
        found += [Form(re.sub(r"\D", "", m[0]), m.start(), m.end()) for m in _GROUPED.finditer(text)]
    if digits and dashed and _BEFORE.search(text):
        found += [Form(f"-{m[1].replace(',', '.')}", m.start(), m.end()) for m in _SIGNED.finditer(text)]
    if dashed and _OPENING.search(text):
        found += [Form(m[1], m.start(), m.end()) for m in _OPTION.finditer(text)]
    if "@" in text:
        found += [Form(_plain(m[0]), m.start(), m.end()) for m in _MAIL.finditer(text)]
    if "://" in text:
        found += [Form(_plain(m[1].rstrip("/.,;:!?")), m.start(), m.end()) for m in _URL.finditer(text)]
    if digits and _FOUR_DIGITS.search(text):
        found += _dates(text)
    return list(dict.fromkeys(form for form in found if len(form.term) > 1)) if found else found


def _plain(text: str) -> str:
    return fold(casefold(text))[:LONGEST]


def _joined(text: str) -> list[Form]:
    """Words with hyphens in one piece, as others write them."""
    found = []
    for match in (_HYPHENED_ASCII if text.isascii() else _HYPHENED).finditer(text):
        word: str = match[0]
        if len(word) <= LONGEST and (whole := _whole(word)):
            found.append(Form(whole, match.start(), match.end()))
    return found


@lru_cache(maxsize=20_000)
def _whole(word: str) -> str:
    """A word without its hyphens; "" for what has no letter."""
    return _plain(word.translate(_NO_HYPHENS)) if any(map(str.isalpha, word)) else ""


@cache
def _months() -> dict[str, int]:
    """The month of each name, folded."""
    return {
        fold(casefold(name)): at % 12 + 1
        for lines in word_lists("months").values()
        for line in lines
        for at, name in enumerate(line.split())
    }


def _dates(text: str) -> list[Form]:
    """Dates as year-month-day and as year-month, whatever order they are written in; of two readings, both."""
    found: list[Form] = []

    def add(match: regex.Match[str], year: str, month: int, day: int = 0) -> None:
        found.extend(_date(year, month, day, match.start(), match.end()))

    if not _PARTED.search(text):
        return _named_dates(text)
    for match in _YEAR_FIRST.finditer(text):
        add(match, match[1], int(match[3]), int(match[4]))
    for match in _YEAR_LAST.finditer(text):
        first, second = int(match[1]), int(match[3])
        add(match, match[4], second, first)
        if match[2] == "/" and first != second:
            add(match, match[4], first, second)
    for match in _MONTH_ONLY.finditer(text):
        add(match, match[1] or match[4], int(match[2] or match[3]))
    return found + _named_dates(text)


def _named_dates(text: str) -> list[Form]:
    """Dates with the month's name and the year."""
    found: list[Form] = []
    for year in _YEAR.finditer(text):
        start = max(0, year.start() - _BEFORE_YEAR)
        words = [one for one in _WORD.finditer(text, start, year.start()) if one[0] not in ("de", "del", "of")][-2:]
        months = [_month(one[0]) for one in words]
        days = [int(day[1]) if (day := _DAY_OF_MONTH.fullmatch(one[0])) else 0 for one in words]
        if not any(months):
            continue
        if months[-1]:
            first = words[0] if days[0] else words[-1]
            found += _date(year[0], months[-1], days[0], first.start(), year.end())
        elif days[-1]:
            found += _date(year[0], months[0], days[-1], words[0].start(), year.end())
    return found


def _month(word: str) -> int:
    return _months().get(fold(casefold(word.rstrip("."))), 0)


def _date(year: str, month: int, day: int, start: int, end: int) -> list[Form]:
    if not (1 <= month <= 12 and day <= 31):
        return []
    found = [Form(f"{year}-{month:02}", start, end)]
    return [*found, Form(f"{year}-{month:02}-{day:02}", start, end)] if day else found
