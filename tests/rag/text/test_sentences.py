"""Where sentences begin and end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text import sentences


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.split(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith paid 3.50 euros to J. Doe on Jan. 5.",
        "See fig. 2, e.g. the left part, for vs. against.",
        "Bkz. Madde 3 ve örn. Prof. Yılmaz'ın yazısı.",
        "Toplantı 12. Mayıs günü yapılır.",
        "Başka bir ceza verilebilir (m. 41).",
        "It rests on passage one. [1]",
    ],
)
def test_abbreviations_numbers_and_markers_do_not_end_a_sentence(text: str) -> None:
    assert parts(text) == [text]


def test_sentences_end_at_marks_blank_lines_and_list_items() -> None:
    assert parts("One. Two! Three?\n\nA title\n\n- first\n- second") == [
        "One.", "Two!", "Three?", "A title", "- first", "- second",
    ]  # fmt: skip


def test_scripts_without_capitals_end_at_their_own_marks() -> None:
    assert parts("你好。再见！ठीक है। हाँ।") == ["你好。", "再见！", "ठीक है।", "हाँ।"]


@given(st.text(alphabet=st.sampled_from(list("Ab1.!? \n-[]。…\"')Dr")), max_size=120))
def test_spans_are_ordered_disjoint_and_lose_nothing(text: str) -> None:
    spans = sentences.split(text)
    assert all(start < end for start, end in spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    kept = "".join("".join(text[start:end].split()) for start, end in spans)
    assert kept == "".join(text.split())


def test_a_citation_marker_before_the_mark_ends_a_sentence() -> None:
    text = "Call it within 3 days [2]. qm-small is the one to take [1]. phi-4-mini drafts."
    assert parts(text) == ["Call it within 3 days [2].", "qm-small is the one to take [1].", "phi-4-mini drafts."]


def test_a_long_row_of_marks_is_one_end() -> None:
    """Work that grows with the square of the length would not end here."""
    for mark in ".!…":
        text = f"x{mark * 200_000}y"
        assert sentences.split(text) == [(0, len(text))]
        assert not sentences.PAUSE.search(text) and not sentences.ENDING.search(text)
        assert sentences.ENDS.findall(text) == []
        assert sentences.split(f"x{mark * 200_000} Y") == [(0, 200_001), (200_002, 200_003)]
