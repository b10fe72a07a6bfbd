"""Light markup other than Markdown: AsciiDoc, Org, MediaWiki.

Knows each one's headings, lists and tables, and which marks are no words. Does not run what a text
includes or computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex

from rag.formats.extracted import Builder, Extracted
from rag.formats.html import add_html
from rag.formats.spans import Cell, named_once, placed
from rag.formats.tables import add_table
from rag.formats.text import begin

# AsciiDoc
_A_HEADING = regex.compile(r"(={1,6}|#{1,6})\s+(\S.*?)(?:\s+\1)?$")
_A_ATTRIBUTE = regex.compile(r":!?[\w-]+!?:(?:\s+(.*))?$")
_A_REFERENCE = regex.compile(r"\{([\w-]+)\}")
_A_NAMED = regex.compile(r"\bheader\b|%[\w%]*header")
_A_CELL = regex.compile(r"(?<!\\)((?:\d{1,3}(?:\.\d{1,3})?|\.\d{1,3})?[+*]?(?:\.?[<^>])*[aehlmsvd]?)\|")
_A_SETTING = regex.compile(r":(?:toc|icons|source|imagesdir|doctype|sect|experimental|xref)")
_A_MARKS = (
    (regex.compile(r"\[\[[^\[\]\n]{0,300}\]\]|\(\(\([^()\n]{0,300}\)\)\)|\[[.#%][^\[\]\n]{0,300}\](?=[#*_`])"), ""),
    (regex.compile(r"(?:link|xref|mailto):{1,2}[^\s\[\]]{0,300}\[([^\[\]\n]{0,300})\]"), r"\1"),
    (regex.compile(r"(https?://[^\s\[\]]{1,300})\[([^\]]+)\]"), r"\2 (\1)"),
    (regex.compile(r"<<[^,<>\n]{0,300},([^<>\n]{0,300})>>"), r"\1"),
    (regex.compile(r"<<#?([^<>\n]{0,300})>>"), r"\1"),
    (regex.compile(r"(?:image|icon|video|audio)::?[^\[\s]{0,300}\[([^,\[\]\n]{0,300})[^\[\]\n]{0,300}\]"), r"\1"),
    (regex.compile(r"footnote:\w*\[([^\[\]\n]{0,300})\]"), r" (\1)"),
    (
        regex.compile(
            r"(?:kbd|btn|menu|stem|pass|indexterm2?|latexmath|asciimath):[^\[\s]{0,300}\[([^\[\]\n]{0,300})\]"
        ),
        r"\1",
    ),
    (regex.compile(r"(?<![\w*])\*{1,2}(?=\S)([^*\n]{1,300}?)(?<=\S)\*{1,2}(?![\w*])"), r"\1"),
    (regex.compile(r"(?<![\w_])_{1,2}(?=\S)([^_\n]{1,300}?)(?<=\S)_{1,2}(?![\w_])"), r"\1"),
    (regex.compile(r"`{1,2}\+?([^`\n]{1,300}?)\+?`{1,2}"), r"\1"),
    (regex.compile(r"(?<![\w#])#{1,2}(?=\S)([^#\n]{1,300}?)(?<=\S)#{1,2}(?![\w#])"), r"\1"),
    (regex.compile(r"\{(?:nbsp|empty|sp|zwsp)\}"), " "),
    (regex.compile(r"^((?:- )?[^:\n]{1,200}):{2,4}\s+(?=\S)"), r"\1: "),
)
_FENCE = regex.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|`{3,}|--)$")
# Org
_O_HEADING = regex.compile(
    r"(\*+)\s+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED)\s+)?(?:\[#\w\]\s+)?(.*?)(?:\s+:[\w@:]+:)?$"
)
_O_MARKS = (
    (regex.compile(r"^(- [^\n]{1,200}?)\s+::\s+(?=\S)"), r"\1: "),
    (regex.compile(r"\[\[(?:[^\[\]\n]{0,300})\]\[([^\[\]\n]{0,300})\]\]"), r"\1"),
    (regex.compile(r"\[\[(?:file:|https?://)?([^\[\]\n]{0,300})\]\]"), r"\1"),
    (regex.compile(r"\[fn:([^\[\]:\n]{0,100})\]"), r" (\1)"),
    (regex.compile(r"\[fn:[^\[\]:\n]{0,100}:([^\[\]\n]{0,300})\]"), r" (\1)"),
    (regex.compile(r"(?<![\w*/_=~+])([*/_=~+])(?=\S)([^\n]{1,300}?)(?<=\S)\1(?![\w*/_=~+])"), r"\2"),
    (regex.compile(r"<(\d{4}-\d\d-\d\d[^<>\n]{0,300})>"), r"\1"),
)
# MediaWiki
_W_DROPPED = regex.compile(r"<!--.*?-->|<ref[^<>/]*/>|__[A-Z]+__", regex.S)
_W_REF = regex.compile(r"<ref[^<>]*>((?:(?!<ref).)*?)</ref>", regex.S | regex.I)
_W_TEMPLATE = regex.compile(r"\{\{([^{}]*)\}\}")
_W_LINK = regex.compile(r"\[\[(?:[^\[\]|]*\|)*([^\[\]|]*)\]\]")
_W_FILE = regex.compile(
    r"\[\[(?:file|image|datei|bild|dosya|category|kategorie|kategori)\s*:[^\[\]]*?(?:\|([^\[\]|]*))?\]\]", regex.I
)
_W_ADDRESS = regex.compile(r"\[(?:https?:)?//\S+\s+([^\]]+)\]")
_W_HEADING = regex.compile(r"(={1,6})\s*(.+?)\s*\1\s*$")
_W_CELL = regex.compile(r"^[^\[\]|{}]*=[^\[\]|{}]*\|(?!\|)")
_LIST = regex.compile(r"(\*{1,6}|-{1,5}|\.{1,5}|\d+\.|[#:;]{1,6})\s+(.*)$")


def read_asciidoc(data: bytes) -> Extracted:
    """AsciiDoc: headings, paragraphs, lists, tables, code."""
    builder, text = begin(data)
    table: list[str] | None = None
    fence = style = ""
    values: dict[str, str] = {}
    marks = _replacing(_A_MARKS)
    para = _Paragraph(
        builder, lambda words: marks(_A_REFERENCE.sub(lambda name: values.get(name[1].lower(), name[0]), words))
    )
    for line in regex.sub(r"(?ms)^////+$.*?^////+$", "", text).split("\n"):
        stripped = line.rstrip()
        if table is not None:
            if regex.fullmatch(r"[|,:!]===+", stripped):
                para.flush()
                _asciidoc_table(builder, table, para.plain, style)
                table, style = None, ""
            else:
                table.append(stripped)
        elif regex.fullmatch(r"[|,:!]===+", stripped):
            para.flush()
            table = []
        elif _FENCE.fullmatch(stripped):
            para.flush()
            fence = "" if fence == stripped else stripped if stripped[0] in "-.`+" and len(stripped) > 2 else fence
        elif fence:
            builder.add(line, separator="\n")
        elif stripped.startswith("//"):
            continue
        elif heading := _A_HEADING.match(stripped):
            para.flush()
            builder.heading(para.plain(heading[2]), len(heading[1]))
        elif attribute := _A_ATTRIBUTE.match(stripped):
            if attribute[1] and not regex.match(
                r":(?:toc|icons|source|imagesdir|doctype|sect|experimental|xref)", stripped
            ):
                para.flush()
                name = stripped[1:].partition(":")[0]
                values[name.lower()] = attribute[1]
                builder.add(f"{name.replace('-', ' ')}: {attribute[1]}", separator="\n")
        elif regex.fullmatch(r"\[[^\]]*\]|'''|<<<|\+|(?:include|toc|ifdef|ifndef|endif|ifeval)::.*", stripped):
            para.flush()
            style = stripped if stripped.startswith("[") else style
        elif stripped.startswith(".") and len(stripped) > 1 and stripped[1] not in ". ":
            para.flush()
            builder.add(para.plain(stripped[1:]))
        else:
            para.line(line)
    para.flush()
    if table:
        _asciidoc_table(builder, table, para.plain, style)
    return builder.build()


def _asciidoc_table(builder: Builder, lines: list[str], plain: Callable[[str], str], style: str) -> None:
    """Rows from cells; the `style` or else the first line says how many a row has."""
    cells: list[Cell] = []
    width, header = _asciidoc_width(style), bool(lines and len(lines) > 1 and lines[0].strip() and not lines[1].strip())
    for line in lines:
        first, *pieces = _A_CELL.split(line)
        if first.strip() and cells:
            cells[-1] = cells[-1]._replace(text=f"{cells[-1].text} {plain(first.strip())}".strip())
        for spec, text in zip(pieces[::2], pieces[1::2], strict=True):
            numbers = spec.rstrip("+*<^>.aehlmsvd") if regex.search("[+*]", spec) else ""
            across, _, down = numbers.partition(".") if "+" in spec else ("", "", "")
            times = int(numbers.partition(".")[0] or 1) if "*" in spec else 1
            cell = Cell(plain(text.strip()), int(across or 1), int(down or 1))
            cells += [cell] * min(times, 100)
        width = width or sum(cell.across for cell in cells)
    rows, joined = named_once(placed(_asciidoc_rows(cells, width)))
    add_table(builder, rows, header=True if joined or header or _A_NAMED.search(style) else None)


def _asciidoc_width(style: str) -> int:
    """How many columns a table is said to have; 0 where nothing says it."""
    found = regex.search(r"""cols\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s,\]]+))""", style)
    said = next(filter(None, found.groups()), "").strip() if found else ""
    if said.isdecimal() and len(said) < 3:
        return int(said)
    parts = [regex.match(r"(\d{1,2})\*", part.strip()) for part in regex.split("[,;]", said)] if said else []
    return sum(int(part[1]) if part else 1 for part in parts)


def _asciidoc_rows(cells: list[Cell], width: int) -> Iterator[list[Cell]]:
    """The cells row by row: each row has as many columns as the table, those taken from above included."""
    row: list[Cell] = []
    reaching: list[Cell] = []
    room = width
    for cell in cells:
        row.append(cell)
        room -= cell.across
        if room <= 0:
            yield row
            reaching = [one._replace(down=one.down - 1) for one in (*reaching, *row) if one.down > 1]
            row, room = [], width - sum(one.across for one in reaching)
    if row:
        yield row


def read_org(data: bytes) -> Extracted:
    """Org: headings, paragraphs, lists, tables, code; properties and schedules as lines."""
    builder, text = begin(data)
    para = _Paragraph(builder, _replacing(_O_MARKS))
    table: list[list[str]] = []
    ruled = block = False
    for line in [*text.split("\n"), ""]:
        stripped = line.strip()
        if stripped.startswith("|") and not block:
            para.flush()
            if regex.fullmatch(r"\|[-+|]*", stripped):
                ruled = ruled or len(table) == 1
            else:
                table.append([para.plain(cell.strip()) for cell in stripped.strip("|").split("|")])
            continue
        if table:
            add_table(builder, table, header=True if ruled else None)
            table, ruled = [], False
        if found := regex.match(r"#\+(begin|end)_\w+", stripped, regex.I):
            para.flush()
            block = found[1].lower() == "begin"
        elif block:
            builder.add(line, separator="\n")
        elif found := regex.match(r"#\+(\w+):\s*(.*)", stripped):
            if found[1].lower() == "title":
                builder.title = found[2]
            if found[1].lower() in ("title", "author", "date", "subtitle", "description", "caption", "keywords"):
                builder.add(f"{found[1].capitalize()}: {found[2]}", separator="\n")
        elif heading := _O_HEADING.match(line):
            para.flush()
            builder.heading(para.plain(heading[2]), len(heading[1]))
        elif found := regex.match(r":([\w-]+):\s*(.*)$", stripped):
            if found[2]:
                builder.add(f"{found[1].capitalize()}: {found[2]}", separator="\n")
        elif stripped.startswith("# ") or stripped == "#":
            continue
        else:
            para.line(line)
    para.flush()
    return builder.build()


def read_wiki(data: bytes) -> Extracted:
    """A page of a wiki as MediaWiki writes it."""
    builder, text = begin(data)
    add_wiki(builder, text)
    return builder.build()


def add_wiki(builder: Builder, text: str) -> None:
    """Append wiki text: headings, paragraphs, lists, tables; of templates, the values."""
    text = _W_REF.sub(r" (\1)", _W_DROPPED.sub("", text))
    for _ in range(5):  # templates within templates
        text, count = _W_TEMPLATE.subn(_template, text)
        if not count:
            break
    text = _W_FILE.sub(lambda found: found[1] or "", text)
    for _ in range(2):
        text = _W_LINK.sub(r"\1", text)
    text = regex.sub(r"'{2,5}", "", _W_ADDRESS.sub(r"\1", text))
    para = _Paragraph(builder, lambda words: regex.sub(r"</?\w[^<>]*>", " ", words))
    table: list[list[Cell]] | None = None
    names = 0
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped.startswith("{|"):
            para.flush()
            table, names = [[]], 0
        elif table is not None:
            if stripped.startswith("|}"):
                _wiki_table(builder, table, names)
                table = None
            elif stripped.startswith("|-"):
                table.append([])
            elif stripped.startswith("|+"):
                builder.add(stripped[2:].strip())
            elif stripped[:1] in ("|", "!"):
                cells = regex.split(r"\|\||!!", stripped[1:])
                above = len([row for row in table[:-1] if row])
                if stripped[0] == "!":
                    names += names == above and not table[-1]
                elif names > above:
                    names = above
                table[-1] += [_wiki_cell(cell, para.plain) for cell in cells]
            elif table[-1] and stripped:
                last = table[-1][-1]
                table[-1][-1] = last._replace(text=f"{last.text} {para.plain(stripped)}".strip())
        elif heading := _W_HEADING.match(stripped):
            para.flush()
            builder.heading(para.plain(heading[2]), len(heading[1]))
        else:
            para.line(line)
    if table:
        _wiki_table(builder, table, 0)
    para.flush()


def _wiki_cell(source: str, plain: Callable[[str], str]) -> Cell:
    style = _W_CELL.match(source)
    across, down = (
        int(found[1]) if style and (found := regex.search(rf"{name}\s*=\s*[\"']?(\d{{1,3}})", style[0], regex.I)) else 1
        for name in ("colspan", "rowspan")
    )
    return Cell(plain(_W_CELL.sub("", source)).strip(), across, down)


def _wiki_table(builder: Builder, table: list[list[Cell]], names: int) -> None:
    rows, joined = named_once(placed(row for row in table if row), names)
    add_table(builder, rows, header=True if joined or names else None)


def _template(found: regex.Match[str]) -> str:
    name, *values = found[1].split("|")
    said = [value.strip() for value in values if value.strip() and not value.strip().endswith("=")]
    if not said:
        return "" if ":" in name or "=" in name else name.strip() if values else ""
    if any("=" in value for value in said):
        return "\n\n" + "\n\n".join(regex.sub(r"^\s*([\w -]+?)\s*=\s*", r"\1: ", value) for value in said) + "\n\n"
    return " ".join(said)


def _replacing(marks: tuple[tuple[regex.Pattern[str], str], ...]) -> Callable[[str], str]:
    def plain(text: str) -> str:
        for pattern, words in marks:
            text = pattern.sub(words, text)
        return text

    return plain


class _Paragraph:
    """Lines that make a paragraph, until a blank one; items of lists stand on lines of their own."""

    def __init__(self, builder: Builder, plain: Callable[[str], str]) -> None:
        self._builder = builder
        self._lines: list[str] = []
        self._item = False
        self._numbers: dict[str, int] = {}
        self.plain = plain

    def line(self, line: str) -> None:
        stripped = line.strip()
        if not stripped:
            self.flush()
            return
        if item := _LIST.match(stripped):
            self.flush()
            self._item = True
            self._lines.append(f"{self._mark(item[1])}{item[2]}")
            return
        self._lines.append(stripped)

    def _mark(self, mark: str) -> str:
        if mark[0] in ".#":
            self._numbers[mark] = self._numbers.get(mark, 0) + 1
            for deeper in [one for one in self._numbers if len(one) > len(mark)]:
                del self._numbers[deeper]
            return f"{self._numbers[mark]}. "
        return f"{mark} " if mark[0].isdecimal() else "" if mark[0] in ":;" else "- "

    def flush(self) -> None:
        """Append what there is."""
        if self._lines:
            text = self.plain(" ".join(self._lines))
            self._builder.add(text, separator="\n" if self._item else "\n\n")
        if not self._item:
            self._numbers.clear()
        self._lines, self._item = [], False


def pages_of_wiki(pages: Iterator[tuple[str, str]], builder: Builder) -> None:
    """Append the pages of an exported wiki, each under its title."""
    for title, text in pages:
        builder.heading(title, 1)
        if text.lstrip().startswith("<"):
            add_html(builder, text, fragment=True)
        else:
            add_wiki(builder, text)
