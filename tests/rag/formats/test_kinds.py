# ruff: noqa: E501 - the sources of small documents read best on one line
"""Kinds of content that are easily lost, each in a small file: what is asked of it is in the answer."""

import base64
import io
import json
import zipfile
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement, parse_xml
from openpyxl.comments import Comment
from openpyxl.worksheet.table import Table
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from rag.formats import registry
from tests.support import documents

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def text(data: bytes, name: str) -> str:
    return registry.read(data, name).text


def word(*paragraphs: str) -> bytes:
    """A document whose body holds these paragraphs, given as XML."""
    made = docx.Document()
    for one in reversed(paragraphs):
        made.element.body.insert(
            0, parse_xml(one.replace("<w:p>", f"<w:p {W}>", 1).replace("<w:sdt>", f"<w:sdt {W}>", 1))
        )
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("paragraph", "shown"),
    [
        ("<w:p><w:ins><w:r><w:t>Gate four </w:t></w:r></w:ins><w:del><w:r><w:delText>Gate five</w:delText></w:r></w:del></w:p>", "Gate four"),
        ("<w:p><w:hyperlink><w:r><w:t>The desk</w:t></w:r></w:hyperlink><w:r><w:t> is open.</w:t></w:r></w:p>", "The desk is open."),
        ("<w:sdt><w:sdtContent><w:p><w:r><w:t>Filled in</w:t></w:r></w:p></w:sdtContent></w:sdt>", "Filled in"),
        ('<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>REF x</w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>'
         '<w:r><w:t>88 euros</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>', "88 euros"),
        ("<w:p><w:r><w:t>Seen</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t> unseen</w:t></w:r></w:p>", "Seen"),
        ('<w:p><w:r><w:t>n</w:t><w:sym w:font="Symbol" w:char="F02D"/><w:t>1 </w:t><w:sym w:font="Symbol" w:char="F0B3"/><w:t> 40 </w:t>'
         '<w:sym w:font="Symbol" w:char="F06D"/><w:t>m</w:t></w:r></w:p>', "n−1 ≥ 40 μm"),
        ("<w:p><w:smartTag><w:r><w:t>Izmir</w:t></w:r></w:smartTag><w:r><w:noBreakHyphen/><w:t>7</w:t></w:r></w:p>", "Izmir-7"),
    ],
)  # fmt: skip
def test_words_of_a_paragraph_are_those_that_are_seen(paragraph: str, shown: str) -> None:
    assert text(word(paragraph), "a.docx") == shown


def test_notes_headers_and_numbers_of_word() -> None:
    made = docx.Document()
    made.sections[0].header.paragraphs[0].text = "Form 7, issue C"
    made.sections[0].footer.paragraphs[0].text = "Page 3"
    made.add_paragraph("Lock the door.", style="List Number")
    made.add_paragraph("Return the key.", style="List Number")
    out = io.BytesIO()
    made.save(out)
    found = text(out.getvalue(), "a.docx")
    assert found.startswith("Form 7, issue C")
    assert "1. Lock the door.\n2. Return the key." in found
    assert "Page 3" not in found


def test_an_odd_table_costs_itself() -> None:
    made = docx.Document()
    made.add_paragraph("Before.")
    table = made.add_table(2, 2)
    table.cell(0, 0).text, table.cell(1, 1).text = "Zone", "seven"
    table._tbl.remove(table._tbl.tblPr)
    table._tbl.append(OxmlElement("w:unheardOf"))
    made.add_paragraph("After.")
    out = io.BytesIO()
    made.save(out)
    found = text(out.getvalue(), "a.docx")
    assert all(word in found for word in ("Before.", "Zone", "seven", "After."))


def test_charts_groups_and_notes_of_slides() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Visits"
    data = CategoryChartData()
    data.categories = ["May", "June"]
    data.add_series("Museum", (410, 525))
    slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, Inches(1), Inches(1), Inches(4), Inches(3), data)
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "Closed on Monday"
    slide.notes_slide.notes_text_frame.text = "Mention the lift."
    out = io.BytesIO()
    deck.save(out)
    found = text(out.getvalue(), "a.pptx")
    assert "Category: June; Museum: 525." in found
    assert "Closed on Monday" in found
    assert "Mention the lift." in found


def test_sheets_with_titles_two_tables_merged_cells_and_hidden_sheets() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Stock 2026"], [], ["Part", "Hall", "Share"], ["Belt", "North", 0.125], ["Valve", None, 0.5], [],
                ["Person", "Telephone", "Since"], ["Ada", "0042", "2020"]):  # fmt: skip
        sheet.append(row)
    sheet.merge_cells("B4:B5")
    sheet["C4"].number_format = sheet["C5"].number_format = "0.0%"
    sheet["A4"].comment = Comment("Out of stock.", "Eve")
    hidden = book.create_sheet("Prices")
    hidden.sheet_state = "hidden"
    hidden.append(["Rope", 12])
    out = io.BytesIO()
    book.save(out)
    found = text(out.getvalue(), "a.xlsx")
    assert "Part: Valve; Hall: North; Share: 50.0%." in found
    assert "Person: Ada; Telephone: 0042; Since: 2020." in found
    assert "Comment on A4 by Eve: Out of stock." in found
    assert "Prices (hidden sheet)" in found


def test_tables_that_the_file_names_stay_apart_also_of_one_column() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row, cells in enumerate(
        [["Boat", "Berth", None, "Guests"], ["Gannet", "A4", None, "Liv"], ["Petrel", "A5", None, "Knut"]], 1
    ):
        for column, value in enumerate(cells, 1):
            sheet.cell(row, column, value)
    sheet.add_table(Table(displayName="Boats", ref="A1:B3"))
    sheet.add_table(Table(displayName="Guests", ref="D1:D3"))
    out = io.BytesIO()
    book.save(out)
    shown = text(out.getvalue(), "a.xlsx")
    assert "Boat: Petrel; Berth: A5.\n\nGuests: Liv." in shown


def test_equal_values_side_by_side_are_both_kept() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Point", None, "Gas", "Oil"], ["North", None, 0, 0], ["South", None, 3, 3]):
        sheet.append(row)
    for row in (1, 2, 3):
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=2)
    out = io.BytesIO()
    book.save(out)
    assert "Point: North; Gas: 0; Oil: 0." in text(out.getvalue(), "a.xlsx")


def test_headers_of_two_rows_are_joined() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Plant", "2025", None], [None, "Spring", "Autumn"], ["Oak", 4, 9], ["Elm", 3, 2]):
        sheet.append(row)
    sheet.merge_cells("B1:C1")
    out = io.BytesIO()
    book.save(out)
    assert "Plant: Oak; 2025 Spring: 4; 2025 Autumn: 9." in text(out.getvalue(), "a.xlsx")


MAIL = """From: Ada <ada@example.invalid>
To: Bo <bo@example.invalid>
Subject: Hall
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: multipart/alternative; boundary=A

--A
Content-Type: text/plain

Your program cannot show this.
--A
Content-Type: text/html; charset=utf-8

<p>The hall is closed from Tuesday until the inspector has signed for the new crane rails.</p>
--A--

--B
Content-Type: text/csv; name=doors.csv
Content-Disposition: attachment; filename=doors.csv

door,code
north,5571
south,5580

--B
Content-Type: text/plain

After the attachment: bring gloves.
--B--
"""


def test_a_message_is_read_with_what_is_attached_and_what_follows() -> None:
    found = text(MAIL.encode(), "a.eml")
    assert "closed from Tuesday" in found and "cannot show" not in found
    assert "door: north; code: 5571." in found
    assert "bring gloves" in found


def test_a_mailbox_and_a_saved_page() -> None:
    box = f"From ada Mon Mar  4\n{MAIL}\nFrom bo Tue Mar  5\nFrom: Bo <bo@x.invalid>\nSubject: Lift\n\nThe lift is mended.\n"
    assert "The lift is mended." in text(box.encode(), "a.mbox")
    page = (
        "From: <Saved>\nSubject: Tides\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=X\n\n--X\n"
        "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode(b"<h1>Tides</h1><p>High water at six.</p>").decode()
        + "\n--X--\n"
    )
    assert text(page.encode(), "a.mhtml") == "Tides\n\nHigh water at six."


@pytest.mark.parametrize(
    ("markup", "shown"),
    [
        ('<p style="font-size:0">gone</p><p style="opacity:0.9">kept</p>', "kept"),
        ("<form><label>Room</label><input value='seven'><select><option>red<option>blue</select></form>", "Room seven red, blue"),
        ("<dl><dt>Noise</dt><dd>61 dB</dd></dl>", "Noise: 61 dB"),
        ("<ol start=4><li>four<li>five</ol>", "4. four\n5. five"),
        ("<dl><dt>wait(s)<a>¶</a></dt><dd><p>Waits.</p><p>For good.</p></dd></dl><div class='admonition'><p class='admonition-title'>Note</p><p>Wait.</p></div>", "wait(s): Waits. For good.\n\nNote: Wait."),
        ("<ul><li><p>port</p><p>Of the server.</p><pre>port = 80\n\n  # more</pre></li></ul>", "- port: Of the server.\n\n    port = 80\n\n      # more"),
        ("<h2>Q <a>#</a></h2><details><summary>Why</summary>Because.</details>", "Q\n\nWhy\n\nBecause."),
        ("<footer><p>Opening hours: nine to five, closed on Fridays and on all holidays.</p></footer>", "Opening hours: nine to five, closed on Fridays and on all holidays."),
        ("<ol start=4><li><p>Stop the belt.</p><p>Wait.</p></li><li>Go<ol type=a><li>left</ol></ol>", "4. Stop the belt. Wait.\n5. Go\na. left"),
    ],
)  # fmt: skip
def test_pages_keep_what_is_seen(markup: str, shown: str) -> None:
    assert text(markup.encode(), "a.html") == shown


@pytest.mark.parametrize(
    ("name", "source", "shown"),
    [
        ("a.adoc", "= Boiler\n\n== Care\n\nCall *Deniz* at link:x[the desk].\n\n|===\n|Part |Price\n\n|Belt |7\n|===\n", ("Call Deniz at the desk.", "Part: Belt; Price: 7.")),
        ("a.org", "#+TITLE: Pump\n* TODO Grease\nBy [[x][Ferit]].\n| Part | Price |\n|------+-------|\n| Belt | 7 |\n", ("By Ferit.", "Part: Belt; Price: 7.")),
        ("a.rst", "Boiler\n======\n\n.. note:: Call Deniz.\n\n.. unknown:: Argument\n\n   The key is in room 7.\n\nSee :ref:`the desk <desk>`.\n", ("Note: Call Deniz.", "The key is in room 7.", "See the desk.")),
        ("a.tex", "\\documentclass{a}\\title{Boiler}\\begin{document}\\section{Care}Call \\emph{Deniz}.% no\n\\begin{tabular}{ll}Part & Price\\\\ \\hline Belt & 7\\\\ Rope & 9\\end{tabular}\\end{document}", ("Call Deniz.", "Part: Belt; Price: 7.")),
        ("a.wiki", "== Care ==\n'''Call''' [[Deniz|him]].\n{| class=x\n! Part !! Price\n|-\n| Belt || 7\n|-\n| Rope || 9\n|}\n", ("Call him.", "Part: Belt; Price: 7.")),
        ("a.mdx", "import X from 'x'\n\n# Care\n\n<Note title=\"Keys\">\n  Call **Deniz**.\n</Note>\n", ("Keys", "Call Deniz.")),
        ("a.ipynb", json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Care\n", "Call Deniz."]}, {"cell_type": "code", "source": "1+1", "outputs": [{"text": ["two"]}]}]}), ("Call Deniz.", "1+1", "two")),
        ("a.json", json.dumps({"parts": [{"name": "Belt", "unitPrice": 7}, {"name": "Rope", "unitPrice": 9}], "key_room": "seven"}), ("name: Belt; unit Price: 7.", "key room: seven")),
        ("a.yaml", "boiler:\n  serviced_by: Deniz\n  rooms: [7, 9]\n", ("serviced by: Deniz", "rooms: 7, 9")),
        ("a.xml", "<manual><title>Boiler</title><para>Call Deniz.</para><part><name>Belt</name><price>7</price></part></manual>", ("Call Deniz.", "name: Belt; price: 7")),
        ("a.rtf", r"{\rtf1\ansi\ansicpg1254 \'de\'feker yok.\par Next.}", ("Şşker yok.", "Next.")),
        ("a.md", "+++\nowner = 'Leyla'\n+++\n<table>\n<tr><th>Part</th><th>Price</th></tr>\n\n<tr><td>Belt</td><td>7</td></tr>\n</table>\n", ("owner: Leyla", "Part: Belt; Price: 7.")),
        ("a.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Drill\nLOCATION:North\n  gate\nDTSTART;TZID=Europe/Istanbul:20240412T080000\nEND:VEVENT\nEND:VCALENDAR\n", ("Location: North gate.", "2024-04-12 08:00 (Europe/Istanbul)")),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nMind the step.\n", ("Mind the step.",)),
    ],
)  # fmt: skip
def test_light_markup_and_data(name: str, source: str, shown: tuple[str, ...]) -> None:
    found = text(source.encode("cp1254" if name.endswith("rtf") else "utf-8"), name)
    for words in shown:
        assert words in found, found


def test_an_open_document_text() -> None:
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><office:body><office:text>'
        '<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes><text:h text:outline-level="1">Keys</text:h>'
        "<text:p>Room<text:s/>seven<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>Ask the guard.</text:p></text:note-body></text:note></text:p><table:table><table:table-header-rows>"
        "<table:table-row><table:table-cell><text:p>Part</text:p></table:table-cell><table:table-cell><text:p>Price"
        "</text:p></table:table-cell></table:table-row></table:table-header-rows><table:table-row><table:table-cell>"
        "<text:p>Belt</text:p></table:table-cell><table:table-cell><text:p>7</text:p></table:table-cell>"
        "</table:table-row></table:table></office:text></office:body></office:document-content>"
    )
    found = registry.read(documents.archive({"content.xml": content}), "a.odt")
    assert found.text == "Keys\n\nRoom seven\n\nNote 1: Ask the guard.\n\nPart: Belt; Price: 7."
    assert found.headings[0].text == "Keys"


def test_an_archive_is_a_folder_and_bounded() -> None:
    inner = documents.archive({"deep.md": "# Deep\n\nThe well is dry."})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/keys.md", "# Keys\n\nRoom seven.")
        archive.writestr("inner.zip", inner)
        archive.writestr("plan.dwg", b"x")
        archive.writestr("../../out.txt", "Outside.")
    found = registry.read(out.getvalue(), "a.zip")
    assert [heading.text for heading in found.headings][:2] == ["a/keys.md", "Keys"]
    assert "The well is dry." in found.text
    assert any("plan.dwg" in note for note in found.notes)
    for _ in range(8):
        inner = _zipped(inner)
    with pytest.raises(registry.DocumentError, match="too deep"):
        registry.read(inner, "a.zip")


def _zipped(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner.zip", data)
    return out.getvalue()


def test_an_old_format_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from rag.formats import legacy

    monkeypatch.setattr(legacy, "libreoffice", lambda: "")
    monkeypatch.setattr(legacy, "_streams", lambda data: {"WordDocument"})
    with pytest.raises(registry.DocumentError, match=r"LibreOffice, which is not installed here; install it"):
        registry.read(b"\xd0\xcf\x11\xe0" + bytes(600), "a.doc")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (".. method:: Pump.run(speed)\n   :async:\n\n   Runs it.\n\n   .. versionadded:: 2.1\n", "Pump.run(speed): Runs it. Added in version 2.1."),
        (".. class:: Pump(model)\n\n   A pump::\n\n      Pump('x')\n", "Pump(model): A pump:\n\n    Pump('x')"),
        (".. class:: handout\n\n   Words.\n", "Words."),
        (".. versionchanged:: 3.0\n   The *speed* parameter.\n", "Changed in version 3.0: The speed parameter."),
        (".. deprecated:: 2.0 Use :func:`run`.\n", "Deprecated since version 2.0: Use run."),
        ("See `the desk <desk>`, :meth:`.Pump.run` and :ticket:`17`.\n", "See the desk, Pump.run and ticket 17."),
        (":doc:`/guides/pump/date-forms` and :doc:`/ref/NotNull`, :doc:`the desk </desk>`.\n", "date forms and NotNull, the desk."),
        ("#. ``speed``\n\n   Turns a minute.\n\n#. ``model``\n", "1. speed: Turns a minute.\n2. model"),
        ("port\n   Where it listens.\n\nhost\n   Its name.\n", "- port: Where it listens.\n- host: Its name."),
        ("Pump\n====\n\nWords.\n\n.. setting:: SPEED\n\n``SPEED``\n---------\n\nIts speed.\n", "Pump\n\nWords.\n\nSPEED\n\nIts speed."),
        ("Words.\n\n.. note:: Mind it.\n", "Words.\n\nNote: Mind it."),
        ("Pump\n====\n\n.. contents::\n   :local:\n\nSpeed\n-----\n\nIts speed.\n", "Pump\n\nSpeed\n\nIts speed."),
        (":param speed: How fast.\n:returns: Nothing.\n", "- speed: How fast.\nReturns: Nothing."),
    ],
)  # fmt: skip
def test_what_only_a_site_knows_of_restructured_text_reads_as_text(source: str, shown: str) -> None:
    assert text(source.encode(), "a.rst") == shown


def test_the_paragraphs_of_an_item_are_one_item_and_code_is_set_in() -> None:
    source = "1. **Title**\n\n   Text of it.\n\n   ```\n   a = 1\n\n   b = 2\n   ```\n2. Next.\n\nAfter.\n"
    assert text(source.encode(), "a.md") == "1. Title: Text of it.\n\n    a = 1\n\n    b = 2\n\n2. Next.\n\nAfter."
