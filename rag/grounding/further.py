"""What stands below the quotes where it is likely enough to hold what they lack: stretches of other passages.

Knows which passages are the best, what was quoted of them, and what can be read by itself. Does not know what makes a
stretch likely (`rag.grounding.further_chance`) nor how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray

from rag.grounding import further_chance
from rag.grounding.choosing import choose
from rag.grounding.composing import by_place, composed, told
from rag.grounding.further_chance import Floats
from rag.grounding.leaning import is_named, is_pointing, leans
from rag.grounding.spans import Span, said_by, size_of, unrepeated
from rag.grounding.unit_features import Sentence
from rag.grounding.units import Kind, Unit
from rag.text import sentences
from rag.types import Passage, ReadEach

_BEST, _BEHIND = 5, 8.0
"""Among so many of the best passages stretches are looked for, and how far behind the best quoted unit (in natural
logarithms of the odds) the best of one may be."""
_SHOWN, _LIKELY, _READ = 2, 0.065, 0.02
"""So many stand below the quotes at most, each at least so likely to hold what these lack; what is so likely by its
words is read."""
_WORDS, _MOST = 40, 80
"""How many words it is made to have, and may have with what makes it whole."""
_AMID = regex.compile(r"\p{Ll}{4,}\s|[^()]{4,}\)")
"""What a sentence goes on with of which the beginning is missing: a small letter, but for names, or the end of a
bracket."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What may stand below the quotes: the spans of one passage, and its values of `further_chance.FEATURES`."""

    spans: tuple[Span, ...]
    values: Floats


def offers(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    made: Sequence[Span],
    scores: NDArray[np.float64],
    near: NDArray[np.float64],
    cosines: NDArray[np.float64] | None,
    holds: float,
) -> Iterator[Offer]:
    """The best stretch of each of the best passages that none of the spans `made` is of, where it is in their language,
    short, and can be read by itself.

    `found` are the units of the passages; of each, `scores` says how well it answers, `near` how much of the question
    it says, and `cosines` how near it is in meaning, NaN where that is not known. `holds` is the estimate that what is
    made holds what is asked for.
    """
    quoted = {span.passage for span in made}
    best, language = max(span.score for span in made), passages[made[0].passage].language
    of = np.array([one.passage for one in found])
    says = by_place(found, near)
    means = by_place(found, cosines) if cosines is not None else {}
    said, meant = told(says, _units(made)), _nearest(means, made)
    for at, passage in enumerate(passages[:_BEST]):
        own = of == at
        behind = best - float(scores[own].max(initial=-np.inf))
        if at in quoted or passage.language != language or behind > _BEHIND:
            continue
        chosen = choose(passages, found, np.where(own, scores, -np.inf), _WORDS, near)
        whole = composed(passages, found, chosen, near, _WORDS, sure=False) if chosen else []
        fresh = (span for span in unrepeated(passages, [*made, *whole]) if span.passage not in quoted)
        more = tuple(span for span in fresh if _stands(passages, found, span))
        if more and sum(size_of(passages, span) for span in more) <= _MOST:
            nearer = _nearest(means, more) - meant
            apart = passages[0].score - passage.score
            values = further_chance.describe(
                holds, behind, told(says, _units(more)), said, apart, 0.0 if np.isnan(nearer) else nearer
            )
            yield Offer(more, values)


def further(passages: Sequence[Passage], offered: Sequence[Offer], first: int, read: ReadEach | None) -> list[Span]:
    """The spans of what is likely enough to hold what the quotes lack, likeliest first: by what a reader says of their
    passages beside the `first` one that is quoted, where it reads these.
    """
    chances = [further_chance.chance(offer.values) for offer in offered]
    to_read = [at for at, chance in enumerate(chances) if chance >= _READ] if read is not None else []
    if read is not None and to_read:
        own, *others = read([passages[first], *(passages[offered[at].spans[0].passage] for at in to_read)])
        for at, odds in zip(to_read, others, strict=True):
            if own is not None and odds is not None:
                chances[at] = further_chance.chance(further_chance.read_too(offered[at].values, odds, own))
    likely = [(chance, offer) for chance, offer in zip(chances, offered, strict=True) if chance >= _LIKELY]
    likely.sort(key=lambda one: -one[0])
    return unrepeated(passages, [span for _, offer in likely[:_SHOWN] for span in offer.spans])


def _units(spans: Sequence[Span]) -> list[tuple[int, Unit]]:
    return [(span.passage, unit) for span in spans for unit in span.units]


def _nearest(means: Mapping[tuple[int, int], float], spans: Sequence[Span]) -> float:
    """The cosine of the nearest unit of spans; NaN where none is known."""
    known = [means.get((passage, unit.start), np.nan) for passage, unit in _units(spans)]
    return max((one for one in known if not np.isnan(one)), default=np.nan)


def _stands(passages: Sequence[Passage], found: Sequence[Sentence], span: Span) -> bool:
    """Whether a span can be read by itself: it begins with a whole sentence that does not lean on another passage, nor
    on its heading but for a question, with the first item of a list under a heading, or with rows whose columns have
    names; and it does not end amid a sentence that its items make together.
    """
    first, passage = span.units[0], passages[span.passage]
    said = said_by(passages, span.passage, first)
    if said_by(passages, span.passage, span.units[-1]).endswith((",", ";")) or first.kind is Kind.CODE:
        return False
    if first.kind is Kind.ROW:
        return all(name for name, _ in first.cells)
    if first.kind is Kind.ITEM:
        own = (one for one in found if one.passage == span.passage and one.unit.kind is Kind.ITEM)
        begins = first.start == min(one.start for one in own if one.unit.group == first.group)
        return begins and bool(passage.headings) and not passage.edges[0]
    if _AMID.match(said):
        return False
    asked = bool(passage.headings) and passage.headings[-1].endswith(sentences.QUESTION_MARKS)
    return not is_pointing(said) or is_named(said, passage.headings) or (asked and leans(said))
