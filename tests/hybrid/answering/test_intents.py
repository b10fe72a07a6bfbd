"""What is meant by what was typed, and which questions it holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.answering.intents import Kind, of_the_file, parts, recognise, topic_words


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello!", Kind.GREETING),
        ("good morning, how are you?", Kind.GREETING),
        ("Merhaba", Kind.GREETING),
        ("thanks a lot", Kind.THANKS),
        ("Teşekkürler!", Kind.THANKS),
        ("What can you do?", Kind.ABILITIES),
        ("Neler yapabilirsin?", Kind.ABILITIES),
        ("Hello, what can you do?", Kind.ABILITIES),
        ("Merhaba, burada neler var?", Kind.LIBRARY),
        ("Danke schön!", Kind.THANKS),
        ("Was kannst du?", Kind.ABILITIES),
        ("Welche Dokumente gibt es hier?", Kind.LIBRARY),
        ("Fasse die Reiserichtlinie zusammen", Kind.DOCUMENT),
        ("Which documents mention Leeds?", Kind.MENTIONS),
        ("Leeds hangi belgelerde geçiyor?", Kind.MENTIONS),
        ("In welchen Dokumenten wird Leeds erwähnt?", Kind.MENTIONS),
        ("Which documents do I need for a visa?", Kind.ASK),
        ("Welche Dokumente brauche ich für den Antrag?", Kind.ASK),
        ("Good day care policy", Kind.ASK),
        ("What is in here?", Kind.LIBRARY),
        ("What is this handbook about?", Kind.LIBRARY),
        ("Burada neler var?", Kind.LIBRARY),
        ("Summarise the travel policy", Kind.DOCUMENT),
        ("Bu dosyayı özetle", Kind.DOCUMENT),
        ("holidays?", Kind.VAGUE),
        ("Tell me about holidays.", Kind.VAGUE),
        ("How many days of holiday are there?", Kind.ASK),
        ("Is the help desk open on Sundays?", Kind.ASK),
        ("Can I say hello to the director?", Kind.ASK),
        ("PPR-9087", Kind.ASK),
        ("error code 6", Kind.ASK),
        ("What is the travel policy on hotels?", Kind.ASK),
        ("", Kind.ASK),
    ],
)
def test_what_is_meant(text: str, kind: Kind) -> None:
    assert recognise(text).kind is kind


def test_a_document_is_called_by_its_topic_and_the_one_at_hand_has_none() -> None:
    assert topic_words(recognise("Summarise the travel policy for me, please").topic)[0] == "travel"
    assert recognise("What is this document about?").topic == ""
    assert topic_words(recognise("Gizlilik sayfasını özetle.").topic) == ["gizlilik"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("When does it open? And who has the key?", 2),
        ("When does the library open and who has the key?", 2),
        ("Sorumlusu kim ve dahili numarası kaç?", 2),
        ("What is the difference between bread and butter?", 1),
        ("Which forms do I need and keep?", 1),
        ("My port is in use, what can I do?", 1),
        ("Hello? Hello? Hello?", 1),
    ],
)
def test_the_parts_of_a_question(text: str, wanted: int) -> None:
    assert len(parts(text)) == wanted


@given(st.text(max_size=300))
def test_anything_may_be_typed(text: str) -> None:
    recognise(text)
    assert parts(text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Who pays the electricity in this document?", "Who pays the electricity ?"),
        ("What does this say about fees?", "What does say about fees?"),
        ("What does the attached file say?", "What does say?"),
        ("Bu sözleşmede ücret ne kadar?", "ücret ne kadar?"),
        ("Wie hoch sind die Gebühren in diesem Vertrag?", "Wie hoch sind die Gebühren ?"),
        ("How many days of leave do I have?", None),
        ("What is in the document register?", None),
        ("Is this allowed?", None),
    ],
)
def test_the_file_at_hand_is_told_from_what_is_asked_of_it(text: str, asked: str | None) -> None:
    assert of_the_file(text) == asked


def test_a_long_row_of_marks_is_a_question_at_once() -> None:
    """Work that grows with the square of the length would not end here."""
    for mark in ".?!":
        assert recognise(f"x{mark * 200_000}y").kind is Kind.ASK
    assert recognise(f"Hello{'!' * 200_000}").kind is Kind.GREETING


def test_a_story_before_a_question_is_not_cut_where_it_says_when() -> None:
    story = "I fell asleep on the train, and when I got off I left my bag on the seat. What do I do now?"
    assert parts(story) == (story,)
