"""Whether a table's first row names its columns: told by types, shapes and repetition.

Knows cells as text. Does not know where a table comes from, nor styles: who sees bold type or a marked row says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

_SAMPLE = 40
_LONGEST_NAME = 80
_LONG_LIST = 30
_NUMBER = regex.compile(
    r"[-+−(]?\s*(?:[\p{Sc}]|[A-Z]{3})?\s*\d[\d.,'’  ]*(?:[eE][-+]?\d+)?\)?\s*"
    r"(?:%|‰|[\p{Sc}]|[A-Z]{3}|[\p{L}µ°²³/]{1,4})?"
)
_DATE = regex.compile(
    r"\d{4}-\d{1,2}(?:-\d{1,2})?(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?Z?)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
    r"(?: \d{1,2}:\d{2}(?::\d{2})?)?|\d{1,2}:\d{2}(?::\d{2})?"
)
_YEAR = regex.compile(r"(?:19|20)\d\d")
_CONTACT = regex.compile(r"\S+@\S+\.\w+|https?://\S+|\+?[\d ()/-]{7,}")


def has_header(rows: Sequence[Sequence[str]], *, pairs: bool) -> bool:
    """Whether the first of these filled rows names the columns below it.

    Where nothing tells, two columns are taken for labels and values if `pairs`: as on a sheet or a page, unlike in an
    exported file.
    """
    if len(rows) < 2:
        return len(rows) == 1 and not (pairs and len([cell for cell in rows[0] if cell]) == 2)
    first, below = rows[0], rows[1 : _SAMPLE + 1]
    width = max(len(row) for row in rows[: _SAMPLE + 1])
    if width < 2:
        return False
    filled = [cell for cell in first if cell]
    if _dates_across(first, below):
        return True
    if any(len(cell) > _LONGEST_NAME for cell in filled) or any(cell.endswith((".", ":", "!")) for cell in filled):
        return False
    if len({cell.casefold() for cell in filled}) < len(filled) and width > 2:
        return False
    names = values = 0
    for at in range(width):
        head = _at(first, at)
        column = [cell for row in below if (cell := _at(row, at))]
        if not head or not column:
            continue
        # Beside a label, what holds digits is its value: "Invoice | R-4471".
        lone = pairs and width == 2
        named = not (lone and "9" in _shape(head)) and _names(head, column, lone=lone)
        names, values = names + named, values + _belongs(head, column)
    if values:
        return False
    if names:
        return True
    if width == 2:
        return _repeats(below) or len(rows) > _LONG_LIST or not (pairs or _mixed(first, below))
    # A matrix leaves its corner empty; other rows have no more blanks than the names above them.
    return (not _at(first, 0) and len(filled) >= width - 1) or len(filled) >= max(2, width - 1)


def _at(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""


def kind(cell: str) -> str:
    """What a cell holds: "number", "date", "contact" or "text"."""
    if _DATE.fullmatch(cell):
        return "date"
    if _NUMBER.fullmatch(cell):
        return "number"
    return "contact" if _CONTACT.fullmatch(cell) else "text"


def counts_time(cell: str) -> bool:
    """Whether a cell is a year or a date, which name columns too."""
    return bool(_YEAR.fullmatch(cell)) or kind(cell) == "date"


def _shape(cell: str) -> str:
    return regex.sub(r"\d+", "9", regex.sub(r"\p{L}+", "A", cell))


def _alike(column: Sequence[str], kinds: Sequence[str]) -> bool:
    """Whether values are all of one kind, and numbers of one unit: those of one column, not of many labels."""
    known = [one for one in kinds if one != "text"]
    if sum(one == max(known, key=known.count) for one in known) * 4 < len(known) * 3:
        return False
    units = [regex.sub(r"[\d\s.,'’+−-]", "", cell) for cell, one in zip(column, kinds, strict=True) if one == "number"]
    return len(units) < 2 or len(set(units)) == 1 or units.count(max(units, key=units.count)) * 2 > len(units)


def _names(head: str, column: Sequence[str], *, lone: bool = False) -> bool:
    """Whether `head` is unlike what stands below it, which is alike; `lone`: it stands beside what may be labels."""
    kinds = [kind(cell) for cell in column]
    if kind(head) == "text" and "text" not in head.casefold():
        typed = sum(one != "text" for one in kinds)
        if typed and typed * 10 >= len(kinds) * 7 and (len(column) > 1 or typed == len(kinds)):
            return not lone or _alike(column, kinds)
    shapes = {_shape(cell) for cell in column}
    return len(column) > 1 and len(shapes) == 1 and "9" in next(iter(shapes)) and "9" not in _shape(head)


def _belongs(head: str, column: Sequence[str]) -> bool:
    """Whether `head` is a value like those below it."""
    own = kind(head)
    if own != "text":
        return sum(kind(cell) == own for cell in column) * 2 >= len(column)
    shape = _shape(head)
    if "9" in shape and sum(_shape(cell) == shape for cell in column) * 2 > len(column):
        return True
    return head in column


def _dates_across(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the first row counts years or dates up (or down) over columns that hold something else."""
    points = [cell for cell in first[1:] if cell]
    if len(points) < 2 or (kind(first[0]) != "text" and first[0]):
        return False
    if not all(map(counts_time, points)):
        return False
    if len(set(points)) < len(points):
        return False
    cells = [cell for row in below for cell in row[1:] if cell]
    return sum(map(counts_time, cells)) * 2 < max(1, len(cells))


def _mixed(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the second column holds values of many kinds, the first row's among them."""
    return kind(_at(first, 1)) != "text" or (
        "9" in _shape(_at(first, 1)) and len({_shape(_at(row, 1)) for row in below}) == len(below)
    )


def _repeats(below: Sequence[Sequence[str]]) -> bool:
    """Whether two columns read as a list: a value or the shape of a number comes again and again."""
    for at in (0, 1):
        cells = [cell for row in below if (cell := _at(row, at))]
        if len(cells) > 2 and len(set(cells)) < len(cells):
            return True
    return False
