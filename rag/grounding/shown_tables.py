"""How the rows of a table are laid out: which columns they have, and what stands in each.

Knows rows. Does not know what they say nor how they are cited (`rag.grounding.quoting`).
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.grounding.units import Unit

_FIGURE = regex.compile(r"\p{N}[\p{N}.,]*\s?%?")


def columns(run: Sequence[Unit]) -> list[str]:
    """The names of the columns of rows."""
    return list(dict.fromkeys(name for unit in run for name, _ in unit.cells))


def laid_out(run: Sequence[Unit]) -> tuple[list[str], list[list[str]]]:
    """The names of the columns of rows, "" where they have none, and the cells of each row; the first row is none where
    it is the names.
    """
    names = columns(run)
    if all(len(unit.cells) == len({name for name, _ in unit.cells}) for unit in run) and any(names):
        return names, [[dict(unit.cells).get(name, "") for name in names] for unit in run]
    width = max(len(unit.cells) for unit in run)  # columns without names
    rows = [_filled([cell for _, cell in unit.cells], width) for unit in run]
    return (rows[0], rows[1:]) if len(run) > 1 and _names_columns(rows) else ([""] * width, rows)


def _filled(cells: list[str], width: int) -> list[str]:
    """The cells of a row that has fewer than others: a number at its end stands in the last column."""
    lacking = [""] * (width - len(cells))
    return [*cells[:-1], *lacking, cells[-1]] if _FIGURE.fullmatch(cells[-1]) else [*cells, *lacking]


def _names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of several rows names the columns: it alone has no number, and all its cells are filled."""
    numbers = [any(cell[:1].isdecimal() for cell in row) for row in rows]
    return all(rows[0]) and not numbers[0] and all(numbers[1:])
