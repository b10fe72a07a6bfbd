"""Answers without a model: about passages, documents, the library, part by part, and when it is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybrid.answering import reading
from hybrid.answering.pipeline import Question, Turn, answer
from hybrid.engine import Engine
from hybrid.events import Finished, Notice
from hybrid.runtimes.base import ChatRequest, Part
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.extractive import compose
from hybrid.runtimes.scripted import Script, Scripted
from rag.library import Library
from rag.settings import RetrievalSettings
from rag.types import Passage, SearchResult, Support
from tests.hybrid.conftest import MakeEngine


async def told(engine: Engine, text: str, *history: Turn) -> tuple[Finished, list[str]]:
    """The end of a question, and the codes of its notices."""
    await engine.start()
    await engine.models.wait_ready(5.0)
    events = [event async for event in answer(Question(text, history=history), engine)]
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1], [event.code for event in events if isinstance(event, Notice)]


@pytest.fixture
def quoting(make_engine: MakeEngine) -> Engine:
    return make_engine(draft=EXTRACTIVE, refine=EXTRACTIVE)


async def test_every_quoted_piece_points_at_its_passage(quoting: Engine) -> None:
    end, _ = await told(quoting, "How many days of annual leave are there?")
    passages = {passage.id: passage for passage in end.answer.passages}
    assert "25 days" in end.answer.text
    for one in end.answer.checked.sentences:
        assert one.support is Support.SUPPORTED and one.evidence is not None
        assert end.answer.text[one.start : one.end] == one.text
        quoted = passages[one.passages[0]].text[slice(*one.evidence)]
        assert quoted.split()[0] in one.text


@pytest.mark.parametrize("text", ["Hello!", "Thanks a lot", "What can you do?", "Merhaba"])
async def test_a_greeting_is_answered_and_no_model_is_asked(make_engine: MakeEngine, text: str) -> None:
    models = Scripted({"phi-4-mini": Script("The sky is green.")})
    end, notices = await told(make_engine(models), text)
    assert end.answer.text and "green" not in end.answer.text
    assert not end.answer.refused and not models.requests and notices == []


async def test_what_is_in_here_lists_the_documents(quoting: Engine) -> None:
    end, _ = await told(quoting, "What is in here?")
    assert "2 documents" in end.answer.text
    assert "Travel" in end.answer.text and not end.answer.refused


async def test_a_document_is_summarised_by_its_name(quoting: Engine) -> None:
    end, _ = await told(quoting, "Summarise the leave page")
    assert "leave.md" in end.answer.text
    assert "**Parental leave**: Parental leave is 16 weeks at full pay [2]." in end.answer.text
    assert {passage.document for passage in end.answer.passages} == {"leave.md"}


async def test_this_document_is_the_one_that_was_talked_about(quoting: Engine) -> None:
    turn = Turn("How much may a hotel cost per night?", "At most 140 euros.")
    end, _ = await told(quoting, "What is this document about?", turn)
    assert "travel.md" in end.answer.text


async def test_a_summary_of_what_is_no_document_is_a_question(quoting: Engine) -> None:
    end, _ = await told(quoting, "Summarise the theory of relativity")
    assert end.answer.refused


async def test_two_questions_are_answered_part_by_part_and_refused_part_by_part(quoting: Engine) -> None:
    both, _ = await told(quoting, "How long is parental leave, and how much may a hotel cost per night?")
    assert "16 weeks" in both.answer.text and "140 euros" in both.answer.text
    half, _ = await told(quoting, "How long is parental leave, and who composed the moon opera of 1969?")
    assert "16 weeks" in half.answer.text
    assert "who composed the moon opera of 1969?" in half.answer.text and not half.answer.refused


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "This may help too:"), ("tr", "Şu da işinize yarayabilir:"), ("de", "Auch das könnte helfen:")],
)
def test_what_may_help_besides_stands_below_the_answer_and_says_so(language: str, said: str) -> None:
    texts = (
        "Visitors park their bicycles in the yard behind the main gate. "
        + "The yard is lit and watched at night. " * 12,
        "Bicycles of visitors may be parked in the cellar of the annexe too, for a fee of two euros a day.",
        "Members of the club may park their bicycles in the yard of the hall too.",
    )
    passages = tuple(
        Passage(str(at), f"{at}.md", text, 0, len(text), headings=(f"Section {at}",), language=language)
        for at, text in enumerate(texts)
    )
    question = "Where do visitors park a bicycle in the yard?"
    odds = {"0": 0.0, "1": 9.0, "2": 3.0}

    def read(given: Sequence[Passage]) -> list[float]:
        return [odds[passage.id] for passage in given]

    asked = ChatRequest("", (), question, passages=passages, confidence=0.3, language=language, read=read)
    made = compose(asked)
    before, _, besides = made.text.partition(said)
    assert "main gate" in before and "two euros" in besides and "[2]" in besides
    assert "two euros" not in before and "club" in besides
    doubted = compose(replace(asked, sure=1.0)).text
    assert "two euros" in doubted and "club" not in doubted
    assert said not in compose(replace(asked, topic="bicycles")).text


def test_a_part_is_not_said_to_be_missing_where_the_document_of_another_has_something_on_it() -> None:
    texts = ("Who works outside is paid for every question.", "Travel of those who work outside is not paid.")
    passages = tuple(
        Passage(str(at), "outside.md", text, at * 100, at * 100 + len(text), headings=(f"{at}",), language="en")
        for at, text in enumerate(texts)
    )
    asked = ("Is travel paid to those outside", "what are they paid for?")
    parts = (Part(asked[0], asked[0], (1, 0), False), Part(asked[1], asked[1], (0,), True))
    made = compose(ChatRequest("", (), " and ".join(asked), passages=passages, parts=parts, language="en"))
    assert "is not paid" in made.text and "every question" in made.text
    assert asked[0] not in made.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("How long is parental leave?", 1),
        ("How long is parental leave, and how much may a hotel cost per night?", 2),
    ],
)
def test_what_each_part_means_is_begun_before_the_first_is_searched(
    library: Library, monkeypatch: pytest.MonkeyPatch, text: str, expected: int
) -> None:
    done: list[tuple[str, str]] = []
    search = library.search

    def searched(question: str, **asked: Any) -> SearchResult:
        done.append(("searched", question))
        return search(question, **asked)

    monkeypatch.setattr(library, "search", searched)
    monkeypatch.setattr(library, "expect", lambda question: done.append(("begun", question)))
    reading.read(library, text, conversation="", history=(), limit=None, minimum=0.35)
    begun = [question for what, question in done[:expected] if what == "begun"]
    assert begun == [question for what, question in done if what == "searched"][:expected]


async def test_a_topic_without_a_question_is_asked_back(quoting: Engine) -> None:
    end, _ = await told(quoting, "leave")
    assert "?" in end.answer.text
    assert "- Parental leave [" in end.answer.text and "- Annual leave [" in end.answer.text


def test_what_else_there_is_on_a_topic_is_called_by_titles_and_each_but_once() -> None:
    told_of = (("guides/office_bicycles.md", ()), ("b.md", ("Trains", "Fares")), ("c.md", ("Buses", "Fares")))
    passages = tuple(
        Passage(str(at), document, f"Fares of {at} euros.", 0, 17, headings=headings, language="en")
        for at, (document, headings) in enumerate((*told_of, *told_of))
    )
    asked = ChatRequest("", (), "fares", passages=passages, confidence=0.9, language="en", topic="fares")
    topics = [line for line in compose(asked).text.splitlines() if line.startswith("- ")]
    assert topics == ["- Office bicycles [1]", "- Fares [2]", "- Buses › Fares [3]"]


async def test_a_short_question_in_a_conversation_is_no_topic_to_ask_back_about(quoting: Engine) -> None:
    turn = Turn("How long is parental leave?", "16 weeks.")
    end, _ = await told(quoting, "And annual leave?", turn)
    assert "25 days" in end.answer.text and "would you like to know" not in end.answer.text


async def test_the_documents_that_mention_something_are_listed(quoting: Engine) -> None:
    end, notices = await told(quoting, "Which documents mention parental leave?")
    assert end.answer.text.startswith("One document mentions “parental leave”:\n\n- ")
    assert "leave.md" in end.answer.text and "travel.md" not in end.answer.text and notices == []
    both, _ = await told(quoting, "Which documents mention zebras?")
    assert both.answer.refused


@pytest.mark.parametrize(
    "text",
    [
        "HOW MANY DAYS OF ANNUAL LEAVE ARE THERE?",
        "Hi all! Could someone please tell me how many days of annual leave there are? Many thanks in advance",
        "My colleague asked me this and I could not find it anywhere. How many days of annual leave are there?",
        "How many days of annual leave are there? Please answer in one short sentence.",
    ],
)
async def test_what_frames_a_question_changes_no_answer(quoting: Engine, text: str) -> None:
    plain, _ = await told(quoting, "How many days of annual leave are there?")
    framed, _ = await told(quoting, text)
    assert "25 days" in framed.answer.text and not framed.answer.refused
    assert [one.id for one in framed.answer.passages] == [one.id for one in plain.answer.passages]


async def test_between_an_answer_and_none_it_says_that_it_is_not_sure(make_engine: MakeEngine) -> None:
    engine = make_engine(draft=EXTRACTIVE, refine=EXTRACTIVE)
    for text in (
        "How many days of annual leave are there?",
        "How many days of annual leave, and what may a hotel cost?",
    ):
        engine.sure_confidence = 0.05
        sure, _ = await told(engine, text)
        assert not sure.answer.checked.doubtful and "not sure" not in sure.answer.text
        engine.sure_confidence = 1.0
        end, _ = await told(engine, text)
        assert end.answer.checked.doubtful and not end.answer.refused
        assert end.answer.text.startswith("I am not sure") and "25 days" in end.answer.text


async def test_the_current_version_is_quoted_first_and_said(make_engine: MakeEngine, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for year, price in ((2023, 120), (2025, 140)):
        text = f"# Hotels\n\nA hotel may cost at most {price} euros per night in every city that we visit.\n"
        (documents / f"travel-policy-{year}.md").write_text(text, encoding="utf-8")
    library = Library.open(tmp_path / "data", RetrievalSettings(), write=True)
    library.sync([documents])
    engine = make_engine(draft=EXTRACTIVE, refine=EXTRACTIVE)
    engine.retriever = library
    end, notices = await told(engine, "How much may a hotel cost per night?")
    assert end.answer.passages[0].document == "travel-policy-2025.md"
    assert "version" in notices
    library.close()


async def test_this_file_is_the_newest_of_the_conversation(make_engine: MakeEngine, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "own", RetrievalSettings(), write=True)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "fees.md").write_text("# Fees\n\nThe institute pays conference fees up to 800 euros.\n")
    library.sync([tmp_path / "papers"])
    conversation = "11111111-1111-4111-8111-111111111111"
    library.add_upload(conversation, "old contract.txt", b"The old contract sets conference fees of 100 euros.")
    library.add_upload(conversation, "contract.txt", b"The contract sets conference fees of 300 euros.")
    engine = make_engine(draft=EXTRACTIVE, refine=EXTRACTIVE)
    engine.retriever = library
    await engine.start()
    await engine.models.wait_ready(5.0)

    async def asked(text: str) -> set[str]:
        events = [event async for event in answer(Question(text, conversation=conversation), engine)]
        assert isinstance(events[-1], Finished)
        return {passage.document for passage in events[-1].answer.passages}

    for text in ("What are the conference fees in this file?", "Summarise this", "What is this about?"):
        assert await asked(text) == {"contract.txt"}, text
    assert await asked('document:"contract.txt" conference fees?') == {"contract.txt"}
    assert "fees.md" in await asked("What are the conference fees?")
    library.close()


async def test_a_single_word_is_asked_back_about_in_the_language_of_what_it_found(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    for name in ("pay", "leave", "travel"):
        (documents / f"{name}.md").write_text(
            f"# {name}\n\nThis page says what the office knows of {name}, for everybody who works here.\n"
        )
    courses = "# Kurslar\n\nKurslar her yıl ekim ayında başlar ve haziran ayında biter.\n\n"
    (documents / "kurslar.md").write_text(f"{courses}# Ücretler\n\nKurslar üyeler için ücretsizdir.\n", "utf-8")
    library = Library.open(tmp_path / "data", RetrievalSettings(), write=True)
    library.sync([documents])
    engine = make_engine(draft=EXTRACTIVE, refine=EXTRACTIVE)
    engine.retriever = library
    end, _ = await told(engine, "kurslar")
    library.close()
    assert "ne öğrenmek istersiniz?" in end.answer.text
