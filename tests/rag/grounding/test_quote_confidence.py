"""How sure it is that quotes answer: what the estimate hears, and that it stays an estimate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.grounding import extractive, quote_confidence
from rag.types import Nearness, Passage


def _passage(text: str, *headings: str) -> Passage:
    return Passage("1", "leave.md", text, 0, len(text), headings=headings, language="en", score=3.0)


_LEAVE = _passage("Every employee has 25 days of paid annual leave. The office is closed in August.", "Annual leave")
_OTHER = _passage("Visitors sign the book at the gate. The kitchen is cleaned on Friday.", "House rules")


def test_quotes_that_say_what_was_asked_are_surer_than_the_nearest_there_is() -> None:
    question = "How many days of annual leave does an employee have?"
    answered = extractive.quoted(question, [_LEAVE], confidence=0.5)
    beside = extractive.quoted(question, [_OTHER], confidence=0.5)
    assert answered.spans and answered.holds > beside.holds


def test_what_is_nearer_in_meaning_is_surer() -> None:
    question = "What do new fathers get?"
    ends = _LEAVE.text.index("The office")
    holds = [
        extractive.quoted(
            question,
            [replace(_LEAVE, near=Nearness(near, ((0, ends, near), (ends, len(_LEAVE.text), 0.0))))],
            confidence=0.5,
        ).holds
        for near in (0.1, 0.4, 0.8)
    ]
    assert holds == sorted(holds) and holds[0] < holds[-1]


def test_a_search_that_is_surer_makes_the_same_quotes_surer() -> None:
    question = "How many days of annual leave does an employee have?"
    few, many = (extractive.quoted(question, [_LEAVE], confidence=one) for one in (0.2, 0.95))
    assert few.spans == many.spans
    assert few.holds < many.holds


def test_where_meaning_is_known_of_other_passages_only_words_tell() -> None:
    known = replace(_OTHER, id="2", document="b.md", near=Nearness(0.1, ()))
    found = extractive.quoted("How many days of annual leave are there?", [_LEAVE, known], confidence=0.5)
    assert found.spans[0].passage == 0
    assert found.values is not None and len(found.values) == len(quote_confidence.names(near=False))


def test_what_the_first_encoder_says_tells_nothing_of_an_answer() -> None:
    near = Nearness(0.9, ((0, len(_LEAVE.text), 0.9),), second=False)
    found = extractive.quoted("How many days of annual leave are there?", [replace(_LEAVE, near=near)], confidence=0.5)
    assert found.values is not None and len(found.values) == len(quote_confidence.names(near=False))


def test_no_quotes_hold_nothing() -> None:
    assert extractive.quoted("Anything?", []) == extractive.Quoted((), 0.0, None)


@pytest.mark.parametrize("near", [True, False])
@given(data=st.data())
def test_the_estimate_is_a_chance_whatever_the_values(near: bool, data: st.DataObject) -> None:
    count = len(quote_confidence.names(near=near))
    values = data.draw(st.lists(st.floats(-1e6, 1e6), min_size=count, max_size=count))
    assert 0.0 <= quote_confidence.holds(np.array(values)) <= 1.0
