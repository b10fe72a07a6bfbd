"""Word documents: everything that a reader of the page sees, in reading order.

Knows WordprocessingML: runs, fields, insertions, content controls, text boxes, notes, comments, tables. Automatic
numbers come from `rag.formats.word_styles`. Runs no macros, follows no links. An odd element costs itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from rag.errors import DocumentError
from rag.formats.drawing import add_chart, add_diagram
from rag.formats.embedded import add_embedded
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.package import Package, attribute, local
from rag.formats.running_lines import PAGE_WORDS
from rag.formats.spans import Place, named_once
from rag.formats.tables import add_table, row_text
from rag.formats.word_bindings import bind
from rag.formats.word_runs import THROUGH, Runs, Text, chosen
from rag.formats.word_styles import Styles

_LONGEST_CELL = 3_000


def read_docx(data: bytes) -> Extracted:
    """A Word document: paragraphs, headings by their style, tables row by row; headers and footers once, in front."""
    package = Package(data, "DOCX")
    main = package.main() or "word/document.xml"
    root = package.xml(main)
    bodies = [one for one in root if local(one) == "body"] if root is not None else []
    if root is None or not bodies:
        raise DocumentError("The file is not a readable DOCX document; open it in its program and save it again.")
    bind(root, package, main)
    builder = Builder(title=package.title())
    _Reader(package, main, builder).document(bodies)
    return builder.build()


class _Reader:
    """Walks one document. Each block is read by itself, so that a broken one costs itself."""

    def __init__(self, package: Package, part: str, builder: Builder) -> None:
        self._package = package
        self._part = part
        self._builder = builder
        self._styles = Styles.of(package, part)
        self._runs = Runs(package, self._styles)
        self._notes = {kind: self._numbered(kind) for kind in ("footnotes", "endnotes", "comments")}
        self._left_out: dict[str, int] = {}
        self._depth = 0

    def document(self, bodies: list[etree._Element]) -> None:
        self._margins()
        for body in bodies:
            self._blocks(body)
        add_embedded(self._builder, self._package, self._part)
        if self._runs.pictures:
            self._builder.notes.append("Pictures without a description were not read.")
        for what, count in self._left_out.items():
            self._builder.notes.append(f"{count} {what} could not be read.")

    def _numbered(self, kind: str) -> dict[str, etree._Element]:
        """Footnotes, endnotes or comments by id."""
        found: dict[str, etree._Element] = {}
        for name in self._package.related(self._part, kind):
            root = self._package.xml(name)
            for one in root if root is not None else ():
                if attribute(one, "type") not in ("separator", "continuationSeparator", "continuationNotice"):
                    found[attribute(one, "id")] = one
        return found

    def _margins(self) -> None:
        """Headers and footers: each different paragraph once, without page numbers."""
        seen: set[str] = set()
        for kind in ("header", "footer"):
            for name in self._package.related(self._part, kind):
                root = self._package.xml(name)
                if root is None:
                    continue
                part, self._part = self._part, name
                sub = Builder()
                builder, self._builder = self._builder, sub
                self._blocks(root)
                self._builder, self._part = builder, part
                for line in sub.build().text.split("\n\n"):
                    words = one_line(line)
                    if words and words not in seen and not PAGE_WORDS.fullmatch(words):
                        seen.add(words)
                        builder.add(words)

    def _blocks(self, parent: etree._Element) -> None:
        """Append the blocks of a body, cell, note or text box."""
        self._depth += 1
        for block in parent if self._depth < 60 else ():
            name = local(block)
            length = self._builder.length
            try:
                if name == "p":
                    self._paragraph(block)
                elif name == "tbl":
                    self._table(block)
                elif name == "altChunk":
                    self._chunk(block)
                elif name == "AlternateContent":
                    self._blocks(chosen(block))
                elif name in THROUGH:
                    self._blocks(block)
            except (DocumentError, RecursionError):
                raise
            except Exception:  # whatever an odd element makes this stumble over
                if self._builder.length == length:
                    self._builder.add(one_line(" ".join(t.text or "" for t in block.iter() if local(t) == "t")))
                what = "tables" if name == "tbl" else "parts"
                self._left_out[what] = self._left_out.get(what, 0) + 1
        self._depth -= 1

    def _paragraph(self, paragraph: etree._Element) -> None:
        found = Text()
        self._runs.collect(paragraph, found, self._part)
        text = found.text.strip()
        style = self._styles.of_paragraph(paragraph)
        number = self._styles.number(paragraph) if text else ""
        if text and style.level:
            self._builder.heading(f"{number} {text}" if number and number != "-" else text, style.level)
        elif text:
            close = bool(number) or style.listed
            self._builder.add(f"{number or '-'} {text}" if close else text, separator="\n" if close else "\n\n")
        self._hanging(found)

    def _hanging(self, found: Text) -> None:
        """Append what hangs on a paragraph or on the cells of a table."""
        for box in found.boxes:
            self._blocks(box)
        for picture in found.pictures:
            self._builder.add(f"Picture: {picture}")
        for chart in found.charts:
            add_chart(self._builder, self._package, chart)
        for diagram in found.diagrams:
            add_diagram(self._builder, self._package, diagram)
        for kind, identity in found.notes:
            if (note := self._notes[kind].get(identity)) is not None:
                words = self._plain(note)
                self._builder.add(f"Note {identity}: {words}" if words else "")
        for identity in found.comments:
            if (comment := self._notes["comments"].get(identity)) is not None:
                words, author = self._plain(comment), attribute(comment, "author")
                self._builder.add(
                    f"Comment by {author}: {words}" if author and words else words and f"Comment: {words}"
                )

    def _plain(self, parent: etree._Element) -> str:
        """The words of a note or comment on one line."""
        texts: list[str] = []
        for paragraph in parent.iter():
            if local(paragraph) == "p":
                found = Text()
                self._runs.collect(paragraph, found, self._part)
                texts.append(found.text)
        return one_line(" ".join(texts))

    def _chunk(self, chunk: etree._Element) -> None:
        """A document of another format that is embedded in the text."""
        from rag.formats.registry import read

        relation = self._package.relations(self._part).get(attribute(chunk, "id"))
        data = self._package.read(relation.target) if relation else None
        if relation and data:
            self._builder.add(read(data, relation.target).text)

    def _table(self, table: etree._Element) -> None:
        rows: list[list[Place]] = []
        above: dict[int, str] = {}
        after = Text()
        marked = 0
        for row in _rows(table):
            nested: list[etree._Element] = []
            if any(_length(cell) > _LONGEST_CELL for cell in _cells(row)):
                self._flush(rows, table, marked)  # a table that places columns of text on a page
                rows = []
                for cell in _cells(row):
                    self._blocks(cell)
                continue
            cells = self._row(row, above, after, nested)
            marked += marked == len(rows) and any(local(one) == "tblHeader" for one in row.iter())
            texts = ["" if cell.across else cell.text for cell in cells]
            if nested and len([text for text in texts if text]) <= 1 + len(nested):
                # A table that places parts of a page: its cells are read one after the other.
                self._flush(rows, table, marked)
                rows = []
                self._builder.add(row_text((), texts) if any(texts) else "")
                for inner in nested:
                    self._table(inner)
                continue
            rows.append(cells)
            for inner in nested:
                self._flush(rows, table, marked)
                rows = []
                self._table(inner)
        self._flush(rows, table, marked)
        self._hanging(after)

    def _flush(self, places: list[list[Place]], table: etree._Element, marked: int) -> None:
        rows, joined = named_once(places, marked)
        if len(rows) == 1 and len(rows[0]) == 1:
            self._builder.add(rows[0][0])
        elif rows and _label_by_label(table, rows):
            for row in rows:
                pairs = [
                    row_text((), row[at : at + 2]).rstrip(".") for at in range(0, len(row), 2) if any(row[at : at + 2])
                ]
                self._builder.add("; ".join(pairs) + ".")
        elif rows:
            add_table(self._builder, rows, header=joined or _named(table, rows, bool(marked)))

    def _row(
        self, row: etree._Element, above: dict[int, str], after: Text, nested: list[etree._Element]
    ) -> list[Place]:
        """The texts of a row, each in its column; a cell merged downward counts in each row."""
        cells: list[Place] = []
        skipped = next((attribute(one, "val") for one in row.iter() if local(one) == "gridBefore"), "0")
        cells += [Place("")] * (int(skipped) if skipped.isdecimal() and int(skipped) < 100 else 0)
        for cell in _cells(row):
            found = Text()
            texts: list[str] = []
            for block in _inner(cell):
                if local(block) == "tbl":
                    nested.append(block)
                    continue
                one = Text()
                self._runs.collect(block, one, self._part)
                number = self._styles.number(block) if one.text.strip() else ""
                texts.append(f"{number} {one.text}" if number and number != "-" else one.text)
                for name in ("boxes", "charts", "diagrams", "notes", "comments", "pictures"):
                    getattr(after, name).extend(getattr(one, name))
            text = one_line(" ".join(texts))
            found.words.append(text)
            properties = next((one for one in cell if local(one) == "tcPr"), ())
            merged = next((one for one in properties if local(one) == "vMerge"), None)
            if goes_on := merged is not None and attribute(merged, "val") != "restart":
                text = text or above.get(len(cells), "")
            above[len(cells)] = text
            span = next((attribute(one, "val") for one in properties if local(one) == "gridSpan"), "1")
            cells.append(Place(text, down=goes_on))
            cells += [Place(text, True, goes_on)] * (int(span) - 1 if span.isdecimal() and int(span) < 100 else 0)
        return cells


def _rows(table: etree._Element) -> Iterator[etree._Element]:
    for row in _within(table, "tr", "tbl"):
        if not any(local(one) == "del" for properties in row if local(properties) == "trPr" for one in properties):
            yield row


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    yield from _within(row, "tc", "tbl")


def _inner(cell: etree._Element) -> Iterator[etree._Element]:
    for child in cell:
        if local(child) in ("p", "tbl"):
            yield child
        elif local(child) in THROUGH:
            yield from _inner(child)


def _within(parent: etree._Element, name: str, without: str) -> Iterator[etree._Element]:
    for child in parent:
        if local(child) == name:
            yield child
        elif local(child) in THROUGH and local(child) != without:
            yield from _within(child, name, without)


def _named(table: etree._Element, rows: list[list[str]], marked: bool) -> bool | None:
    """Whether the first row names the columns: it is marked so, or set in bold unlike the next; None: look at it."""
    if marked:
        return True
    bold = [[_is_bold(cell) for cell in _cells(row) if _says(cell)] for row in list(_rows(table))[:2]]
    if len(bold) == 2 and bold[0] and all(bold[0]) and not all(bold[1]):
        return True
    width = max((sum(map(bool, row)) for row in rows), default=0)
    if width == 2:
        look = next((one for one in table.iter() if local(one) == "tblLook"), None)
        style = next((attribute(one, "val") for one in table.iter() if local(one) == "tblStyle"), "")
        plain = style in ("", "TableGrid", "TableNormal", "Tabellenraster")
        if not plain and look is not None and attribute(look, "firstRow") == "1":
            return True
    return None


def _label_by_label(table: etree._Element, rows: list[list[str]]) -> bool:
    """Whether each row is labels in bold and values in turn."""
    width = len(rows[0])
    if width < 4 or width % 2 or any(len(row) != width or not any(row[::2]) for row in rows):
        return False
    bold = [[_is_bold(cell) for cell in _cells(row)] for row in _rows(table)]
    if any(len(marks) != width or any(marks[1::2]) for marks in bold):
        return False
    return all(marks[at] or not row[at] for marks, row in zip(bold, rows, strict=False) for at in range(0, width, 2))


def _length(cell: etree._Element) -> int:
    return sum(len(one.text or "") for one in cell.iter() if local(one) == "t")


def _says(cell: etree._Element) -> bool:
    return any((one.text or "").strip() for one in cell.iter() if local(one) == "t")


def _is_bold(cell: etree._Element) -> bool:
    runs = [one for one in cell.iter() if local(one) == "r" and _says(one)]
    return bool(runs) and all(
        any(local(mark) == "b" and attribute(mark, "val") not in ("0", "false") for mark in run.iter()) for run in runs
    )
