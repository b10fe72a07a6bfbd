"""Workbooks as XML of 2003 ("XML Spreadsheet"), which many programs still export, often named XLS.

Knows where such a workbook's sheets, rows and cells lie. `rag.formats.grid` knows where on a sheet tables stand.
"""

from __future__ import annotations

from lxml import etree

from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.grid import Area, Grid, add_grid
from rag.formats.package import attribute, local

NAMESPACE = "urn:schemas-microsoft-com:office:spreadsheet"
_MOST_CELLS = 3_000_000
_FURTHEST = 20_000


def read_workbook(root: etree._Element) -> Extracted:
    """Every sheet under its name as heading, every row as one line with its columns' names."""
    builder = Builder()
    bold = {attribute(style, "ID") for style in root.iter("{*}Style") if any(_is_bold(one) for one in style)}
    for sheet in root.iter("{*}Worksheet"):
        builder.heading(attribute(sheet, "Name"), 1)
        grid = Grid()
        at = 0
        for row in sheet.iter("{*}Row"):
            at = _place(row, at)
            column = 0
            for cell in row:
                if local(cell) == "Cell" and grid.count < _MOST_CELLS:
                    column = _cell(cell, at, _place(cell, column), grid, bold)
        add_grid(builder, grid)
    return builder.build()


def _cell(cell: etree._Element, row: int, column: int, grid: Grid, bold: set[str]) -> int:
    """Put a cell on the grid. Returns the last column that it takes."""
    right, down = (
        int(value) if (value := attribute(cell, name)).isdecimal() and len(value) < 5 else 0
        for name in ("MergeAcross", "MergeDown")
    )
    data = next((one for one in cell if local(one) == "Data"), None)
    if text := one_line("".join(map(str, data.itertext()))) if data is not None else "":
        if attribute(data, "Type") == "DateTime":
            text = text.removesuffix("T00:00:00.000").removesuffix("T00:00:00")
        grid.put(row, column, text, attribute(cell, "StyleID") in bold)
        if right or down:
            grid.merged.append(Area(row, column, row + down, column + right))
    for comment in cell.iter("{*}Comment"):
        grid.put(row, column, one_line(f"{text} (Comment: {''.join(map(str, comment.itertext()))})"))
    return column + right


def _place(element: etree._Element, before: int) -> int:
    index = attribute(element, "Index")
    return min(int(index), before + _FURTHEST) if index.isdecimal() and len(index) < 8 else before + 1


def _is_bold(font: etree._Element) -> bool:
    return local(font) == "Font" and attribute(font, "Bold") == "1"
