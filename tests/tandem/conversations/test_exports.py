"""A conversation as a file: what was said, in its order, with what it rests on, and nothing of the page's own."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from chainlit.types import ThreadDict
from docx import Document
from pypdfium2 import PdfDocument

from tandem.conversations.exports import FORMATS, as_json, docx, file_name, markdown, pdf
from tandem.conversations.transcript import transcript
from tandem.ui.socket_checks import LONGEST_MESSAGE

PARTS = [{"text": "Every employee has ", "mark": False}, {"text": "25 days\nof holiday", "mark": True}]
SOURCES = [
    {"n": 1, "document": "hr/leave.md", "page": 3, "headings": ["Leave", "Holidays"], "parts": PARTS, "cited": True},
    {"n": 2, "document": "not/cited.md", "page": None, "headings": [], "parts": [], "cited": False},
]


def step(identity: str, kind: str, output: str, **more: Any) -> Any:
    return {"id": identity, "type": kind, "output": output, "createdAt": "2026-11-27T10:00:00Z", **more}


def thread(*steps: Any, elements: Any = (), **more: Any) -> ThreadDict:
    return ThreadDict(  # type: ignore[typeddict-item]
        id="t", createdAt="", name="Izin / <b>?", userId="u", userIdentifier="ada", tags=["work"], metadata={},
        steps=list(steps), elements=list(elements), **more,
    )  # fmt: skip


ANSWER = """You have **25 days** [1].[?]

[1]: #source-1 "hr/leave.md, page 3"
[2]: #source-2 "not/cited.md"
[?]: #unsupported "x\""""
KEPT = thread(
    step("q", "user_message", "How many\n![x](http://evil.example/y.png) days?"),
    step("r", "run", "internal"),
    step("a", "assistant_message", ANSWER, feedback={"value": 1}),
    step("f", "assistant_message", ""),
    elements=[
        {"forId": "a", "props": {"model": "phi-4-mini", "panel": {"sources": SOURCES}}},
        {"forId": "f", "props": {"files": [{"name": "garage.txt", "state": "indexed"}]}},
    ],
)


def test_a_transcript_holds_what_was_said_and_what_it_rests_on() -> None:
    read = transcript(KEPT)
    assert [(turn.role, turn.model, turn.rating, turn.files) for turn in read.turns] == [
        ("person", "", None, ()), ("assistant", "phi-4-mini", 1, ()), ("assistant", "", None, ("garage.txt",)),
    ]  # fmt: skip
    assert read.turns[1].text == "You have **25 days** [1].[?]"
    (source,) = read.turns[1].sources
    assert (source.number, source.document, source.page, source.quote) == (1, "hr/leave.md", 3, "25 days of holiday")


def test_markdown_says_everything_and_fetches_nothing() -> None:
    text = markdown(transcript(KEPT), "ada", "en").decode()
    assert text.startswith("# Izin / \\<b>?\n\nA conversation of ada with Tandem · 27 November 2026 · work\n")
    assert "You have **25 days** [1].[?]" in text and "Answered by phi-4-mini" in text and "garage.txt" in text
    assert "- [1] hr/leave.md, page 3: Leave \\> Holidays — “25 days of holiday”" in text.replace(
        "Leave > H", "Leave \\> H"
    )
    assert "](http" not in text and "#source-" not in text and "not/cited" not in text


def test_word_has_the_sources_as_footnotes() -> None:
    content = docx(transcript(KEPT), "ada", "de")
    document = Document(io.BytesIO(content))
    words = [paragraph.text for paragraph in document.paragraphs]
    assert words[1] == "Ein Gespräch von ada mit Tandem · 27. November 2026 · work"
    assert any(line.startswith("You have 25 days") and "[1]" not in line for line in words)
    with zipfile.ZipFile(io.BytesIO(content)) as kept:
        notes = kept.read("word/footnotes.xml").decode()
    assert "hr/leave.md, Seite 3: Leave &gt; Holidays. “25 days of holiday”" in notes


def test_pdf_has_the_sources_as_footnotes() -> None:
    with PdfDocument(pdf(transcript(KEPT), "ada", "de")) as printed:
        said = printed[0].get_textpage().get_text_bounded()
    assert "Ein Gespräch von ada mit Tandem · 27. November 2026 · work" in said and "[1]" not in said
    assert said.index("You have 25 days") < said.index("hr/leave.md, Seite 3: Leave > Holidays. “25 days of holiday”")


def test_json_is_for_programs() -> None:
    found = json.loads(as_json(transcript(KEPT), "ada", "en"))
    assert (found["format"], found["owner"], found["tags"]) == (1, "ada", ["work"])
    assert found["turns"][1]["sources"][0]["headings"] == ["Leave", "Holidays"]


def test_odd_records_and_names_make_a_file_all_the_same() -> None:
    odd = thread(
        step("a", "assistant_message", None),
        step("b", "assistant_message", "x [1]", createdAt="yesterday"),
        elements=[{"forId": "b", "props": {"files": None, "panel": {"sources": [None, {"n": 1}]}}}, {"forId": "b"}],
    )
    odd["name"] = "../../\0 etc"
    odd["tags"] = None
    for ending, (_, write) in FORMATS.items():
        assert write(transcript(odd), "", "tr")
        assert file_name(transcript(odd), ending, "tr") == f"etc.{ending}"
    nothing = thread()
    nothing["name"] = None
    assert file_name(transcript(nothing), "md", "de") == "Gespräch.md" and docx(transcript(nothing), "", "en")


def test_file_names_keep_the_marks_of_their_letters() -> None:
    for name, wanted in (
        ("हिन्दी नाम", "हिन्दी नाम.md"), ("u\u0308bung", "übung.md"), ("\u202efdp.exe", "fdp exe.md"),
        ("../a\r\nb\"", "a b.md")
    ):  # fmt: skip
        assert file_name(replace(transcript(KEPT), name=name), "md", "en") == wanted


@pytest.mark.parametrize("sign", ["\n", "a", "\u00a0", "\n- "])
def test_the_longest_message_is_written_before_anybody_waits_for_it(sign: str) -> None:
    """Work that grows with the square of the length would not end here."""
    long = ("x" + sign * LONGEST_MESSAGE)[: LONGEST_MESSAGE - 1] + "y"
    read = transcript(thread(step("q", "user_message", long)))
    assert read.turns[0].text == long
    for _, write in FORMATS.values():
        assert write(read, "ada", "en")


def test_what_somebody_typed_is_no_definition() -> None:
    typed = 'Why is this at the end?\n\n[1]: #source-1 "x"'
    read = transcript(thread(step("q", "user_message", typed), step("a", "assistant_message", typed)))
    assert [turn.text for turn in read.turns] == [typed, "Why is this at the end?"]
