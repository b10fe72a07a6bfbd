import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import DocumentError
from rag.formats.encodings import decode
from rag.formats.markdown import read_markdown
from rag.formats.text import read_code, read_csv, read_text


def test_markdown_loses_its_marks_and_keeps_its_headings() -> None:
    found = read_markdown(
        b"---\ntitle: Bees\n---\n# Bees\n\nA *queen* [lays](http://x.invalid) eggs.\n\n## Honey\n\n- thick\n- sweet\n"
        b"\n<!-- hidden -->\n"
    )
    assert found.title == "Bees"
    assert [(h.level, h.text) for h in found.headings] == [(1, "Bees"), (2, "Honey")]
    assert found.text == "title: Bees\n\nBees\n\nA queen lays eggs.\n\nHoney\n- thick\n- sweet"


def test_a_heading_marked_twice_is_one_and_the_place_of_a_table_of_contents_is_not_read() -> None:
    found = read_markdown(
        b"![Logo](logo.png)\n#Rules of the gate\n------\n[TOC]\n\n[[_TOC_]]\n\nIt opens at six.\n\n##Winter\n====\n\n"
        b"It opens at #8.\n\n```\n#Comment\n------\n[TOC]\n```\n"
    )
    assert [(h.level, h.text) for h in found.headings] == [(1, "Rules of the gate"), (2, "Winter")]
    before, _, code = found.text.partition("It opens at #8.")
    assert "#" not in before and "TOC" not in before and "---" not in before
    assert [line.strip() for line in code.split()] == ["#Comment", "------", "[TOC]"]


def test_what_a_picture_is_called_by_its_file_is_not_read() -> None:
    found = read_markdown(b"Start it.\n\n![pump_login](img/pump_login.png)\n\n![The pump runs](img/run.png)\n")
    assert found.text == "Start it.\n\nThe pump runs"


def test_markdown_rows_carry_their_column_names() -> None:
    found = read_markdown(b"| Card | Memory | Price |\n|---|---|---|\n| A | 24 GB | 900 |\n| B | | 400 |\n\nAfter.\n")
    assert found.text == "Card: A; Memory: 24 GB; Price: 900.\n\nCard: B; Price: 400.\n\nAfter."


def test_an_html_table_goes_on_after_a_blank_line() -> None:
    """What is indented below the blank line is code by the letter of CommonMark, and a row to whoever wrote it."""
    rows = "<table>\n  <tr><th>Office</th><th>Floor</th></tr>\n\n    <tr><td>Leeds</td><td>55</td></tr>\n</table>\n"
    found = read_markdown(f"{rows}\nAfter.\n\n    <tr>in code</tr>\n".encode())
    assert found.text == "Office: Leeds; Floor: 55.\n\nAfter.\n\n    <tr>in code</tr>"


def test_a_first_column_without_a_name_names_the_rows() -> None:
    found = read_markdown(b"| | small | large |\n|---|---|---|\n| Licence | MIT | Apache |\n")
    assert found.text == "Licence – small: MIT; large: Apache."


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_rows_carry_their_column_names(delimiter: str) -> None:
    rows = (("name", "town"), ("Ada Novak", "London"), ("Grace Hall", "New York"), ("Edith Moor", "Leeds"))
    found = read_csv("\n".join(delimiter.join(row) for row in rows).encode())
    assert found.text.split("\n\n")[:2] == ["name: Ada Novak; town: London.", "name: Grace Hall; town: New York."]


def test_a_header_alone_is_kept() -> None:
    assert read_csv(b"name,town\n").text == "name | town"


def test_a_cell_cannot_be_endless() -> None:
    found = read_csv(b"a,b\n1," + b"x" * 50_000 + b"\n")
    assert len(found.text) < 21_000
    assert found.notes == ("Of cells with more than 20,000 characters, the beginning was read.",)


def test_code_keeps_its_lines() -> None:
    assert read_code(b"def f():\n    return 1\n").text == "def f():\n    return 1"


def test_a_short_first_line_is_the_title() -> None:
    assert read_text(b"Minutes of May\n\nWe met.").title == "Minutes of May"
    assert read_text(b"We met on Monday.\nThen we left.").title == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_unicode_encodings(encoding: str) -> None:
    text = "Çalışanlar yarın gelecek. Größe, naïve, 東京."
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    assert decode((mark + text).encode(encoding)).lstrip("\ufeff") == text


def test_an_old_encoding_is_guessed() -> None:
    assert "Gänse" in decode("Die Gänse fliegen im Herbst über die Straße nach Süden.".encode("cp1252"))


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n" + bytes(500), bytes(range(256)) * 40])
def test_binary_data_is_no_text(data: bytes) -> None:
    with pytest.raises(DocumentError):
        decode(data)


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("#*_-|`>[]()!<1.\\ \nab\t\r\u200bé"), max_size=120))
def test_any_markdown_is_read(text: str) -> None:
    found = read_markdown(text.encode())
    assert all(found.text[h.start : h.end] == h.text for h in found.headings)
    assert "\r" not in found.text


@given(
    st.lists(
        st.sampled_from(["Straße", "Überdruck", "çelik", "İş", "ключ", "日本語の鍵", "naïve"]), min_size=3, max_size=9
    ),
    st.sampled_from([b"\x96", b"\xff", b"\x80"]),
    st.data(),
)
def test_one_bad_byte_costs_itself(words: list[str], bad: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words)))
    text = " ".join(words[:at]).encode() + b" " + bad + b" " + " ".join(words[at:]).encode()
    assert all(word in decode(text) for word in words)


def test_a_few_control_characters_forgive_and_more_do_not() -> None:
    assert "first Wednesday" in read_text(b"Log\n\x00\x00The siren sounds on the first Wednesday.\n\x00").text
    with pytest.raises(DocumentError, match="binary"):
        read_text(b"\x89PNG\x00\x01\x02\x03\x04\x05IHDR")


def test_a_capital_within_a_word_is_a_sign_of_the_wrong_letters() -> None:
    assert decode("Report created by Lotte\nNord 10\nSüd 11\n".encode("cp1252")).endswith("Süd 11\n")


def test_a_sentence_goes_on_over_blank_lines() -> None:
    broken = "Soruşturmaya başlanmadığı ve fiilin işlenmesinden nihayet iki yıl içinde\n\ndisiplin cezası yoksa"
    assert "içinde\ndisiplin" in read_text(f"{broken} yetki zamanaşımına uğrar.\n".encode()).text
    verse = "One for sorrow\n\ntwo for joy\n"
    assert read_text(verse.encode()).text == verse.strip()
