"""Word files: what of Markdown is written, who wrote it, and footnotes that are footnotes."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from xml.etree import ElementTree

from docx import Document
from hypothesis import given
from hypothesis import strategies as st

from tandem.word_file import WordFile

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def made(text: str, notes: dict[int, str] | None = None, title: str = "Leave") -> bytes:
    file = WordFile(title, author="ada", moment=NOON, locale="tr-TR", under="ada")
    file.markdown(text, notes, below=1)
    return file.content()


def inside(content: bytes, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as kept:
        return ElementTree.fromstring(kept.read(name))  # our own


def test_markdown_becomes_words_own_things() -> None:
    blocks = ("# Days", "Some **bold** and `code`.", "- a\n  - b", "3. c\n4. d", "> said", "```\nx = 1\n```")
    text = "\n\n".join((*blocks, "| A | B |\n|--|--|\n| 1 | 2 |"))
    document = Document(io.BytesIO(made(text)))
    found = [(paragraph.style.name, paragraph.text) for paragraph in document.paragraphs if paragraph.style is not None]
    assert found[2:10] == [
        ("Heading 2", "Days"), ("Normal", "Some bold and code."), ("List Bullet", "a"), ("List Bullet 2", "b"),
        ("List", "3.\tc"), ("List", "4.\td"), ("Quote", "said"), ("Code", "x = 1"),
    ]  # fmt: skip
    assert [[cell.text for cell in row.cells] for row in document.tables[0].rows] == [["A", "B"], ["1", "2"]]


def test_a_source_is_one_footnote_however_often_it_is_cited() -> None:
    content = made("One [1][2]. Two [1]. Three [9].", {1: "a.md, page 3", 2: "b.md"})
    notes = inside(content, "word/footnotes.xml").findall(f"{W}footnote")
    assert ["".join(note.itertext()).strip() for note in notes[2:]] == ["a.md, page 3", "b.md"]
    body = inside(content, "word/document.xml")
    assert [one.get(f"{W}id") for one in body.iter(f"{W}footnoteReference")] == ["1", "2"]
    (again,) = (field for field in body.iter(f"{W}fldSimple"))
    names = {mark.get(f"{W}id"): mark.get(f"{W}name") for mark in body.iter(f"{W}bookmarkStart")}
    assert again.get(f"{W}instr") == f" NOTEREF {names['1']} \\f \\h " and "".join(again.itertext()) == "1"
    assert "Three [9]." in "".join(body.itertext()) and "[1]" not in "".join(body.itertext())


def test_nothing_of_the_librarys_template_is_left() -> None:
    content = made("x")
    about = Document(io.BytesIO(content)).core_properties
    assert (about.title, about.author, about.last_modified_by) == ("Leave", "ada", "ada")
    assert (about.created, about.language, about.comments) == (NOON, "tr-TR", "")
    with zipfile.ZipFile(io.BytesIO(content)) as kept:
        assert b"python-docx" not in b"".join(kept.read(name) for name in kept.namelist())
        assert not [name for name in kept.namelist() if "thumbnail" in name or name == "word/footnotes.xml"]
    languages = {one.get(f"{W}val") for one in inside(content, "word/styles.xml").iter(f"{W}lang")}
    assert languages == {"tr-TR"}


def test_what_is_written_from_right_to_left_says_so() -> None:
    body = inside(made("مرحبا [1]\n\nHello", {1: "a"}), "word/document.xml")
    paragraphs = [p for p in body.iter(f"{W}p") if "".join(p.itertext()).strip()]
    assert [p.find(f".//{W}bidi") is not None for p in paragraphs if "Hello" in "".join(p.itertext())] == [False]
    assert any(p.find(f".//{W}bidi") is not None for p in paragraphs)


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=40))
def test_any_text_makes_a_file_that_opens(text: str, title: str, note: str) -> None:
    assert Document(io.BytesIO(made(f"{text}[1]", {1: note}, title))).paragraphs
