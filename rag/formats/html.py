"""Web pages: their visible text with headings, without scripts, menus and hidden parts.

Knows HTML. Fetches nothing: links, images and frames are dropped, whatever they point to.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex
from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PreformattedString, Tag

from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.tables import add_table
from rag.formats.text import decode

_DROPPED = (
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "object",
    "svg",
    "nav",
    "footer",
    "dialog",
    "form",
    "button",
    "select",
    "head",
)
_BLOCK_NAMES = """
address article aside blockquote body dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header
hr html li main ol p pre section summary table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_ROLES = frozenset({"banner", "navigation", "contentinfo", "complementary", "search", "dialog", "alertdialog", "menu"})
_HIDDEN = regex.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?![.\d])", regex.I
)
_CHARSET = regex.compile(rb"<meta[^>]+charset=[\"']?\s*([A-Za-z0-9_\-]+)", regex.I)


def read_html(data: bytes) -> Extracted:
    """A page's title, headings and visible text."""
    builder = Builder()
    add_html(builder, _decode(data))
    return builder.build()


def add_html(builder: Builder, markup: str) -> None:
    """Append the visible text of `markup`; a title the builder lacks is taken from it."""
    soup = BeautifulSoup(markup, "lxml")
    if not builder.title and soup.title:
        builder.title = soup.title.get_text()
    for tag in soup.find_all(_DROPPED):
        tag.decompose()
    has_main = soup.find(["main", "article"]) is not None
    for tag in soup.find_all(lambda tag: _is_hidden(tag) or _is_furniture(tag, has_main)):
        if not tag.decomposed:
            tag.decompose()
    _walk(soup.body or soup, builder)


def _decode(data: bytes) -> str:
    declared = _CHARSET.search(data[:4096])
    if declared:
        try:
            return data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(data)


def _is_hidden(tag: Tag) -> bool:
    style = tag.get("style")
    return (
        tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or (isinstance(style, str) and bool(_HIDDEN.search(style)))
    )


def _is_furniture(tag: Tag, has_main: bool) -> bool:
    """Whether the tag belongs to the site rather than to the page."""
    if tag.get("role") in _ROLES:
        return True
    # An aside or a header within the page proper is a note or a title of its own.
    return tag.name in ("aside", "header") and has_main and tag.find_parent(["main", "article"]) is None


def _walk(root: Tag, builder: Builder) -> None:
    """Visit blocks in reading order; text between two block borders is one block. Iterative: nesting may be hostile."""
    inline: list[str] = []

    def flush(prefix: str = "", separator: str = "\n\n") -> None:
        text = one_line("".join(inline))
        inline.clear()
        if text:
            builder.add(prefix + text, separator=separator)

    stack: list[tuple[object, bool]] = [(root, False)]
    while stack:
        node, leaving = stack.pop()
        if isinstance(node, NavigableString):
            if isinstance(node, CData) or not isinstance(node, PreformattedString):  # no comments, no declarations
                inline.append(str(node))
            continue
        if not isinstance(node, Tag):
            continue
        name = node.name
        if leaving:
            if name == "li":
                flush("- ", "\n")
            else:
                flush()
            continue
        if name == "br":
            inline.append(" ")
        elif len(name) == 2 and name[0] == "h" and name[1] in "123456":
            flush()
            builder.heading(node.get_text(" "), int(name[1]))
        elif name == "table" and _holds_data(node):
            flush()
            caption = node.find("caption")
            if caption is not None:
                builder.add(one_line(caption.get_text(" ")))
            add_table(builder, _grid(node), header=_has_header(node))
        elif name == "pre":
            flush()
            builder.add(node.get_text())
        else:
            if name in _BLOCKS:
                flush()
                stack.append((node, True))
            stack.extend((child, False) for child in reversed(list(node.children)))
    flush()


def _holds_data(table: Tag) -> bool:
    """Whether this is a table of data, rather than one that places the parts of a page."""
    if table.get("role") in ("presentation", "none") or table.find(["table", "h1", "h2", "h3", "ul", "ol", "form"]):
        return False
    return len(table.find_all("tr")) > 1 and any(len(row.find_all(["td", "th"])) > 1 for row in table.find_all("tr"))


def _has_header(table: Tag) -> bool:
    first = table.find("tr")
    cells = first.find_all(["td", "th"]) if first else []
    named = bool(cells) and all(cell.name == "th" for cell in cells)
    return named or (len(cells) > 2 and not table.find("th"))


def _grid(table: Tag) -> Iterator[list[str]]:
    """The rows' texts, each in its column; a cell that spans rows counts in each of them."""
    spanning: dict[int, tuple[int, str]] = {}
    for row in table.find_all("tr"):
        cells: list[str] = []

        def fill(cells: list[str] = cells) -> None:
            while len(cells) in spanning:
                left, text = spanning.pop(len(cells))
                if left > 1:
                    spanning[len(cells)] = (left - 1, text)
                cells.append(text)

        for cell in row.find_all(["td", "th"]):
            fill()
            text, down = one_line(cell.get_text(" ")), _span(cell, "rowspan")
            for at in range(_span(cell, "colspan")):
                if down > 1:
                    spanning[len(cells)] = (down - 1, text if at == 0 else "")
                cells.append(text if at == 0 else "")
        fill()
        yield cells


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return min(max(int(value), 1), 100) if value.isascii() and value.isdecimal() and len(value) < 6 else 1
