"""What is quoted besides, where it is not certain that the best quotes hold what is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import extractive, further_chance
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


def asked(
    question: str, given: list[Passage], confidence: float = 0.2, read: Callable[[Passage], float | None] | None = None
) -> extractive.Quoted:
    return extractive.quoted(
        question,
        given,
        max_words=20,
        confidence=confidence,
        read=(lambda passages: [read(one) for one in passages]) if read is not None else None,
    )


def _the_other(passage: Passage) -> float:
    """Says that any passage but the first answers."""
    return 0.0 if passage.id == "0" else 12.0


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
    besides = {span.passage for span in found.further}
    assert len(besides) <= 2 and besides.isdisjoint(quoted) and besides <= set(range(5))
    assert all(sum(size_of(given_, span) for span in found.further if span.passage == at) <= 80 for at in besides)
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
        found = asked(question, passages(_PARKING[0], text), read=_the_other)
        assert {span.passage for span in found.spans} == {0}, text
        assert {span.passage for span in found.further} == ({1} if stands else set()), text


def test_under_a_question_its_answer_stands_besides_but_for_what_leans_on_more() -> None:
    first, other = passages(_PARKING[0], "")
    for text, stands in (
        ("No, that costs visitors two euros a day.", True),
        ("Once visitors of the yard know these very costs, they pay two euros a day.", False),
    ):
        answer = replace(other, text=text, end=len(text), headings=("Is a bicycle in the yard free?",))
        found = asked(_YARD, [first, answer], read=_the_other)
        assert {span.passage for span in found.spans} == {0}, text
        assert {span.passage for span in found.further} == ({1} if stands else set()), text


_YARD = "Where may the bicycles of visitors stand in the yard behind the main gate?"


def test_what_stands_besides_is_what_a_reader_says_answers() -> None:
    given_ = passages(*_PARKING[:2])
    for odds, stands in ((3.0, True), (-9.0, False)):
        read = {"0": 0.0, "1": odds}
        found = asked(_YARD, given_, read=lambda passage, read=read: read[passage.id])
        assert {span.passage for span in found.spans} == {0}
        assert {span.passage for span in found.further} == ({1} if stands else set()), odds
    unread = asked(_YARD, given_, read=lambda passage: None)
    assert unread.further == asked(_YARD, given_).further


def test_the_likelier_stretch_stands_first_and_the_same_words_once() -> None:
    other = "Visitors may let their bicycles stand in the yard of the annexe."
    given_ = passages(_PARKING[0], "Bicycles of visitors may be parked in the cellar of the annexe too.", other, other)
    for odds, order in ((12.0, ["1", "2"]), (-12.0, ["2"])):
        found = asked(_YARD, given_, read=lambda passage, odds=odds: odds if passage.id == "1" else 0.0)
        assert [given_[span.passage].id for span in found.further] == order


def test_what_is_unlikely_by_its_words_is_not_read() -> None:
    read: list[str] = []

    def heard(passage: Passage) -> float:
        read.append(passage.id)
        return 5.0

    first, canteen = passages(_PARKING[1], _PARKING[2])
    given_ = [replace(first, score=12.0), canteen]
    found = asked("What do visitors pay for a bicycle?", given_, read=heard)
    assert found.spans and found.further == () and read == []


def test_what_is_nearer_in_meaning_than_the_quotes_is_likelier_to_help() -> None:
    first, other = passages(*_PARKING[:2])
    offered = [
        asked(
            _YARD,
            [
                replace(first, near=Nearness(0.45, ((0, len(first.text), 0.45),))),
                replace(other, near=Nearness(near, ((0, len(other.text), near),))),
            ],
        ).offered
        for near in (0.2, 0.7)
    ]
    far, close = (further_chance.chance(one.values) for (one,) in offered)
    assert far < close


def test_code_stands_besides_only_under_what_it_shows() -> None:
    code = "rack.open(door='main')\nrack.lock(bicycles)"
    for text, stands in ((f"Visitors lock their bicycles so:\n\n```\n{code}\n```", True), (code, False)):
        found = asked(_YARD, passages(_PARKING[0], text), read=_the_other)
        assert {span.passage for span in found.spans} == {0}, text
        assert {span.passage for span in found.further} == ({1} if stands else set()), text
