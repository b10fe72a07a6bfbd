"""Numbers in digits and in words."""

from __future__ import annotations

import pytest

from rag.grounding import citations, figures
from rag.text import idf
from rag.types import Passage, Support


@pytest.mark.parametrize(
    ("language", "text", "numbers"),
    [
        ("en", "It costs twenty-five pounds and one hundred and forty pence.", ["25", "100", "40"]),
        ("en", "Fifteen of two thousand six hundred people", ["15", "2600"]),
        ("en", "five, six seven eight", []),
        ("tr", "on beş gün, iki bin yirmi altı yılı, yüz elli kişi", ["15", "2026", "150"]),
        ("tr", "yüzüne bak, bin, on, yüz", []),
        ("de", "zwanzig", []),
    ],
)
def test_numbers_that_words_spell(language: str, text: str, numbers: list[str]) -> None:
    assert [digits for _, _, digits in figures.spelled(text, idf.terms_of(text, language), language)] == numbers


@pytest.mark.parametrize(
    ("text", "said", "support"),
    [
        ("Daily copies are kept for 25 days.", "Daily copies are kept for twenty-five days.", Support.SUPPORTED),
        ("Daily copies are kept for twenty-five days.", "Daily copies are kept for 25 days.", Support.SUPPORTED),
        ("Daily copies are kept for 25 days.", "Daily copies are kept for fifty days.", Support.UNSUPPORTED),
        ("Yedek cihaz 15 gün kullanılabilir.", "Yedek cihaz on beş gün kullanılabilir.", Support.SUPPORTED),
        ("Yedek cihaz 15 gün kullanılabilir.", "Yedek cihaz yirmi gün kullanılabilir.", Support.UNSUPPORTED),
    ],
)
def test_a_number_in_words_is_held_against_one_in_digits(text: str, said: str, support: Support) -> None:
    checked = citations.check(said, [Passage("p", "a.md", text, 0, len(text))], "")
    assert [sentence.support for sentence in checked.sentences] == [support]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It takes 4 to 4.5 seconds.", [("4", "45")]),
        ("10–12 days, from 20:00-22:00", [("10", "12"), ("2000", "2200")]),
        ("12 bis 14 Tage", [("12", "14")]),
        ("on 2026-05-01, pages 3-4-5 of q4-8", []),
    ],
)
def test_ranges_have_two_ends(text: str, found: list[tuple[str, str]]) -> None:
    assert list(figures.ranges(text)) == found
