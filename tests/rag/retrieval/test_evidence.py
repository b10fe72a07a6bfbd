"""What the best passages lack of what a question asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.library import Library
from rag.retrieval.answer_type import asks_amount, counted
from rag.retrieval.evidence import NAMES, lacking
from rag.retrieval.matching import alike, likeness
from rag.settings import RetrievalSettings
from rag.storage.passage_terms import analyse, unpack
from rag.types import Likes

_PENSION = "The pension contribution is aligned to your grade. Grade 8 has the least."
_NOTICE = "An employee gives notice in writing. Leave is recorded."


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library.open(tmp_path / "data", RetrievalSettings(), write=True)
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.md").write_text(f"{_PENSION}\n\n{_NOTICE}\n", encoding="utf-8")
    library.sync([tmp_path / "documents"])
    return library


def _lacking(library: Library, question: str, *passages: str, likes: Likes | None = None) -> dict[str, float]:
    read = [analyse(text, (), "", "en") for text in passages]
    batch = unpack([(one.packed_tokens, one.packed_grams) for one in read])
    asked = library.searcher.analyse(question)
    values = lacking(asked, batch, likeness(batch, alike(asked.content, likes or {})))
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_a_word_that_no_passage_says_counts_and_one_that_is_like_it_does_not(library: Library) -> None:
    question = "Is the sabbatical aligned to your grade?"
    without = _lacking(library, question, _PENSION, _NOTICE)
    assert without["unsaid"] > 0.3 and without["left_out"] > 0.3 and without["many_left_out"] >= 1.0
    said = _lacking(library, question, _PENSION, _NOTICE, likes={"sabbatical": (("pension", 0.9),)})
    assert said["unsaid"] < without["unsaid"] and said["many_left_out"] < without["many_left_out"]


def test_a_number_of_the_question_that_no_passage_says_counts(library: Library) -> None:
    assert _lacking(library, "Which contribution has grade 8?", _PENSION)["unsaid_proper"] == 0.0
    assert _lacking(library, "Which contribution has grade 19?", _PENSION)["unsaid_proper"] > 0.0


def test_words_that_stand_in_different_passages_are_left_out_by_each(library: Library) -> None:
    question = "Is notice of a pension contribution given in writing?"
    together = "Notice of a pension contribution is given in writing."
    assert (
        _lacking(library, question, _PENSION, _NOTICE)["left_out"] > _lacking(library, question, together)["left_out"]
    )


@pytest.mark.parametrize(
    ("kind", "question", "with_it", "without"),
    [
        ("no_amount", "What is the fee for a badge?", "The fee for a badge is 20 €.", "A fee for a badge is due."),
        (
            "no_count",
            "How many weeks of leave?",
            "Leave lasts 12 weeks.",
            "Leave in weeks is as agreed on page 12.",
        ),
        ("no_number", "How long is the notice?", "The notice is 3 months long.", "The notice is as long as agreed."),
    ],
)
def test_the_kind_of_answer_that_no_sentence_holds(
    library: Library, kind: str, question: str, with_it: str, without: str
) -> None:
    assert _lacking(library, question, with_it)[kind] == pytest.approx(0.0, abs=0.01)
    assert _lacking(library, question, without)[kind] > 0.1


def test_nothing_is_lacking_where_nothing_is_asked_or_found(library: Library) -> None:
    assert set(_lacking(library, "?", _PENSION).values()) == {0.0}
    assert set(_lacking(library, "Which grade?").values()) == {0.0}


def _of_a_fee(library: Library, passage: str) -> float:
    return _lacking(library, "What is the fee for a badge?", passage)["no_amount"]


@pytest.mark.parametrize("sum_", ["20 euros", "USD 20", "20 TL", "bin Türk lirası", "5.000,50 TL", "20 €"])
def test_a_number_beside_the_name_of_a_currency_is_an_amount_of_money(library: Library, sum_: str) -> None:
    assert _of_a_fee(library, f"The fee for a badge is {sum_}.") == pytest.approx(0.0, abs=0.01)


def test_a_number_of_something_else_is_no_amount_of_money(library: Library) -> None:
    assert _of_a_fee(library, "The fee for a badge is due in 20 days.") > 0.1


@pytest.mark.parametrize(
    ("language", "question", "asks"),
    [
        ("tr", "kac lira odeyecegim", True),
        ("tr", "tezi ciltletmek kac liraya mal olur", True),
        ("tr", "kongreye katilana kac tl veriliyor", True),
        ("tr", "ogrencinin harcligi", True),
        ("tr", "harcligi ne zaman yatiyor", False),
        ("tr", "yemek bursunu hangi ogrenciler aliyor", False),
        ("tr", "hangi ogrenciye kac lira burs veriliyor", True),
        ("tr", "parkta kac gun kalinir", False),
        ("de", "wie hoch sind die studiengebuhren", True),
        ("de", "wie hoch ist der turm", False),
        ("es", "cual es el plazo para entregar la tesis", False),
        ("es", "cual es la tarifa", True),
    ],
)
def test_money_is_told_by_the_words_of_the_questions_own_language(language: str, question: str, asks: bool) -> None:
    assert asks_amount(question.split(), language) is asks


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("what is the fee", True),
        ("how much do i pay", True),
        ("how often are we paid", False),
        ("which holidays are paid", False),
        ("why is there a fee", False),
        ("how do i pay", False),
        ("what is the limit", False),
    ],
)
def test_what_asks_for_an_amount_of_money(question: str, asks: bool) -> None:
    assert asks_amount(question.split()) is asks


def test_what_is_counted_stands_behind_the_word_that_counts() -> None:
    assert counted(["and", "how", "many", "weeks", "of", "leave"]) == ["weeks", "of"]
    assert counted(["gunde", "kac", "saat"]) == ["saat"]
    assert not counted(["what", "is", "a", "week"])
