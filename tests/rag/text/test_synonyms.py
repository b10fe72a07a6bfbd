"""Other words for a word."""

from __future__ import annotations

import pytest

from rag.text.analyser import stem
from rag.text.synonyms import related


@pytest.mark.parametrize(
    ("word", "other", "language"),
    [("physician", "doctors", "en"), ("fourth", "4th", "en"), ("france", "french", "en"), ("sene", "yıl", "tr")],
)
def test_words_of_a_group_stand_for_one_another(word: str, other: str, language: str) -> None:
    one, two = stem(word, language), stem(other, language)
    assert two in related((one,), language)
    assert one in related((two,), language)


def test_a_word_does_not_stand_for_itself_nor_in_another_language() -> None:
    doctor = stem("doctor", "en")
    assert doctor not in related((doctor,), "en")
    assert related((doctor,), "fi") == ()
    assert related(("qqqq",), "en") == ()
