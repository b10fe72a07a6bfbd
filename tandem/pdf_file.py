"""A PDF file of Tandem's own: its styles, who wrote it and when, its outline, and sources as real footnotes.

Knows what of Markdown is written, and how: headings, lists, quotations, tables, code. Text is data: an address is text,
and nothing is fetched or linked. Letters that no font of its own has come from the machine's fonts; where those lack
some too, the file says so. Does not know
briefings or conversations, nor what a page looks like: `pdf_file.typ` does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from markdown_it.tree import SyntaxTreeNode

from rag.errors import UserFacingError
from tandem import catalogues
from tandem.catalogues import ENGLISH
from tandem.markdown_writer import PARSER
from tandem.runs import Note, Run, from_right, marked, printable, runs, tokens_of
from tandem.texts import say

Block = dict[str, Any]
_LOOK = Path(__file__).with_suffix(".typ")
_STANDARDS: list[typst.PDFStandard] = ["ua-1"]  # PDF/UA: who listens to a file finds its headings, lists and tables
_STYLES = {"Caption": "caption", "Normal": "paragraph"}
_DEEPEST_LIST = 4
_LONG_WORD = 40
_LONG = re.compile(rf"\S{{{_LONG_WORD},}}")
_PART = re.compile(rf"[^/\\_.?&=-]{{0,{_LONG_WORD}}}[/\\_.?&=-]?")
_MAY_BREAK = "\u200b"


class PdfFile:
    """One file, written from its beginning to its end; `content` gives its bytes.

    `notes`, wherever they are given, are what a marker `[n]` in the text refers to: each becomes a footnote where it is
    first met, and a reference to that one afterwards. A marker without a note stays what it is.
    """

    def __init__(self, title: str, *, author: str, moment: datetime, locale: str, under: str = "") -> None:
        """`locale` ("en-GB") is the language that it says to be in; `under` stands beneath the title."""
        self._notes: dict[str, int] = {}
        self._blocks: list[Block] = []
        self._moment = moment.astimezone(UTC).replace(microsecond=0)
        self._level = 0
        language, _, region = locale.partition("-")
        self._about: Block = {"author": printable(author), "language": language, "region": region or None}
        self._about["title"] = printable(title) or printable(author) or "Tandem"
        self._about["heading"] = self._said(marked(self._about["title"], {}))
        if under:
            self._blocks.append(self._paragraph("under", marked(printable(under), {})))

    def heading(self, text: str, level: int = 1) -> None:
        """A heading, from 1 to 4."""
        self._heading(level, marked(printable(text), {}))

    def line(self, text: str, style: str = "Normal", notes: Mapping[int, str] | None = None) -> None:
        """One paragraph of plain text: Normal, Caption, or an item of a list (List Bullet)."""
        parts = marked(printable(text), notes or {})
        if style != "List Bullet":
            self._blocks.append(self._paragraph(_STYLES[style], parts))
            return
        item = [self._paragraph("paragraph", parts)]
        if self._blocks and self._blocks[-1].get("lines"):
            self._blocks[-1]["items"].append(item)
        else:
            self._blocks.append({"kind": "list", "lines": True, "start": None, "items": [item]})

    def markdown(self, text: str, notes: Mapping[int, str] | None = None, *, below: int = 0) -> None:
        """Blocks of Markdown; headings in it stand `below` so many others."""
        for node in SyntaxTreeNode(PARSER.parse(text)).children:
            self._blocks += self._block(node, notes or {}, below, 0)

    def content(self) -> bytes:
        """The file. Raises UserFacingError where it cannot be made."""
        for standards in (_STANDARDS, []):  # the standard allows no letter that no font has
            blocks = self._blocks if standards else [self._lacking(), *self._blocks]
            given = json.dumps({**self._about, "blocks": blocks})
            try:
                return typst.compile(
                    _LOOK.read_bytes(), format="pdf", pdf_standards=standards, timestamp=self._moment,
                    font_paths=_fonts(), sys_inputs={"given": given},
                )  # fmt: skip
            except typst.TypstError:
                continue
        raise UserFacingError("No PDF can be made of this; save it as Word (DOCX) or Markdown instead.")

    def _lacking(self) -> Block:
        """What the reader is told where letters stand as boxes."""
        language = catalogues.known(str(self._about["language"])) or ENGLISH
        return self._paragraph("under", marked(say("pdf_letters", language), {}))

    def _heading(self, level: int, parts: Iterable[Run | Note]) -> None:
        self._level = min(max(level, 1), self._level + 1, 4)  # none is left out on the way down
        self._blocks.append({**self._paragraph("heading", parts), "level": self._level})

    def _block(self, node: SyntaxTreeNode, notes: Mapping[int, str], below: int, depth: int) -> list[Block]:
        match node.type:
            case "heading" if not depth:
                self._heading(int(node.tag[1]) + below, runs(tokens_of(node), notes))
                return []
            case "heading" | "paragraph":
                return [self._paragraph("paragraph", runs(tokens_of(node), notes, bold=node.type == "heading"))]
            case "bullet_list" | "ordered_list":
                return self._list(node, notes, below, depth + 1)
            case "blockquote":
                inside = [block for child in node.children for block in self._block(child, notes, below, depth or 1)]
                return [{**one, "kind": "quote"} if one["kind"] == "paragraph" else one for one in inside]
            case "fence" | "code_block":
                lines = node.content.removesuffix("\n").split("\n")
                return [{"kind": "code", "text": "\n".join(_foldable(printable(one, lines=True)) for one in lines)}]
            case "table":
                return self._table(node, notes)
            case "hr":
                return []
            case _:
                return [self._paragraph("paragraph", marked(printable(node.content), {}))]

    def _list(self, node: SyntaxTreeNode, notes: Mapping[int, str], below: int, depth: int) -> list[Block]:
        items = [
            [block for child in item.children for block in self._block(child, notes, below, depth)]
            for item in node.children
        ]
        if depth > _DEEPEST_LIST:
            return [block for item in items for block in item]
        start = None if node.type == "bullet_list" else int(node.attrs.get("start", 1))
        return [{"kind": "list", "start": start, "items": items}]

    def _table(self, node: SyntaxTreeNode, notes: Mapping[int, str]) -> list[Block]:
        rows = [row for part in node.children for row in part.children]
        width = max((len(row.children) for row in rows), default=0)
        if not width:
            return []
        cells = [[self._said(runs(tokens_of(cell), notes)) for cell in row.children] for row in rows]
        empty = self._said(())
        sides = [str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0].children]
        return [{"kind": "table", "sides": sides, "rows": [[*row, *[empty] * (width - len(row))] for row in cells]}]

    def _paragraph(self, kind: str, parts: Iterable[Run | Note]) -> Block:
        return {"kind": kind, **self._said(parts)}

    def _said(self, parts: Iterable[Run | Note]) -> Block:
        said: list[Block] = []
        for part in parts:
            if isinstance(part, Note):
                first = part.text not in self._notes
                number = self._notes.setdefault(part.text, len(self._notes) + 1)
                said.append({"note": number, "first": first, "text": _foldable(part.text)})
            else:
                manner = {name: getattr(part, name) for name in ("bold", "italic", "strike", "code", "raised")}
                said.append({"text": _foldable(part.text), **manner})
        return {"runs": said, "right": from_right("".join(one["text"] for one in said))}


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _foldable(text: str) -> str:
    """The text, in which a word that no line has room for may be parted."""
    return _LONG.sub(lambda word: _MAY_BREAK.join(filter(None, _PART.findall(word[0]))), text)
