"""What an encoder says of pieces: which are embedded, and how they count beside words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rag.grounding import extractive
from rag.grounding.nearness import cosines, pieces, weighed
from rag.grounding.unit_features import split
from rag.types import Nearness, Passage

_TEXT = "The kitchen is cleaned on Friday. Everybody is away for twelve weeks. Ask the office about the kitchen."
_PASSAGE = Passage("1", "a.md", _TEXT, 0, len(_TEXT), headings=("House", "Parents"), language="en")


def _near(values: dict[str, float], whole: float = 0.3) -> Nearness:
    found = [(_TEXT.index(said), _TEXT.index(said) + len(said), value) for said, value in values.items()]
    return Nearness(whole, tuple(found))


def test_each_unit_is_embedded_under_the_heading_it_stands_under() -> None:
    said = pieces(_PASSAGE)
    assert [text for *_, text in said] == [
        "Parents: The kitchen is cleaned on Friday.",
        "Parents: Everybody is away for twelve weeks.",
        "Parents: Ask the office about the kitchen.",
    ]
    assert all(_TEXT[start:end] == text.removeprefix("Parents: ") for start, end, text in said)
    assert pieces(replace(_PASSAGE, headings=()))[1][2] == "Everybody is away for twelve weeks."


def test_the_piece_nearest_in_meaning_is_quoted_first_where_words_tell_little() -> None:
    text = "Everybody is away for twelve weeks. The office is told before."
    other = replace(_PASSAGE, id="2", document="b.md", text=text, end=len(text), headings=("Parents",))
    question = "What do new fathers in the kitchen get?"
    near = _near({"The kitchen is cleaned on Friday.": 0.1}, 0.1)
    own = Nearness(0.8, ((0, text.index("The"), 0.9), (text.index("The"), len(text), 0.3)))
    assert extractive.quoted(question, [_PASSAGE, other]).spans[0].passage == 0
    known = [replace(_PASSAGE, near=near), replace(other, near=own)]
    assert extractive.quoted(question, known).spans[0].passage == 1


def test_without_an_encoder_words_decide_alone() -> None:
    scores = np.array([1.0, 2.0, 3.0])
    assert weighed(scores, [_PASSAGE], split([_PASSAGE]), None) is scores


def test_a_passage_that_knows_nothing_stands_where_the_others_are_on_the_mean() -> None:
    near = _near({"The kitchen is cleaned on Friday.": 0.5, "Everybody is away for twelve weeks.": 0.7}, 0.6)
    both = [replace(_PASSAGE, near=near), replace(_PASSAGE, id="2")]
    found = split(both)
    counted = weighed(np.zeros(len(found)), both, found, cosines(both, found))
    assert np.allclose(counted[[one.passage == 1 for one in found]], 0.0)
    assert counted[1] > counted[0]


def test_a_unit_that_was_cut_otherwise_has_the_cosine_of_what_it_shares_most_with() -> None:
    begins = _TEXT.index("Everybody")
    near = Nearness(0.2, ((0, begins, 0.1), (begins, len(_TEXT), 0.8)))
    known, found = [replace(_PASSAGE, near=near)], split([_PASSAGE])
    counted = weighed(np.zeros(3), known, found, cosines(known, found))
    assert counted[1] == counted[2] > counted[0]


def test_what_each_of_two_encoders_says_counts_the_same_on_the_mean() -> None:
    far, nearer = "The kitchen is cleaned on Friday.", "Everybody is away for twelve weeks."
    both = [
        replace(_PASSAGE, near=_near({far: 0.7, nearer: 0.9}, 0.8)),
        replace(_PASSAGE, id="2", near=replace(_near({far: 0.1, nearer: 0.2}, 0.2), second=False)),
    ]
    found = split(both)
    counted = weighed(np.zeros(len(found)), both, found, cosines(both, found))
    for passage in (0, 1):
        own = counted[[one.passage == passage for one in found]]
        assert abs(own.mean()) < 1e-9 and own[1] > own[0]
