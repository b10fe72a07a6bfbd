"""Sends a question to the model that suits its kind: code, summary, classification. Decided by words, without a model.

Knows how such questions are worded in English and Turkish, and the cards' capabilities. Does not know which models are
there. Off unless `models.routing` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import regex

from hybrid.models.catalogue import Capability, Catalog

_WORDINGS: tuple[tuple[Capability, regex.Pattern[str]], ...] = (
    (
        Capability.CODE,
        regex.compile(
            r"```|\b(?:code|script|function|regex|regular expression|sql|python|javascript|typescript|powershell|bash|"
            r"yaml|json|stack ?trace|compile|unit test|snippet)\b|\b(?:kod|betik|fonksiyon|sorgu|düzenli ifade)\p{L}*",
            regex.I,
        ),
    ),
    (
        Capability.SUMMARIZE,
        regex.compile(
            r"\b(?:summar(?:y|ise|ize|ies)|sum up|in short|tl;?dr|overview|key points|main points|briefing|digest)\b|"
            r"\b(?:özet|kısaca|ana hatlar)\p{L}*",
            regex.I,
        ),
    ),
    (
        Capability.CLASSIFICATION,
        regex.compile(
            r"\b(?:classify|categori[sz]e|label|which (?:category|class|type|kind|group)|sort into)\b|"
            r"\b(?:sınıflandır|kategori|hangi (?:tür|sınıf|grup))\p{L}*",
            regex.I,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a question goes, and why: the word or words that told its kind."""

    model: str
    capability: Capability
    words: str


def kind_of(question: str) -> tuple[Capability, str] | None:
    """The capability a question calls for, with the words that say so; None for an ordinary question."""
    for capability, wording in _WORDINGS:
        found = wording.search(question[:4000])
        if found:
            return capability, found.group()
    return None


def route(question: str, default: str, catalog: Catalog, usable: Callable[[str], bool]) -> Route | None:
    """The model that suits the question better than `default`, or None: an ordinary question, a default that can do it,
    or nobody there who can.
    """
    kind = kind_of(question)
    if kind is None:
        return None
    capability, words = kind
    able = catalog.able(capability)
    card = catalog.card(default)
    if card is not None and card.alias in able:
        return None
    return next((Route(model, capability, words) for model in able if usable(model)), None)
