"""The words of a parsed paragraph as a document takes them: runs in one manner of writing, and sources between them.

Knows Markdown inside a block, markers and which letters may be printed. Does not know a format of documents.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

_MARKER = re.compile(r"(?:(?<![ \u00a0\u2060])[ \u00a0\u2060]+)?\[(\d{1,3})\]")
_WAYS = {"strong": "bold", "em": "italic", "s": "strike"}


@dataclass(frozen=True, slots=True)
class Run:
    """Words that are written in one manner; a line feed in them is a break."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    raised: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A place that refers to a source."""

    text: str


def runs(tokens: Sequence[Token], notes: Mapping[int, str], *, bold: bool = False) -> Iterator[Run | Note]:
    """What the tokens of one block say. A marker `[n]` is the note of that number; without one it stays what it is."""
    manner = Run("", bold=bold)
    for token in tokens:
        kind, _, end = token.type.rpartition("_")
        if kind in _WAYS:
            ways: dict[str, Any] = {_WAYS[kind]: end == "open" or (kind == "strong" and bold)}
            manner = replace(manner, **ways)
        elif token.type == "code_inline":
            yield Run(printable(token.content, keep=True), code=True)
        elif token.type in ("softbreak", "hardbreak"):
            yield Run("\n" if token.type == "hardbreak" else " ")
        elif token.content:
            yield from marked(printable(token.content, keep=True), notes, manner)


def marked(text: str, notes: Mapping[int, str], manner: Run | None = None) -> Iterator[Run | Note]:
    """Plain text in one manner, with its markers."""
    manner, at = manner or Run(""), 0
    for marker in _MARKER.finditer(text):
        note = notes.get(int(marker[1]))
        if note is None:
            continue
        if at and marker.start() == at:
            yield Run(",", raised=True)
        if marker.start() > at:
            yield replace(manner, text=text[at : marker.start()])
        yield Note(printable(note))
        at = marker.end()
    if at < len(text):
        yield replace(manner, text=text[at:])


def tokens_of(node: SyntaxTreeNode) -> Sequence[Token]:
    """The tokens inside a block, or inside the inline part of it."""
    inside = node if node.type == "inline" else node.children[0] if node.children else None
    return (inside.token.children or ()) if inside is not None and inside.token is not None else ()


def printable(text: str, *, keep: bool = False, lines: bool = False) -> str:
    """Text without the characters that XML does not allow; on one line with single blanks, unless its blanks are to be
    kept (`keep`), and tabs too (`lines`)."""
    if not (keep or lines):
        text = " ".join(text.split())
    allowed = "\t" if lines else ""
    return "".join(
        sign if sign.isprintable() or sign in allowed else " " if sign.isspace() else ""
        for sign in text
        if unicodedata.category(sign) != "Cs"
    )


def from_right(text: str) -> bool:
    """Whether a text runs from right to left: where its first letter is written so."""
    first = next((way for sign in text if (way := unicodedata.bidirectional(sign)) in ("L", "R", "AL")), "L")
    return first != "L"
