# ruff: noqa: E501 - the sources of small documents read best on one line
"""More kinds of content that are easily lost: forms, links, number formats, wrapped messages, texts that stand on end."""

import base64
import io
import json

import docx
import openpyxl
import pptx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from rag.formats import registry
from tests.support import documents

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def text(data: bytes, name: str) -> str:
    return registry.read(data, name).text


def saved(made: object) -> bytes:
    out = io.BytesIO()
    made.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (2.25, "# ?/?", "2 1/4"), (0.5, "# ??/??", "1/2"), (-1.375, "# ?/8", "-1 3/8"), (7.0, "# ?/?", "7"),
        (1234567, "0.00E+00", "1.23E+06"), (1.5, "[h]:mm:ss", "36:00:00"), (1234.5, "[$₺-41F]#,##0.00", "₺1,234.50"),
        (5321234567, "(000) 000-0000", "(532) 123-4567"), (2500000, '0.0,,"M"', "2.5M"), (12, '0" kg"', "12 kg"),
    ],
)  # fmt: skip
def test_cells_say_what_they_display(value: float, code: str, shown: str) -> None:
    book = openpyxl.Workbook()
    for row in (["Item", "Size", "Note"], ["Wire", value, "a"], ["Rope", value, "b"]):
        book.active.append(row)
    book.active["B2"].number_format = code
    assert f"Item: Wire; Size: {shown}; Note: a." in text(saved(book), "a.xlsx")


def test_links_of_cells_and_words_say_where_they_lead() -> None:
    book = openpyxl.Workbook()
    for row in (["Form", "Where", "Since"], ["Travel", "here", 2020], ["Leave", "there", 2021]):
        book.active.append(row)
    book.active["B2"].hyperlink = "https://forms.example.org/travel"
    assert "Where: here (https://forms.example.org/travel)" in text(saved(book), "a.xlsx")
    made = docx.Document()
    paragraph = made.add_paragraph("Ask ")
    for address, words in (
        ("https://leave.example.org/p", "the portal"),
        ("https://example.org/", "example.org"),
        ("mailto:eve@example.org", "Eve"),
    ):
        identity = made.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        paragraph._p.append(
            parse_xml(f'<w:hyperlink {W} r:id="{identity}"><w:r><w:t>{words}</w:t></w:r></w:hyperlink>')
        )
        paragraph.add_run(", ")
    assert (
        text(saved(made), "a.docx")
        == "Ask the portal (https://leave.example.org/p), example.org, Eve (eve@example.org),"
    )


def test_forms_are_read_label_by_label() -> None:
    book = openpyxl.Workbook()
    for row in (
        ["Name:", "Selma", None, "Unit:", "Stores"],
        ["From:", "Monday", None, "To:", "Friday"],
        ["Signed:", "Rolf"],
    ):
        book.active.append(row)
    assert "Name: Selma; Unit: Stores.\n\nFrom: Monday; To: Friday.\n\nSigned: Rolf." in text(saved(book), "a.xlsx")
    made = docx.Document()
    table = made.add_table(2, 4)
    for at, row in enumerate((("Customer", "Alfa", "Order", "A-5"), ("Contact", "Mr Ruiz", "Date", "7 July"))):
        for column, words in enumerate(row):
            table.cell(at, column).paragraphs[0].add_run(words).bold = column % 2 == 0
    assert text(saved(made), "a.docx") == "Customer: Alfa; Order: A-5.\n\nContact: Mr Ruiz; Date: 7 July."


def test_what_an_author_says_of_a_shape() -> None:
    deck = pptx.Presentation()
    shape = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_shape(1, 0, 0, Inches(5), Inches(5))
    shape._element.nvSpPr.cNvPr.set("descr", "Pump P7 feeds tank 3")
    assert text(saved(deck), "a.pptx") == "Picture: Pump P7 feeds tank 3"


INNER = "From: Kai <kai@example.org>\nSubject: Crane\n\nThe inspector is Mr Blanc.\n"
HEAD = "From: Ada <ada@example.org>\nSubject: Hall\nMIME-Version: 1.0\n"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
         + base64.encodebytes(INNER.encode()).decode() + "\n--B--\n", "The inspector is Mr Blanc."),
        ("Content-Type: multipart/alternative; boundary=A\n\n--A\nContent-Type: text/plain\n\nThis e-mail requires an HTML capable client.\n--A\n"
         "Content-Type: text/html\n\n<table><tr><td>Invoice</td><td>R-4471</td></tr><tr><td>Amount</td><td>315.20 EUR</td></tr></table>\n--A--\n", "Amount: 315.20 EUR"),
        ("Content-Type: multipart/report; boundary=A\n\n--A\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
         "Final-Recipient: rfc822; lost@example.org\n--A\nContent-Type: text/rfc822-headers\n\nSubject: Plan B\n--A--\n", "Final-Recipient: rfc822; lost@example.org"),
        ("Content-Type: text/plain\n\nSeen.\n", "Subject: Hall\nFrom: Ada <ada@example.org>"),
    ],
)  # fmt: skip
def test_messages_in_odd_wrappings(body: str, shown: str) -> None:
    assert shown in text((HEAD + body).encode(), "a.eml")


@pytest.mark.parametrize(
    ("name", "source", "shown"),
    [
        ("a.html", "<main><p>Main.</p></main><aside><p>The terrace is closed until 4 August.</p></aside>", "closed until 4 August"),
        ("a.html", "<p>Ship</p><input type=checkbox checked> by sea <input type=checkbox> by air", "☒ by sea ☐ by air"),
        ("a.adoc", "= Depots\n:keeper: Petra\n\n[cols=2,options=header]\n|===\n|Depot |Head\n|East |Rana\n|West |{keeper}\n|===\n", "Depot: West; Head: Petra."),
        ("a.yaml", "# This plan belongs to Greta Olsen.\nalarm: 3\n", "This plan belongs to Greta Olsen."),
        ("a.wiki", "{|\n! Crane !! Driver\n|-\n| Red || Hale\n|}\n", "Crane: Red; Driver: Hale."),
        ("a.ipynb", json.dumps({"cells": [{"cell_type": "code", "source": "f", "outputs": [{"data": {"text/plain": "x", "text/html": "<table><tr><th>Batch<th>Loss<tr><td>8<td>0.51</table>"}}]}]}), "Batch: 8; Loss: 0.51."),
        ("a.csv", "Part,Price,End date\nBelt,7,\nRope,9,\n", "Part: Rope; Price: 9.\n\nEnd date."),
        ("a.html", "<dl><dt>Soda</dt><dt>Water</dt><dd>Cold</dd><dt>Tea</dt></dl><p>End.</p>", "Soda, Water: Cold\n\nTea\n\nEnd."),
        ("a.rtf", r"{\rtf1\ansi {\fs24\*\cs7\loch The quick bro\-wn fox}\par}", "The quick brown fox"),
        ("a.rtf", r"{\rtf1\ansi{\header Owner: Nadia\par}{\footer Page 3\par}Code 5571{\b\v hidden}.{\footnote Until May.}{\*\annotation By Eve.}{\shp{\*\shpinst{\shptxt Valve V-17.\par}}}\par}",
         "Owner: Nadia\n\nCode 5571.\n\nNote: Until May.\n\nComment: By Eve.\n\nValve V-17."),
        ("a.html", "<iframe srcdoc='&lt;p&gt;Tokens cost 15 kroner.&lt;/p&gt;'></iframe>", "Tokens cost 15 kroner."),
        ("a.html", "<table><tr><td>Canteen</td><td>closed on 6 June</td></tr></table>", "Canteen: closed on 6 June."),
        ("a.html", "<p>Write to <a href='mailto:slip@example.org'>the slip</a>, <a href='https://example.org'>here</a>.</p>", "Write to the slip (slip@example.org), here."),
        ("README", "The chainsaw is kept by Arvid.", "kept by Arvid"),
        ("a.toml", "[server]\nowner = 'Berit'\n", "owner = 'Berit'"),
    ],
)  # fmt: skip
def test_texts_and_pages(name: str, source: str, shown: str) -> None:
    assert shown in text(source.encode(), name)


def page(draw: object) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    draw(canvas)  # type: ignore[operator]
    canvas.save()
    return out.getvalue()


def test_marks_of_a_list_that_were_written_last_stand_before_their_lines() -> None:
    def draw(canvas: Canvas) -> None:
        for at, words in enumerate(("Sound the horn.", "Wait for the lamp.", "Keep to the left.")):
            canvas.drawString(92, 700 - 16 * at, words)
        canvas.drawString(72, 500, "The harbour office measures the tide.")
        for at in range(3):
            canvas.drawString(78, 700 - 16 * at, f"{at + 1}.")

    assert text(page(draw), "a.pdf").startswith(
        "1. Sound the horn.\n\n2. Wait for the lamp.\n\n3. Keep to the left.\n\nThe"
    )


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_line_that_stands_on_end_is_one_line(turn: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "The tide is measured at the mole.")
        canvas.translate(300, 400)
        canvas.rotate(turn)
        canvas.drawString(0, 0, "Drawing ZK-7741, checked by Runa Vik")

    assert text(page(draw), "a.pdf") == "The tide is measured at the mole.\n\nDrawing ZK-7741, checked by Runa Vik"


def test_right_to_left_pages_are_read_in_their_own_order() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))

    def draw(canvas: Canvas) -> None:
        canvas.setFont("HeiseiMin-W3", 12)
        for row, words in enumerate((("המפתח", "נמצא", "בחדר", "השומר"),)):
            right = 500.0
            for word in words:
                canvas.drawRightString(right, 700 - 20 * row, word[::-1])
                right -= canvas.stringWidth(word, "HeiseiMin-W3", 12) + 4

    assert text(page(draw), "a.pdf") == "המפתח נמצא בחדר השומר"


def test_a_value_under_its_label_is_read_with_it() -> None:
    def draw(canvas: Canvas) -> None:
        for row, (label, value) in enumerate((("Surname", "Okonkwo"), ("Unit", "Foundry"))):
            canvas.drawString(72, 700 - 60 * row, label)
            canvas.acroForm.textfield(name=f"f{row}", value=value, x=72, y=665 - 60 * row, width=200, height=20)

    assert text(page(draw), "a.pdf") == "Surname: Okonkwo\n\nUnit: Foundry"


def test_documents_within_office_documents_are_read_too() -> None:
    book = openpyxl.Workbook()
    for row in (["Part", "Price"], ["Belt", 7], ["Rope", 9]):
        book.active.append(row)
    inner = Part(PackURI("/word/embeddings/prices.xlsx"), "application/vnd.ms-excel", saved(book))
    made = docx.Document()
    made.add_paragraph("See the sheet.")
    made.part.relate_to(inner, RELATIONSHIP_TYPE.PACKAGE)
    found = text(saved(made), "a.docx")
    assert found.startswith("See the sheet.\n\nEmbedded: prices.xlsx") and "Part: Rope; Price: 9." in found


def test_what_stands_at_the_foot_of_every_slide_is_read_once() -> None:
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:'
        'drawing:1.0"><office:body><office:presentation><presentation:footer-decl presentation:name="f">Owner: Iris'
        "</presentation:footer-decl><draw:page><draw:frame><draw:text-box><text:p>Tides</text:p></draw:text-box>"
        "</draw:frame></draw:page></office:presentation></office:body></office:document-content>"
    )
    assert text(documents.archive({"content.xml": content}), "a.odp") == "Owner: Iris\n\nTides"


def test_a_message_whose_headers_have_spaces_before_the_colon() -> None:
    assert text(b"From  : Ada <ada@example.org>\r\nSubject   : Hall\r\n\r\nKey 4 : Bo\r\n", "a.eml").endswith(
        "Key 4 : Bo"
    )


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
RTF = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\stylesheet{\s0 Normal;}{\s1\sbasedon0\b heading 1;}{\s2 heading 2;}}"
    r"\pard\plain \s1\b Yard\par\pard\plain \s0 Barges lie here.\par\pard\plain \s2 Access\par"
    r"\pard\plain \s0 {\pict\jpegblip \bin ffd8ffe0}\par {\listtext 1.\tab}Show the badge.\par {\listtext 2.\tab}Take a helmet.\par}"
)


def test_headings_and_lists_of_rich_text() -> None:
    found = registry.read(RTF.encode(), "a.rtf")
    assert [(one.text, one.level) for one in found.headings] == [("Yard", 1), ("Access", 2)]
    assert "\n1. Show the badge.\n2. Take a helmet." in found.text


def test_what_stands_right_above_a_header_is_no_part_of_its_table() -> None:
    book = openpyxl.Workbook()
    for row in (
        ["Customer", "Nordsink"],
        ["Part", "Price", "Qty", "Shelf"],
        ["Belt", 7, 3, "R7"],
        ["Rope", 9, 1, "R9"],
    ):
        book.active.append(row)
    found = text(saved(book), "a.xlsx")
    assert "Customer: Nordsink.\n\n" in found and "Part: Rope; Price: 9; Qty: 1; Shelf: R9." in found


BOUND = (
    "<w:sdt {w}><w:sdtPr>{kind}<w:dataBinding w:xpath='/order[1]/ns0:clerk[{place}]' w:storeItemID='{{AB-1}}'/></w:sdtPr>"
    "<w:sdtContent><w:r><w:t>somebody</w:t></w:r></w:sdtContent></w:sdt>"
)


@pytest.mark.parametrize(
    ("kind", "place", "shown"),
    [("<w:text/>", 2, "Ask Selma Kurt."), ("<w:text/>", 3, "Ask somebody."), ("<w:date/>", 2, "Ask somebody.")],
)
def test_a_control_of_word_shows_the_data_that_it_is_bound_to(kind: str, place: int, shown: str) -> None:
    made = docx.Document()
    paragraph = made.add_paragraph("Ask ")
    paragraph._p.append(parse_xml(BOUND.format(w=W, kind=kind, place=place)))
    paragraph.add_run(".")
    order = b"<order xmlns='urn:x'><clerk>Ada</clerk><clerk>Selma Kurt</clerk></order>"
    data = Part(PackURI("/customXml/item7.xml"), "application/xml", order, made.part.package)
    properties = b"<d:datastoreItem xmlns:d='urn:d' d:itemID='{ab-1}'/>"
    data.relate_to(Part(PackURI("/customXml/itemProps7.xml"), "application/xml", properties), OFFICE + "customXmlProps")
    made.part.relate_to(data, OFFICE + "customXml")
    assert text(saved(made), "a.docx") == shown


ODF = "urn:oasis:names:tc:opendocument:xmlns:"
LISTS = (
    f'<office:document-content xmlns:office="{ODF}office:1.0" xmlns:text="{ODF}text:1.0" xmlns:style="{ODF}style:1.0">'
    '<text:list-style style:name="L"><text:list-level-style-number text:level="1" style:num-format="1" '
    'style:num-suffix="." text:start-value="4"/><text:list-level-style-number text:level="2" style:num-format="a" '
    'text:display-levels="2" style:num-suffix=")"/></text:list-style><office:body><office:text>'
    '<text:list text:style-name="L"><text:list-item><text:p>Bow</text:p></text:list-item></text:list><text:p>See.</text:p>'
    '<text:list text:style-name="L" text:continue-numbering="true"><text:list-item><text:p>Stern</text:p><text:list>'
    "<text:list-item><text:p>Rudder</text:p></text:list-item></text:list></text:list-item></text:list>"
    '<text:list text:style-name="L" text:continue-numbering="true"><text:list-item><text:list><text:list-item>'
    "<text:p>Screw</text:p></text:list-item></text:list></text:list-item></text:list></office:text></office:body>"
    "</office:document-content>"
)


def test_numbers_of_an_open_document_go_on_and_show_their_levels() -> None:
    found = text(documents.archive({"content.xml": LISTS}), "a.odt")
    assert found == "4. Bow\n\nSee.\n5. Stern\n  5.a) Rudder\n  5.b) Screw"


def test_numbers_of_a_list_in_a_cell_of_an_open_document() -> None:
    cells = (
        "<table:table-cell><text:p>Start</text:p></table:table-cell><table:table-cell><text:list text:style-name='L'>"
    )
    cells += "".join(f"<text:list-item><text:p>{words}</text:p></text:list-item>" for words in ("Prime.", "Pump."))
    table = f"<table:table xmlns:table='{ODF}table:1.0'><table:table-row>{cells}</text:list></table:table-cell>"
    table += "</table:table-row></table:table></office:text>"
    found = text(documents.archive({"content.xml": LISTS.replace("</office:text>", table)}), "a.odt")
    assert found.endswith("Start: 4. Prime. 5. Pump.")


def test_a_row_that_was_deleted_is_not_read() -> None:
    made = docx.Document()
    table = made.add_table(3, 2)
    for row, words in enumerate((("Class", "Rate"), ("B", "12 euros"), ("B", "19 euros"))):
        for column, word in enumerate(words):
            table.cell(row, column).text = word
    table.rows[1]._tr.get_or_add_trPr().append(parse_xml(f"<w:del {W} w:id='5' w:author='Eve'/>"))
    assert "19 euros" in text(saved(made), "a.docx") and "12 euros" not in text(saved(made), "a.docx")


def test_what_somebody_wrote_at_a_point_of_a_chart() -> None:
    deck = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["May", "June"]
    data.add_series("Museum", (410, 525))
    shapes = deck.slides.add_slide(deck.slide_layouts[6]).shapes
    chart = shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, Inches(4), Inches(3), data).chart
    chart.plots[0].series[0].points[1].data_label.text_frame.text = "The roof leaked."
    assert text(saved(deck), "a.pptx").endswith("The roof leaked.")


@pytest.mark.parametrize("first", [True, False])
def test_text_boxes_that_stand_over_one_another_are_read_together(first: bool) -> None:
    deck = pptx.Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[6]).shapes
    uppers = [(at, 2.0, words) for at, words in enumerate(("May", "June", "312"))]
    lowers = [(at, 2.6, words) for at, words in enumerate(("Survey", "Dredging", "boats"))]
    pairs = [one for pair in zip(uppers, lowers, strict=True) for one in pair]
    for at, top, words in uppers + lowers if first else pairs:
        box = shapes.add_textbox(Inches(1 + 2 * at), Inches(top), Inches(1.8), Inches(0.5))
        box.text_frame.text = words
    shapes.add_textbox(0, Inches(5), Inches(3), Inches(0.5)).text_frame.text = "As planned"
    assert text(saved(deck), "a.pptx") == "May: Survey\n\nJune: Dredging\n\nboats: 312\n\nAs planned"


def test_a_list_that_goes_on_beside_itself_is_one_list() -> None:
    made = docx.Document()
    table = made.add_table(3, 4)
    rows = (("Name", "Unit", "Name", "Unit"), ("Ada", "Deck", "Bo", "Engine"), ("Cleo", "Galley", "", ""))
    for at, row in enumerate(rows):
        for column, words in enumerate(row):
            table.cell(at, column).text = words
    assert (
        text(saved(made), "a.docx") == "Name: Ada; Unit: Deck.\n\nName: Bo; Unit: Engine.\n\nName: Cleo; Unit: Galley."
    )


def test_signs_that_a_sheet_writes_by_number() -> None:
    book = openpyxl.Workbook()
    book.active.append(["First line_x000D_\nAsk Helge"])
    assert text(saved(book), "a.xlsx").endswith("First line Ask Helge")


@pytest.mark.parametrize(
    ("said", "encoding", "declared"),
    [
        ("Vinç için Şükrü yerine Gülşah bakıyor.", "cp1254", "us-ascii"),
        ("Vinç için Şükrü yerine Gülşah bakıyor.", "cp1254", "iso-8859-1"),
        ("Ключ у сторожа в будке.", "cp1251", "windows-1252"),
        ("Der Schlüssel hängt bei Frau Möller.", "cp1252", "us-ascii"),
        ("Þórður and Guðrún Ýr have the key.", "cp1252", "iso-8859-1"),
    ],
)
def test_a_message_that_says_a_wrong_encoding(said: str, encoding: str, declared: str) -> None:
    head = f"From: a@example.org\nContent-Type: text/plain; charset={declared}\n\n"
    assert text(head.encode() + said.encode(encoding), "a.eml").endswith(said)


CHART = (
    f'<office:document-content xmlns:office="{ODF}office:1.0" xmlns:chart="{ODF}chart:1.0" xmlns:text="{ODF}text:1.0" '
    f'xmlns:table="{ODF}table:1.0"><office:body><office:chart><chart:chart><chart:title><text:p>Guests</text:p>'
    "</chart:title><chart:plot-area/><table:table><table:table-row><table:table-cell><text:p/></table:table-cell>"
    "<table:table-cell><text:p>Museum</text:p></table:table-cell></table:table-row><table:table-row><table:table-cell>"
    "<text:p>June</text:p></table:table-cell><table:table-cell><text:p>525</text:p></table:table-cell>"
    "</table:table-row></table:table></chart:chart></office:chart></office:body></office:document-content>"
)
HOLDER = (
    f'<office:document-content xmlns:office="{ODF}office:1.0" xmlns:draw="{ODF}drawing:1.0" xmlns:text="{ODF}text:1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><office:body><office:text><text:p>See:<draw:frame>'
    '<draw:object xlink:href="./Object 1"/></draw:frame></text:p></office:text></office:body></office:document-content>'
)


def test_a_chart_of_an_open_document() -> None:
    data = documents.archive({"content.xml": HOLDER, "Object 1/content.xml": CHART})
    assert text(data, "a.odt") == "See:\n\nGuests\n\nCategory: June; Museum: 525."
