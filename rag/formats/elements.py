"""XML that people read too: records, articles, tables, and what wikis export.

Knows elements and attributes, and the tables of DocBook, DITA, JATS and HTML. Resolves no references to other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import unescape

import regex
from lxml import etree

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.html import add_html
from rag.formats.markup import pages_of_wiki
from rag.formats.package import local, parse
from rag.formats.spreadsheet_2003 import NAMESPACE, read_workbook
from rag.formats.structured import shown_value, words_of
from rag.formats.tables import add_table

_DEEPEST = 240
_MOST_ENTITIES = 10_000
_LONGEST_ENTITY = 1_000


def read_xml(data: bytes) -> Extracted:
    """XML: records as "name: value" lines, text as paragraphs; wiki exports page by page."""
    root = parse(data)
    if root is None:
        raise DocumentError("The file is not readable XML; save it again.")
    _fill_in(root)
    if local(root) == "Workbook" and str(root.tag).startswith(f"{{{NAMESPACE}}}"):
        return read_workbook(root)
    builder = Builder()
    if local(root) == "mediawiki":
        pages_of_wiki(_wiki_pages(root), builder)
        return builder.build()
    if local(root) == "html":
        add_html(builder, etree.tostring(root, encoding="unicode"))
        return builder.build()
    _Elements(builder).add(root, 1)
    return builder.build()


def _fill_in(root: etree._Element) -> None:
    """Put the words that the file itself declares for a name (`&firm;`) in its place: words only, none without end."""
    declared = root.getroottree().docinfo.internalDTD
    if declared is None:
        return
    said = {one.name: one.content or "" for one in declared.entities()}
    for entity in list(root.iter(etree.Entity))[:_MOST_ENTITIES]:
        text, parent, before = said.get(str(entity.name), ""), entity.getparent(), entity.getprevious()
        if (
            parent is None
            or not text
            or len(text) > _LONGEST_ENTITY
            or regex.search(r"<|&(?!(?:amp|lt|gt|quot|apos);)", text)
        ):
            continue
        text = unescape(text) + (entity.tail or "")
        entity.tail = None
        parent.remove(entity)
        if before is None:
            parent.text = (parent.text or "") + text
        else:
            before.tail = (before.tail or "") + text


def _wiki_pages(root: etree._Element) -> Iterator[tuple[str, str]]:
    for page in root.iter("{*}page"):
        title = next((one.text or "" for one in page.iter("{*}title")), "")
        text = next((one.text or "" for one in reversed(list(page.iter("{*}text")))), "")
        if text and not regex.match(r"#\s*(?:REDIRECT|WEITERLEITUNG|YÖNLENDİRME)", text, regex.I):
            yield title, text


_TITLES = ("title", "heading", "head", "bridgehead", "caption")
_INLINE = frozenset(
    {
        "b",
        "i",
        "em",
        "strong",
        "emphasis",
        "code",
        "a",
        "link",
        "xref",
        "ph",
        "term",
        "sub",
        "sup",
        "span",
        "quote",
        "ulink",
    }
)


class _Elements:
    """Writes elements into a builder."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def add(self, element: etree._Element, level: int, depth: int = 0) -> None:
        """Append an element and what it holds; `level` is that of a title in it."""
        if depth > _DEEPEST:
            return
        children = [child for child in element if isinstance(child.tag, str)]
        if (rows := _rows(element)) is not None:
            add_table(self._builder, rows[0], header=rows[1])
            return
        attributes = _attributes(element)
        if not children or all(local(child) in _INLINE for child in children):
            text = shown_value("".join(map(str, element.itertext())))
            self._leaf(element, text, attributes, level)
            return
        if all(self._is_record(child) for child in children) and len({local(child) for child in children}) > 1:
            self._record(children, attributes)
            return
        if attributes:
            self._builder.add(f"{words_of(local(element))}: {attributes}")
        if element.text and element.text.strip():
            self._builder.add(one_line(element.text))
        titled = any(local(child) in _TITLES for child in children)
        for child in children:
            self.add(child, level + titled if local(child) not in _TITLES else level, depth + 1)
            if child.tail and child.tail.strip():
                self._builder.add(one_line(child.tail))

    def _leaf(self, element: etree._Element, text: str, attributes: str, level: int) -> None:
        name = local(element)
        if name in _TITLES and text:
            self._builder.heading(text, min(level, 6))
        elif name in ("p", "para", "simpara", "text", "li", "listitem", "entry", "body", "content", "cmd"):
            self._builder.add(text)
        elif text or attributes:
            self._builder.add(f"{words_of(name)}: {'; '.join(filter(None, (text, attributes)))}", separator="\n")

    def _is_record(self, child: etree._Element) -> bool:
        return not len(child) and local(child) not in ("p", "para") and len(child.text or "") < 2_000

    def _record(self, children: list[etree._Element], attributes: str) -> None:
        lines = [attributes] if attributes else []
        for child in children:
            if text := shown_value(child.text or ""):
                more = _attributes(child)
                lines.append(f"{words_of(local(child))}: {text}{f' ({more})' if more else ''}")
        self._builder.add("; ".join(lines))


def _attributes(element: etree._Element) -> str:
    return "; ".join(
        f"{words_of(str(name).rpartition('}')[2])}: {one_line(str(value))}"
        for name, value in element.attrib.items()
        if _says(str(name), str(value))
    )


_ROWS = frozenset({"row", "tr", "strow", "sthead"})
_CELLS = frozenset({"entry", "td", "th", "stentry", "entrytbl"})
_TABLES = frozenset({"tgroup", "simpletable", "table", "informaltable", "thead", "tbody", "tfoot"})
_WIDTHS = frozenset({"colspec", "spanspec", "colgroup", "col"})


def _rows(element: etree._Element) -> tuple[list[list[str]], bool | None] | None:
    """The rows of a table of DocBook, DITA, JATS or HTML, and whether their first names the columns; None for what is
    no such table, or has more in it than rows.
    """
    if local(element) not in _TABLES:
        return None
    rows: list[list[str]] = []
    named: bool | None = None
    for child in element:
        name = local(child)
        if name in _ROWS and len(child) and all(local(cell) in _CELLS for cell in child if local(cell)):
            if not rows and (local(element) == "thead" or name == "sthead" or all(local(c) == "th" for c in child)):
                named = True
            rows.append([one_line("".join(map(str, cell.itertext()))) for cell in child if local(cell)])
        elif name in _TABLES:
            inner = _rows(child)
            if inner is None:
                return None
            named = inner[1] if not rows else named
            rows += inner[0]
        elif name and name not in _WIDTHS:
            return None
    return (rows, named) if rows else None


def _says(name: str, value: str) -> bool:
    """Whether an attribute is for people: it holds words, and is no address or identifier of markup."""
    if name.endswith(("schemaLocation", "xmlns", "}space", "}lang", "class", "style")) or len(value) > 300:
        return False
    return not value.startswith(("http://", "https://", "#", "urn:"))
