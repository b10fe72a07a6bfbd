"""Tables: every row becomes one line that carries its column names, so that a fact in a cell is found and quoted.

Knows rows, headers and how they read as text. Does not know the format that a table comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from itertools import chain, islice

import regex

from rag.formats.extracted import Builder
from rag.formats.headers import has_header

LIMIT_ROWS = 200_000
_LIMIT_CELL = 20_000
_ROW_KEY = regex.compile(r"(?:(?<=^)|(?<=; )|(?<= – ))([^:;|]{1,60}): ")
_SAMPLE = 50


def add_table(builder: Builder, rows: Iterable[Sequence[object]], *, header: bool | None = True) -> None:
    """Append `rows` (cells as text, numbers, dates or None) as "column: value; column: value." lines.

    The first filled row names the columns; with `header` None, only where types, shapes or repetition say so. Without a
    header, a table of two columns reads "first: second." and a wider one has its cells side by side. Blank rows are
    left out; a row ends a sentence whatever its last cell says.
    """
    _add_rows(builder, rows, header)
    builder.apart()


def _add_rows(builder: Builder, rows: Iterable[Sequence[object]], header: bool | None) -> None:
    filled = _filled(builder, rows)
    if header is None:
        sample = list(islice(filled, _SAMPLE))
        data = sample
        while data and len(data[0]) > 1 and sum(map(bool, data[0])) == 1:
            data = data[1:]
        if labelled(data):
            for cells in chain(sample, filled):
                builder.add(paired(cells))
            return
        times = _repeated(data[0]) if len(data) > 1 else 1
        header = times > 1 or has_header(data, pairs=True)
        filled = chain(sample, filled)
        if times > 1:
            filled = _below_one_another(filled, len(data[0]) // times)
    names: list[str] | None = None
    waiting = ""
    unused: set[int] = set()
    for cells in filled:
        if names is None and len(cells) > 1 and sum(map(bool, cells)) == 1:
            builder.add(next(cell for cell in cells if cell))  # a caption across the table
            continue
        if names is None:
            names = cells if header else []
            if header:
                waiting = " | ".join(cell for cell in cells if cell)
                unused = {at for at, cell in enumerate(cells) if cell}
                continue
        builder.add(row_text(names, cells))
        waiting = ""
        if unused:
            unused -= {at for at, cell in enumerate(cells) if cell}
    builder.add(waiting or empty_columns(names or [], unused))  # a header with no row below it, or none in a column


def _repeated(names: Sequence[str]) -> int:
    """How often a row says the same names again, as a list does that goes on beside itself; 1 where it does not."""
    for width in range(2, len(names) // 2 + 1):
        times, rest = divmod(len(names), width)
        first = list(names[:width])
        if not rest and list(names) == first * times and all(first) and len(set(first)) == width:
            return times
    return 1


def _below_one_another(rows: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    """The rows of a list that goes on beside itself every `width` columns, as rows of one list."""
    named = False
    for row in rows:
        parts = [row[at : at + width] for at in range(0, len(row), width)]
        if sum(map(bool, row)) == 1 and not named:
            yield row  # a caption
            continue
        yield from [part for part in parts if any(part)] if named else parts[:1]
        named = True


def empty_columns(names: Sequence[str], unused: Iterable[int]) -> str:
    """The names of columns in which nothing stands: forms and plans are given out with such."""
    return _ended(" | ".join(names[at] for at in sorted(unused)))


def _filled(builder: Builder, rows: Iterable[Sequence[object]]) -> Iterator[list[str]]:
    """The rows that hold something, as text, as far as the limits go."""
    for count, row in enumerate(rows):
        if count >= LIMIT_ROWS:
            builder.notes.append(f"Only the first {LIMIT_ROWS:,} rows of a table were read.")
            return
        cells = [_cell(cell) for cell in row]
        if any(len(cell) > _LIMIT_CELL for cell in cells):
            cells = [cell[:_LIMIT_CELL] for cell in cells]
            cut = f"Of cells with more than {_LIMIT_CELL:,} characters, the beginning was read."
            if cut not in builder.notes:
                builder.notes.append(cut)
        if any(cells):
            yield cells


def row_text(names: Sequence[str], cells: Sequence[str]) -> str:
    """One row as a line; `names` are the columns' names, empty where the table has none."""
    if names and not names[0] and cells[0]:  # the first column names the rows
        rest = row_text(("", *names[1:]), ("", *cells[1:]))
        return f"{cells[0]} – {rest}" if rest else _ended(cells[0])
    if not names and len(cells) == 2 and all(cells):
        return _ended(f"{cells[0].rstrip(':')}: {cells[1]}")
    if not names:
        return _ended(" | ".join(cell for cell in cells if cell))
    pairs = [
        f"{names[at].rstrip(':')}: {cell}" if at < len(names) and names[at] else cell
        for at, cell in enumerate(cells)
        if cell
    ]
    return _ended("; ".join(pairs))


def labelled(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows are labels and values in turn, as forms have them: several labels a row, each with its colon."""
    several = sum(sum(cell.endswith(":") for cell in row) > 1 for row in rows)
    return several * 2 > len(rows) > 0


def paired(cells: Sequence[str]) -> str:
    """A form's row as one line: each label with the value after it."""
    pieces: list[str] = []
    open_label = False
    for cell in filter(None, cells):
        if open_label and not cell.endswith(":"):
            pieces[-1] += f" {cell}"
        else:
            pieces.append(cell)
        open_label = cell.endswith(":")
    return _ended("; ".join(pieces))


def _ended(line: str) -> str:
    return line if not line or line.endswith((".", "!", "?", "…", "。")) else line + "."


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, datetime) and value.time() == time():
        value = value.date()
    return " ".join(str(value).split())


def row_cells(said: str) -> tuple[tuple[str, str], ...]:
    """(column, cell) pairs of a table's row as `row_text` writes it, or none where it is none: two columns
    with names at least, or a name for the row and one.
    """
    if ": " not in said or "\n" in said:
        return ()
    named, _, rest = said.partition(" – ")
    head: list[tuple[str, str]] = []
    if rest and ":" not in named and len(named) <= 80:
        head, said = [("", named)], rest
    keys = list(_ROW_KEY.finditer(said))
    if not keys or keys[0].start(1) != 0 or len(keys) + len(head) < 2:
        return ()
    cells = [
        (key[1], said[key.end() : (keys[i + 1].start(1) - 2 if i + 1 < len(keys) else None)].strip())
        for i, key in enumerate(keys)
    ]
    last = cells[-1]
    cells[-1] = (last[0], last[1].removesuffix("."))
    return (*head, *cells)
