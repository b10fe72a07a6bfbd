"""Presentations: slides as pages, with everything that stands on them, their notes and comments.

Knows PresentationML: placeholders, groups, tables, charts, diagrams, hidden slides. An odd shape costs itself.
"""

from __future__ import annotations

from lxml import etree

from rag.errors import DocumentError
from rag.formats.drawing import add_chart, add_diagram, description, paragraphs
from rag.formats.embedded import add_embedded
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.package import Package, attribute, local
from rag.formats.slide_cards import box_of, cards
from rag.formats.spans import Place, named_once
from rag.formats.tables import add_table

_FURNITURE = ("sldNum", "dt", "hdr", "sldImg")
_DEEPEST = 40


def read_pptx(data: bytes) -> Extracted:
    """Slides, one page each: title as heading, text of shapes, tables, charts, speaker's notes."""
    package = Package(data, "PPTX")
    main = package.main() or "ppt/presentation.xml"
    root = package.xml(main)
    if root is None or local(root) != "presentation":
        raise DocumentError("The file is not a readable PPTX document; open it in its program and save it again.")
    builder = Builder(title=package.title())
    relations = package.relations(main)
    slides = [
        relations[attribute_of_relation(one)].target
        for one in root.iter()
        if local(one) == "sldId" and attribute_of_relation(one) in relations
    ] or sorted(name for name in package.names() if name.startswith("ppt/slides/slide") and name.endswith(".xml"))
    reader = _Reader(package, builder)
    for slide in slides:
        reader.slide(slide)
    if reader.left_out:
        builder.notes.append(f"{reader.left_out} shapes could not be read.")
    return builder.build()


def attribute_of_relation(element: etree._Element) -> str:
    """The id of the part that an element refers to; an element may have an id of its own beside it."""
    return next((str(v) for key, v in element.attrib.items() if str(key).endswith("relationships}id")), "")


class _Reader:
    """Reads one deck; what stands on every slide is read once."""

    def __init__(self, package: Package, builder: Builder) -> None:
        self._package = package
        self._builder = builder
        self._seen: set[str] = set()
        self._cards: dict[etree._Element, str] = {}
        self.left_out = 0

    def slide(self, name: str) -> None:
        root = self._package.xml(name)
        self._builder.page()
        if root is None:
            self.left_out += 1
            return
        tree = next((one for one in root.iter() if local(one) == "spTree"), None)
        if tree is None:
            return
        title = next(
            (one for one in tree.iter() if local(one) == "sp" and _placeholder(one) in ("title", "ctrTitle")), None
        )
        words = one_line(" ".join(paragraphs(title))) if title is not None else ""
        hidden = " (hidden slide)" if root.get("show") in ("0", "false") else ""
        if words or hidden:
            self._builder.heading(f"{words}{hidden}", 1)
        free = [(one, list(paragraphs(one))) for one in tree if local(one) == "sp" and not _placeholder(one)]
        self._cards = cards([box for one, texts in free if (box := box_of(one, texts)) is not None])
        self._shapes(tree, name, title)
        for layout in self._package.related(name, "slideLayout"):
            self._furniture(layout)
            for master in self._package.related(layout, "slideMaster"):
                self._furniture(master)
        add_embedded(self._builder, self._package, name)
        for notes in self._package.related(name, "notesSlide"):
            self._notes(notes)
        for comments in (*self._package.related(name, "comments"), *self._package.related(name, "comment")):
            self._comments(comments)

    def _shapes(self, parent: etree._Element, part: str, skipped: etree._Element | None, depth: int = 0) -> None:
        for shape in parent if depth < _DEEPEST else ():
            if shape is skipped:
                continue
            try:
                self._shape(shape, part, skipped, depth)
            except (DocumentError, RecursionError):
                raise
            except Exception:  # whatever an odd shape makes this stumble over
                self.left_out += 1

    def _shape(self, shape: etree._Element, part: str, skipped: etree._Element | None, depth: int) -> None:
        match local(shape):
            case "grpSp":
                self._shapes(shape, part, skipped, depth + 1)
            case "AlternateContent":
                chosen = next((one for one in shape if local(one) in ("Choice", "Fallback") and len(one)), None)
                if chosen is not None:
                    self._shapes(chosen, part, skipped, depth + 1)
            case "sp" | "cxnSp":
                kind = _placeholder(shape)
                if (card := self._cards.get(shape)) is not None:
                    self._builder.add(card)
                    return
                texts = [] if kind in _FURNITURE else list(paragraphs(shape))
                if kind == "ftr":
                    texts = [text for text in texts if text not in self._seen]
                    self._seen.update(texts)
                self._builder.add("\n".join(texts))
                if not texts and not kind and (said := description(shape)):
                    self._builder.add(f"Picture: {said}")
            case "graphicFrame":
                self._frame(shape, part)
            case "pic":
                self._builder.add(f"Picture: {said}" if (said := description(shape)) else "")

    def _frame(self, frame: etree._Element, part: str) -> None:
        relations = self._package.relations(part)
        for one in frame.iter():
            name = local(one)
            if name == "tbl":
                self._table(one)
            elif name == "chart" and (found := relations.get(attribute_of_relation(one))):
                add_chart(self._builder, self._package, found.target)
            elif name == "relIds" and (found := relations.get(attribute(one, "dm"))):
                add_diagram(self._builder, self._package, found.target)

    def _table(self, table: etree._Element) -> None:
        places: list[list[Place]] = []
        properties = next((one for one in table if local(one) == "tblPr"), None)
        above: dict[int, str] = {}
        for row in table:
            if local(row) != "tr":
                continue
            cells: list[Place] = []
            for cell in row:
                if local(cell) != "tc":
                    continue
                text = one_line(" ".join(paragraphs(cell)))
                down, across = (cell.get(name) in ("1", "true") for name in ("vMerge", "hMerge"))
                if down:
                    text = text or above.get(len(cells), "")
                elif across and cells:
                    text = text or cells[-1].text
                above[len(cells)] = text
                cells.append(Place(text, across, down))
            places.append(cells)
        rows, joined = named_once(places)
        marked = properties is not None and properties.get("firstRow") in ("1", "true")
        wide = max((sum(map(bool, row)) for row in rows), default=0) > 2
        add_table(self._builder, rows, header=True if joined or (marked and wide) else None)

    def _furniture(self, part: str) -> None:
        """What a layout or master shows on every slide; read once."""
        if part in self._seen:
            return
        self._seen.add(part)
        root = self._package.xml(part)
        for shape in root.iter() if root is not None else ():
            if local(shape) == "sp" and not any(local(one) == "ph" for one in shape.iter()):
                text = "\n".join(paragraphs(shape))
                if text and text not in self._seen:
                    self._seen.add(text)
                    self._builder.add(text)

    def _notes(self, part: str) -> None:
        root = self._package.xml(part)
        for shape in root.iter() if root is not None else ():
            if local(shape) == "sp" and _placeholder(shape) not in (*_FURNITURE, "ftr"):
                self._builder.add("\n".join(paragraphs(shape)))

    def _comments(self, part: str) -> None:
        root = self._package.xml(part)
        for comment in root.iter() if root is not None else ():
            if local(comment) in ("cm", "reply"):
                own = [one for one in comment if local(one) in ("text", "txBody")]
                text = one_line(" ".join("".join(one.itertext()) for one in own))
                self._builder.add(f"Comment: {text}" if text else "")


def _placeholder(shape: etree._Element) -> str:
    """Which placeholder a shape fills; "" where it is none."""
    for one in shape.iter():
        if local(one) == "ph":
            return str(one.get("type", "body"))
        if local(one) in ("txBody", "spPr"):
            return ""
    return ""
