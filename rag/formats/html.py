"""Web pages: their visible text with headings, without scripts, menus and hidden parts.

Knows HTML. Fetches nothing: links, images and frames are dropped, whatever they point to.
"""

from __future__ import annotations

import regex
from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PreformattedString, Tag

from rag.formats.extracted import Builder, Extracted, one_line
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
    for tag in soup.find_all(_is_hidden):
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
            elif name in ("td", "th"):
                inline.append(" | ")
            elif name == "tr":
                text = one_line("".join(inline)).strip(" |")
                inline.clear()
                builder.add(text, separator="\n")
            else:
                flush()
            continue
        if name == "br":
            inline.append(" ")
        elif len(name) == 2 and name[0] == "h" and name[1] in "123456":
            flush()
            builder.heading(node.get_text(" "), int(name[1]))
        elif name == "pre":
            flush()
            builder.add(node.get_text())
        else:
            if name in _BLOCKS:
                if name not in ("td", "th"):
                    flush()
                stack.append((node, True))
            stack.extend((child, False) for child in reversed(list(node.children)))
    flush()
