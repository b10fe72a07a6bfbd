"""Rich text (RTF) as plain text.

Knows that table rows come as lines of cells with bars between them, which groups are pages' margins, notes, boxes and
comments, and which styles are headings. `striprtf` knows RTF.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import regex
from striprtf.striprtf import rtf_to_text

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.running_lines import PAGE_WORDS
from rag.formats.spans import Place, named_once
from rag.formats.tables import add_table

_TITLE = regex.compile(r"\{\\title ((?:[^{}\\]|\\'[0-9a-f]{2}|\\u-?\d+ ?\??)*)\}", regex.I)
_ANSI = regex.compile(rb"\\ansicpg(\d+)")
_ODD_STAR = regex.compile(r"(?<!\{)\\\*(?=\\cs\d)")  # a mark for groups, amid one: what follows is text
_SOFT_HYPHEN = regex.compile(r"(?<!\\)((?:\\\\)*)\\-")
_HIDDEN = regex.compile(r"\{(?:\\[a-z]+-?\d* ?)*?\\v(?![a-z0-9])(?:[^{}\\]|\\[^{}])*\}", regex.I)
_GROUP = regex.compile(
    r"\{\s*(?:\\\*)?\\(header[lrf]?|footer[lrf]?|footnote|shptxt|annotation|atnauthor)(?![a-z])", regex.I
)
_STYLES = regex.compile(r"\{\\stylesheet")
_HEADING = regex.compile(r"\{[^{}]*?\\s(\d+)(?!\d)[^{};]*? ?heading (\d)[^{}]*?;\}", regex.I)
_STYLED = regex.compile(r"\\s(\d+)(?![\d]) ?")
_MARKED = regex.compile(r"\s*\x1e(\d)")
_BRACE = regex.compile(r"\\[\\{}]|[{}]")
_FONTS = regex.compile(r"\{\\fonttbl")
_NO_LENGTH = regex.compile(r"\\bin(?![a-z0-9-]) ?")  # a picture whose bytes nobody counted
_ITEM = regex.compile(r"\s*(\d{1,3}[.)]|\p{L}[.)]|[•·▪–-])\t\s*")
_CELLS = regex.compile(r"\\(?:(trowd|clvmrg|clmrg|row|cell)(?![a-z])|cellx(-?\d+))")
_CELL = regex.compile(r"(.*?)\x1c(-?\d+)([ad]*)\x1c\s*", regex.S)
_SAME_EDGE = 60
_MOST_GROUPS = 5_000
_LONGEST = 50_000_000


def read_rtf(data: bytes) -> Extracted:
    """A rich text: its margins once, its paragraphs, its tables row by row; boxes, notes and comments at the end."""
    start = data.find(b"{\\rtf", 0, 200)
    if start < 0:
        raise DocumentError("The file is not rich text although its name says so; check the file's extension.")
    if len(data) > _LONGEST:
        raise DocumentError("The RTF file is very large; save it as DOCX.")
    page = _ANSI.search(data[:2000])
    encoding = f"cp{page[1].decode()}" if page and page[1] not in (b"0", b"65001") else "cp1252"
    source = _ODD_STAR.sub("", data[start:].decode("latin-1"))
    source = _HIDDEN.sub("", _SOFT_HYPHEN.sub(r"\1", source))
    text = _text(_with_edges(_with_headings(source)), encoding)
    builder = Builder()
    if title := _TITLE.search(source[:20_000]):
        builder.title = _text("{\\rtf1 " + title[1] + "}", encoding)
    beside = list(_beside(source, encoding))
    for words in dict.fromkeys(words for kind, words in beside if kind[:4] in ("head", "foot") and kind != "footnote"):
        builder.add("" if PAGE_WORDS.fullmatch(words) else words)
    rows: list[list[str]] = []
    for line in text.split("\n"):
        plain = _MARKED.sub("", line)
        if line.rstrip().endswith("|"):
            rows.append(plain.rstrip()[:-1].split("|"))
            continue
        _flush(builder, rows)
        if heading := _MARKED.match(line):
            builder.heading(one_line(plain), int(heading[1]))
        else:
            said = _ITEM.sub(r"\1 ", plain.strip(), 1)
            builder.add(said, separator="\n" if _ITEM.match(line) else "\n\n")
    _flush(builder, rows)
    for kind, words in beside:
        if kind in ("shptxt", "footnote", "annotation"):
            name = {"footnote": "Note: ", "annotation": "Comment: "}.get(kind, "")
            builder.add(f"{name}{one_line(words)}" if name else words)
    return builder.build()


def _with_headings(source: str) -> str:
    """The source with a mark at the beginning of each paragraph whose style is a heading's."""
    found = _STYLES.search(source)
    if found is None:
        return source
    end = _closed(source, found.start())
    levels = {one[1]: one[2] for one in _HEADING.finditer(source, found.start(), end)}
    if not levels:
        return source

    def marked(style: regex.Match[str]) -> str:
        return f"{style[0].rstrip()} \x1e{levels[style[1]]}" if style[1] in levels else style[0]

    return source[:end] + _STYLED.sub(marked, source[end:])


def _with_edges(source: str) -> str:
    """The source with a mark at the end of each cell of a table: where its right edge is, and whether it only
    continues ("d": the cell above, "a": the one on its left).
    """
    defined: list[str] = []
    flags = ""
    at = 0

    def marked(token: regex.Match[str]) -> str:
        nonlocal flags, at
        if token[2]:
            defined.append(f"{token[2]}{flags}")
            flags = ""
        elif token[1] == "trowd":
            defined.clear()
            flags = ""
        elif token[1] == "row":
            at = 0
        elif token[1] == "cell":
            at += 1
            return f"\x1c{defined[at - 1]}\x1c{token[0]}" if at <= len(defined) else token[0]
        else:
            flags += "d" if token[1] == "clvmrg" else "a"
        return token[0]

    return _CELLS.sub(marked, source)


def _text(source: str, encoding: str) -> str:
    source = _NO_LENGTH.sub("", source)
    try:
        codecs.lookup(encoding)
    except LookupError:
        encoding = "cp1252"
    try:
        return str(rtf_to_text(source, encoding=encoding, errors="replace"))
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise DocumentError("The RTF file is damaged; open it in a word processor and save it again.") from error


def _beside(source: str, encoding: str) -> Iterator[tuple[str, str]]:
    """(kind, words) of the groups that stand beside the text, which the library leaves out."""
    fonts = _FONTS.search(source)
    table = source[fonts.start() : _closed(source, fonts.start())] if fonts else ""
    head = f"{{\\rtf1\\ansi\\ansicpg{encoding[2:]}\\uc1 {table}"
    for count, group in enumerate(_GROUP.finditer(source)):
        if count >= _MOST_GROUPS:
            return
        inner = source[group.end() : _closed(source, group.start()) - 1]
        if _GROUP.search(inner) is None or group[1].lower() != "shptxt":
            words = _text(f"{head} {inner}}}", encoding).strip()
            if words:
                yield group[1].lower(), words


def _closed(source: str, start: int) -> int:
    """Where the group that begins at `start` ends."""
    depth = 0
    for brace in _BRACE.finditer(source, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return brace.end()
    return len(source)


def _flush(builder: Builder, rows: list[list[str]]) -> None:
    placed = _in_columns(rows)
    texts, joined = named_once(placed)
    width = max(map(len, texts), default=0)
    if width > 1:
        add_table(builder, [row + [""] * (width - len(row)) for row in texts], header=True if joined else None)
    else:
        for row in texts:
            builder.add(row[0])
    rows.clear()


def _in_columns(rows: list[list[str]]) -> list[list[Place]]:
    """The cells of each row in the columns that the right edges of all of them make."""
    found = [[_CELL.fullmatch(cell) for cell in row] for row in rows]
    edges: list[int] = []
    for edge in sorted(int(cell[2]) for row in found for cell in row if cell):
        if not edges or edge > edges[-1] + _SAME_EDGE:
            edges.append(edge)
    placed: list[list[Place]] = []
    for row, cells in zip(rows, found, strict=True):
        if not all(cells):
            placed.append([Place(_CELL.sub(r"\1", text)) for text in row])
            continue
        places: list[Place] = []
        for cell in filter(None, cells):
            before = placed[-1][len(places)] if placed and len(places) < len(placed[-1]) else Place("")
            across, down = "a" in cell[3] and bool(places), "d" in cell[3]
            text = before.text if down else places[-1].text if across else cell[1]
            places.append(Place(text, across, down))
            while len(places) < len(edges) and edges[len(places) - 1] + _SAME_EDGE < int(cell[2]):
                places.append(Place(text, True, down))
        placed.append(places)
    return placed
