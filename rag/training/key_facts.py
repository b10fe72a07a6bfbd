"""The key facts of a questions.yaml: what an answer must hold, each in one of its wordings.

Knows the form of that file (the head of the one in docs_corpus/ says it). Does not know answers nor passages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rag.grounding.plain_text import plain
from rag.text.analyser import casefold

WHOLE = ("document", "vague")
"""Kinds of questions that are not answered from a ranking of passages."""


def wordings(question: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The wordings of each fact of a question."""
    return tuple((fact,) if isinstance(fact, str) else tuple(fact) for fact in question.get("key_facts", ()))


def held(said: str, facts: Sequence[Sequence[str]]) -> float:
    """The share of the facts that `said` holds, with its markup or without."""
    text = f"{spoken(said)} {spoken(plain(said))}"
    return sum(any(spoken(wording) in text for wording in fact) for fact in facts) / max(1, len(facts))


def spoken(text: str) -> str:
    """A text without regard to case and white space."""
    return " ".join(casefold(text).split())
