"""Rich text (RTF) as plain text.

Knows that table rows come as lines of cells with bars between them. `striprtf` knows RTF. Does not know headings: RTF
names styles that anyone may have changed.
"""

from __future__ import annotations

import regex
from striprtf.striprtf import rtf_to_text

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted
from rag.formats.tables import add_table

_TITLE = regex.compile(r"\{\\title ((?:[^{}\\]|\\'[0-9a-f]{2}|\\u-?\d+ ?\??)*)\}", regex.I)
_ANSI = regex.compile(rb"\\ansicpg(\d+)")
_ODD_STAR = regex.compile(r"(?<!\{)\\\*(?=\\cs\d)")  # a mark for groups, amid one: what follows is text
_SOFT_HYPHEN = regex.compile(r"(?<!\\)((?:\\\\)*)\\-")
_LONGEST = 50_000_000


def read_rtf(data: bytes) -> Extracted:
    """A rich text: its paragraphs, and its tables row by row."""
    start = data.find(b"{\\rtf", 0, 200)
    if start < 0:
        raise DocumentError("The file is not rich text although its name says so; check the file's extension.")
    if len(data) > _LONGEST:
        raise DocumentError("The RTF file is very large; save it as DOCX.")
    page = _ANSI.search(data[:2000])
    encoding = f"cp{page[1].decode()}" if page and page[1] not in (b"0", b"65001") else "cp1252"
    source = _ODD_STAR.sub("", data[start:].decode("latin-1"))
    source = _SOFT_HYPHEN.sub(r"\1", source)
    try:
        text = rtf_to_text(source, encoding=encoding, errors="replace")
    except (LookupError, ValueError):
        text = rtf_to_text(source, encoding="cp1252", errors="replace")
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DocumentError("The RTF file is damaged; open it in a word processor and save it again.") from error
    builder = Builder()
    if title := _TITLE.search(source[:20_000]):
        builder.title = rtf_to_text("{\\rtf1 " + title[1] + "}", encoding=encoding, errors="replace")
    rows: list[list[str]] = []
    for line in text.split("\n"):
        if line.rstrip().endswith("|"):
            rows.append(line.rstrip()[:-1].split("|"))
            continue
        _flush(builder, rows)
        builder.add(line)
    _flush(builder, rows)
    return builder.build()


def _flush(builder: Builder, rows: list[list[str]]) -> None:
    width = max(map(len, rows), default=0)
    if width > 1:
        add_table(builder, [row + [""] * (width - len(row)) for row in rows], header=None)
    else:
        for row in rows:
            builder.add(row[0])
    rows.clear()
