"""What Tandem's Word files look like: paper, fonts, colours, headings, and nothing left of the library's template.

Knows Word's styles. Does not know what is written in them.
"""

from __future__ import annotations

from typing import Any

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

_FONT, _FIXED = "Calibri", "Consolas"
_ACCENT, _SOFT, _INK = RGBColor(0x0F, 0x6D, 0x82), RGBColor(0x5B, 0x68, 0x75), RGBColor(0x16, 0x20, 0x2A)
_WIDTH, _MARGIN = 210, 25
_TABLES = ("Normal Table", "Table Grid")
# Name, size, bold, colour, space before and after.
_LOOKS: tuple[tuple[str, float, bool, RGBColor, float, float], ...] = (
    ("Title", 24, True, _INK, 0, 2),
    ("Subtitle", 10.5, False, _SOFT, 0, 16),
    ("Heading 1", 15, True, _ACCENT, 18, 5),
    ("Heading 2", 12.5, True, _ACCENT, 14, 4),
    ("Heading 3", 11, True, _INK, 10, 3),
    ("Heading 4", 11, True, _SOFT, 8, 2),
    ("Quote", 11, False, _SOFT, 0, 6),
    ("Caption", 9.5, False, _SOFT, 2, 8),
)
_ABOUT = (
    '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
    "<Application>Tandem</Application></Properties>"
)


def dress(document: Document, locale: str) -> None:
    """Give a new document Tandem's styles, on A4, and take the template's own traces out."""
    _strip(document)
    section = document.sections[0]
    section.page_width, section.page_height = Mm(_WIDTH), Mm(297)
    section.left_margin = section.right_margin = Mm(_MARGIN)
    section.top_margin = section.bottom_margin = Mm(22)
    _look(document.styles["Normal"], 11, False, _INK, 0, 6)
    document.styles["Normal"].paragraph_format.line_spacing = 1.15
    for name, size, bold, colour, before, after in _LOOKS:
        _look(document.styles[name], size, bold, colour, before, after)
    for name in ("Quote", "Caption", "Title", "Subtitle"):
        document.styles[name].font.italic = False
    for name in ("Title", "Heading 1", "Heading 2", "Heading 3", "Heading 4"):
        document.styles[name].paragraph_format.keep_with_next = True
    border = document.styles["Title"].element.find(f".//{qn('w:pBdr')}")
    if border is not None:
        border.getparent().remove(border)
    for name in ("List Bullet", "List Bullet 2", "List Bullet 3", "List", "List 2", "List 3"):
        document.styles[name].paragraph_format.space_after = Pt(4)
    _new(document, "Code", 9.5, WD_STYLE_TYPE.PARAGRAPH, _FIXED).paragraph_format.space_after = Pt(0)
    _new(document, "Code Words", 10, WD_STYLE_TYPE.CHARACTER, _FIXED)
    note = _new(document, "Footnote Text", 9, WD_STYLE_TYPE.PARAGRAPH, _FONT, known_as="footnote text")
    note.paragraph_format.space_after = Pt(2)
    mark = _new(document, "Footnote Reference", None, WD_STYLE_TYPE.CHARACTER, "", known_as="footnote reference")
    mark.font.superscript = True
    _speak(document, locale)


def footer(document: Document, title: str) -> None:
    """The title and the number of the page, at the foot of each."""
    section = document.sections[0]
    paragraph = section.footer.paragraphs[0]
    style = document.styles["Footer"]
    _look(style, 9, False, _SOFT, 0, 0)
    for tabs in list(style.element.iter(qn("w:tabs"))):  # of another paper
        tabs.getparent().remove(tabs)
    paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH - 2 * _MARGIN), WD_TAB_ALIGNMENT.RIGHT)
    paragraph.add_run(f"{title[:90]}\t")
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), " PAGE ")
    field.append(parse_xml(f"<w:r {nsdecls('w')}><w:t>1</w:t></w:r>"))
    paragraph._p.append(field)


def _strip(document: Document) -> None:
    styles = document.styles.element
    for style in list(styles.findall(qn("w:style"))):
        if style.get(qn("w:type")) == "table" and style.name_val not in _TABLES:
            styles.remove(style)
    package = document.part.package
    for key, relation in list(package.rels.items()):
        if relation.reltype.endswith("/thumbnail"):
            del package.rels[key]
        elif relation.reltype.endswith("/extended-properties"):
            relation.target_part._blob = _ABOUT.encode()


def _look(style: Any, size: float, bold: bool, colour: RGBColor, before: float, after: float) -> None:
    _named(style, _FONT)
    style.font.size, style.font.bold, style.font.color.rgb = Pt(size), bold, colour
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)


def _named(style: Any, font: str) -> None:
    """The font itself: one that the template's theme names goes before it."""
    style.font.name = font
    fonts = style.element.rPr.rFonts
    for key in [key for key in fonts.attrib if key.endswith("Theme") or key.endswith("theme")]:
        del fonts.attrib[key]
    fonts.set(qn("w:cs"), font)


def _new(document: Document, name: str, size: float | None, kind: WD_STYLE_TYPE, font: str, known_as: str = "") -> Any:
    style: Any = document.styles.add_style(name, kind)
    if font:
        _named(style, font)
    if size is not None:
        style.font.size = Pt(size)
    if known_as:  # what Word itself calls it, and translates
        style.element.name_val = known_as
    return style


def _speak(document: Document, locale: str) -> None:
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), locale)
