"""A sheet of cells -> the tables that stand on it.

Knows that blank rows and columns part tables, that merged cells count for all they cover, and that a header may have
two rows. Does not know the format that cells come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rag.formats.extracted import Builder
from rag.formats.headers import has_header, kind
from rag.formats.tables import empty_columns, labelled, paired, row_text

_MOST_COLUMNS = 2_000
_LARGEST_MERGE = 5_000
_TALL = 300
_SAMPLE = 40
_LIMIT_CELL = 20_000
_LONGEST_RECORD = 12
_LONG = 80
_WIDE, _PREAMBLE = 4, 8


@dataclass(frozen=True, slots=True)
class Area:
    """Cells from a top left to a bottom right one, rows and columns counted from 1."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(slots=True)
class Grid:
    """Cells by row and column. `named` are areas whose first row names their columns, as the file says."""

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    bold: set[tuple[int, int]] = field(default_factory=set)
    merged: list[Area] = field(default_factory=list)
    named: list[Area] = field(default_factory=list)
    cut: bool = False
    count: int = 0

    def put(self, row: int, column: int, text: str, bold: bool = False) -> None:
        """Set a cell's text."""
        if len(text) > _LIMIT_CELL:
            text, self.cut = text[:_LIMIT_CELL], True
        self.rows.setdefault(row, {})[column] = text
        self.count += 1
        if bold:
            self.bold.add((row, column))


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows that belong together, each as wide as the table; their `numbers` and `columns` on the sheet."""

    columns: list[int]
    rows: list[list[str]]
    numbers: list[int]


def add_grid(builder: Builder, grid: Grid) -> None:
    """Append the tables of a sheet, in reading order; a cell that stands alone is a line."""
    across = _spread(grid)
    names: list[str] = []
    shape = (-1, -1)
    for table in _tables(grid):
        width = len(table.rows[0])
        if len(table.rows) == 1 and sum(map(bool, table.rows[0])) == 1:
            builder.add(next(filter(None, table.rows[0])))
            continue
        rows, at = table.rows, 0
        while at < len(rows) - 1 and width > 1 and _caption(rows[at], across, table.numbers[at]):
            builder.add(next(filter(None, rows[at])))
            at += 1
        above = _above_header(grid, table, rows[at:], table.numbers[at:], across)
        for row in rows[at : at + above]:
            builder.add(row_text((), [cell for cell in row if cell]))
        at += above
        rows, numbers = rows[at:], table.numbers[at:]
        if labelled(rows):
            for row, number in zip(rows, numbers, strict=True):
                builder.add(paired(_once(row, table.columns, across.get(number))))
            continue
        count = _header_rows(grid, table, rows, numbers, across)
        if count:
            names = _joined(rows[:count])
        elif not (names and shape == (table.columns[0], width) and _goes_on(names, rows)):
            names = []
        shape = (table.columns[0], width)
        if count == len(rows):
            builder.add(" | ".join(dict.fromkeys(filter(None, rows[0]))))
        lines = [
            row_text(names, _once(row, table.columns, across.get(number)))
            for row, number in zip(rows[count:], numbers[count:], strict=True)
        ]
        if not names and width == 2 and 1 < len(lines) <= _LONGEST_RECORD and all(len(line) < _LONG for line in lines):
            # Labels and values say one thing together: which of them is asked for, the others tell.
            lines = [", ".join(line.removesuffix(".") for line in lines) + "."]
        for line in lines:
            builder.add(line)
        if count:
            unused = [at for at, name in enumerate(names) if name and not any(row[at] for row in rows[count:])]
            builder.add(empty_columns(names, unused) if lines else "")
    if grid.cut:
        builder.notes.append("Of a very large sheet or cell, the beginning was read.")


def _spread(grid: Grid) -> dict[int, set[int]]:
    """Give every cell of a merged area the text of its first. Returns, by row, the columns that only continue the cell
    on their left.
    """
    across: dict[int, set[int]] = {}
    for area in grid.merged:
        text = grid.rows.get(area.top, {}).get(area.left, "")
        height, width = area.bottom - area.top + 1, area.right - area.left + 1
        if not text or height * width > _LARGEST_MERGE:
            continue
        bold = (area.top, area.left) in grid.bold
        for row in range(area.top, area.bottom + 1):
            cells = grid.rows.get(row)
            if cells is None:
                if row - area.top > _TALL:
                    break
                cells = grid.rows[row] = {}
            for column in range(area.left, area.right + 1):
                cells[column] = text
                if bold:
                    grid.bold.add((row, column))
                if column > area.left:
                    across.setdefault(row, set()).add(column)
    return across


def _once(row: list[str], columns: list[int], across: set[int] | None) -> list[str]:
    """A row with a cell that is merged across several columns in the first of them only."""
    if not across:
        return row
    return ["" if column in across else cell for column, cell in zip(columns, row, strict=True)]


def _tables(grid: Grid) -> Iterator[_Table]:
    """The tables of a sheet: bands of rows between blank ones, cut at blank columns."""
    band: list[int] = []
    for number in sorted(row for row, cells in grid.rows.items() if any(cells.values())):
        if band and number > band[-1] + 1:
            yield from _cut_columns(grid, band)
            band = []
        band.append(number)
    if band:
        yield from _cut_columns(grid, band)


def _cut_columns(grid: Grid, band: list[int]) -> Iterator[_Table]:
    used = sorted({column for row in band for column, text in grid.rows[row].items() if text})
    group: list[int] = []
    groups: list[list[int]] = []
    for column in used:
        if group and column > group[-1] + 1:
            groups.append(group)
            group = []
        group.append(column)
    groups.append(group)
    if len(groups) > 1 and not _apart(grid, band, groups):
        groups = [used]
    for columns in groups:
        columns = columns[:_MOST_COLUMNS]
        numbers = [row for row in band if any(grid.rows[row].get(column) for column in columns)]
        rows = [[grid.rows[row].get(column, "") for column in columns] for row in numbers]
        start = 0
        for end in range(1, len(numbers) + 1):
            if end == len(numbers) or (len(groups) > 1 and numbers[end] > numbers[end - 1] + 1):
                yield _Table(columns, rows[start:end], numbers[start:end])
                start = end


def _apart(grid: Grid, band: list[int], groups: list[list[int]]) -> bool:
    """Whether groups of columns with blank ones between them are tables of their own: each is two rows or more of two
    columns, or the file names their columns apart; otherwise a column was left blank to look well.
    """
    held = [
        sum(area.left <= group[0] and group[-1] <= area.right for group in groups)
        for area in grid.named
        if area.top <= band[-1] and area.bottom >= band[0]
    ]
    if held.count(1) > 1 and max(held) == 1:
        return True
    for group in groups:
        filled = [row for row in band if sum(bool(grid.rows[row].get(column)) for column in group) > 1]
        if len(group) < 2 or len(filled) < 2:
            return False
    cells = [[grid.rows[row].get(column, "") for group in groups for column in group] for row in band]
    return not labelled([row for row in cells if sum(map(bool, row)) > 1])


def _caption(row: list[str], across: dict[int, set[int]], number: int) -> bool:
    """Whether a row holds one text only, in one cell or merged across."""
    filled = [cell for cell in row if cell]
    return len(filled) == 1 or (len(set(filled)) == 1 and number in across and len(filled) > len(row) // 2)


def _header_rows(
    grid: Grid, table: _Table, rows: list[list[str]], numbers: list[int], across: dict[int, set[int]]
) -> int:
    """How many rows name the columns: 0, 1, or 2 and 3 where cells above are merged across those below."""
    if len(rows) < 2:
        return 0
    for area in grid.named:
        if area.top == numbers[0] and area.left <= table.columns[-1] and area.right >= table.columns[0]:
            return 1
    depth = 1
    while depth < min(3, len(rows) - 1) and numbers[depth - 1] in across and _words_only(rows[depth]):
        depth += 1
    first = [at for at, cell in enumerate(rows[0]) if cell]
    marked = [(numbers[0], table.columns[at]) in grid.bold for at in first]
    below = [(numbers[depth], table.columns[at]) in grid.bold for at, cell in enumerate(rows[depth]) if cell]
    if len(first) > 1 and all(marked) and not all(below):
        return depth
    if depth > 1:
        return depth
    sample = zip(rows[: _SAMPLE + 1], numbers, strict=False)
    once = [_once(row, table.columns, across.get(number)) for row, number in sample]
    # A column that only continues the one on its left, in every row, is none.
    kept = [at for at in range(len(table.columns)) if any(row[at] for row in once)]
    return int(has_header([[row[at] for at in kept] for row in once], pairs=True))


def _above_header(
    grid: Grid, table: _Table, rows: list[list[str]], numbers: list[int], across: dict[int, set[int]]
) -> int:
    """How many rows stand right above the one that names the columns, and are no part of the table: they fill at most
    half of its width, as "Customer | Nordsink" does above a list of goods, or what a pivot table sums.
    """
    width = len(table.columns)
    if width < _WIDE or _header_rows(grid, table, rows, numbers, across):
        return 0
    narrow = 0
    while narrow < min(_PREAMBLE, len(rows) - 2) and sum(map(bool, rows[narrow])) * 2 <= width:
        narrow += 1
    if not narrow or sum(map(bool, rows[narrow])) * 2 <= width:
        return 0
    return narrow if _header_rows(grid, table, rows[narrow:], numbers[narrow:], across) else 0


def _words_only(row: list[str]) -> bool:
    return all(kind(cell) == "text" for cell in row if cell) and sum(map(bool, row)) > 1


def _joined(rows: list[list[str]]) -> list[str]:
    """The columns' names; of two rows, the upper before the lower."""
    return [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*rows, strict=True)]


def _goes_on(names: list[str], rows: list[list[str]]) -> bool:
    """Whether rows after a blank one still stand under the names above it."""
    return len(names) > 2 and max(sum(map(bool, row)) for row in rows) > 1
