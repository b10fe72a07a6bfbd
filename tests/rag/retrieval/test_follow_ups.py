"""When a turn leans on the conversation, and what it borrows from it."""

from __future__ import annotations

import pytest

from rag.retrieval import follow_ups

_HISTORY = [("How many days of annual leave do employees get?", "They get 25 days [1].")]


@pytest.mark.parametrize(
    "question",
    [
        "and for contractors?", "What about interns?", "Why?", "How many do they get?", "peki ya stajyerler?", "Neden?",
        "who is eligible?", "I work in sales.", "ne zaman yenilenir?",
    ],
)  # fmt: skip
def test_a_turn_that_says_too_little_leans_on_the_last_question(question: str) -> None:
    turn = follow_ups.turn(question, _HISTORY)
    assert not turn.stands_alone
    assert {"annual", "leave"} <= set(turn.borrowed[0].split())
    assert turn.before == _HISTORY[0][0]


@pytest.mark.parametrize(
    "question",
    [
        "Which GPU does the Tartu server have?",
        "Who approves a purchase of hardware?",
        "Tartu sunucusunda hangi ekran kartı var?",
    ],
)
def test_a_question_that_says_what_it_is_about_stands_alone(question: str) -> None:
    assert follow_ups.turn(question, _HISTORY).stands_alone


def test_only_words_that_the_turn_lacks_are_borrowed() -> None:
    assert "leave" not in follow_ups.turn("and unpaid leave?", _HISTORY).borrowed[0].split()


def test_a_chain_of_fragments_reaches_back_to_the_whole_question() -> None:
    between = [("and for contractors?", "20 days [2]."), ("and for guests?", "None."), ("why?", "It is so.")]
    borrowed = " ".join(follow_ups.turn("and interns?", [*_HISTORY, *between]).borrowed)
    assert "leave" in borrowed
    assert "contractors" in borrowed


def test_without_a_conversation_nothing_is_borrowed() -> None:
    assert follow_ups.turn("and for contractors?", []) == follow_ups.Turn(stands_alone=True)
