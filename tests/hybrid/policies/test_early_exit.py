"""hybrid.policies.early_exit: hopeless drafts are known early, good ones are left alone."""

from __future__ import annotations

import pytest

from hybrid.policies.early_exit import Watch
from rag.types import Passage, SearchResult

PASSAGE = Passage(
    "1",
    "leave.md",
    "Annual leave is 25 days per year for every employee. Unused days may be carried over until the end of March. "
    "Parental leave is 16 weeks at full pay; apply to the personnel office eight weeks before it begins.",
    0,
    200,
    language="en",
)
FOUND = SearchResult((PASSAGE,), "leave", 0.9, "en")
QUESTION = "How many days of annual leave do the employees have?"


def heard(text: str, found: SearchResult = FOUND, *, cuts: bool = True) -> tuple[str, int, bool]:
    """(code of the reason or "", characters heard, likely)."""
    watch = Watch(QUESTION, found, 0.35, cuts=cuts)
    length = 0
    for word in text.split(" "):
        length += len(word) + 1
        reason = watch.add(f"{word} ")
        if reason is not None:
            return reason.code, length, watch.likely
    return "", length, watch.likely


LOOP = "The leave is granted each year and the leave is granted each year and " * 20
REFUSAL = "The documents do not contain any information about this. " + "Nothing more can be said. " * 30
TURKISH = (
    "Çalışanların yıllık izni yirmi beş gündür ve kullanılmayan günler mart sonuna kadar devredilebilir. "
    "Bu konuda daha fazla bilgi için insan kaynakları ile görüşmeniz ve izin başvurusu yapmanız gerekir. "
) * 3
INVENTION = (
    "Purple whales migrate across seventeen frozen oceans, singing ancient lullabies beneath emerald glaciers. "
    "Nobody remembers their melodies except wandering astronomers polishing copper telescopes at dawn. "
) * 4


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LOOP, "abandoned_loop"),
        (REFUSAL, "abandoned_refusal"),
        (TURKISH, "abandoned_language"),
        (INVENTION, "abandoned_invention"),
    ],
)
def test_a_hopeless_draft_is_cut_before_its_end(text: str, code: str) -> None:
    found, length, likely = heard(text)
    assert (found, likely) == (code, True)
    assert length < len(text)


@pytest.mark.parametrize(
    "text",
    [
        PASSAGE.text,
        "Every employee has 25 days of annual leave per year [1]. Unused days may be carried over until March [1].",
        "- 25 days of annual leave per year [1]\n- carried over until the end of March [1]\n" * 2,
        "It is 25.",
    ],
)
def test_a_good_draft_is_left_alone(text: str) -> None:
    assert heard(text)[0] == "" and not heard(text)[2]


def test_a_refusal_is_right_where_the_search_found_little() -> None:
    weak = SearchResult((PASSAGE,), "leave", 0.1, "en")
    assert heard("The documents do not contain any information about this. Please ask the desk.", weak)[0] == ""


def test_without_leave_to_cut_it_only_says_that_an_escalation_is_likely() -> None:
    code, _, likely = heard(INVENTION, cuts=False)
    assert (code, likely) == ("", True)
