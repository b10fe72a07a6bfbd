"""Web pages: their visible text with headings, without scripts, menus and hidden parts.

Knows HTML. Fetches nothing: links, images and frames are dropped, whatever they point to.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

import regex
from bs4 import BeautifulSoup
from bs4.element import CData, NavigableString, PreformattedString, Tag

from rag.formats.encodings import decoded
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.items import joined
from rag.formats.package import address_of
from rag.formats.spans import Cell, named_once, placed
from rag.formats.tables import add_table

_DROPPED = ("script", "style", "template", "iframe", "object", "nav", "head", "datalist", "audio", "video", "canvas")
_BLOCK_NAMES = """
address article aside blockquote body dd details div dl dt fieldset figcaption figure footer h1 h2 h3 h4 h5 h6 header
hr html li main ol p pre section summary table tbody td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_MENUS = frozenset({"navigation", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar"})
_MARGINS = frozenset({"banner", "contentinfo", "complementary"})
_HIDDEN = regex.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?:font-size|opacity)\s*:\s*0*(?:\.0*)?(?:px|em|rem|ex|pt|pc|ch|mm|cm|in|%|v[wh])?\s*(?:!important\s*)?(?:;|$)"
    r"|(?:left|top|right|text-indent)\s*:\s*-\d{4,}",
    regex.I,
)
_CHARSET = regex.compile(rb"<(?:meta|\?xml)[^>]+(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_\-:]+)", regex.I)
_FORMULA = frozenset({"katex-html", "MathJax_Preview", "mjx-assistive-mml"})
_TYPED = frozenset({"", "text", "email", "tel", "url", "number", "date", "time", "datetime-local", "month", "week"})
_MOST_OPTIONS = 50
_FEW_WORDS = 3
_SHORT_MARGIN = 20
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "؟")
_LITTLE = 200
_LABEL, _VALUE = 40, 120
_LISTS = frozenset({"ul", "ol", "menu", "dir"})
_ANCHOR = frozenset("¶#§🔗")
_LINKS_TO_ITSELF = frozenset({"¶", "🔗", "[source]"})
_MOST_CODE_LINES = 100
"""More lines in one piece are no code in a page but a text of its own, set as it was typed."""


def read_html(data: bytes) -> Extracted:
    """A page's title, headings and visible text."""
    declared = _CHARSET.search(data[:4096])
    found = decoded(data, declared[1].decode("ascii") if declared else "")
    builder = Builder(notes=[found.note] if found.note else [])
    add_html(builder, found.text)
    return builder.build()


def add_html(builder: Builder, markup: str, *, fragment: bool = False) -> None:
    """Append the visible text of `markup`; a title the builder lacks is taken from it. A `fragment` has no menus."""
    soup = BeautifulSoup(regex.sub(r"^\s*<\?xml[^>]*>", "", markup), "lxml")
    if not builder.title and soup.title:
        builder.title = soup.title.get_text()
    for frame in soup.find_all("iframe", srcdoc=True):
        inner = BeautifulSoup(str(frame["srcdoc"]), "lxml")
        frame.name, frame.attrs = "div", {}
        frame.clear()
        frame.extend(list((inner.body or inner).children))
    if soup.find("noscript") is not None and len(soup.get_text(" ", strip=True)) > _LITTLE:
        for tag in soup.find_all("noscript"):
            tag.decompose()
    proper = _page_proper(soup)
    for tag in soup.find_all(_DROPPED):
        if not (fragment and tag.name == "nav") and not tag.decomposed:
            if tag.name == "nav":
                _rescue(proper, tag)
            tag.decompose()
    has_main = soup.find(["main", "article"]) is not None
    for tag in soup.find_all(lambda tag: _is_hidden(tag) or (not fragment and _is_furniture(tag, has_main))):
        if not tag.decomposed:
            if not _is_hidden(tag):
                _rescue(proper, tag)
                if (title := _only_title(tag, soup)) is not None:
                    tag.insert_before(title.extract())
            tag.decompose()
    for link in soup.find_all("a"):
        if link.get_text(strip=True) in _LINKS_TO_ITSELF:
            link.decompose()
            continue
        where = str(link.get("href") or "")
        if where.startswith("mailto:") and (address := address_of(unquote(where), link.get_text())):
            link.append(f" ({address})")
    _walk(soup.body or soup, builder)


def _page_proper(soup: BeautifulSoup) -> list[Tag]:
    """What the page says is its own: its main part, or else its articles where none stands outside a menu."""
    if main := soup.find_all(lambda tag: tag.name == "main" or tag.get("role") == "main"):
        return main
    articles = soup.find_all("article")
    return articles if all(article.find_parent(_is_menu) is not None for article in articles) else []


def _is_menu(tag: Tag) -> bool:
    return tag.name == "nav" or tag.get("role") in _MENUS


def _rescue(proper: list[Tag], furniture: Tag) -> None:
    """Move the page's own parts out of a menu or margin that was never closed before them, and is dropped."""
    for part in proper:
        if not part.decomposed and any(parent is furniture for parent in part.parents):
            furniture.insert_before(part.extract())


def _is_hidden(tag: Tag) -> bool:
    style = tag.get("style")
    if isinstance(style, str) and _HIDDEN.search(style):
        return True
    if tag.has_attr("hidden") and tag.get("hidden") != "until-found":
        return True
    if tag.name == "dialog":
        return not tag.has_attr("open")
    if tag.get("aria-hidden") == "true":  # hidden from readers aloud: an icon, or a formula that is there twice
        return not _FORMULA.isdisjoint(tag.get_attribute_list("class")) or len(tag.get_text().split()) < _FEW_WORDS
    return False


def _is_furniture(tag: Tag, has_main: bool) -> bool:
    """Whether the tag belongs to the site rather than to the page: a menu, or a margin of links or few words."""
    role = tag.get("role")
    if role in _MENUS:
        return True
    if tag.name == "button" or tag.get("type") in ("submit", "reset", "button"):
        return tag.find_parent(["h1", "h2", "h3", "h4", "h5", "h6", "summary", "dt", "label"]) is None and (
            len(tag.get_text().split()) <= _FEW_WORDS
        )
    if role in _MARGINS or tag.name in ("aside", "header", "footer"):
        # Within the page proper it is a note or a title of its own.
        if tag.find_parent(["main", "article"]) is not None:
            return False
        words = tag.get_text(" ").split()
        if has_main and (role == "banner" or (len(words) <= _SHORT_MARGIN and not any(map(_tells, _lines(tag))))):
            return True
        return _mostly_links(tag, 0.5 if has_main else 0.8)
    return False


def _only_title(margin: Tag, page: Tag) -> Tag | None:
    """The page's title, where it stands in a margin and nowhere else."""
    title = margin.find("h1")
    return title if isinstance(title, Tag) and page.find_all("h1") == [title] else None


def _lines(margin: Tag) -> list[list[str]]:
    """The words of a margin, paragraph by paragraph where it has some."""
    parts = [part for part in margin.find_all(["p", "li", "div", "address"]) if part.find(["p", "li", "div"]) is None]
    return [part.get_text(" ").split() for part in parts] or [margin.get_text(" ").split()]


def _tells(words: list[str]) -> bool:
    """Whether the words of a short margin say something: a sentence, an address, or a number that is no year of
    copyright.
    """
    if "©" in words:
        return False
    if any("@" in word for word in words):
        return True
    if len(words) <= _FEW_WORDS:
        return False
    return words[-1].endswith(_SENTENCE_ENDS) or any(map(str.isdecimal, "".join(words)))


def _mostly_links(tag: Tag, share: float) -> bool:
    linked = sum(len(link.get_text(strip=True)) for link in tag.find_all(["a", "button"]))
    return linked >= share * max(1, len(tag.get_text(strip=True)))


def _walk(root: Tag, builder: Builder) -> None:
    """Visit blocks in reading order; text between two block borders is one block. Iterative: nesting may be hostile."""
    inline: list[str] = []
    term = ""  # of a list of terms, waiting for what it means
    mark = ""  # of a list's item, waiting for its first words
    item = ""  # what was written of a list's item, where more of it may come

    def flush(prefix: str = "", separator: str = "\n\n") -> None:
        nonlocal term, mark, item
        text = one_line("".join(inline))
        inline.clear()
        if text and term and not prefix:
            prefix, term = f"{term.rstrip(':')}: ", ""
            item = prefix + text
        elif text and mark:
            prefix, separator, mark, item = f"{mark}{prefix}", "\n", "", text
        elif text and item and not prefix:
            separator, item = joined(item, text)
        if text:
            builder.add(prefix + text, separator=separator)

    def hold() -> None:
        """What was read is a term; several in a row mean the same."""
        nonlocal term
        term = ", ".join(filter(None, (term, one_line("".join(inline)))))
        inline.clear()

    def settle() -> None:
        """A term that is followed by no meaning stands for itself."""
        nonlocal term
        waiting, term = term, ""
        builder.add(waiting)

    counters: dict[int, int] = {}
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
                flush()
                mark = item = ""
            elif name == "dt" or _is_label(node):
                hold()
            elif name == "dd":
                flush(f"{term.rstrip(':')}: " if term else "", "\n")
                term = item = ""
            else:
                flush()
                if name == "dl":
                    settle()
            continue
        if name == "br":
            inline.append(" ")
        elif len(name) == 2 and name[0] == "h" and name[1] in "123456":
            flush()
            if (words := _heading_text(node)) and mark != "- ":
                words, mark = f"{mark}{words}", ""
            builder.heading(words, int(name[1]))
        elif name == "table" and _holds_data(node):
            flush()
            caption = node.find("caption")
            if caption is not None:
                builder.add(one_line(caption.get_text(" ")))
            _add_table(node, builder)
        elif name == "pre":
            flush()
            text = node.get_text()
            (builder.code if text.count("\n") < _MOST_CODE_LINES else builder.add)(text)
            item = ""
        elif name in ("input", "textarea", "select", "img"):
            inline.append(_control(node))
        else:
            if name == "dt" and node.find_parent("dt") is not None:  # the term before it was never closed
                hold()
            elif name in _BLOCKS:
                flush()
                if name == "dl":
                    settle()
                elif name == "li":
                    mark, item = _marker(node, counters), ""
            elif name in ("label", "option", "text", "button", "legend", "rt"):
                inline.append(" ")
            if name in _BLOCKS:
                stack.append((node, True))
            stack.extend((child, False) for child in reversed(list(node.children)))
    flush()


def _is_label(tag: Tag) -> bool:
    """Whether a paragraph names the kind of the note that it begins."""
    return "admonition-title" in tag.get_attribute_list("class")


def _heading_text(heading: Tag) -> str:
    words = heading.get_text(" ").split()
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in _ANCHOR else words)


def _marker(item: Tag, counters: dict[int, int]) -> str:
    """What stands before an item: its number in a numbered list."""
    parent = item.parent
    if parent is None or parent.name != "ol":
        return "- "
    start, value = str(parent.get("start") or "1"), str(item.get("value") or "")
    before = counters.get(id(parent), int(start) - 1 if start.isdecimal() and len(start) < 9 else 0)
    counters[id(parent)] = number = int(value) if value.isdecimal() and len(value) < 9 else before + 1
    kind = parent.get("type")
    if kind in ("a", "A") and 0 < number <= 26:
        letter = chr(ord("a") + number - 1)
        return f"{letter.upper() if kind == 'A' else letter}. "
    return f"{number}. "


def _control(node: Tag) -> str:
    """What a control shows: its value, its options, its picture's description."""
    if node.name == "img":
        alt = str(node.get("alt") or "")
        return f" {alt} " if len(alt.split()) >= _FEW_WORDS else " "
    if node.name == "textarea":
        return f" {node.get_text()} "
    if node.name == "select":
        options = [one_line(option.get_text()) for option in node.find_all("option")]
        return f" {', '.join(filter(None, options[:_MOST_OPTIONS]))} "
    if node.get("type") in ("checkbox", "radio"):
        return " ☒ " if node.has_attr("checked") else " ☐ "
    if node.get("type", "") in _TYPED:
        return f" {node.get('value') or ''} "
    return " "


def _holds_data(table: Tag) -> bool:
    """Whether this is a table of data, rather than one that places the parts of a page."""
    if table.get("role") in ("presentation", "none") or table.find(["table", "h1", "h2", "h3", "form"]):
        return False
    rows = [row.find_all(["td", "th"]) for row in table.find_all("tr")]
    if len(rows) == 1:  # a label and its value
        return len(rows[0]) == 2 and all(
            0 < len(one_line(cell.get_text(" "))) <= most and cell.find(list(_BLOCKS - {"td", "th"})) is None
            for cell, most in zip(rows[0], (_LABEL, _VALUE), strict=True)
        )
    return len(rows) > 1 and any(len(row) > 1 for row in rows)


def _has_header(table: Tag) -> bool | None:
    """Whether the first row names the columns; None where the page does not say."""
    first = table.find("tr")
    cells = first.find_all(["td", "th"]) if first else []
    if cells and all(cell.name == "th" or (at == 0 and not cell.get_text(strip=True)) for at, cell in enumerate(cells)):
        return True
    if table.find("thead") is not None and first is not None and first.find_parent("thead") is not None:
        return True
    return False if table.find("th") else None


def _add_table(table: Tag, builder: Builder) -> None:
    """Append the rows, each cell in its column; one that spans rows counts in each of them."""
    rows = table.find_all("tr")
    cells = [
        [
            Cell(one_line(cell.get_text(" ")), _span(cell, "colspan"), _span(cell, "rowspan"))
            for cell in row.find_all(["td", "th"])
        ]
        for row in rows
    ]
    texts, joined = named_once(placed(cells), _rows_of_names(rows))
    add_table(builder, texts, header=True if joined else _has_header(table))


def _rows_of_names(rows: Sequence[Tag]) -> int:
    """How many of the first rows name the columns, as the page says."""
    count = 0
    for row in rows:
        cells = row.find_all(["td", "th"])
        if not cells or not (row.find_parent("thead") is not None or all(cell.name == "th" for cell in cells)):
            break
        count += 1
    return count if count < len(rows) else 0


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return min(max(int(value), 1), 100) if value.isascii() and value.isdecimal() and len(value) < 6 else 1
