"""What can be measured about a finished draft without asking any model.

Knows how each signal is computed. Does not know what follows from it (`hybrid.policy` does).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import regex
import Stemmer

from hybrid.generation import is_closed
from rag import phrases
from rag.types import CheckedAnswer, SearchResult

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_LANGUAGES = {"tr": "turkish", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch"}
_NGRAM = 5


@dataclass(frozen=True, slots=True)
class Signals:
    """The measurements of one draft. `support` and `repetition` are shares in [0, 1]; `confidence` is retrieval's."""

    chars: int
    support: float
    refused: bool
    confidence: float
    truncated: bool
    repetition: float
    topics: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return self.chars == 0

    def as_dict(self) -> dict[str, float]:
        """Numbers only, as a trace stores them."""
        return {
            "chars": float(self.chars),
            "support": self.support,
            "refused": float(self.refused),
            "confidence": self.confidence,
            "truncated": float(self.truncated),
            "repetition": self.repetition,
            "topics": float(len(self.topics)),
        }


def measure(
    question: str,
    draft: str,
    checked: CheckedAnswer,
    found: SearchResult,
    *,
    finish_reason: str,
    completion_tokens: int | None,
    max_tokens: int,
    topics: Sequence[str],
) -> Signals:
    """The signals of a finished draft. `completion_tokens` is None where the server did not count."""
    return Signals(
        chars=len(draft.strip()),
        support=checked.supported_share,
        refused=phrases.is_refusal(draft),
        confidence=found.confidence,
        truncated=is_truncated(draft, finish_reason, completion_tokens, max_tokens),
        repetition=repetition(draft),
        topics=touched(question, topics, found.language),
    )


def is_truncated(text: str, finish_reason: str, completion_tokens: int | None, max_tokens: int) -> bool:
    """Whether the text stops before its end: said so, filled the limit, or, where nobody says, ends in mid-sentence."""
    if finish_reason == "length" or (completion_tokens is not None and completion_tokens >= max_tokens):
        return True
    return finish_reason != "stop" and bool(text.strip()) and not is_closed(text)


def repetition(text: str) -> float:
    """Share of the text's word 5-grams that occur again later; 0 for a text too short to have any.

    The "rep-n" measure of degenerate text: Welleck et al. 2020, "Neural text generation with unlikelihood training".
    """
    words = _WORD.findall(text.casefold())
    grams = [tuple(words[i : i + _NGRAM]) for i in range(len(words) - _NGRAM + 1)]
    if not grams:
        return 0.0
    return 1.0 - len(Counter(grams)) / len(grams)


def touched(question: str, topics: Sequence[str], language: str = "") -> tuple[str, ...]:
    """Which of `topics` (words or phrases) the question touches, compared by stem in `language` and in English."""
    if not topics:
        return ()
    hits: dict[str, None] = {}
    for tongue in dict.fromkeys((_LANGUAGES.get(language, "english"), "english")):
        asked = _stems(question, tongue)
        for topic in topics:
            wanted = _stems(topic, tongue)
            if wanted and any(asked[i : i + len(wanted)] == wanted for i in range(len(asked) - len(wanted) + 1)):
                hits.setdefault(topic)
    return tuple(topic for topic in topics if topic in hits)


def _stems(text: str, tongue: str) -> list[str]:
    folded = text.replace("İ", "i").replace("I", "ı") if tongue == "turkish" else text
    return list(_stemmer(tongue).stemWords(_WORD.findall(folded.casefold())))


@cache
def _stemmer(tongue: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(tongue)
