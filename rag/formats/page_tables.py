"""Tables on a page: cells between drawn lines or in common columns, and whether a first row names the columns.

Knows places, weight and colour of cells, and what a header looks like. Does not know the format of the file, nor how a
table reads as text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import regex

from rag.formats.layout import Block, Place, Segment, joined, lines

_NEAR = 3.0
_MOST_CROSSINGS = 400_000
_MOST_CELLS = 20_000
_MOST_HEADER_ROWS = 3
_DIGIT = regex.compile(r"\p{N}")
_LEADER = regex.compile(r"(?<=\w)\s*(?:[.·…_]\s?){4,}$")
"""Dots that lead the eye from a label to its value."""
_TIMES = regex.compile(r"(?:(?:19|20)\d\d|[QH][1-4]|\d\. ?(?:Quartal|çeyrek))(?:[/–-]\d{2,4})?", regex.I)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, whether it is bold, the colour behind it (None: the paper's), and whether it continues the cell
    on its left.
    """

    text: str
    bold: bool = False
    colour: int | None = None
    across: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table on a page. `columns` are the (left, right) edges; `ruled` says that a line divides the first row from
    the others, which no line divides.
    """

    place: Place
    columns: tuple[tuple[float, float], ...]
    rows: tuple[tuple[Cell, ...], ...]
    ruled: bool = False

    def texts(self, at: int) -> tuple[str, ...]:
        """The texts of one row."""
        return tuple(cell.text for cell in self.rows[at])

    def continues(self, other: Table) -> bool:
        """Whether this stands in the same columns as `other`."""
        return len(self.columns) == len(other.columns) and all(
            min(a[1], b[1]) - max(a[0], b[0]) > -_NEAR * 4 for a, b in zip(self.columns, other.columns, strict=True)
        )


def names_above(table: Table, count: int) -> tuple[tuple[str, ...], ...]:
    """The texts of the first `count` rows, which name the columns; the upper ones in each column that they span."""
    found = [table.texts(at) for at in range(min(count, len(table.rows)))]
    for at, row in enumerate(table.rows[: max(0, count - 1)]):
        texts = list(found[at])
        for column, cell in enumerate(row):
            if column and cell.across and not texts[column]:
                texts[column] = texts[column - 1]
        found[at] = tuple(texts)
    return tuple(found)


def header_rows(table: Table, repeated: bool = False) -> int:
    """How many of the first rows name the columns; `repeated` says that the first stands on other pages too."""
    rows = [row for row in table.rows if any(cell.text for cell in row)]
    if len(rows) < 2 or len(rows[0]) < 2 or sum(bool(cell.text) for cell in rows[0]) < 2:
        return 0
    for stands_out in (_all_bold, _own_colour(rows)):
        count = 0
        while count < min(len(rows), _MOST_HEADER_ROWS + 1) and stands_out(rows[count]):
            count += 1
        if 0 < count <= _MOST_HEADER_ROWS and count < len(rows):
            return count
    return int(repeated or table.ruled or _by_kind(rows))


def _all_bold(row: Sequence[Cell]) -> bool:
    return all(cell.bold for cell in row if cell.text)


def _own_colour(rows: Sequence[Sequence[Cell]]) -> Callable[[Sequence[Cell]], bool]:
    colours = {cell.colour for cell in rows[0]}
    later = {cell.colour for row in rows[1:] for cell in row}

    def stands_out(row: Sequence[Cell]) -> bool:
        return row is rows[0] and None not in colours and not colours & later

    return stands_out


def _by_kind(rows: Sequence[Sequence[Cell]]) -> bool:
    """Whether the first row holds words only, above columns of figures; or years above columns of other figures."""
    first, body = rows[0], rows[1:]
    names = [cell.text for cell in first]
    if all(_TIMES.fullmatch(name) for name in names[1:]) and not _DIGIT.search(names[0]):
        return not all(_TIMES.fullmatch(cell.text) for row in body for cell in row[1:])
    if any(_DIGIT.search(name) for name in names) or not all(names[1:]):
        return False
    figures = [_figures(body, at) for at in range(len(first))]
    # In two columns, words above figures may be just another label with its value.
    return all(figures) if len(first) == 2 else any(figures)


def _figures(body: Sequence[Sequence[Cell]], at: int) -> bool:
    filled = [row[at].text for row in body if at < len(row) and row[at].text]
    return bool(filled) and sum(bool(_DIGIT.search(text)) for text in filled) >= len(filled) * 0.8


# ---- between drawn lines -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Lines:
    """The lines of one table: (position, low, high) of those that cross one another."""

    across: list[tuple[float, float, float]] = field(default_factory=list)
    down: list[tuple[float, float, float]] = field(default_factory=list)


def ruled_tables(
    words: Sequence[Segment],
    horizontal: Iterable[Place],
    vertical: Iterable[Place],
    filled: Sequence[tuple[Place, int]] = (),
) -> list[tuple[Table, frozenset[int]]]:
    """Tables whose cells are drawn, each with the places of its words in `words`."""
    across = _merged(((b + t) / 2, x0, x1) for x0, b, x1, t in horizontal)
    down = _merged(((x0 + x1) / 2, b, t) for x0, b, x1, t in vertical)
    if not across or not down or len(across) * len(down) > _MOST_CROSSINGS:
        return []
    found: list[tuple[Table, frozenset[int]]] = []
    for group in _connected(across, down):
        made = _ruled_table(group, words, filled)
        if made is not None:
            found.append(made)
    # A table inside a cell of another has its words in both: the outer one has them.
    found.sort(key=lambda one: -len(one[1]))
    taken: set[int] = set()
    kept: list[tuple[Table, frozenset[int]]] = []
    for table, own in found:
        if not own & taken:
            taken |= own
            kept.append((table, own))
    return kept


def _merged(found: Iterable[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Lines at (almost) one position that touch, as one each."""
    merged: list[tuple[float, float, float]] = []
    groups: list[list[tuple[float, float, float]]] = []
    for line in sorted(found):
        if groups and line[0] - groups[-1][0][0] <= _NEAR:
            groups[-1].append(line)
        else:
            groups.append([line])
    for group in groups:
        position = group[0][0]
        for _, low, high in sorted(group, key=lambda line: line[1:]):
            if merged and merged[-1][0] == position and low <= merged[-1][2] + _NEAR:
                merged[-1] = (position, merged[-1][1], max(high, merged[-1][2]))
            else:
                merged.append((position, low, high))
    return merged


def _connected(
    across: Sequence[tuple[float, float, float]], down: Sequence[tuple[float, float, float]]
) -> list[_Lines]:
    """The lines in groups that cross or touch one another."""
    owner = list(range(len(across) + len(down)))

    def root(at: int) -> int:
        while owner[at] != at:
            owner[at] = owner[owner[at]]
            at = owner[at]
        return at

    for i, (y, x0, x1) in enumerate(across):
        for j, (x, y0, y1) in enumerate(down):
            if x0 - _NEAR <= x <= x1 + _NEAR and y0 - _NEAR <= y <= y1 + _NEAR:
                owner[root(len(across) + j)] = root(i)
    groups: dict[int, _Lines] = {}
    for i, line in enumerate(across):
        groups.setdefault(root(i), _Lines()).across.append(line)
    for j, line in enumerate(down):
        groups.setdefault(root(len(across) + j), _Lines()).down.append(line)
    return [group for group in groups.values() if group.across and group.down]


def _positions(own: Iterable[float], ends: Iterable[float]) -> list[float]:
    """Where rows or columns begin and end: at lines, and where the lines across them end (an open side)."""
    found = sorted(set(own))
    low, high = min(ends), max(ends)
    if found and low < found[0] - _NEAR * 3:
        found.insert(0, low)
    if found and high > found[-1] + _NEAR * 3:
        found.append(high)
    return found


def _ruled_table(
    group: _Lines, words: Sequence[Segment], filled: Sequence[tuple[Place, int]]
) -> tuple[Table, frozenset[int]] | None:
    xs = _positions((x for x, _, _ in group.down), [end for _, *ends in group.across for end in ends])
    ys = _positions((y for y, _, _ in group.across), [end for _, *ends in group.down for end in ends])
    columns, count = len(xs) - 1, len(ys) - 1
    if columns < 2 or count < 2 or columns * count > _MOST_CELLS:
        return None
    held: dict[tuple[int, int], list[int]] = {}
    for at, word in enumerate(words):
        x, y = (word.left + word.right) / 2, word.middle
        if xs[0] <= x <= xs[-1] and ys[0] <= y <= ys[-1]:
            column = min(bisect_right(xs, x) - 1, columns - 1)
            row = count - 1 - min(bisect_right(ys, y) - 1, count - 1)
            # Between two cells that no line divides, the words belong to the left one.
            while column and not _divided(group.down, xs[column], (ys[count - 1 - row] + ys[count - row]) / 2):
                column -= 1
            held.setdefault((row, column), []).append(at)
    if len(held) < 3 or len(held) < columns * count * 0.2:
        return None
    own = frozenset(at for places in held.values() for at in places)
    if sum(len(words[at].text) + 1 for at in own) > 400 * len(held):  # boxes of running text
        return None
    rows: list[tuple[Cell, ...]] = []
    for row in range(count):
        band = {column: [words[at] for at in held.get((row, column), ())] for column in range(columns)}
        middle = (ys[count - 1 - row] + ys[count - row]) / 2
        parts = _parts(band) if count <= 3 else [band]
        for part in parts:
            cells = [
                _cell(part[column], _colour((xs[column] + xs[column + 1]) / 2, middle, filled))
                for column in range(columns)
            ]
            for column in range(1, columns):
                if not cells[column].text and not _divided(group.down, xs[column], middle):
                    cells[column] = replace(cells[column], across=True)
            if len(parts) == 1:
                _from_above(cells, rows, group, xs, ys[count - row])
            rows.append(tuple(cells))
    used = [c for c in range(columns) if any(row[c].text for row in rows)]
    table = Table(
        (xs[0], ys[0], xs[-1], ys[-1]),
        tuple((xs[c], xs[c + 1]) for c in used),
        tuple(tuple(row[c] for c in used) for row in rows if any(cell.text for cell in row)),
    )
    return (table, own) if len(used) >= 2 and len(table.rows) >= 2 else None


def _from_above(
    cells: list[Cell], rows: Sequence[tuple[Cell, ...]], group: _Lines, xs: Sequence[float], y: float
) -> None:
    """Fill in the cells that reach down from the row above: nothing divides them from it."""
    for column, cell in enumerate(cells):
        middle = (xs[column] + xs[column + 1]) / 2
        if rows and not cell.text and rows[-1][column].text and not _divided(group.across, y, middle):
            cells[column] = rows[-1][column]


def _divided(found: Sequence[tuple[float, float, float]], position: float, at: float) -> bool:
    return any(abs(line[0] - position) <= _NEAR and line[1] - 1 <= at <= line[2] + 1 for line in found)


def _cell(words: Sequence[Segment], colour: int | None = None) -> Cell:
    pieces = lines(words)
    heavy = sum(len(s.text) for s in pieces if s.bold)
    return Cell(joined(pieces), bool(pieces) and heavy * 2 > sum(len(s.text) for s in pieces), colour)


def _colour(x: float, y: float, filled: Sequence[tuple[Place, int]]) -> int | None:
    found = None
    for (left, bottom, right, top), colour in filled:
        if left <= x <= right and bottom <= y <= top:
            found = colour  # what is drawn later lies on top
    return found


def _parts(band: dict[int, list[Segment]]) -> list[dict[int, list[Segment]]]:
    """One drawn row that holds many rows, cut at the lines which several columns share."""
    levels: list[tuple[float, set[int]]] = []
    for column, words in band.items():
        for word in words:
            near = next((one for one in levels if abs(one[0] - word.middle) <= word.size * 0.4), None)
            if near is None:
                levels.append((word.middle, {column}))
            else:
                near[1].add(column)
    shared = sorted((y for y, columns in levels if len(columns) > 1), reverse=True)
    if len(shared) < 3 or len(shared) < len(levels) * 0.6:
        return [band]
    parts: list[dict[int, list[Segment]]] = [{column: [] for column in band} for _ in shared]
    for column, words in band.items():
        for word in words:
            at = max(0, sum(y >= word.middle - word.size * 0.4 for y in shared) - 1)
            parts[at][column].append(word)
    return parts


# ---- in common columns ---------------------------------------------------------------------------------------------


def aligned_table(found: Sequence[tuple[Block, ...]], horizontal: Sequence[Place] = ()) -> Table | None:
    """Rows of blocks as a table, if they stand in common columns: the widest row says where those are."""
    widest = max(found, key=len)
    if len(found) < 2 or len(widest) < 2:
        return None
    edges = [(block.left, block.right) for block in widest]
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        cells = [Cell("")] * len(edges)
        for block in row:
            at = _column(edges, block)
            if at is None:
                return None
            bold = all(s.bold for s in block.segments) and (not cells[at].text or cells[at].bold)
            cells[at] = Cell(_LEADER.sub("", f"{cells[at].text} {block.text}".strip()), bold)
            edges[at] = (min(edges[at][0], block.left), max(edges[at][1], block.right))
        rows.append(tuple(cells))
    left, right = min(e[0] for e in edges), max(e[1] for e in edges)
    spans = [
        (max(s.top for b in row for s in b.segments), min(s.bottom for b in row for s in b.segments)) for row in found
    ]
    table = Table((left, spans[-1][1], right, spans[0][0]), tuple(edges), tuple(rows))
    gaps = [((a[1] + b[1]) / 2, a[1] - 6, b[0] + 6) for a, b in pairwise(spans)]
    divided = [
        any(h[0] <= left + 20 and h[2] >= right - 20 and low - 8 <= h[1] <= high + 8 for h in horizontal)
        for _, high, low in gaps
    ]
    return replace(table, ruled=len(divided) > 1 and divided[0] and not any(divided[1:]))


def _column(columns: Sequence[tuple[float, float]], block: Block) -> int | None:
    shares = [min(right, block.right) - max(left, block.left) for left, right in columns]
    best = max(range(len(columns)), key=lambda at: shares[at])
    return best if shares[best] > -block.segments[0].size * 2 else None
