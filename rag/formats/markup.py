"""Light markup other than Markdown: AsciiDoc, Org, MediaWiki.

Knows each one's headings, lists and tables, and which marks are no words. Does not run what a text
includes or computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex

from rag.formats.extracted import Builder, Extracted
from rag.formats.html import add_html
from rag.formats.tables import add_table
from rag.formats.text import begin

# AsciiDoc
_A_HEADING = regex.compile(r"(={1,6}|#{1,6})\s+(\S.*?)(?:\s+\1)?$")
_A_ATTRIBUTE = regex.compile(r":!?[\w-]+!?:(?:\s+(.*))?$")
_A_REFERENCE = regex.compile(r"\{([\w-]+)\}")
_A_NAMED = regex.compile(r"\bheader\b|%[\w%]*header")
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
)
_FENCE = regex.compile(r"(?:-{4,}|\.{4,}|={4,}|\*{4,}|_{4,}|\+{4,}|/{4,}|`{3,}|--)$")
# Org
_O_HEADING = regex.compile(
    r"(\*+)\s+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED)\s+)?(?:\[#\w\]\s+)?(.*?)(?:\s+:[\w@:]+:)?$"
)
_O_MARKS = (
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
    fence = ""
    named = False
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
                _asciidoc_table(builder, table, para.plain, named)
                table, named = None, False
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
            named = bool(_A_NAMED.search(stripped)) if stripped.startswith("[") else named
        elif stripped.startswith(".") and len(stripped) > 1 and stripped[1] not in ". ":
            para.flush()
            builder.add(para.plain(stripped[1:]))
        else:
            para.line(line)
    para.flush()
    if table:
        _asciidoc_table(builder, table, para.plain, named)
    return builder.build()


def _asciidoc_table(builder: Builder, lines: list[str], plain: Callable[[str], str], named: bool) -> None:
    """Rows from lines of cells; where each cell has a line of its own, the first line says how many a row has."""
    rows: list[list[str]] = []
    width, header = 0, bool(lines and len(lines) > 1 and lines[0].strip() and not lines[1].strip())
    for line in lines:
        cells = [plain(cell.strip()) for cell in regex.split(r"(?<!\\)(?:\d*[.+*^<>]*[aehlmsv]?)\|", line)[1:]]
        if not cells:
            if line.strip() and rows:
                rows[-1][-1] = f"{rows[-1][-1]} {plain(line.strip())}".strip()
            continue
        width = width or len(cells)
        if rows and len(rows[-1]) < width:
            rows[-1] += cells
        else:
            rows.append(cells)
    add_table(builder, rows, header=True if header or named else None)


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
    table: list[list[str]] | None = None
    names = False
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped.startswith("{|"):
            para.flush()
            table, names = [[]], False
        elif table is not None:
            if stripped.startswith("|}"):
                add_table(builder, [row for row in table if row], header=names or None)
                table = None
            elif stripped.startswith("|-"):
                table.append([])
            elif stripped.startswith("|+"):
                builder.add(stripped[2:].strip())
            elif stripped[:1] in ("|", "!"):
                cells = regex.split(r"\|\||!!", stripped[1:])
                first = not any(table[:-1])
                names = stripped[0] == "!" and (names or not table[-1]) if first else names
                table[-1] += [para.plain(_W_CELL.sub("", cell)).strip() for cell in cells]
            elif table[-1] and stripped:
                table[-1][-1] = f"{table[-1][-1]} {para.plain(stripped)}".strip()
        elif heading := _W_HEADING.match(stripped):
            para.flush()
            builder.heading(para.plain(heading[2]), len(heading[1]))
        else:
            para.line(line)
    if table:
        add_table(builder, [row for row in table if row], header=None)
    para.flush()


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
