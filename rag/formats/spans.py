"""Cells that span columns and rows -> rows of texts, each in its column, under one row of names.

Knows that a cell which reaches down counts in each of its rows, and that names may stand in two rows or three, the
upper ones across several columns. Does not know the format that a table comes from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rag.formats.headers import counts_time, kind

_MOST_ACROSS = 100
_MOST_DOWN = 1_000
_DEEPEST = 3


class Cell(NamedTuple):
    """A cell as it is written: its text, and how many columns and rows it takes."""

    text: str
    across: int = 1
    down: int = 1


class Place(NamedTuple):
    """One row's share of one column: its text, and whether it continues the cell on its left or the one above."""

    text: str
    across: bool = False
    down: bool = False


def placed(rows: Iterable[Iterable[Cell]], *, held: bool = False) -> list[list[Place]]:
    """The cells of each row in their columns. `held` says that a row has empty cells where one from above stands."""
    reaching: dict[int, tuple[int, Place]] = {}
    found: list[list[Place]] = []
    for row in rows:
        cells: list[Place] = []

        def from_above(cells: list[Place] = cells) -> bool:
            if len(cells) not in reaching:
                return False
            left, place = reaching.pop(len(cells))
            if left > 1:
                reaching[len(cells)] = (left - 1, place)
            cells.append(place)
            return True

        for cell in row:
            if held and not cell.text and from_above():
                continue
            while not held and from_above():
                pass
            for at in range(min(max(cell.across, 1), _MOST_ACROSS)):
                if held:
                    reaching.pop(len(cells), None)
                if cell.down > 1:
                    below = Place(cell.text, bool(at), True)
                    reaching[len(cells)] = (min(cell.down, _MOST_DOWN) - 1, below)
                cells.append(Place(cell.text, bool(at)))
        while not held and from_above():
            pass
        found.append(cells)
    return found


def named_once(rows: Sequence[Sequence[Place]], names: int = 0) -> tuple[list[list[str]], bool]:
    """The rows' texts, a cell across columns in the first of them; and whether several rows of names became one.

    `names` says how many of the first rows name the columns, 0 where the format does not tell.
    """
    texts = [["" if place.across else place.text for place in row] for row in rows]
    start = 0
    while start < len(rows) - 1 and sum(map(bool, texts[start])) <= 1:
        start += 1  # a caption
    depth = names - start if names - start > 1 else _depth(rows[start:])
    if depth < 2 or depth > _DEEPEST or start + depth > len(rows):
        return texts, False
    upper = rows[start : start + depth]
    width = max(map(len, upper))
    joined = [
        " ".join(dict.fromkeys(row[at].text for row in upper if at < len(row) and row[at].text)) for at in range(width)
    ]
    return [*texts[:start], joined, *texts[start + depth :]], True


def _depth(rows: Sequence[Sequence[Place]]) -> int:
    """How many rows name the columns, as cells across columns show it: the parts of what they name stand below."""
    depth = 1
    while depth < min(_DEEPEST, len(rows) - 1) and _names_parts(rows[depth - 1], rows[depth]):
        depth += 1
    return depth


def _names_parts(upper: Sequence[Place], lower: Sequence[Place]) -> bool:
    width = len(upper)
    if len(lower) != width:
        return False
    under = {at for at in range(1, width) if upper[at].across}
    groups = sum(at - 1 not in under for at in under)
    under |= {at - 1 for at in under}
    others = [at for at in range(width) if at not in under]
    parts = [lower[at] for at in sorted(under)]
    if not parts or not (groups > 1 or others):
        return False
    if any(lower[at].text and not lower[at].down and upper[at].text for at in others):
        return False
    return all(
        place.text and not place.down and (kind(place.text) == "text" or counts_time(place.text)) for place in parts
    )
