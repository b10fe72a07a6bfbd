"""What can be measured about a finished draft without asking any model.

Knows how each signal is computed. Does not know what follows from it (`hybrid.policies` does). What a draft shows by
itself is in `hybrid.policies.draft_features`, how its words overlap with the passages in `rag.grounding.overlap`; here
is what needs the citation check, the search or the model call as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import regex

from hybrid.policies import draft_features
from rag.grounding import overlap
from rag.text import phrases
from rag.text.analyser import snowball
from rag.text.language import detect
from rag.text.sentences import is_closed
from rag.types import CheckedAnswer, SearchResult, Support

LOGPROB_NAMES = ("uncertainty_max", "uncertainty_q90", "uncertainty_mean")

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_LANGUAGES = {"tr": "turkish", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "nl": "dutch"}
_KINDS = {
    "asks_number": regex.compile(r"\bhow (?:many|much|long|often|far|old)\b|\bkaç\b|\bne kadar\b", regex.I),
    "asks_reason": regex.compile(r"\b(?:why|how (?:do|does|can|should|to)|explain|neden|niçin|niye|nasıl)\b", regex.I),
    "asks_fact": regex.compile(r"\b(?:who|when|where|which)\b|\b(?:kim|nerede|hangi|ne zaman)\b", regex.I),
}  # fmt: skip
_TELLING_CHARS = 40


@dataclass(frozen=True, slots=True)
class Signals:
    """The measurements of one draft. `support` and `repetition` are shares in [0, 1]; `confidence` is retrieval's.

    `values` has every measurement that a fitted policy may weigh, by name; `id` names the draft in an evaluation.
    """

    chars: int
    support: float
    refused: bool
    confidence: float
    truncated: bool
    repetition: float
    topics: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    id: str = ""

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
            **self.values,
        }


def from_dict(stored: Mapping[str, float], *, id: str = "") -> Signals:
    """The signals that a trace stored (`Signals.as_dict`); of the topics, only how many there were. Raises KeyError."""
    values = dict(stored)
    return Signals(
        chars=int(values.pop("chars")),
        support=values.pop("support"),
        refused=bool(values.pop("refused")),
        confidence=values.pop("confidence"),
        truncated=bool(values.pop("truncated")),
        repetition=values["repetition"],
        topics=("",) * int(values.pop("topics")),
        values=values,
        id=id,
    )


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
    logprobs: Sequence[float] = (),
) -> Signals:
    """The signals of a finished draft. `completion_tokens` is None where the server did not count."""
    refused = phrases.is_refusal(draft)
    truncated = is_truncated(draft, finish_reason, completion_tokens, max_tokens)
    values = _of_text(question, draft)
    sources = "\n".join(" ".join((*passage.headings, passage.text)) for passage in found.passages)
    rests = overlap.measure(draft, sources)
    values.update({f"source_{name}": value for name, value in zip(overlap.NAMES, rests, strict=True)})
    values.update(
        doubtful_share=doubtful_share(checked),
        weakest_support=weakest_support(checked),
        passages_used=passages_used(checked, found),
        invalid_citations=math.log1p(len(checked.dropped)),
        margin=margin(found),
        passage_coverage=passage_coverage(question, sources),
        refused_though_found=float(refused) * found.confidence,
        language_mismatch=language_mismatch(question, draft),
    )
    values.update(question_kind(question))
    values.update(uncertainty(logprobs))
    return Signals(
        chars=len(draft.strip()),
        support=checked.supported_share,
        refused=refused,
        confidence=found.confidence,
        truncated=truncated,
        repetition=values["repetition"],
        topics=touched(question, topics, found.language),
        values={name: round(value, 4) for name, value in values.items()},
    )


def of_text(question: str, draft: str, *, id: str = "") -> Signals:
    """The signals of a draft of which nothing but the text is known: no search, no sources, no model call."""
    values = _of_text(question, draft)
    return Signals(
        chars=len(draft.strip()),
        support=1.0,
        refused=phrases.is_refusal(draft),
        confidence=1.0,
        truncated=bool(values["unfinished"]),
        repetition=values["repetition"],
        values=values,
        id=id,
    )


def _of_text(question: str, draft: str) -> dict[str, float]:
    return dict(zip(draft_features.NAMES, draft_features.vector(question, draft).tolist(), strict=True))


def is_truncated(text: str, finish_reason: str, completion_tokens: int | None, max_tokens: int) -> bool:
    """Whether the text stops before its end: said so, filled the limit, or, where nobody says, ends in mid-sentence."""
    if finish_reason == "length" or (completion_tokens is not None and completion_tokens >= max_tokens):
        return True
    return finish_reason != "stop" and bool(text.strip()) and not is_closed(text)


def doubtful_share(checked: CheckedAnswer) -> float:
    """Share of the claims that the passages support in part (a score between the two thresholds of
    `rag.grounding.citations`).
    """
    claims = [s for s in checked.sentences if s.support is not Support.NEUTRAL]
    return sum(s.support is Support.DOUBTFUL for s in claims) / len(claims) if claims else 0.0


def weakest_support(checked: CheckedAnswer) -> float:
    """The least supported claim's score: an answer is as good as its worst sentence. 1 where nothing is claimed."""
    return min((s.score for s in checked.sentences if s.support is not Support.NEUTRAL), default=1.0)


def passages_used(checked: CheckedAnswer, found: SearchResult) -> float:
    """Share of the passages that some sentence rests on."""
    used = {passage for sentence in checked.sentences for passage in sentence.passages}
    return len(used) / len(found.passages) if found.passages else 0.0


def margin(found: SearchResult) -> float:
    """How far the best passage stands out: its score over the second's, minus one; at most 1.

    The idea of query performance prediction by score spread (Shtok et al. 2012, "Predicting query performance by
    query-drift estimation", NQC).
    """
    scores = [passage.score for passage in found.passages[:2]]
    if len(scores) < 2 or scores[1] <= 0:
        return float(bool(scores))
    return min(1.0, max(0.0, scores[0] / scores[1] - 1.0))


def passage_coverage(question: str, sources: str) -> float:
    """Share of the question's content words that stand somewhere in the passages."""
    return overlap.held_share(question, sources)


def language_mismatch(question: str, draft: str) -> float:
    """1 where question and draft are in two languages, both long enough to tell."""
    if min(len(question), len(draft)) < _TELLING_CHARS // 2 or len(draft) < _TELLING_CHARS:
        return 0.0
    asked, written = detect(question), detect(draft)
    return float(bool(asked) and bool(written) and asked != written)


def question_kind(question: str) -> dict[str, float]:
    """Whether the question asks for a number, for a reason or a way, or for a person, a place, a time."""
    return {name: float(bool(pattern.search(question))) for name, pattern in _KINDS.items()}


def uncertainty(logprobs: Sequence[float]) -> dict[str, float]:
    """Token uncertainty in nats where the server sends log-probabilities, nothing where it does not.

    The maximum and the 90th percentile find the one shaky token that a mean over many easy ones hides (Gupta et al.
    2024, arXiv:2404.10136); the mean estimates the entropy of the text.
    """
    if not logprobs:
        return {}
    surprise = -np.asarray(logprobs, dtype=np.float64)
    figures = (surprise.max(), np.quantile(surprise, 0.9), surprise.mean())
    return {name: float(min(value, 50.0)) for name, value in zip(LOGPROB_NAMES, figures, strict=True)}


def repetition(text: str) -> float:
    """Share of the text's word 5-grams that occur again later; 0 for a text too short to have any."""
    return draft_features.repetition(draft_features.Draft("", text))


def touched(question: str, topics: Sequence[str], language: str = "") -> tuple[str, ...]:
    """Which of `topics` (words or phrases) the question touches, compared by stem in `language` and in English."""
    if not topics:
        return ()
    hits: dict[str, None] = {}
    for tongue in dict.fromkeys((_LANGUAGES.get(language, "english"), "english")):
        asked = _stems(question, tongue)
        for topic in topics:
            wanted = _topic(topic, tongue)
            if wanted and any(asked[i : i + len(wanted)] == wanted for i in range(len(asked) - len(wanted) + 1)):
                hits.setdefault(topic)
    return tuple(topic for topic in topics if topic in hits)


@lru_cache(maxsize=256)
def _topic(topic: str, tongue: str) -> list[str]:
    """The stems of a topic, which are the same for every question."""
    return _stems(topic, tongue)


def _stems(text: str, tongue: str) -> list[str]:
    folded = text.replace("İ", "i").replace("I", "ı") if tongue == "turkish" else text
    return list(snowball(tongue).stemWords(_WORD.findall(folded.casefold())))
