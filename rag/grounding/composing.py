"""What is quoted in all: which spans stand beside the best.

Knows spans and how much of the question they say. Does not know what answers (`rag.grounding.extractive` chooses), what
goes with a span so that it is read whole (`rag.grounding.completing`) nor how it is shown (`rag.grounding.quoting`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rag.grounding.completing import completed, with_exceptions
from rag.grounding.dead_pointers import with_what_is_below, without_dead_pointers
from rag.grounding.leaning import is_named, is_pointing
from rag.grounding.spans import Span, said_by, size_of
from rag.grounding.unit_features import Sentence
from rag.grounding.units import Kind, Unit
from rag.types import Passage

_EQUAL, _NEARLY, _BESIDE, _AFTER = 0.3, 0.8, 1.0, 2.5
"""How far behind the best span (in natural logarithms of the odds) one of another passage may be that stands beside it:
one of the same document in any case, and where it says hardly less of the question than the best; one that says some of
it, and one of the same document that says much of it, or any where the best is a few words.
"""
_SAYS_SOME, _SAYS_MUCH, _LESS, _LITTLE = 0.35, 0.5, 0.1, 25
"""How much of the question says some of it, much of it and hardly less, and how many words are few."""


def composed(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    made: Sequence[Span],
    near: NDArray[np.float64],
    max_words: int,
    *,
    sure: bool,
) -> list[Span]:
    """What is quoted of `made`: the spans of the best one's passage, those of one other passage that says enough of the
    question and not much less than the best one's, by what `near` has of each unit, and what goes on with them, as far
    as there is room. Where it is not `sure` that the question is answered, the other passage is as good as the best.
    """
    of: dict[int, list[Span]] = {}
    for span in made:
        of.setdefault(span.passage, []).append(span)
    scores = {passage: max(span.score for span in own) for passage, own in of.items()}
    says = by_place(found, near)
    first, *others = sorted(scores, key=lambda passage: -scores[passage])
    for passage in [one for one in others if _touch(passages[first], passages[one])]:
        of[first].extend(of.pop(passage))
        others.remove(passage)
    of[first].sort(key=lambda span: passages[span.passage].start)
    few = sum(size_of(passages, span) for span in of[first]) < _LITTLE
    said = {
        at: max(says[span.passage, unit.start] for span in of[at] for unit in span.units) for at in (first, *others)
    }
    for passage in others:
        behind = scores[first] - scores[passage]
        related = passages[passage].document == passages[first].document
        much = few or (related and said[passage] >= max(_SAYS_MUCH, said[first] - _LESS))
        some = said[passage] >= _SAYS_SOME
        as_good = behind <= _EQUAL and (related or some)
        less = said[passage] < said[first] - _LESS
        beside = (
            (behind <= _NEARLY and (related or some)) or (behind <= _BESIDE and some) or (behind <= _AFTER and much)
        )
        if as_good or (sure and beside and not less):
            both = [of[first], of[passage]]
            if related and _is_before(passages, of[passage], of[first]):
                both.reverse()
            chosen = [*both[0], *both[1]]
            break
    else:
        chosen = of[first]
    rooted = _rooted(passages, completed(passages, found, chosen, says, max_words), says)
    return with_exceptions(passages, found, without_dead_pointers(passages, with_what_is_below(passages, rooted), says))


def _is_before(passages: Sequence[Passage], one: Sequence[Span], other: Sequence[Span]) -> bool:
    """Whether spans stand before others in one section, and begin with what can be read first."""
    a, b = passages[one[0].passage], passages[other[0].passage]
    opening = one[0].units[0]
    readable = opening.kind is Kind.SENTENCE and not is_pointing(said_by(passages, one[0].passage, opening))
    return a.headings == b.headings and a.start < b.start and readable


def _rooted(passages: Sequence[Passage], made: Sequence[Span], says: Mapping[tuple[int, int], float]) -> list[Span]:
    """The spans without a first paragraph of one sentence that leans on what stands in another passage, where what
    comes after it, or another span where it is all of one, says hardly less of the question.
    """
    kept: list[Span] = []
    for at, span in enumerate(made):
        first, *rest = span.units
        others = [(span.passage, unit) for unit in rest]
        if not rest:
            others = [(one.passage, unit) for one in (*kept, *made[at + 1 :]) for unit in one.units]
        least = told(says, [(span.passage, first)]) - _LESS
        if not (others and _is_loose(passages, span) and least <= told(says, others)):
            kept.append(span)
        elif rest:
            kept.append(replace(span, units=tuple(rest)))
    return kept


def by_place(found: Sequence[Sentence], near: NDArray[np.float64]) -> dict[tuple[int, int], float]:
    """What `near` has of each unit, by its passage and where it begins there."""
    return {(one.passage, one.start): float(near[at]) for at, one in enumerate(found)}


def told(says: Mapping[tuple[int, int], float], units: Sequence[tuple[int, Unit]]) -> float:
    """How much of the question the units of passages say."""
    return max(says.get((passage, unit.start), 0.0) for passage, unit in units)


def _is_loose(passages: Sequence[Passage], span: Span) -> bool:
    """Whether the first unit of a span is a paragraph of one sentence that leans on another passage."""
    first, after = span.units[0], next(iter(span.units[1:]), None)
    goes_on = after is not None and (after.kind, after.group) == (first.kind, first.group)
    said = said_by(passages, span.passage, first)
    return (
        first.kind is Kind.SENTENCE
        and not (first.leads or first.question or goes_on)
        and not passages[span.passage].text[: first.start].strip()
        and is_pointing(said)
        and not (after is not None and is_pointing(said_by(passages, span.passage, after)))
        and not is_named(said, passages[span.passage].headings)
    )


def _touch(one: Passage, other: Passage) -> bool:
    """Whether two passages follow one another in their document."""
    return one.is_before(other) or other.is_before(one)
