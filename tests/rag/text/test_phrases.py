"""Which sentences refuse, and how Tandem refuses."""

from __future__ import annotations

import pytest

from rag.text import phrases
from rag.types import Passage


@pytest.mark.parametrize(
    "text",
    [
        "The passages do not contain information about parking.",
        "I could not find an answer in the documents. Please ask the help desk.",
        "This is not mentioned in the provided documents.",
        "I don't know.",
        "Belgelerde bu konuda bilgi bulunmamaktadır.",
        "Bu bilgi belgelerde yer almıyor.",
        phrases.refusal("en"),
        phrases.refusal("tr"),
    ],
)
def test_refusals_are_recognised(text: str) -> None:
    assert phrases.is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Contractors get 20 days of leave [1]. The carry-over is not mentioned.",
        "Do not store passwords in the configuration file [1].",
        "Yükleniciler 20 gün izin alır [1].",
        "The service does not answer on port 80 [2].",
        "",
    ],
)
def test_answers_are_not_refusals(text: str) -> None:
    assert not phrases.is_refusal(text)


def test_a_refusal_names_each_nearest_place_once_in_the_questions_language() -> None:
    near = Passage("1", "leave.md", "text", 0, 4, headings=("Leave", "Contractors"))
    text = phrases.refusal("tr", [near, near])
    assert text.count("leave.md (Contractors)") == 1
    assert text.startswith("Belgelerde")


def test_hedges_are_counted() -> None:
    assert phrases.hedges("It probably works, but perhaps not.") == 2
    assert phrases.hedges("Belki çalışır.") == 1
    assert phrases.hedges("It works.") == 0
