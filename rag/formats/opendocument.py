"""OpenDocument texts, sheets and presentations (ODT, ODS, ODP, and their flat and template forms).

Knows what a reader of the page sees: headings, lists with their numbers, tables, notes, comments, text boxes, headers
and footers; not what tracked changes deleted. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.grid import Area, Grid, add_grid
from rag.formats.opendocument_lists import Numbering
from rag.formats.package import Package, address_of, attribute, local, parse
from rag.formats.spans import Place, named_once
from rag.formats.tables import add_table

_KIND = "OpenDocument"
_SKIPPED = frozenset({
    "tracked-changes", "sequence-decls", "variable-decls", "forms", "annotation-end", "title", "desc", "bookmark",
    "table-of-content-source", "index-source-styles", "scripts", "image", "event-listeners", "user-field-decls",
    "page-number", "page-count", "hidden-text",
})  # fmt: skip
_SHAPES = frozenset({
    "frame", "custom-shape", "rect", "ellipse", "caption", "g", "text-box", "line", "connector", "polygon", "path",
})  # fmt: skip
_MOST_REPEATS = 200
_MOST_ROWS = 200_000


def read_opendocument(data: bytes) -> Extracted:
    """A text, sheet or presentation: headings, paragraphs, tables row by row; slides as pages."""
    meta = styles = package = None
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        content = styles = meta = parse(data)
    else:
        package = Package(data, _KIND)
        manifest = package.read("META-INF/manifest.xml") or b""
        if b"encryption-data" in manifest:
            raise DocumentError("The OpenDocument file is protected by a password; save a copy without one.")
        content, styles, meta = package.xml("content.xml"), package.xml("styles.xml"), package.xml("meta.xml")
    body = next((one for one in content.iter() if local(one) == "body"), None) if content is not None else None
    if body is None or content is None:
        raise DocumentError("The file is not a readable OpenDocument file; open it in its program and save it again.")
    builder = Builder(title=_title(meta))
    reader = _Reader(builder, [root for root in (content, styles) if root is not None], package)
    if styles is not None:
        reader.margins(styles)
    for kind in body:
        reader.blocks(kind)
    return builder.build()


def _title(meta: etree._Element | None) -> str:
    for one in meta.iter() if meta is not None else ():
        if local(one) == "title" and "dc/elements" in str(one.tag):
            return one.text or ""
    return ""


class _Reader:
    """Walks one document."""

    def __init__(self, builder: Builder, roots: list[etree._Element], package: Package | None) -> None:
        self._builder = builder
        self._package = package
        self._hanging: list[tuple[str, etree._Element]] = []
        self._numbering = Numbering()
        self._hidden: set[str] = set()
        for root in roots:
            self._read_styles(root)

    def _read_styles(self, root: etree._Element) -> None:
        for style in root.iter():
            if local(style) == "list-style":
                self._numbering.read(style)
            elif local(style) == "style" and any(attribute(one, "display") == "none" for one in style):
                self._hidden.add(attribute(style, "name"))

    def margins(self, styles: etree._Element) -> None:
        """Headers and footers, each different paragraph once."""
        seen: set[str] = set()
        for page in styles.iter():
            if local(page) not in ("header", "footer", "header-left", "footer-left", "header-first", "footer-first"):
                continue
            for one in page.iter():
                if local(one) == "p":
                    words = one_line(self._text(one))
                    if sum(map(str.isalpha, words)) > 4 and words not in seen:
                        seen.add(words)
                        self._builder.add(words)

    def blocks(self, parent: Iterable[etree._Element], level: int = 0, style: str = "") -> None:
        """Append the blocks of a body, section, cell, note or text box; `level` counts the lists around them."""
        for block in parent:
            match local(block):
                case "h":
                    depth = attribute(block, "outline-level")
                    self._builder.heading(self._text(block), (int(depth) if depth.isdecimal() else 1) + 1)
                    self._after()
                case "p":
                    self._builder.add(self._text(block))
                    self._after()
                case "list":
                    self._list(block, level + 1, attribute(block, "style-name") or style)
                case "table":
                    if level == 0 and isinstance(parent, etree._Element) and local(parent) == "spreadsheet":
                        self._sheet(block)
                    else:
                        self._table(block)
                case "page":
                    self._page(block)
                case (
                    "frame" | "custom-shape" | "rect" | "ellipse" | "caption" | "g" | "text-box" | "line" | "connector"
                ):
                    self._frame(block)
                case "annotation":
                    self._annotation(block)
                case "footer-decl" | "header-decl":  # of slides: said once, shown on each
                    self._builder.add(block.text or "")
                case name if name and name not in _SKIPPED and name != "notes":
                    self.blocks(block, level, style)

    def _list(self, listed: etree._Element, level: int, style: str, continues: bool = False) -> None:
        continues = self._numbering.begin(listed, style, level, continues)
        for item in listed:
            if local(item) not in ("list-item", "list-header"):
                continue
            own = any(local(block) in ("p", "h") for block in item)
            prefix = self._numbering.mark(item, style, level) if own and local(item) == "list-item" else ""
            for block in item:
                if local(block) in ("p", "h"):
                    text = self._text(block)
                    if local(block) == "h":
                        self._builder.heading(f"{prefix} {text}" if prefix != "-" else text, level + 1)
                    elif text.strip():
                        self._builder.add(f"{'  ' * (level - 1)}{prefix} {text}".rstrip(), separator="\n")
                    self._after()
                    prefix = ""
                elif local(block) == "list":
                    self._list(block, level + 1, attribute(block, "style-name") or style, continues and not own)
                elif local(block) not in _SKIPPED:
                    self.blocks(block, level, style)

    def _page(self, page: etree._Element) -> None:
        self._builder.page()
        frames = [one for one in page if local(one) != "notes"]
        title = next((one for one in frames if attribute(one, "class") == "title"), None)
        if title is not None:
            words = " ".join(self._text(one) for one in title.iter() if local(one) == "p")
            self._builder.heading(words, 1)
        for frame in frames:
            if frame is not title:
                self.blocks([frame], 1)
        for notes in page:
            if local(notes) == "notes":
                for one in notes:
                    if attribute(one, "class") == "notes":
                        self._frame(one)

    def _frame(self, frame: etree._Element) -> None:
        inner = [one for one in frame if local(one) not in _SKIPPED]
        words = next((one_line("".join(map(str, one.itertext()))) for one in frame if local(one) == "desc"), "")
        if words and not any(local(one) in ("text-box", "table") for one in inner):
            self._builder.add(f"Picture: {words}")
        for one in inner:
            if local(one) in ("object", "object-ole"):
                self.blocks(one, 1)
                self._object(attribute(one, "href"))
            elif local(one) in ("p", "h", "list", "table"):
                self.blocks([one], 1)
            else:
                self.blocks(one, 1)

    def _object(self, address: str) -> None:
        """A chart that lies in the file: its titles, and the table that it draws."""
        name = address.removeprefix("./").strip("/")
        root = self._package.xml(f"{name}/content.xml") if self._package is not None and name else None
        charts = [one for one in root.iter() if local(one) == "chart"] if root is not None else []
        for one in charts[-1] if charts else ():  # the body of the file has that name too
            if local(one) in ("title", "subtitle"):
                self._builder.add(" ".join(self._text(p) for p in one.iter() if local(p) == "p"))
            elif local(one) == "table":
                rows = [[place.text for place in row] for row in self._rows(one)]
                if rows and rows[0] and not rows[0][0]:
                    rows[0][0] = "Category"
                add_table(self._builder, rows, header=True)

    def _annotation(self, note: etree._Element) -> None:
        author = next((one.text for one in note if local(one) == "creator" and one.text), "")
        words = one_line(" ".join(self._text(one) for one in note.iter() if local(one) in ("p", "h")))
        self._builder.add(f"Comment by {author}: {words}" if author and words else words and f"Comment: {words}")

    def _after(self) -> None:
        """Append what hung on the last paragraph: notes, comments, text boxes."""
        hanging, self._hanging = self._hanging, []
        for name, one in hanging:
            if name == "note":
                words = one_line(" ".join(self._text(p) for p in one.iter() if local(p) == "p"))
                mark = next((p.text for p in one.iter() if local(p) == "note-citation" and p.text), "")
                self._builder.add(f"Note {mark}: {words}" if words else "")
            elif name == "annotation":
                self._annotation(one)
            else:
                self._frame(one)

    def _text(self, paragraph: etree._Element) -> str:
        words: list[str] = []
        self._collect(paragraph, words)
        return "".join(words).strip()

    def _collect(self, element: etree._Element, words: list[str]) -> None:
        words.append(" ".join(element.text.split("\n")) if element.text else "")
        for child in element:
            name = local(child)
            if name == "s":
                count = attribute(child, "c")
                words.append(" " * (min(int(count), 100) if count.isdecimal() else 1))
            elif name == "tab":
                words.append("\t")
            elif name == "line-break":
                words.append("\n")
            elif name in ("note", "annotation", "frame", "custom-shape", "rect", "text-box", "g"):
                self._hanging.append((name, child))
            elif name == "a" and "text:1.0" in str(child.tag):
                start = len(words)
                self._collect(child, words)
                said = "".join(words[start:])
                address = address_of(attribute(child, "href"), said) if said.strip() else ""
                words.append(f" ({address})" if address else "")
            elif name == "ruby":
                self._collect(next((one for one in child if local(one) == "ruby-base"), child), words)
            elif name not in _SKIPPED and not (name == "span" and attribute(child, "style-name") in self._hidden):
                self._collect(child, words)
            words.append(" ".join(child.tail.split("\n")) if child.tail else "")

    def _cell(self, cell: etree._Element) -> str:
        marks = dict(self._marks(cell, 1, "", False))
        texts = [
            f"{marks.get(one, '')} {self._text(one)}"
            for one in cell.iter()
            if local(one) in ("p", "h") and not _inside(one, cell)
        ]
        text = one_line(" ".join(texts))
        return text or attribute(cell, "string-value")

    def _marks(
        self, holder: etree._Element, level: int, style: str, continues: bool
    ) -> Iterator[tuple[etree._Element, str]]:
        """The paragraphs of a cell before which a list's number stands, each with it."""
        for listed in (one for one in holder if local(one) == "list"):
            named = attribute(listed, "style-name") or style
            goes_on = self._numbering.begin(listed, named, level, continues)
            for item in listed:
                first = next((one for one in item if local(one) in ("p", "h")), None)
                if first is not None and local(item) == "list-item" and (first.text or len(first)):
                    mark = self._numbering.mark(item, named, level)
                    yield first, mark if mark != "-" else ""
                yield from self._marks(item, level + 1, named, goes_on and first is None)

    def _rows(self, table: etree._Element) -> list[list[Place]]:
        rows: list[list[Place]] = []
        above: dict[int, tuple[int, Place]] = {}
        for row in table.iter():
            if local(row) != "table-row" or _table_of(row) is not table:
                continue
            cells: list[Place] = []
            beside: dict[int, tuple[int, Place]] = {}
            for cell in row:
                if local(cell) not in ("table-cell", "covered-table-cell"):
                    continue
                text = self._cell(cell) if len(cell) else ""
                repeats = attribute(cell, "number-columns-repeated")
                count = min(int(repeats) if repeats.isdecimal() else 1, _MOST_REPEATS if text else 60)
                if local(cell) == "covered-table-cell" and not text:
                    for at in range(len(cells), len(cells) + count):
                        left, place = (beside if at in beside else above).pop(at, (0, Place("")))
                        if left > 1:
                            above[at] = (left - 1, place)
                        cells.append(place)
                    continue
                across, down = _spans(cell)
                for at in range(across):
                    if at:
                        beside[len(cells) + at] = (0, Place(text, across=True))
                    if down > 1:
                        above[len(cells) + at] = (down - 1, Place(text, across=bool(at), down=True))
                cells += [Place(text)] * count
            while cells and not cells[-1].text:
                cells.pop()
            repeats = attribute(row, "number-rows-repeated")
            count = min(int(repeats), _MOST_REPEATS) if repeats.isdecimal() and cells else 1
            rows += [cells] * count
            if len(rows) > _MOST_ROWS:
                self._builder.notes.append("Of a very large table, the beginning was read.")
                break
        return rows

    def _table(self, table: etree._Element) -> None:
        rows, joined = named_once(self._rows(table))
        marked = any(local(one) == "table-header-rows" for one in table)
        width = max(map(len, rows), default=0)
        if width == 1:
            for row in rows:
                self._builder.add(row[0] if row else "")
        else:
            filled = [row + [""] * (width - len(row)) for row in rows]
            add_table(self._builder, filled, header=True if joined or marked else None)
        self._after()
        for inner in table.iter():
            if local(inner) == "table" and inner is not table and _table_of(inner) is table:
                self._table(inner)

    def _sheet(self, table: etree._Element) -> None:
        hidden = " (hidden sheet)" if attribute(table, "style-name") in self._hidden else ""
        self._builder.heading(attribute(table, "name") + hidden, 1)
        grid = Grid()
        rows = self._rows(table)
        for number, row in enumerate(rows, 1):
            for column, place in enumerate(row, 1):
                if place.text and not place.across:
                    grid.put(number, column, place.text)
                elif place.text and not place.down and not row[column - 2].across:
                    grid.merged.append(_merged(rows, number - 1, column - 2))
        add_grid(self._builder, grid)
        self._after()
        for one in table.iter():
            if local(one) == "frame" and any(local(inner) == "object" for inner in one):
                self._frame(one)


def _spans(cell: etree._Element) -> tuple[int, int]:
    """How many columns and rows a cell takes."""
    across, down = (attribute(cell, f"number-{name}-spanned") for name in ("columns", "rows"))
    return min(int(across), 100) if across.isdecimal() else 1, int(down) if down.isdecimal() else 1


def _merged(rows: list[list[Place]], row: int, column: int) -> Area:
    """The area of the cell that begins at `row` and `column`, which spans columns."""
    right = column + 1
    while right + 1 < len(rows[row]) and rows[row][right + 1].across:
        right += 1
    bottom = row
    while bottom + 1 < len(rows) and column < len(rows[bottom + 1]) and rows[bottom + 1][column].down:
        bottom += 1
    return Area(row + 1, column + 1, bottom + 1, right + 1)


def _table_of(element: etree._Element) -> etree._Element | None:
    return next((one for one in element.iterancestors() if local(one) == "table"), None)


def _inside(paragraph: etree._Element, cell: etree._Element) -> bool:
    """Whether a paragraph of a cell is part of something that is read apart: a comment, a note, an inner table."""
    for one in paragraph.iterancestors():
        if one is cell:
            return False
        if local(one) in ("annotation", "note", "frame", "table", "custom-shape", "p"):
            return True
    return False
