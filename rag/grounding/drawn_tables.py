"""Tables drawn with signs: columns between `|`, or under the `====` borders of reStructuredText.

Knows lines and what of each stands in which column. Does not know passages.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.text.list_marks import LETTER

Cells = tuple[tuple[str, str], ...]

_WIDEST = 160
"""Characters that a cell without a name has at most: more are a text of their own."""
_GRID = regex.compile(r"[^\S\n]*\+[-=+]{3,}\+[^\S\n]*|[^\S\n]*\|?(?:\s*:?-{3,}:?\s*\|)+\s*(?::?-{3,}:?)?\s*")
_BORDER = regex.compile(r"[=\s]*(?:={2,}\s+)+={2,}\s*")
_PIPES = regex.compile(r"[^\S\n]*\|.+\|[^\S\n]*")


def rows(lines: Sequence[str], indents: Sequence[int]) -> list[Cells | None]:
    """The (column, cell) pairs of each line of a table, None for its borders and the line that names the columns; []
    where the lines are no table. `indents` say how far in each line, which begins at its first sign, stands.
    """
    if all(_GRID.fullmatch(one) or _PIPES.fullmatch(one) for one in lines) and (
        len(lines) > 1 or "|" in lines[0][1:-1]
    ):
        return _piped(lines)
    if any(_BORDER.fullmatch(one) for one in lines):
        return _columned(lines, indents)
    return []


def side_by_side(said: str) -> Cells:
    """The cells of a row whose columns have no names, as `rag.formats` writes it; none where it is no row."""
    cells = [cell.strip() for cell in said.removesuffix(".").split(" | ")]
    most = _WIDEST * (1 + cells[0].isdecimal())  # a number names the row
    listed = len(cells) == 2 and LETTER.fullmatch(cells[0])  # the item of a list
    row = len(cells) > 1 and not listed and "\n" not in said and all(0 < len(cell) <= most for cell in cells)
    return tuple(("", cell) for cell in cells) if row else ()


def _piped(lines: Sequence[str]) -> list[Cells | None]:
    made: list[Cells | None] = []
    names: list[str] = []
    for said in lines:
        if _GRID.fullmatch(said):
            made.append(None)
            continue
        cells = [" ".join(cell.split()) for cell in said.strip().strip("|").split("|")]
        if not names:
            names = cells
            made.append(None)
            continue
        made.append(tuple((names[i] if i < len(names) else "", cell) for i, cell in enumerate(cells)))
    return made


def _columned(lines: Sequence[str], indents: Sequence[int]) -> list[Cells | None]:
    borders = [i for i, said in enumerate(lines) if regex.fullmatch(r"[=\s]+", said)]
    columns = [(found.start(), found.end()) for found in regex.finditer(r"=+", lines[borders[0]])]
    made: list[Cells | None] = []
    names: list[str] = []
    for i, line in enumerate(lines):
        if i in borders:
            made.append(None)
            continue
        said = " " * max(0, indents[i] - indents[borders[0]]) + line
        cells = [
            " ".join(said[a : (columns[k + 1][0] if k + 1 < len(columns) else None)].split())
            for k, (a, _) in enumerate(columns)
        ]
        if len(borders) > 2 and i < borders[1]:
            names = cells
            made.append(None)
            continue
        made.append(tuple((names[k] if k < len(names) else "", cell) for k, cell in enumerate(cells)))
    return made
