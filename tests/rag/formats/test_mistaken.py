"""Files whose name says another kind than they are: read as what they are, and refused where nothing tells."""

import io
from pathlib import PurePath

import docx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import DocumentError
from rag.formats import registry
from rag.formats.mistaken import real_suffix

PAGE = (
    b"<html><body><table><tr><th>Door</th><th>Code</th></tr><tr><td>East</td><td>4417</td></tr></table></body></html>"
)
MAIL = b"Subject: Gate\nFrom: tor@example.org\nMIME-Version: 1.0\nContent-Type: text/plain\n\nThe code is 4417.\n"
SAVED = (
    b"From: <Saved by Blink>\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=q\n\n--q\n"
    b"Content-Type: text/html\n\n<p>The code is 4417.</p>\n--q--\n"
)
SHEET = (
    b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
    b' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Doors"><Table>'
    b'<Row><Cell><Data ss:Type="String">Door</Data></Cell><Cell><Data ss:Type="String">Code</Data></Cell></Row>'
    b'<Row ss:Index="2"><Cell><Data ss:Type="String">East</Data></Cell>'
    b'<Cell ss:Index="2"><Data ss:Type="Number">4417</Data></Cell></Row></Table></Worksheet></Workbook>'
)


def _word() -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_paragraph("The code is 4417.")
    made.save(out)
    return out.getvalue()


def _workbook() -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active.append(["Door", "Code"])
    made.active.append(["East", "4417"])
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "shown"),
    [
        ("a.xls", PAGE, "Door: East; Code: 4417."),
        ("a.doc", PAGE, "Door: East; Code: 4417."),
        ("a.xls", SHEET, "Doors\n\nDoor: East; Code: 4417."),
        ("a.xml", SHEET, "Doors\n\nDoor: East; Code: 4417."),
        ("a.xls", b"Door\tCode\nEast\t4417\n", "Door: East; Code: 4417."),
        ("a.xlsx", b"Door;Code\nEast;4417\n", "Door: East; Code: 4417."),
        ("a.doc", _word(), "The code is 4417."),
        ("a.rtf", _word(), "The code is 4417."),
        ("a.xls", _workbook(), "Door: East; Code: 4417."),
        ("a.doc", rb"{\rtf1 The code is 4417.\par}", "The code is 4417."),
        ("a.docx", rb"{\rtf1 The code is 4417.\par}", "The code is 4417."),
        ("a.msg", MAIL, "The code is 4417."),
        ("a.doc", SAVED, "The code is 4417."),
        ("a.html", SAVED, "The code is 4417."),
    ],
)
def test_a_file_is_read_as_what_it_is(name: str, data: bytes, shown: str) -> None:
    assert shown in registry.read(data, name).text


@pytest.mark.parametrize("name", ["a.doc", "a.xls", "a.msg", "a.docx"])
def test_what_nothing_tells_is_refused(name: str) -> None:
    with pytest.raises(DocumentError):
        registry.read(b"\x01\x02nothing in particular", name)


def test_a_text_about_mail_or_markup_stays_a_text() -> None:
    assert "Subject: Gate" in registry.read(MAIL, "a.txt").text
    assert "<html>" in registry.read(PAGE, "a.txt").text
    assert registry.read(b"From: Tor\nTo: Una\n\n# Minutes", "a.md").text.startswith("From: Tor")


@given(st.binary(max_size=300), st.sampled_from([f"a{kind}" for kind in registry.readers()]))
def test_whatever_is_judged_has_a_reader(data: bytes, name: str) -> None:
    assert real_suffix(data, PurePath(name).suffix) in registry.readers()


_RESTRUCTURED = (
    b"Signals\n=======\n\nSee :ref:`senders`.\n\n.. note:: Once only.\n\nSending\n-------\n\nUse ``send()``.\n"
)


@pytest.mark.parametrize(
    ("data", "titles", "shown"),
    [
        (_RESTRUCTURED, ["Signals", "Sending"], "See senders."),
        (b"# Leave\n\n## Notice\n\nTell **Mina** first.\n\n- by mail\n", ["Leave", "Notice"], "by mail"),
        (b"= Guide\nMina\n\n== Doors\n\nThe code is 4417.\n", ["Guide", "Doors"], "The code is 4417."),
        (b"#+TITLE: Guide\n\n* Doors\nThe code is 4417.\n", ["Doors"], "The code is 4417."),
        (b"Doors\n=====\n\nThe code is 4417.\n\nGates\n-----\n\nNone.\n", ["Doors", "Gates"], "The code is 4417."),
        (b"# the key\nkey=4417\n# the door\ndoor=2\n", [], "# the key\nkey=4417"),
        (b"12\n30\n--\n42\n", [], "12\n30\n--\n42"),
    ],
)
def test_texts_in_markup(data: bytes, titles: list[str], shown: str) -> None:
    found = registry.read(data, "notes.txt")
    assert [heading.text for heading in found.headings] == titles
    assert shown in found.text
