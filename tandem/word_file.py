"""A Word file of Tandem's own: its styles, who wrote it and when, and sources as real footnotes.

Knows what of Markdown is written, and how: headings, lists, quotations, tables, code. Text is data: an address is text,
and nothing is fetched or linked. Does not know briefings or conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from docx import Document
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.text.paragraph import Paragraph
from lxml import etree
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from tandem import word_styles
from tandem.markdown_writer import PARSER
from tandem.runs import Note, Run, from_right, marked, printable, runs, tokens_of

_DEEPEST_LIST = 3
_EMPTY = '<w:p><w:pPr><w:spacing w:after="0" w:line="240" w:lineRule="auto"/></w:pPr><w:r><w:{0}/></w:r></w:p>'


class WordFile:
    """One file, written from its beginning to its end; `content` gives its bytes.

    `notes`, wherever they are given, are what a marker `[n]` in the text refers to: each becomes a footnote where it is
    first met, and a reference to that one afterwards. A marker without a note stays what it is.
    """

    def __init__(self, title: str, *, author: str, moment: datetime, locale: str, under: str = "") -> None:
        """`locale` ("en-GB") is what Word checks the spelling by; `under` stands beneath the title."""
        self._document = Document()
        word_styles.dress(self._document, locale)
        self._notes: dict[str, int] = {}
        about = self._document.core_properties
        about.title, about.author, about.last_modified_by = printable(title), printable(author), printable(author)
        about.created = about.modified = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        about.language, about.comments, about.revision = locale, "", 1
        word_styles.footer(self._document, printable(title))
        self._add("Title", title)
        if under:
            self._add("Subtitle", under)

    def heading(self, text: str, level: int = 1) -> None:
        """A heading, from 1 to 4."""
        self._add(f"Heading {min(max(level, 1), 4)}", text)

    def line(self, text: str, style: str = "Normal", notes: Mapping[int, str] | None = None) -> None:
        """One paragraph of plain text in one of the styles."""
        self._write(self._add(style, ""), marked(printable(text), notes or {}))

    def markdown(self, text: str, notes: Mapping[int, str] | None = None, *, below: int = 0) -> None:
        """Blocks of Markdown; headings in it stand `below` so many others."""
        for node in SyntaxTreeNode(PARSER.parse(text)).children:
            self._block(node, notes or {}, below, 0)

    def content(self) -> bytes:
        """The file."""
        if self._notes:
            self._attach_notes()
        held = BytesIO()
        self._document.save(held)
        return held.getvalue()

    def _add(self, style: str, text: str) -> Paragraph:
        paragraph = self._document.add_paragraph(printable(text), style=style)
        _direct(paragraph, text)
        return paragraph

    def _block(self, node: SyntaxTreeNode, notes: Mapping[int, str], below: int, depth: int) -> None:
        match node.type:
            case "heading":
                self._inline(self._add(f"Heading {min(int(node.tag[1]) + below, 4)}", ""), tokens_of(node), notes)
            case "paragraph":
                self._inline(self._add("Normal" if not depth else "List Continue", ""), tokens_of(node), notes)
            case "bullet_list" | "ordered_list":
                self._list(node, notes, below, depth + 1)
            case "blockquote":
                for child in node.children:
                    if child.type == "paragraph":
                        self._inline(self._add("Quote", ""), tokens_of(child), notes)
                    else:
                        self._block(child, notes, below, depth)
            case "fence" | "code_block":
                for line in node.content.removesuffix("\n").split("\n"):
                    self._document.add_paragraph(printable(line, lines=True), style="Code")
            case "table":
                self._table(node, notes)
            case "hr":
                pass
            case _:
                self._add("Normal", node.content)

    def _list(self, node: SyntaxTreeNode, notes: Mapping[int, str], below: int, depth: int) -> None:
        level = min(depth, _DEEPEST_LIST)
        first = int(node.attrs.get("start", 1))
        for number, item in enumerate(node.children):
            for at, child in enumerate(item.children):
                if child.type != "paragraph" or at:
                    self._block(child, notes, below, depth)
                    continue
                if node.type == "bullet_list":
                    paragraph = self._add(f"List Bullet {level}" if level > 1 else "List Bullet", "")
                else:  # Word counts on from list to list; what is written stays what it is
                    paragraph = self._add(f"List {level}" if level > 1 else "List", "")
                    paragraph.add_run(f"{first + number}.\t")
                self._inline(paragraph, tokens_of(child), notes)

    def _table(self, node: SyntaxTreeNode, notes: Mapping[int, str]) -> None:
        rows = [row for part in node.children for row in part.children]
        width = max((len(row.children) for row in rows), default=0)
        if not width:
            return
        table = self._document.add_table(len(rows), width, style="Table Grid")
        for at, row in enumerate(rows):
            for place, cell in enumerate(row.children):
                paragraph = table.cell(at, place).paragraphs[0]
                self._inline(paragraph, tokens_of(cell), notes, bold=at == 0)
        self._document.add_paragraph("", style="Normal")

    def _inline(
        self, paragraph: Paragraph, tokens: Sequence[Token], notes: Mapping[int, str], *, bold: bool = False
    ) -> None:
        _direct(paragraph, "".join(token.content for token in tokens))
        self._write(paragraph, runs(tokens, notes, bold=bold))

    def _write(self, paragraph: Paragraph, parts: Iterable[Run | Note]) -> None:
        for part in parts:
            if isinstance(part, Note):
                self._refer(paragraph, part.text)
            elif part.text == "\n":
                paragraph.add_run().add_break()
            elif part.code:
                paragraph.add_run(part.text, style="Code Words")
            else:
                run = paragraph.add_run(part.text)
                run.bold, run.italic = part.bold or None, part.italic or None
                run.font.strike, run.font.superscript = part.strike or None, part.raised or None

    def _refer(self, paragraph: Paragraph, note: str) -> None:
        """A footnote where its source is met for the first time, else a reference to that one."""
        known = self._notes.get(note)
        number = self._notes.setdefault(note, len(self._notes) + 1)
        name = f"_Source{number}"
        run = OxmlElement("w:r")
        run.append(parse_xml(f'<w:rPr {nsdecls("w")}><w:rStyle w:val="FootnoteReference"/></w:rPr>'))
        if known is None:
            run.append(_with("w:footnoteReference", id=number))
            around = [_with("w:bookmarkStart", id=number, name=name), run, _with("w:bookmarkEnd", id=number)]
        else:
            said = OxmlElement("w:t")
            said.text = str(number)
            run.append(said)
            field = _with("w:fldSimple", instr=f" NOTEREF {name} \\f \\h ")
            field.append(run)
            around = [field]
        for element in around:
            paragraph._p.append(element)

    def _attach_notes(self) -> None:
        body = [
            f'<w:footnote w:type="{kind}" w:id="{number}">{_EMPTY.format(kind)}</w:footnote>'
            for number, kind in ((-1, "separator"), (0, "continuationSeparator"))
        ]
        root = parse_xml(f"<w:footnotes {nsdecls('w')}>{''.join(body)}</w:footnotes>")
        for note, number in self._notes.items():
            one = parse_xml(
                f'<w:footnote {nsdecls("w")} w:id="{number}"><w:p><w:pPr><w:pStyle w:val="FootnoteText"/></w:pPr><w:r>'
                '<w:rPr><w:rStyle w:val="FootnoteReference"/></w:rPr><w:footnoteRef/></w:r><w:r><w:t '
                'xml:space="preserve"/></w:r></w:p></w:footnote>'
            )
            next(one.iter(qn("w:t"))).text = f" {note}"
            root.append(one)
        blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
        owner = self._document.part
        part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE.WML_FOOTNOTES, blob, owner.package)
        owner.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)


def _with(tag: str, **attributes: object) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), str(value))
    return element


def _direct(paragraph: Paragraph, text: str) -> None:
    """From right to left, where it is written so."""
    properties = paragraph._p.get_or_add_pPr()
    if from_right(text) and properties.find(qn("w:bidi")) is None:
        properties.append(OxmlElement("w:bidi"))
