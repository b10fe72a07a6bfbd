"""rag.grounding.overlap: how far a text rests on its sources."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding.overlap import NAMES, HeldShare, held_share, measure

SOURCE = "Laptops for contractors are approved by the IT board. They cost at most 1,200 euros and last four years."
VOCABULARY = "the board approves laptops for contractors in four years at most"
WORDS = st.lists(st.sampled_from(sorted(VOCABULARY.split())), max_size=30)


def figures(answer: str, source: str = SOURCE) -> dict[str, float]:
    return dict(zip(NAMES, measure(answer, source), strict=True))


def test_a_quotation_is_held_in_full() -> None:
    found = figures("Laptops for contractors are approved by the IT board.")
    for name in ("word_precision", "stem_precision", "content_precision", "fourgram_precision", "rouge_l_precision"):
        assert found[name] == 1.0
    assert found["longest_run"] == found["density"] == 1.0
    assert found["new_words"] == 0.0


def test_an_invention_is_not() -> None:
    found = figures("Whales migrate across 37 oceans, and I really love that.")
    assert found["content_precision"] == 0.0
    assert found["fourgram_precision"] == 0.0
    assert found["new_numbers"] > 0
    assert found["new_person"] > 0
    assert found["new_stance"] > 0
    assert found["starts_new"] == 1.0


def test_stems_order_and_negation() -> None:
    inflected = figures("A contractor's laptop lasts four years.")
    assert inflected["stem_precision"] > inflected["word_precision"]
    assert figures("board IT the by approved are contractors")["rouge_l_precision"] < 0.5
    assert figures("Laptops are not approved by the IT board.")["new_negation"] == 1.0


def test_one_bad_sentence_shows() -> None:
    found = figures("Laptops for contractors are approved by the IT board. Whales migrate every winter.")
    assert found["weakest_sentence"] == 0.0
    assert found["word_precision"] > 0.5


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("İZMİR'de dört yıl", "izmir'de dört yıl sürer"),
        ("四年です", "ノートパソコンの寿命は四年です。"),
        ("Yes, well: caf\u0065\u0301 laptops!", "café laptops"),
        ("The board’s laptops", "the board's laptops"),
        ("लैपटॉप चार साल", "लैपटॉप चार साल चलते हैं"),
    ],
)
def test_scripts_and_spellings_meet(answer: str, source: str) -> None:
    assert figures(answer, source)["word_precision"] == 1.0


def test_citation_markers_are_no_words() -> None:
    assert measure("They last four years [2][3].", SOURCE) == measure("They last four years.", SOURCE)


@pytest.mark.parametrize("answer", ["", "   ", "!!!", "[1]"])
def test_a_text_without_words_is_zeroes(answer: str) -> None:
    assert measure(answer, SOURCE) == (0.0,) * len(NAMES)


@given(WORDS, WORDS)
def test_the_common_subsequence_is_the_longest(said: list[str], read: list[str]) -> None:
    table = [[0] * (len(read) + 1) for _ in range(len(said) + 1)]
    for i, a in enumerate(said):
        for j, b in enumerate(read):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    found = figures(" ".join(said), " ".join(read))
    assert found["rouge_l_precision"] == pytest.approx(table[-1][-1] / len(said) if said else 0.0)


@given(WORDS, WORDS)
def test_ngram_precision_counts_the_grams_the_source_has(said: list[str], read: list[str]) -> None:
    if len(said) >= 3:
        grams = {tuple(read[i : i + 3]) for i in range(len(read) - 2)}
        expected = sum(tuple(said[i : i + 3]) in grams for i in range(len(said) - 2)) / (len(said) - 2)
        assert figures(" ".join(said), " ".join(read))["trigram_precision"] == pytest.approx(expected)


@given(st.text(max_size=200), st.text(max_size=200))
def test_every_figure_is_finite(answer: str, source: str) -> None:
    assert all(math.isfinite(value) for value in measure(answer, source))


@given(st.lists(st.integers(1, 90), max_size=8))
def test_the_held_share_of_a_growing_text_is_that_of_the_whole(cuts: list[int]) -> None:
    text = "The employees carried purple days over to March [1, 2], says the handbook [3]. Whales migrate. "
    source = "An employee may carry over days until the end of March. The handbook has more."
    growing, shares = HeldShare(source), [1.0]
    borders = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    for start, end in pairwise(borders):
        shares.append(growing.add(text[start:end]))
    assert shares[-1] == held_share(text, source) == measure(text, source)[NAMES.index("content_precision")]
    assert 0.5 < shares[-1] < 1.0
