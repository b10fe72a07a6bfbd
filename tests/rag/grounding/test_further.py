"""What is quoted besides, where it is not certain that the best quotes hold what is asked for."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import extractive
from rag.grounding.spans import size_of
from rag.types import Nearness, Passage

_PARKING = (
    "Visitors park their bicycles in the yard behind the main gate. The gate is locked in the evening.",
    "Bicycles of visitors may be parked in the cellar of the annexe too, for a fee of two euros a day.",
    "The canteen opens at noon. It closes at three.",
)


def passages(*texts: str, languages: str = "en") -> list[Passage]:
    return [
        Passage(str(at), f"{at}.md", text, 0, len(text), headings=(f"Section {at}",), language=languages)
        for at, text in enumerate(texts)
    ]


def asked(question: str, given: list[Passage], confidence: float = 0.2) -> extractive.Quoted:
    return extractive.quoted(question, given, max_words=20, confidence=confidence)


def test_what_another_of_the_best_passages_says_stands_besides_where_it_is_not_certain() -> None:
    found = asked("What do visitors pay for a bicycle?", passages(*_PARKING))
    quoted = {span.passage for span in found.spans}
    assert {0, 1} == quoted | {span.passage for span in found.further}
    assert quoted.isdisjoint(span.passage for span in found.further)


def test_nothing_stands_besides_what_surely_holds_the_answer_nor_of_what_says_nothing_of_the_question() -> None:
    sure = asked("Where do visitors park their bicycles behind the main gate?", passages(*_PARKING), confidence=0.999)
    assert sure.holds > 0.8 and sure.further == ()
    alone = asked("What do visitors pay for a bicycle?", passages(_PARKING[1], _PARKING[2]))
    assert alone.spans and alone.further == ()


def test_what_is_in_another_language_than_the_quotes_does_not_stand_besides() -> None:
    english, other = passages(_PARKING[0]), passages(_PARKING[1], languages="de")
    found = asked("What do visitors pay for a bicycle?", [*english, *other])
    assert len({span.passage for span in (*found.spans, *found.further)}) == 1


@given(st.lists(st.sampled_from(_PARKING), min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_what_stands_besides_is_short_and_of_a_passage_that_is_not_quoted(texts: list[str], confidence: float) -> None:
    given_ = passages(*texts)
    found = asked("What do visitors pay for a bicycle?", given_, confidence)
    quoted = {span.passage for span in found.spans}
    assert all(span.passage < 3 and span.passage not in quoted for span in found.further)
    assert sum(size_of(given_, span) for span in found.further) <= 80
    said = [given_[span.passage].text[unit.start : unit.end] for span in found.spans for unit in span.units]
    more = [given_[span.passage].text[unit.start : unit.end] for span in found.further for unit in span.units]
    assert not set(said) & set(more)


def test_only_what_can_be_read_by_itself_stands_besides() -> None:
    question = "Where may the bicycles of visitors stand in the yard behind the main gate?"
    for text, stands in (
        ("The bicycles of visitors may stand in the cellar too.", True),
        ("Staff let the bicycles of visitors stand in the cellar too.", True),
        ("However, the bicycles of visitors may stand in the cellar too.", False),
        ("where the bicycles of visitors may stand in the cellar too.", False),
        ("8/2022) Bicycles of visitors may stand in the cellar too.", False),
        (
            "The bicycles stand so:\n\n- those of visitors stand in the cellar,\n- those of staff stand in the hall.",
            True,
        ),
        (
            "The bicycles stand so:\n\n- those of visitors stand in the cellar,\n- those of staff stand in the hall,",
            False,
        ),
    ):
        found = asked(question, passages(_PARKING[0], text))
        assert {span.passage for span in found.spans} == {0}, text
        assert {span.passage for span in found.further} == ({1} if stands else set()), text


def test_under_a_question_its_answer_stands_besides_whatever_it_leans_on() -> None:
    given_ = [
        *passages(_PARKING[0]),
        Passage(
            "1",
            "1.md",
            "No, that costs visitors two euros a day.",
            0,
            40,
            headings=("Is a bicycle free?",),
            language="en",
        ),
    ]
    found = asked("Do visitors pay for a bicycle?", given_)
    assert {span.passage for span in (*found.spans, *found.further)} == {0, 1}


def test_what_is_far_from_the_question_in_meaning_stands_besides_only_where_its_document_is_quoted() -> None:
    for cosine, document, stands in ((0.41, "1.md", True), (0.39, "1.md", False), (0.39, "0.md", True)):
        first, other = passages(*_PARKING[:2])
        given_ = [
            replace(first, near=Nearness(0.45, ((0, len(first.text), 0.45),))),
            replace(other, near=Nearness(cosine, ((0, len(other.text), cosine),)), document=document, start=900),
        ]
        found = asked("Where may the bicycles of visitors stand in the yard behind the main gate?", given_, 0.0)
        assert {span.passage for span in found.spans} == {0}, cosine
        assert {span.passage for span in found.further} == ({1} if stands else set()), (cosine, document)


def test_code_that_begins_amid_a_block_does_not_stand_besides() -> None:
    question = "Which visitors park bicycles in the yard behind the main gate?"
    for code, stands in (
        ("yard.open(gate='main')\nyard.park(bicycles, visitors)", True),
        ("gate='main')\nyard.park(bicycles, visitors)", False),
    ):
        found = asked(question, passages(_PARKING[0], code))
        assert bool(found.further) is stands, code
