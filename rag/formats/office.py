"""Office documents: DOCX, PPTX and XLSX.

Knows paragraphs, tables, slides and sheets. Does not run macros or follow links.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import docx
import openpyxl
import pptx
import regex
from docx.table import Table
from docx.text.paragraph import Paragraph

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted
from rag.formats.tables import add_table

_UNPACKED_LIMIT = 300_000_000
_OLE = b"\xd0\xcf\x11\xe0"
_LEVEL = regex.compile(r"(?:heading|başlık|überschrift|titre|título)\s*(\d)", regex.I)


def open_package(data: bytes, kind: str) -> None:
    """Raise DocumentError unless `data` is a zip package of a sane unpacked size."""
    if data.startswith(_OLE):
        raise DocumentError(
            f"The {kind} file is encrypted or of an old binary format; save it as {kind} without a password."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if sum(entry.file_size for entry in package.infolist()) > _UNPACKED_LIMIT:
                raise DocumentError(f"The {kind} file unpacks to more than 300 MB; split it into smaller files.")
            if any(entry.flag_bits & 1 for entry in package.infolist()):
                raise DocumentError(f"The {kind} file is protected by a password; save a copy without one.")
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentError(
            f"The file is not a readable {kind} document; open it in its program and save it again."
        ) from error


def read_docx(data: bytes) -> Extracted:
    """A Word document: paragraphs, headings by their style, tables row by row."""
    open_package(data, "DOCX")
    builder = Builder()
    try:
        document = docx.Document(io.BytesIO(data))
        builder.title = document.core_properties.title or ""
        for block in document.iter_inner_content():
            if isinstance(block, Paragraph):
                _paragraph(block, builder)
            else:
                _table(block, builder)
    except Exception as error:  # the library raises whatever a damaged part makes it stumble over
        raise DocumentError("The DOCX file is damaged; open it in a word processor and save it again.") from error
    return builder.build()


def _paragraph(paragraph: Paragraph, builder: Builder) -> None:
    runs = [run.text for run in paragraph.runs if not run.font.hidden]
    text = paragraph.text if len(runs) == len(paragraph.runs) else "".join(runs)
    style = (paragraph.style.name or "") if paragraph.style else ""
    level = _LEVEL.match(style)
    if style == "Title":
        builder.heading(text, 1)
    elif level:
        builder.heading(text, int(level[1]) + 1)
    elif style.startswith("List"):
        builder.add("- " + text if text.strip() else "", separator="\n")
    else:
        builder.add(text)


def _table(table: Table, builder: Builder) -> None:
    rows: list[list[str]] = []
    for row in table.rows:
        cells: list[str] = []
        before = None
        for cell in row.cells:
            # A cell merged across columns comes once for each of them.
            cells.append("" if cell._tc is before else cell.text)
            before = cell._tc
        rows.append(cells)
    add_table(builder, rows, header=_has_header(table))


def _has_header(table: Table) -> bool:
    """Whether the first row names the columns: a wide table's does; one of two columns says so by bold type."""
    if len(table.columns) != 2 or not table.rows:
        return True
    first, *rest = (
        [run.bold for cell in row.cells for paragraph in cell.paragraphs for run in paragraph.runs if run.text.strip()]
        for row in list(table.rows)[:2]
    )
    marked = table.rows[0]._tr.xpath("./w:trPr/w:tblHeader")
    styled = table.style is not None and table.style.name not in ("Normal Table", "Table Grid")
    return bool(marked) or styled or (all(first) and not all(rest[0] if rest else [True]))


def read_pptx(data: bytes) -> Extracted:
    """Slides, one page each: title as heading, text of shapes and tables, speaker's notes."""
    open_package(data, "PPTX")
    builder = Builder()
    try:
        deck = pptx.Presentation(io.BytesIO(data))
        builder.title = deck.core_properties.title or ""
        for slide in deck.slides:
            builder.page()
            title = slide.shapes.title
            if title is not None:
                builder.heading(title.text_frame.text, 1)
            for shape in _shapes(slide.shapes):
                if title is not None and shape.shape_id == title.shape_id:
                    continue
                if shape.has_text_frame:
                    builder.add(shape.text_frame.text)
                elif getattr(shape, "has_table", False):
                    add_table(builder, ([cell.text for cell in row.cells] for row in shape.table.rows))
            if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
                builder.add(slide.notes_slide.notes_text_frame.text)
    except Exception as error:
        raise DocumentError("The PPTX file is damaged; open it in a presentation program and save it again.") from error
    return builder.build()


def _shapes(shapes: Any) -> Iterator[Any]:
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _shapes(shape.shapes)
        else:
            yield shape


def read_xlsx(data: bytes) -> Extracted:
    """A workbook: every sheet under its name as heading, every row as one line with its column names."""
    open_package(data, "XLSX")
    builder = Builder()
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        builder.title = workbook.properties.title or ""
        for sheet in workbook.worksheets:
            if sheet.sheet_state != "visible":
                continue
            builder.heading(sheet.title, 1)
            add_table(builder, sheet.iter_rows(values_only=True))
        workbook.close()
    except Exception as error:
        raise DocumentError("The XLSX file is damaged; open it in a spreadsheet program and save it again.") from error
    return builder.build()
