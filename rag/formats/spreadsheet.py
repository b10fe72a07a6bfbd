"""Workbooks: all cells of all sheets, with their values as displayed, cut into the tables that stand on them.

Knows SpreadsheetML. `rag.formats.number_formats` knows how a number is displayed, `rag.formats.grid` where on a sheet
tables stand. Runs no macros, computes no formulas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import regex
from lxml import etree

from rag.errors import DocumentError
from rag.formats.drawing import add_chart, add_diagram, paragraphs
from rag.formats.embedded import add_embedded
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.grid import Area, Grid, add_grid
from rag.formats.number_formats import BUILT_IN, shown
from rag.formats.package import Package, Relation, address_of, attribute, local
from rag.formats.presentation import attribute_of_relation
from rag.formats.running_lines import PAGE_WORDS

_REFERENCE = regex.compile(r"([A-Z]{1,3})(\d{1,7})", regex.I)
_LIMIT_ROWS = 200_000
_LIMIT_CELLS = 3_000_000
_ESCAPED = regex.compile(r"_x([0-9A-Fa-f]{4})_")  # signs that XML cannot hold
_PRINT_CODES = regex.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|[LCRPNDTFAZGBIUESXYHO]|\d+)', regex.I)


@dataclass(slots=True)
class _Book:
    """What sheets share: texts, formats, the first day."""

    texts: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    bold: list[bool] = field(default_factory=list)
    epoch_1904: bool = False
    uncomputed: int = 0


def read_xlsx(data: bytes) -> Extracted:
    """A workbook: every sheet under its name as heading, every row as one line with its column names."""
    package = Package(data, "XLSX")
    main = package.main() or "xl/workbook.xml"
    root = package.xml(main)
    if root is None or local(root) != "workbook":
        reason = "is a binary workbook" if main.endswith(".bin") else "is not a readable XLSX document"
        raise DocumentError(f"The file {reason}; open it in a spreadsheet program and save it as XLSX.")
    builder = Builder(title=package.title())
    book = _book(package, main, root)
    relations = package.relations(main)
    for sheet in root.iter():
        found = relations.get(attribute_of_relation(sheet)) if local(sheet) == "sheet" else None
        if found is None:
            continue
        state = sheet.get("state", "visible")
        builder.heading(sheet.get("name", "") + ("" if state == "visible" else " (hidden sheet)"), 1)
        try:
            _sheet(package, found.target, builder, book)
        except (DocumentError, RecursionError):
            raise
        except Exception:  # whatever an odd part makes this stumble over
            builder.notes.append(f"A part of the sheet {one_line(sheet.get('name', ''))} could not be read.")
    if book.uncomputed:
        builder.notes.append(f"{book.uncomputed} formulas have no stored result; open the file and save it once.")
    return builder.build()


def _book(package: Package, main: str, root: etree._Element) -> _Book:
    book = _Book()
    for one in root.iter():
        if local(one) == "workbookPr":
            book.epoch_1904 = one.get("date1904") in ("1", "true")
    for name in package.related(main, "sharedStrings"):
        if (stream := package.open(name)) is not None:
            with stream:
                for _, item in etree.iterparse(stream, tag="{*}si", recover=True, huge_tree=True):
                    book.texts.append(_rich(item))
                    item.clear()
    for name in package.related(main, "styles"):
        if (styles := package.xml(name)) is not None:
            _formats(styles, book)
    return book


def _formats(styles: etree._Element, book: _Book) -> None:
    """The format code of every cell style, and whether it is bold."""
    codes = dict(BUILT_IN)
    fonts: list[bool] = []
    for part in styles:
        if local(part) == "numFmts":
            for one in part:
                if one.get("numFmtId", "").isdecimal():
                    codes[int(one.get("numFmtId", "0"))] = one.get("formatCode", "")
        elif local(part) == "fonts":
            fonts = [any(local(b) == "b" and b.get("val") not in ("0", "false") for b in font) for font in part]
        elif local(part) == "cellXfs":
            for one in part:
                number, font = one.get("numFmtId", "0"), one.get("fontId", "0")
                book.formats.append(codes.get(int(number), "General") if number.isdecimal() else "General")
                book.bold.append(font.isdecimal() and int(font) < len(fonts) and fonts[int(font)])


def _rich(item: etree._Element) -> str:
    """A text of one or more runs, without the reading aids of Japanese."""
    text = "".join(
        one.text or "" for one in item.iter("{*}t") if not any(local(above) == "rPh" for above in one.iterancestors())
    )
    return _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), text) if "_x" in text else text


def _sheet(package: Package, part: str, builder: Builder, book: _Book) -> None:
    stream = package.open(part)
    if stream is None:
        builder.notes.append("A sheet is missing from the file.")
        return
    grid = Grid()
    furniture: list[str] = []
    relations = package.relations(part)
    at = 0
    with stream:
        # A strict workbook has another namespace: names without one fit both.
        for _, one in etree.iterparse(
            stream, tag=("{*}row", "{*}mergeCell", "{*}autoFilter", "{*}oddHeader", "{*}oddFooter", "{*}hyperlink"),
            recover=True, huge_tree=True,
        ):  # fmt: skip
            name = local(one)
            if name == "row":
                number = one.get("r", "")
                at = int(number) if number.isdecimal() and 0 < int(number) < 2_000_000 else at + 1
                if len(grid.rows) < _LIMIT_ROWS and grid.count < _LIMIT_CELLS:
                    _row(one, at, grid, book)
                else:
                    grid.cut = True
                one.clear()
                while one.getprevious() is not None:
                    del one.getparent()[0]
            elif name == "mergeCell" and (area := _area(one.get("ref", ""))):
                grid.merged.append(area)
            elif name == "autoFilter" and (area := _area(one.get("ref", ""))):
                grid.named.append(area)
            elif name == "hyperlink":
                _link(one, relations, grid)
            elif one.text:
                furniture.append(one_line(_PRINT_CODES.sub(" ", one.text.replace("&&", "and"))))
    for name in package.related(part, "table"):
        root = package.xml(name)
        if root is not None and root.get("headerRowCount") != "0" and (area := _area(root.get("ref", ""))):
            grid.named.append(area)
    add_grid(builder, grid)
    for words in dict.fromkeys(furniture):
        builder.add("" if PAGE_WORDS.fullmatch(words) else words)
    _beside(package, part, builder)
    add_embedded(builder, package, part)


def _link(link: etree._Element, relations: dict[str, Relation], grid: Grid) -> None:
    """Add the address to which a cell leads to its text, where the text does not say it."""
    relation, area = relations.get(attribute_of_relation(link)), _area(link.get("ref", ""))
    text = grid.rows.get(area.top, {}).get(area.left, "") if area else ""
    if relation and area and text and (address := address_of(relation.target, text)):
        grid.rows[area.top][area.left] = f"{text} ({address})"


def _row(row: etree._Element, number: int, grid: Grid, book: _Book) -> None:
    column = 0
    for cell in row:
        reference = _REFERENCE.match(cell.get("r", ""))
        column = column_number(reference[1]) if reference else column + 1
        style = cell.get("s", "")
        place = int(style) if style.isdecimal() else 0
        text = _value(cell, place, book)
        if text:
            grid.put(number, column, text, place < len(book.bold) and book.bold[place])


def _value(cell: etree._Element, style: int, book: _Book) -> str:
    kind = cell.get("t", "n")
    value, formula = "", False
    for part in cell:
        name = local(part)
        if name == "v":
            value = part.text or ""
        elif name == "is":
            return one_line(_rich(part))
        elif name == "f":
            formula = True
    if not value:
        book.uncomputed += formula and kind != "str"
        return ""
    match kind:
        case "s":
            return one_line(book.texts[int(value)]) if value.isdecimal() and int(value) < len(book.texts) else ""
        case "b":
            return "TRUE" if value == "1" else "FALSE"
        case "d":
            return value.removesuffix("T00:00:00")
        case "n":
            code = book.formats[style] if style < len(book.formats) else "General"
            return shown(value, code, epoch_1904=book.epoch_1904)
        case _:
            return one_line(value)


def _beside(package: Package, part: str, builder: Builder) -> None:
    """Append what lies over the cells: comments, charts, text boxes."""
    people = _people(package)
    for kind in ("comments", "threadedComment"):
        for name in package.related(part, kind):
            root = package.xml(name)
            if root is not None:
                _comments(root, people, builder)
    for name in package.related(part, "drawing"):
        root = package.xml(name)
        relations = package.relations(name)
        for one in root.iter() if root is not None else ():
            what = local(one)
            if what == "sp":
                builder.add("\n".join(paragraphs(one)))
            elif what == "chart" and (found := relations.get(attribute_of_relation(one))):
                add_chart(builder, package, found.target)
            elif what == "relIds" and (found := relations.get(attribute(one, "dm"))):
                add_diagram(builder, package, found.target)


def _people(package: Package) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in package.names():
        if name.startswith("xl/persons/") and (root := package.xml(name)) is not None:
            found.update({one.get("id", ""): one.get("displayName", "") for one in root})
    return found


def _comments(root: etree._Element, people: dict[str, str], builder: Builder) -> None:
    authors = [one.text or "" for one in root.iter("{*}author")]
    for comment in root.iter("{*}comment", "{*}threadedComment"):
        text = one_line(_rich(comment) or "".join(one.text or "" for one in comment.iter("{*}text")))
        number = comment.get("authorId", "")
        author = authors[int(number)] if number.isdecimal() and int(number) < len(authors) else ""
        author = people.get(comment.get("personId", ""), author)
        if text.startswith("[Threaded comment]"):
            continue
        by = f" by {author}" if author and not author.startswith("tc=") and not text.startswith(author) else ""
        builder.add(f"Comment on {comment.get('ref', '')}{by}: {text}" if text else "")


def column_number(letters: str) -> int:
    """A column's number from 1, by its letters."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _area(reference: str) -> Area | None:
    """The cells from one corner to the other; None where the reference is none."""
    corners: Iterator[regex.Match[str]] = _REFERENCE.finditer(reference.replace("$", ""))
    places = [(int(one[2]), column_number(one[1])) for one in corners]
    if not places:
        return None
    (top, left), (bottom, right) = places[0], places[-1]
    return Area(min(top, bottom), min(left, right), max(top, bottom), max(left, right))
