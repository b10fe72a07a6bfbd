import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import DocumentError
from rag.formats.mail import read_eml
from tests.support import documents


def test_a_message_keeps_who_when_and_what() -> None:
    found = read_eml(documents.message("Mooring fees", "The fee rises to 30 euros.", attachment="fees.csv"))
    assert found.title == "Mooring fees"
    assert "From: Ada <ada@example.invalid>" in found.text
    assert "Date: Mon, 02 Nov 2026" in found.text
    assert "The fee rises to 30 euros." in found.text
    assert "Attachments: fees.csv." in found.text
    assert "Attachment: fees.csv" in [heading.text for heading in found.headings]


def test_plain_text_goes_before_markup() -> None:
    found = read_eml(documents.message("Fees", "Plain words.", html="<p>Marked words.</p>"))
    assert "Plain words." in found.text
    assert "Marked" not in found.text


def test_markup_alone_is_read_without_its_marks() -> None:
    data = b"Subject: Fees\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Only <b>markup</b> here.</p>"
    assert read_eml(data).text.endswith("Only markup here.")


def test_an_unknown_character_set_is_guessed() -> None:
    data = b"Subject: x\r\nContent-Type: text/plain; charset=klingon\r\n\r\nA plain sentence for everyone."
    assert "A plain sentence" in read_eml(data).text


def test_what_is_no_message() -> None:
    with pytest.raises(DocumentError, match="not a mail message"):
        read_eml(b"hello\n\nworld")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_damage_raises_nothing_but_a_document_error(noise: bytes) -> None:
    try:
        read_eml(b"Subject: x\r\nFrom: a\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n" + noise)
    except DocumentError:
        pass
