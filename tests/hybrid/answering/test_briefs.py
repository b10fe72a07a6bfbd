"""hybrid.answering.briefs: sections of any length of source, and no claim without a source."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime

import pytest
from docx import Document
from pypdfium2 import PdfDocument

from hybrid.answering.briefs import SECTION_PASSAGES, Brief, Section, parts, write
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.scripted import Script, Scripted
from rag.library import Library
from rag.principal import ANYBODY
from rag.types import Passage
from tandem import briefing
from tests.hybrid.conftest import MakeEngine

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def passage(number: int, *headings: str, document: str = "d.md") -> Passage:
    return Passage(
        str(number), document, f"Fact {number} holds in room {number}.", 0, 30, headings=headings, language="en"
    )


def quoting(request: ChatRequest) -> str:
    quoted = " ".join(f"{p.text.split('. ')[0].rstrip('.')} [{n}]." for n, p in enumerate(request.passages, 1))
    return f"{quoted} Purple whales run the company [1]."


async def brief_of(engine, given, **settings) -> Brief:  # type: ignore[no-untyped-def]
    await engine.start()
    made = [one async for one in write("Leave", given, engine, words=200, **settings)]
    assert all(isinstance(one, Section) for one in made[:-1]) and isinstance(made[-1], Brief)
    assert made[-1].sections == tuple(made[:-1])
    return made[-1]


def test_a_long_source_has_as_many_sections_as_the_words_have_room_for() -> None:
    given = parts([passage(n, "Report", f"Chapter {n // 20}") for n in range(200)], words=300)
    assert len(given) == 5
    assert all(0 < len(part.passages) <= SECTION_PASSAGES for part in given)
    order = [int(p.id) for part in given for p in part.passages]
    assert order == sorted(order)


def test_headings_and_documents_begin_sections() -> None:
    given = parts([passage(1, "A"), passage(2, "A"), passage(3, "B"), passage(4, document="e.md")], words=1000)
    assert [(part.heading, len(part.passages)) for part in given] == [("A", 2), ("B", 1), ("e.md", 1)]


async def test_every_claim_has_a_source_and_inventions_are_left_out(make_engine: MakeEngine, library: Library) -> None:
    title, passages = briefing.passages_of(library.seen_by(ANYBODY), "leave.md")
    runtime = Scripted({"phi-4-mini": Script(quoting), "gpt-oss-20b": Script(quoting)})
    made = await brief_of(make_engine(runtime), parts(passages, 200))
    claims = [claim for section in made.sections for claim in section.claims]
    assert title == "leave" or title == "Annual leave"
    assert claims and all(claim.sources for claim in claims)
    assert made.left_out >= 1 and not any("whales" in claim.text for claim in claims)
    assert {number for claim in claims for number in claim.sources} == set(range(1, len(made.sources) + 1))


async def test_what_does_not_hold_is_quoted_and_named(make_engine: MakeEngine, library: Library) -> None:
    _, passages = briefing.passages_of(library.seen_by(ANYBODY), "leave.md")
    loop = Script("Answer: 10. " * 30)
    made = await brief_of(make_engine(Scripted({"phi-4-mini": loop, "gpt-oss-20b": loop})), parts(passages, 100))
    assert made.quoted == tuple(section.heading for section in made.sections) and made.sections
    assert "25 days" in " ".join(claim.text for section in made.sections for claim in section.claims)


@pytest.mark.parametrize("source", ["leave.md", "./leave.md", "/home/me/documents/leave.md", r"C:\docs\LEAVE.md"])
def test_a_path_to_an_indexed_document_is_that_document(library: Library, source: str) -> None:
    _, passages = briefing.passages_of(library.seen_by(ANYBODY), source)
    assert {passage.document for passage in passages} == {"leave.md"}


async def test_no_claim_is_made_twice(make_engine: MakeEngine, library: Library) -> None:
    _, passages = briefing.passages_of(library.seen_by(ANYBODY), "leave.md")
    twice = [*parts(passages, 200), *parts(passages, 200)]
    runtime = Scripted({"phi-4-mini": Script(quoting), "gpt-oss-20b": Script(quoting)})
    engine = make_engine(runtime)
    await engine.start()
    made = [one async for one in write("Leave", twice, engine, words=200)]
    claims = [claim.text for one in made if isinstance(one, Section) for claim in one.claims]
    assert claims and len(claims) == len(set(claims))


async def test_high_priority_is_refined_by_the_large_model(make_engine: MakeEngine, library: Library) -> None:
    _, passages = briefing.passages_of(library.seen_by(ANYBODY), "travel.md")
    runtime = Scripted({"phi-4-mini": Script(quoting), "gpt-oss-20b": Script(quoting)})
    made = await brief_of(make_engine(runtime), parts(passages, 100), high=True)
    assert {section.model for section in made.sections} == {"gpt-oss-20b"}
    assert all(section.escalated for section in made.sections)


async def test_without_a_model_the_briefing_quotes(make_engine: MakeEngine, library: Library) -> None:
    _, passages = briefing.passages_of(library.seen_by(ANYBODY), "how much may a hotel cost")
    made = await brief_of(make_engine(draft="extractive"), parts(passages, 100))
    assert any("140 euros" in claim.text for section in made.sections for claim in section.claims)


async def test_markdown_word_and_pdf_hold_claims_and_sources(
    make_engine: MakeEngine, library: Library, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    _, passages = briefing.passages_of(library.seen_by(ANYBODY), "leave.md")
    made = await brief_of(make_engine(draft="extractive"), parts(passages, 100))
    text = briefing.markdown(made)
    assert text.startswith("# Leave\n") and "25 days" in text and "[1]" in text and "1. leave.md" in text
    file = tmp_path / "brief.docx"
    file.write_bytes(briefing.docx(made, author="ada", moment=NOON, language="de"))
    document = Document(str(file))
    words = [paragraph.text for paragraph in document.paragraphs]
    assert words[0] == "Leave" and words[1] == "ada · 27. November 2026"
    assert any("25 days" in line and "[1]" not in line for line in words) and words[-2:] == ["Quellen", "leave.md"]
    about = document.core_properties
    assert (about.title, about.author, about.created) == ("Leave", "ada", NOON)
    with zipfile.ZipFile(file) as parts_of:
        assert "> leave.md: Parental leave<" in parts_of.read("word/footnotes.xml").decode()
    with PdfDocument(briefing.pdf(made, author="ada", moment=NOON, language="de")) as printed:
        said = printed[0].get_textpage().get_text_bounded()
        assert printed.get_metadata_dict()["Author"] == "ada"
    assert said.startswith("Leave") and "ada · 27. November 2026" in said and "[1]" not in said
    assert said.index("25 days") < said.index("Quellen") < said.index("leave.md: Parental leave")


def test_a_document_cannot_put_a_live_image_or_tag_into_a_briefing() -> None:
    bad = Passage("1", "x.md", "t", 0, 1, headings=("![x](http://attacker.example/p.png)\x00<b>",))
    text = briefing.markdown(Brief("A\x0b<script>", (), (bad,), 0))
    assert "](http" not in text.replace("\\", "") or "![" not in text
    for ending, begins in (("docx", b"PK"), ("pdf", b"%PDF")):
        made = briefing.FORMATS[ending](Brief("A\x0b\x00", (), (bad,), 0), author="\x00", moment=NOON, language="en")
        assert made.startswith(begins)
