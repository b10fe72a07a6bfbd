"""How far an answer's supported sentences answer the question: what they bring beyond the question's own words, and
whether the sentences of the passages that they rest on are those that a quotation would take.

Knows words, and how well a sentence answers (`rag.grounding.unit_features`). Does not know who wrote the answer, nor
what follows from the figures (`hybrid.answering.acceptance` does). A sentence copied from a passage that speaks of
something else is supported, and still no answer: that is what these figures are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import regex

from rag.grounding import unit_features
from rag.retrieval.weights import learned
from rag.text import idf
from rag.text.analyser import stop_terms
from rag.types import CheckedAnswer, Passage, Support

NAMES: tuple[str, ...] = (
    "chance", "best", "near", "passage", "coverage", "around", "supported", "unsupported", "score", "new", "only",
    "claims",
)  # fmt: skip
"""The chance that one of the sentences rested on answers, that of the best of them beside the best of all, the share of
the question's words that they hold; the shares of supported and unsupported claims, the mean score; how many new words
the answer brings, whether it brings at most two, and how many claims it makes (the last in logarithms)."""
_MARKER = regex.compile(r"\s*\[\d+\]")
_CARRIES, _NEAR = 0.5, 2


@dataclass(frozen=True, slots=True)
class _Sentence:
    words: frozenset[str]
    chance: float
    beside_best: float
    near: float
    of_passage: float
    around: frozenset[str]


def measure(question: str, passages: Sequence[Passage], checked: CheckedAnswer) -> dict[str, float]:
    """The figures of NAMES for an answer that was checked against these passages; all 0 where it makes no claim."""
    claims = [s for s in checked.sentences if s.support is not Support.NEUTRAL]
    if not claims or not passages:
        return dict.fromkeys(NAMES, 0.0)
    language = passages[0].language or "en"
    stop = stop_terms(language)
    asked = {key for word in idf.terms_of(question, language) for key in word[:2]}
    content = {w[0] for w in idf.terms_of(question, language) if w[1] not in stop}
    read = _sentences(question, tuple(passages))
    chance = best = near = of_passage = 0.0
    held: set[str] = set()
    around: set[str] = set()
    brought: set[str] = set()
    counted: set[int] = set()
    for claim in claims:
        if claim.support not in (Support.SUPPORTED, Support.DOUBTFUL):
            continue
        new = {
            stem
            for stem, word, _, _ in idf.terms_of(_plain(claim.text), language)
            if word not in stop and stem not in asked and word not in asked
        }
        brought |= new
        for at, sentence in enumerate(read):
            if new and len(new & sentence.words) >= _CARRIES * len(new):
                best = max(best, sentence.beside_best)
                near = max(near, sentence.near)
                of_passage = max(of_passage, sentence.of_passage)
                held |= content & sentence.words
                around |= content & sentence.around
                if at not in counted:
                    counted.add(at)
                    chance += sentence.chance
    return {
        "chance": min(1.0, chance),
        "best": best,
        "near": near,
        "passage": of_passage,
        "around": len(around) / max(1, len(content)),
        "coverage": len(held) / max(1, len(content)),
        "supported": sum(c.support is Support.SUPPORTED for c in claims) / len(claims),
        "unsupported": sum(c.support is Support.UNSUPPORTED for c in claims) / len(claims),
        "score": sum(c.score for c in claims) / len(claims),
        "new": float(np.log1p(len(brought))),
        "only": float(0 < len(brought) <= 2),
        "claims": float(np.log1p(len(claims))),
    }


def prepare(question: str, passages: Sequence[Passage]) -> None:
    """Do what `measure` needs of the question and its passages ahead, while an answer is being written."""
    _sentences(question, tuple(passages))


@lru_cache(maxsize=64)
def _sentences(question: str, passages: tuple[Passage, ...]) -> list[_Sentence]:
    found = unit_features.split(passages)
    if not found:
        return []
    scores = unit_features.score(question, passages, found, learned())
    odds = np.exp(scores - scores.max())
    chances = odds / odds.sum()
    words = [frozenset(key for word in s.words for key in word[:2]) for s in found]
    about = [frozenset(w[0] for w in idf.terms_of(" ".join((*p.headings, p.document)), p.language)) for p in passages]
    read: list[_Sentence] = []
    for at, one in enumerate(found):
        close = [i for i in range(max(0, at - _NEAR), at + _NEAR + 1) if i < len(found)]
        close = [i for i in close if found[i].passage == one.passage]
        read.append(
            _Sentence(
                words[at],
                float(chances[at]),
                float(odds[at]),
                float(chances[close].sum()),
                float(sum(chances[i] for i, other in enumerate(found) if other.passage == one.passage)),
                about[one.passage].union(*(words[i] for i in close)),
            )
        )
    return read


def _plain(text: str) -> str:
    return _MARKER.sub("", text)
