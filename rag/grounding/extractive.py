"""Answers with the passages' own words: the stretches that answer a question best, each whole enough to be read.

Knows the units of passages and how well each answers (`rag.grounding.unit_features`), and what of them may be looked
at besides. Does not choose among units (`rag.grounding.choosing` does), does not search, does not know models, and
does not render (`rag.grounding.quoting` does).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.grounding import changes, quote_confidence
from rag.grounding.choosing import choose, is_dated, is_title
from rag.grounding.composing import composed
from rag.grounding.dead_pointers import points_away
from rag.grounding.further import Offer, further, offers
from rag.grounding.nearness import cosines, weighed
from rag.grounding.pointers import introduces
from rag.grounding.spans import Span, unrepeated
from rag.grounding.stretches import is_adrift, is_sentence, text_of
from rag.grounding.unit_features import Sentence, rate, split
from rag.grounding.units import Kind, units
from rag.retrieval.weights import learned
from rag.text import sentences
from rag.types import NO_LIKES, Likes, Passage, Quote, ReadEach

_MANY, _WORDY = 25, 0.6
_CHANGED = 1.0
"""How much less a sentence of a changelog counts where no version is asked about, and an item of it twice as much."""
_ADRIFT, _UNREADABLE, _AWAY = 2.0, 6.0, 1.0
"""How much less a sentence counts that leans on what its passage does not hold, or holds nothing but numbers; one that
is none; and one that points at what its passage does not hold, or code that nothing there leads into."""


def quote(question: str, passages: Sequence[Passage], *, max_words: int = 100, own: str = "") -> list[Quote]:
    """The units that answer `question` best, in the order of `quoted`, each by itself.

    `passages` come in the order of their rank. Empty when there is no passage.
    """
    return [
        Quote(span.passage, unit.start, unit.end, passages[span.passage].text[unit.start : unit.end], span.score)
        for span in quoted(question, passages, max_words=max_words, own=own).spans
        for unit in span.units
    ]


@dataclass(frozen=True, slots=True)
class Quoted:
    """What is quoted: the spans, best first, and the estimate in [0, 1] that they hold what is asked for, with the
    values that it was made from (`rag.grounding.quote_confidence`). `further` stands in others of the best passages, of
    which it was `offered`: it may hold what the spans lack.
    """

    spans: tuple[Span, ...] = ()
    holds: float = 0.0
    values: NDArray[np.float64] | None = None
    further: tuple[Span, ...] = ()
    offered: tuple[Offer, ...] = ()


def quoted(
    question: str,
    passages: Sequence[Passage],
    *,
    max_words: int = 100,
    own: str = "",
    likes: Likes = NO_LIKES,
    sure: bool = True,
    confidence: float = 1.0,
    read: ReadEach | None = None,
) -> Quoted:
    """The coherent stretches that answer `question` best, best first: as many as it takes to be fairly sure that the
    answer is among them, and no more than `max_words` together but for the first.

    `own` is what was typed, where `question` has words of the conversation besides: its words decide. `likes` has the
    words that are like the question's; unless it is `sure` that the passages answer, little is put beside the best.
    `confidence` is the search's, in [0, 1]; `read` says how likely passages answer the question, where a reader does.
    """
    found = split(passages)
    if not found:
        return Quoted()
    scores, in_context = rate(question, passages, found, learned(), own, likes)
    near = cosines(passages, found)
    scores = weighed(scores, passages, found, near)
    scores = scores - np.array([_lacks(passages, one) for one in found])
    told = [changes.tells(one) for one in passages]
    if any(told) and not changes.asked(own or question):
        scores = scores - _CHANGED * np.array([told[one.passage] * (1 + (one.unit.kind is Kind.ITEM)) for one in found])
    chosen = choose(passages, found, scores, max_words, in_context)
    if not chosen:
        return Quoted()
    made = unrepeated(passages, composed(passages, found, chosen, in_context, max_words, sure=sure))
    values = quote_confidence.describe(passages, found, made, scores, in_context, near, confidence)
    holds = quote_confidence.holds(values) if values is not None else 0.0
    offered = tuple(offers(passages, found, made, scores, in_context, near, holds))
    more = further(passages, offered, made[0].passage, read)
    return Quoted(tuple(made), holds, values, tuple(more), offered)


def _lacks(passages: Sequence[Passage], one: Sentence) -> float:
    """How much less a unit counts that tells nothing by itself: it leans on another passage, has no words, is a title,
    says what its page is or of which day, or cannot be read.
    """
    said = text_of(passages, one)
    if one.unit.kind is Kind.SENTENCE and _is_scattered(said):
        return _UNREADABLE
    if one.unit.kind is Kind.CODE:
        return _ADRIFT * is_adrift(passages, one) or _AWAY * _is_bare(passages[one.passage], one)
    if is_sentence(one) and points_away(passages[one.passage], one.unit, units(passages[one.passage].text)):
        return _AWAY
    title = one.unit.kind is Kind.SENTENCE and (is_title(said) or is_dated(said))
    return _ADRIFT * (title or is_adrift(passages, one) or _is_wordless(one) or introduces(passages, one))


def _is_scattered(said: str) -> bool:
    """Whether a long line is no sentence but what a picture or a drawing of a table was read as: it has no end, and
    hardly more words than numbers and signs.
    """
    words = said.split()
    return (
        len(words) >= _MANY
        and not sentences.ENDING.search(said)
        and sum(word.strip(".,;:()").isalpha() for word in words) < _WORDY * len(words)
    )


def _is_bare(passage: Passage, one: Sentence) -> bool:
    """Whether nothing but other code or a heading stands before code in its passage."""
    before = [unit for unit in units(passage.text) if unit.start < one.start and unit.kind is not Kind.NOISE]
    while before and before[-1].group == one.unit.group:
        before.pop()
    return not before or before[-1].kind in (Kind.CODE, Kind.HEADING)


def _is_wordless(one: Sentence) -> bool:
    """Whether a unit holds nothing but numbers."""
    return not any(sign.isalpha() for _, surface, _, _ in one.words for sign in surface)
