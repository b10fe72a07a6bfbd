"""hybrid.policies.signals: what is measured of a draft with its passages, and what a trace gives back."""

from __future__ import annotations

import pytest

from hybrid.policies.signals import (
    LOGPROB_NAMES,
    from_dict,
    is_truncated,
    language_mismatch,
    margin,
    measure,
    of_text,
    question_kind,
    touched,
    uncertainty,
)
from rag.grounding import citations
from rag.types import Passage, SearchResult

PASSAGE = Passage(
    "1", "leave.md", "Annual leave is 25 days per year for every employee.", 0, 52, language="en", score=4.0
)
OTHER = Passage("2", "travel.md", "Trains are booked in second class.", 0, 34, language="en", score=2.0)
FOUND = SearchResult((PASSAGE, OTHER), "leave", 0.8, "en")
ASK = "How many days of annual leave has every employee?"


def signals(draft: str, **changes: object):  # type: ignore[no-untyped-def]
    given = {"finish_reason": "stop", "completion_tokens": 10, "max_tokens": 100, "topics": (), **changes}
    return measure(ASK, draft, citations.check(draft, FOUND.passages), FOUND, **given)


def test_a_supported_draft_looks_better_than_an_invented_one() -> None:
    good = signals("Annual leave is 25 days per year.")
    bad = signals("Managers receive 40 golden tickets and a yacht.")
    assert good.support == 1.0 and bad.support == 0.0
    assert good.values["weakest_support"] > bad.values["weakest_support"]
    assert good.values["source_content_precision"] > bad.values["source_content_precision"]
    assert bad.values["source_new_numbers"] > 0 and good.values["passages_used"] == 0.5
    assert good.values["passage_coverage"] > 0.7 and good.values["margin"] == 1.0
    assert good.values["asks_number"] == 1.0


def test_what_a_trace_stores_comes_back() -> None:
    first = signals("Annual leave is 25 days per year.", logprobs=(-0.1, -2.0))
    again = from_dict(first.as_dict())
    assert again.as_dict() == first.as_dict()
    with pytest.raises(KeyError):
        from_dict({"support": 1.0})


def test_uncertainty_is_the_worst_tokens_not_the_mean() -> None:
    figures = uncertainty([-0.01] * 99 + [-4.0])
    assert tuple(figures) == LOGPROB_NAMES
    assert figures["uncertainty_max"] == 4.0 and figures["uncertainty_mean"] < 0.1
    assert uncertainty(()) == {}


@pytest.mark.parametrize(
    ("text", "reason", "tokens", "cut"),
    [
        ("All said.", "stop", 10, False),
        ("All said.", "length", 10, True),
        ("All said.", "stop", 100, True),
        ("Half a sen", "other", None, True),
        ("Half a sen", "stop", None, False),
        ("", "other", None, False),
    ],
)
def test_truncation(text: str, reason: str, tokens: int | None, cut: bool) -> None:
    assert is_truncated(text, reason, tokens, 100) is cut


def test_languages_topics_kinds_and_margins() -> None:
    turkish = "Çalışanların yıllık izni yirmi beş gündür ve izinler mart sonuna kadar devredilebilir."
    assert language_mismatch(ASK, turkish) == 1.0 and language_mismatch(ASK, "Annual leave is 25 days.") == 0.0
    assert touched("Who approves salaries?", ("salary", "travel"), "en") == ("salary",)
    assert question_kind("Why is it so?")["asks_reason"] == 1.0
    assert margin(SearchResult((), "", 0.0)) == 0.0


def test_a_text_alone_has_signals_too() -> None:
    found = of_text("How many is 2 * 3?", "2 * 3 = 7", id="row-1")
    assert found.id == "row-1" and found.values["faulty_arithmetic"] == 1.0 and found.support == 1.0
