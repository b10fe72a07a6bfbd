"""The words of a Word paragraph, and what hangs on it.

Knows runs, fields, insertions, content controls, form fields, drawings. Does not know blocks, tables or documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import regex
from lxml import etree

from rag.formats.drawing import description
from rag.formats.package import Package, address_of, attribute, local
from rag.formats.word_styles import Styles

# Wrappers whose content is the page's: insertions, content controls, links, fields.
THROUGH = frozenset({
    "ins", "moveTo", "sdt", "sdtContent", "smartTag", "customXml", "hyperlink", "fldSimple", "dir", "bdo", "r", "p",
    "oMath", "oMathPara", "Choice", "Fallback",
})  # fmt: skip
_GONE = frozenset(("del", "moveFrom", "rPr", "pPr", "sdtPr", "sdtEndPr", "instrText", "delText", "customXmlPr", "rt"))
_FEW_WORDS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_PAGE_FIELDS = regex.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES|SECTION|PAGEREF)\b", regex.I)
_LONGEST_INSTRUCTION = 3
_LARGE_PICTURE = 4_000  # square millimetres; logos and icons are smaller
_SYMBOLS = {
    **{at: chr(at) for at in range(0x20, 0x40) if chr(at) not in "\"$'*-"},
    **dict(zip(range(0x41, 0x5B), "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True)),
    **dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True)),
    **{0x22: "∀", 0x24: "∃", 0x2A: "∗", 0x2D: "−", 0x5B: "[", 0x5D: "]", 0x5E: "⊥", 0x7B: "{", 0x7C: "|", 0x7D: "}"},
    **dict(zip(range(0xA0, 0xA9), "€ϒ′≤⁄∞ƒ♣♦", strict=True)),
    **dict(zip(range(0xA9, 0xC0), "♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵", strict=True)),
    **dict(zip(range(0xC5, 0xD8), "⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅", strict=True)),
    **dict(zip(range(0xD8, 0xDF), "¬∧∨⇔⇐⇑⇒", strict=True)),
    **{0xDF: "⇓", 0xE5: "∑", 0xF2: "∫"},
}
"""Adobe's Symbol font: what stands at each of its places."""
_EMU = 36_000  # a millimetre


@dataclass(slots=True)
class Text:
    """A paragraph as it is put together: its words, and what hangs on it (boxes, charts, notes, comments)."""

    words: list[str] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    charts: list[str] = field(default_factory=list)
    diagrams: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.words)


class _Fields:
    """Fields within a paragraph and across paragraphs: what stands before "separate" is an instruction, not text."""

    def __init__(self) -> None:
        self._paragraphs = 0
        self._open: list[list[str]] = []  # of each field: its instruction, and "shown" once its result begins

    def paragraph(self) -> None:
        """A paragraph begins: an instruction that goes on for so many was never ended."""
        self._paragraphs = self._paragraphs + 1 if self.silent else 0
        if self._paragraphs > _LONGEST_INSTRUCTION:
            self._open.clear()

    def mark(self, kind: str) -> None:
        if kind == "begin":
            self._open.append([""])
        elif kind == "separate" and self._open:
            self._open[-1].append("shown")
        elif kind == "end" and self._open:
            self._open.pop()

    def instruct(self, text: str) -> None:
        if self._open:
            self._open[-1][0] += text

    @property
    def silent(self) -> bool:
        return any(len(one) == 1 or _PAGE_FIELDS.match(one[0]) for one in self._open)


class Runs:
    """Collects the words of paragraphs of one document; fields may begin in one and end in another."""

    def __init__(self, package: Package, styles: Styles) -> None:
        self._package = package
        self._styles = styles
        self._fields = _Fields()
        self.pictures = False
        """Whether there was a large picture without a description."""

    def collect(self, element: etree._Element, found: Text, part: str) -> None:
        """Add the words of a paragraph of `part`, and what hangs on it, to `found`."""
        self._part = part
        self._fields.paragraph()
        self._collect(element, found)

    def _collect(self, element: etree._Element, found: Text) -> None:
        for child in element:
            name = local(child)
            if name in ("t", "delText"):
                if name == "t" and not self._fields.silent:
                    found.words.append(child.text or "")
            elif name in _GONE:
                if name == "instrText":
                    self._fields.instruct(child.text or "")
            elif name == "r":
                if not self._styles.hidden(child):
                    self._collect(child, found)
                else:
                    self._marks(child)
            elif name == "fldChar":
                self._fields.mark(attribute(child, "fldCharType"))
                self._form_field(child, found)
            elif name == "fldSimple":
                if not _PAGE_FIELDS.match(attribute(child, "instr")):
                    self._collect(child, found)
            elif name in _FEW_WORDS:
                if not self._fields.silent:
                    found.words.append(_FEW_WORDS[name])
            elif name == "sym":
                found.words.append(_symbol(child))
            elif name in ("footnoteReference", "endnoteReference"):
                identity = attribute(child, "id")
                found.notes.append((name.replace("Reference", "s"), identity))
            elif name == "commentReference":
                found.comments.append(attribute(child, "id"))
            elif name == "AlternateContent":
                self._collect(chosen(child), found)
            elif name in ("drawing", "pict", "object"):
                self._drawing(child, found)
            elif name == "hyperlink":
                self._link(child, found)
            elif name == "ruby":
                self._collect(next((one for one in child if local(one) == "rubyBase"), child), found)
            elif name == "checkBox":
                found.words.append("☒ " if attribute(child, "checked") in ("1", "true") else "☐ ")
            elif name in THROUGH or len(child):
                self._collect(child, found)

    def _link(self, link: etree._Element, found: Text) -> None:
        """The words of a link, and the address to which it leads where they do not say it."""
        start = len(found.words)
        self._collect(link, found)
        relation = self._package.relations(self._part).get(attribute(link, "id"))
        text = "".join(found.words[start:])
        if relation and relation.outside and text.strip() and (address := address_of(relation.target, text)):
            found.words.append(f" ({address})")

    def _marks(self, run: etree._Element) -> None:
        """Follow the fields that begin or end in hidden text."""
        for one in run:
            if local(one) == "fldChar":
                self._fields.mark(attribute(one, "fldCharType"))
            elif local(one) == "instrText":
                self._fields.instruct(one.text or "")

    def _form_field(self, mark: etree._Element, found: Text) -> None:
        for one in mark.iter():
            if local(one) == "checkBox":
                values = {local(v): attribute(v, "val") or "1" for v in one}
                checked = values.get("checked", values.get("default", "0"))
                found.words.append("☒" if checked not in ("0", "false") else "☐")
            elif local(one) == "ddList":
                entries = [attribute(v, "val") for v in one if local(v) == "listEntry"]
                chosen = next((attribute(v, "val") for v in one if local(v) == "result"), "0")
                if chosen.isdecimal() and int(chosen) < len(entries):
                    found.words.append(entries[int(chosen)])

    def _drawing(self, drawing: etree._Element, found: Text) -> None:
        relations = self._package.relations(self._part)
        boxes = list(_outermost(drawing, "txbxContent"))
        found.boxes += boxes
        for one in drawing.iter():
            name = local(one)
            if name == "chart" and (relation := relations.get(attribute(one, "id"))):
                found.charts.append(relation.target)
            elif name == "relIds" and (relation := relations.get(attribute(one, "dm"))):
                found.diagrams.append(relation.target)
            elif name == "textpath" and attribute(one, "string"):
                found.pictures.append(attribute(one, "string"))
            elif name == "t" and "drawingml" in str(one.tag) and not boxes:
                found.pictures.append(one.text or "")
        if (said := description(drawing)) and not boxes:
            found.pictures.append(said)
        elif any(local(one) == "blip" for one in drawing.iter()) and _area(drawing) > _LARGE_PICTURE:
            self.pictures = True


def chosen(alternatives: etree._Element) -> etree._Element:
    """Of the ways to say the same, the newer one where it says something."""
    for name in ("Choice", "Fallback"):
        for one in alternatives:
            if local(one) == name and len(one):
                return one
    return alternatives


def _outermost(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The elements of a name that lie in no other of it; of alternatives one only."""
    for child in element:
        if local(child) == name:
            yield child
        elif local(child) == "AlternateContent":
            yield from _outermost(chosen(child), name)
        else:
            yield from _outermost(child, name)


def _symbol(element: etree._Element) -> str:
    """A sign of a symbol font: ticks, boxes, signs of arithmetic and Greek letters as such, else nothing."""
    code = attribute(element, "char").upper()
    font = attribute(element, "font").lower()
    if "wingdings" in font:
        return {"F0FC": "✓", "F0FE": "☒", "F0A8": "☐", "F0FB": "✗", "F0E0": "→", "F06F": "☐", "F0FD": "☒"}.get(code, "")
    place = int(code, 16) if regex.fullmatch(r"[0-9A-F]{1,4}", code) else 0
    if font == "symbol" and (place & 0xFF00) in (0xF000, 0):
        return _SYMBOLS.get(place & 0xFF, "")
    return chr(place) if place and not 0xD800 <= place < 0xF900 else ""


def _area(drawing: etree._Element) -> float:
    """A drawing's size in square millimetres."""
    for one in drawing.iter():
        if local(one) in ("extent", "ext") and one.get("cx", "").isdecimal() and one.get("cy", "").isdecimal():
            return int(one.get("cx", "0")) / _EMU * int(one.get("cy", "0")) / _EMU
    return 0.0
