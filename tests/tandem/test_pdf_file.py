"""PDF files, as PDFium reads them back: what of Markdown is written, who wrote it, and footnotes on their page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pypdfium2 as pdfium
from hypothesis import given
from hypothesis import strategies as st

from tandem.pdf_file import PdfFile

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def made(text: str, notes: dict[int, str] | None = None, title: str = "Leave", locale: str = "tr-TR") -> bytes:
    file = PdfFile(title, author="ada", moment=NOON, locale=locale, under="ada · 27")
    file.markdown(text, notes, below=1)
    return file.content()


def words(content: bytes) -> str:
    with pdfium.PdfDocument(content) as document:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    return "\n".join(pages).replace("\r\n", "\n").replace("\u200b", "")


def big(content: bytes, word: str) -> float:
    """How large the first letter of a word is printed."""
    with pdfium.PdfDocument(content) as document:
        page: Any = document[0].get_textpage()
        _, bottom, _, top = page.get_charbox(page.search(word).get_next()[0])
        return float(top - bottom)


def test_markdown_is_set_and_read_again() -> None:
    blocks = ("# Days", "Some **bold** and `code`.", "- a\n  - b", "3. c\n4. d", "> said", "```\nx = 1\n```")
    text = words(content := made("\n\n".join((*blocks, "| Kind | Days |\n|--|--:|\n| Rest | 25 |"))))
    for line in ("Leave", "ada · 27", "Days", "Some bold and code.", "• a", "– b", "3. c", "4. d", "said", "x = 1"):
        assert line in text.split("\n")
    assert "Kind Days\nRest 25" in text
    assert big(content, "Leave") > big(content, "Some") * 1.5
    with pdfium.PdfDocument(content) as document:
        assert [mark.get_title() for mark in document.get_toc()] == ["Days"]


def test_it_says_who_wrote_it_and_when_and_can_be_listened_to() -> None:
    content = made("x", title="Yıllık izin")
    with pdfium.PdfDocument(content) as document:
        about = document.get_metadata_dict()
        assert document.is_tagged()
    assert (about["Title"], about["Author"]) == ("Yıllık izin", "ada")
    assert about["CreationDate"].startswith("D:20261127120000")
    assert b"/Lang" in content and b"tr-TR" in content and b"pdfuaid" in content


def test_a_source_is_one_footnote_however_often_it_is_cited() -> None:
    text = words(made("One [1][2]. Two [1]. Three [9].", {1: "a.md, page 3", 2: "b.md"}))
    assert text.count("a.md, page 3") == text.count("b.md") == 1
    assert "Three [9]." in text and "[1]" not in text
    assert text.index("Three") < text.index("a.md") < text.index("b.md")


def test_letters_of_the_languages_here_have_fonts_of_its_own() -> None:
    for said in ("İĞŞÇÖÜ ığşçöü", "Ελληνικά ώ ΐ", "Привет, ёж ї", "Größe – “x” … → ≤ €"):
        assert said in words(content := made(said)), said
        assert b"Libertinus" in content


def test_letters_that_no_font_has_are_owned_up_to() -> None:
    assert "(DOCX)" not in words(made("25 gün"))
    for locale, told in (("tr-TR", "Word dosyasında"), ("en-GB", "Where a box stands"), ("xx", "Where a box stands")):
        assert told in words(made("\U0001f5ff \U000130ff \U00012000", locale=locale))


def test_a_word_that_no_line_has_room_for_is_parted() -> None:
    long = "https://example.org/" + "a" * 300
    with pdfium.PdfDocument(made(f"{long}\n\n    {long}\n\n| a |\n|--|\n| {long} |")) as document:
        (page,) = document
        found = page.get_textpage()
        width = page.get_width()
        assert all(
            found.get_charbox(at)[2] < width - 40
            for at in range(found.count_chars())
            if found.get_text_range(at, 1) == "a"
        )
    assert words(made(long)).replace("\n", "").count("a" * 300) == 1


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=40))
def test_any_text_makes_a_file_that_opens(text: str, title: str, note: str) -> None:
    for content in (made(f"{text}[1]", {1: note}, title), made("#### x\n\n" + "> - " * 40 + text, {})):
        with pdfium.PdfDocument(content) as document:
            assert len(document)
