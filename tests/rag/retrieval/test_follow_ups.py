"""When a question leans on the conversation."""

from __future__ import annotations

import pytest

from rag.retrieval import follow_ups

_HISTORY = [("How many days of annual leave do employees get?", "They get 25 days [1].")]


@pytest.mark.parametrize(
    "question",
    ["and for contractors?", "What about interns?", "Why?", "How many do they get?", "peki ya stajyerler?", "Neden?"],
)
def test_a_fragment_borrows_the_terms_of_the_last_question(question: str) -> None:
    searched = follow_ups.searched(question, _HISTORY)
    assert searched.startswith(question)
    assert "annual" in searched
    assert "leave" in searched


@pytest.mark.parametrize(
    "question",
    ["Which GPU does the Tartu server have?", "Who approves a purchase of hardware?", "Sunucular nerede duruyor?"],
)
def test_a_question_that_stands_alone_borrows_nothing(question: str) -> None:
    assert follow_ups.searched(question, _HISTORY) == question


def test_a_chain_of_fragments_reaches_back_to_the_whole_question() -> None:
    searched = follow_ups.searched("and interns?", [*_HISTORY, ("and for contractors?", "20 days [2].")])
    assert "leave" in searched
    assert "contractors" in searched


def test_without_a_conversation_nothing_changes() -> None:
    assert follow_ups.searched("and for contractors?", []) == "and for contractors?"
