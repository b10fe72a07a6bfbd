"""Whatever comes in can be stored and sent."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.unicode import Joiner, whole

# Hypothesis leaves surrogates out unless they are asked for.
anything = st.text(st.characters() | st.characters(categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("Yıllık 😀", "Yıllık 😀"), ("\ud83d\ude00", "😀"), ("a\ud83d", "a�"), ("\ude00\ud83db", "��b")],
)
def test_halves_are_joined_or_replaced(text: str, shown: str) -> None:
    assert whole(text) == shown


@given(anything)
def test_every_encoding_can_hold_it(text: str) -> None:
    assert whole(text).encode("utf-8").decode("utf-8") == whole(text)


@given(st.text())
def test_text_is_left_alone(text: str) -> None:
    assert whole(text) == text


@given(anything, st.lists(st.integers(0, 40)))
def test_the_pieces_borders_change_nothing_but_a_half_at_the_end(text: str, cuts: list[int]) -> None:
    borders = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    joiner = Joiner()
    joined = "".join(joiner.feed(text[start:end]) for start, end in pairwise(borders))
    assert joined == whole(text[:-1] if text and "\ud800" <= text[-1] <= "\udbff" else text)
