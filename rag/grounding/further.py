"""What stands below the quotes where it is not certain that they hold what is asked for: a stretch of another passage.

Knows which passages are the best, what was quoted of them, and what can be read by itself. Does not know how sure the
quotes are (`rag.grounding.quote_confidence`) nor how such a stretch is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from rag.grounding.choosing import choose
from rag.grounding.code_lines import is_torn
from rag.grounding.composing import by_place, composed, told
from rag.grounding.leaning import is_named, is_pointing
from rag.grounding.spans import Span, said_by, size_of, unrepeated
from rag.grounding.unit_features import Sentence
from rag.grounding.units import Kind
from rag.text import sentences
from rag.types import Passage

_BEST = 3
"""Among so many of the best passages it is looked for."""
_BEHIND, _SAYS = 3.0, 0.2
"""How far behind the best unit (in natural logarithms of the odds) its best may be, and how much of the question it
says at least."""
_NEAR = {True: 0.4, False: 0.23}
"""The cosine that its best has at least with the question where none of its document is quoted, by a second encoder or
by the first."""
_WORDS, _MOST = 40, 80
"""How many words it is made to have, and may have with what makes it whole."""
_AMID = regex.compile(r"\p{Ll}{4,}\s|[^()]{4,}\)")
"""What a sentence goes on with of which the beginning is missing: a small letter, but for names, or the end of a
bracket."""
_BLANK = regex.compile(r"\n[^\S\n]*\n\s*$")
"""The blank line right before a block."""


def further(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    made: Sequence[Span],
    scores: NDArray[np.float64],
    near: NDArray[np.float64],
    cosine: NDArray[np.float64] | None = None,
) -> list[Span]:
    """The best stretch of the first of the best passages that none of the spans `made` is of, where it is not far
    behind these, is in their language, short, can be read by itself, and says some of the question, by what `near` has
    of each unit; else that of the next. `found` are the units of the passages; `scores` says how well each answers,
    `cosine` how near in meaning it is, where an encoder says so: what is of a document that is not quoted is near.
    """
    quoted = {span.passage for span in made}
    best, language = max(span.score for span in made), passages[made[0].passage].language
    of = np.array([one.passage for one in found])
    says = by_place(found, near)
    for at in range(min(_BEST, len(passages))):
        own = of == at
        if at in quoted or passages[at].language != language or not (own & (scores >= best - _BEHIND)).any():
            continue
        chosen = choose(passages, found, np.where(own, scores, -np.inf), _WORDS, near)
        whole = composed(passages, found, chosen, near, _WORDS, sure=False) if chosen else []
        fresh = (span for span in unrepeated(passages, [*made, *whole]) if span.passage not in quoted)
        more = [span for span in fresh if _stands(passages, found, span)]
        units = [(span.passage, unit) for span in more for unit in span.units]
        if not units or told(says, units) < _SAYS or sum(size_of(passages, span) for span in more) > _MOST:
            continue
        if cosine is None or not _is_far(passages, made, more, by_place(found, cosine)):
            return more
    return []


def _is_far(
    passages: Sequence[Passage],
    made: Sequence[Span],
    more: Sequence[Span],
    cosines: Mapping[tuple[int, int], float],
) -> bool:
    """Whether all of `more` is far from the question and of another document than what is `made`."""
    passage = passages[more[0].passage]
    if passage.near is None or any(passages[span.passage].document == passage.document for span in made):
        return False
    best = max(cosines[span.passage, unit.start] for span in more for unit in span.units)
    return best < _NEAR[passage.near.second]


def _stands(passages: Sequence[Passage], found: Sequence[Sentence], span: Span) -> bool:
    """Whether a span can be read by itself: it begins with a whole sentence that does not lean on another passage, with
    the first item of a list or a block of code under a heading, or with rows whose columns have names; and it does not
    end amid a sentence that its items make together.
    """
    first, passage = span.units[0], passages[span.passage]
    said = said_by(passages, span.passage, first)
    if said_by(passages, span.passage, span.units[-1]).endswith((",", ";")):
        return False
    if first.kind is Kind.ROW:
        return all(name for name, _ in first.cells)
    if first.kind in (Kind.ITEM, Kind.CODE):
        own = (one for one in found if one.passage == span.passage and one.unit.kind is first.kind)
        begins = first.start == min(one.start for one in own if one.unit.group == first.group)
        if first.kind is Kind.CODE and not passage.text[: first.start].strip() and is_torn(said):
            return False
        block = first.kind is Kind.CODE and bool(_BLANK.search(passage.text[: first.start]))
        return (begins or block) and bool(passage.headings) and not (first.kind is Kind.ITEM and passage.edges[0])
    if _AMID.match(said):
        return False
    asked = bool(passage.headings) and passage.headings[-1].endswith(sentences.QUESTION_MARKS)
    return asked or not is_pointing(said) or is_named(said, passage.headings)
