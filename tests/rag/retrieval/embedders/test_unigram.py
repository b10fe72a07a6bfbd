"""A vocabulary with probabilities: the likeliest pieces of a text, whatever the text."""

from __future__ import annotations

import math
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from rag.retrieval.embedders.unigram import Unigram

PIECES = {
    "<s>": -20.0,
    "</s>": -20.0,
    "<unk>": -20.0,
    "\u2581": -3.0,
    "a": -2.0,
    "b": -2.5,
    "ab": -3.0,
    "\u2581a": -2.2,
    "bab": -4.0,
}


def _made(written: dict[int, str] | None = None) -> Unigram:
    return Unigram(list(PIECES), list(PIECES.values()), written or {}, (0, 1), 2)


def _likely(word: str) -> float:
    """The probability (its logarithm) of a word's likeliest pieces, by all ways to cut it."""
    text = "\u2581" + word
    found = -math.inf
    for cuts in product([True, False], repeat=len(text) - 1):
        parts, begin = [], 0
        for at, cut in enumerate(cuts, 1):
            if cut:
                parts.append(text[begin:at])
                begin = at
        parts.append(text[begin:])
        if all(part in PIECES or len(part) == 1 for part in parts):
            found = max(found, sum(PIECES.get(part, -30.0) for part in parts))
    return found


@given(st.text("abc", min_size=1, max_size=7))
def test_a_word_is_cut_into_its_likeliest_pieces(word: str) -> None:
    names = list(PIECES)
    begin, *numbers, end = _made().numbers(word, 100)
    assert (begin, end) == (0, 1)
    said = sum(-30.0 if number == 2 else PIECES[names[number]] for number in numbers)
    assert math.isclose(said, _likely(word), abs_tol=1e-4)
    assert len([number for number in numbers if number == 2]) == word.count("c")


def test_words_are_cut_apart_and_characters_written_as_the_vocabulary_has_them() -> None:
    pieces = _made({ord("A"): "a", ord("\u00df"): "bb", 0: ""})
    assert pieces.numbers("A\0  b\n\u00df", 100) == _made().numbers("a b bb", 100)


@given(st.text(max_size=50), st.integers(2, 20))
def test_a_text_of_any_kind_has_as_many_pieces_as_are_wanted_at_most(text: str, most: int) -> None:
    found = _made().numbers(text, most)
    assert 2 <= len(found) <= most and found[0] == 0 and found[-1] == 1
