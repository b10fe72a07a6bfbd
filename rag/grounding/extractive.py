"""Answers with the passages' own words: the stretches that answer a question best, each whole enough to be read.

Knows the units of passages and how well each answers (`rag.grounding.unit_features`), and which belong together. Does
not search, does not know models, and does not render (`rag.grounding.quoting` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import regex
from numpy.typing import NDArray

from rag.grounding.unit_features import Sentence, score, split, word_count
from rag.grounding.units import Kind, Unit
from rag.retrieval.weights import learned
from rag.text import sentences
from rag.types import NO_LIKES, Likes, Passage, Quote

_SURE = 0.9
_SPAN_WORDS, _LIST_WORDS, _CODE_WORDS, _ENOUGH = 45, 80, 60, 22
_ROWS, _NEAR_ROW, _NEAR_ITEM = 5, 1.2, 1.0
_TELLING = 6
_PICTURE = "Picture: "
"""What the description of a picture begins with (`rag.formats`)."""
_GAP = 8
"""Characters at most between two passages that follow one another."""
_FAR = 7.0
"""A stretch this much behind the best one (in natural logarithms of the odds) is not quoted beside it."""
LEANING = regex.compile(
    r"(?:it|here|there you|this|these|those|that|they|them|he|she|such|both|however|therefore|instead|otherwise|then|"
    r"also|but|and|or|so|because of (?:this|that|these)|in (?:this|that|these|such) cases?|for (?:this|that) reason|"
    r"the (?:former|latter|same)|"
    r"bu|bunun|bunlar|bunları|bunların|o|onun|onlar|ancak|ama|fakat|ayrıca|böylece|aksi|yine|ikisi|er|sie|es|dies\w*|"
    r"diese\w*|elle|il|ils|cela|ce|ella|ellos|esto|eso)\b",
    regex.I,
)


@dataclass(frozen=True, slots=True)
class Span:
    """What is quoted in one piece: units of one passage, in order. `score` is its best unit's."""

    passage: int
    units: tuple[Unit, ...]
    score: float


def quote(question: str, passages: Sequence[Passage], *, max_words: int = 100, own: str = "") -> list[Quote]:
    """The units that answer `question` best, in the order of `spans`, each by itself.

    `passages` come in the order of their rank. Empty when there is no passage.
    """
    return [
        Quote(span.passage, unit.start, unit.end, passages[span.passage].text[unit.start : unit.end], span.score)
        for span in spans(question, passages, max_words=max_words, own=own)
        for unit in span.units
    ]


def spans(
    question: str, passages: Sequence[Passage], *, max_words: int = 100, own: str = "", likes: Likes = NO_LIKES
) -> list[Span]:
    """The coherent stretches that answer `question` best, best first: as many as it takes to be fairly sure that the
    answer is among them, and no more than `max_words` together but for the first.

    `own` is what was typed, where `question` has words of the conversation besides: its words decide. `likes` has the
    words that are like the question's.
    """
    found = split(passages)
    if not found:
        return []
    scores = score(question, passages, found, learned(), own, likes)
    return choose(passages, found, scores, max_words)


def choose(
    passages: Sequence[Passage], found: Sequence[Sentence], scores: NDArray[np.float64], max_words: int
) -> list[Span]:
    """Spans around the best units, until they hold nearly all of what the scores give to all, or `max_words` are full.

    Spans that touch are one. All are in the language of the best: a sentence in another is no part of its answer.
    """
    odds = np.exp(scores - scores.max())
    chances = odds / odds.sum()
    chosen: dict[int, set[int]] = {}
    order: dict[int, float] = {}
    sure, used = 0.0, 0
    taken: set[int] = set()
    listed: set[tuple[int, int]] = set()
    shown: dict[int, Unit] = {}
    best = float(scores.max())
    spoken = passages[found[int(scores.argmax())].passage].language
    for i in np.argsort(-scores, kind="stable").tolist():
        if i in taken:
            continue
        if taken and scores[i] < best - _FAR:
            break
        if taken and passages[found[i].passage].language != spoken:
            continue
        kind, group = found[i].unit.kind, (found[i].passage, found[i].unit.group)
        item = kind is Kind.ITEM and scores[i] >= best - _NEAR_ITEM and _stands_alone(passages, found[i])
        if taken and kind is not Kind.SENTENCE and (scores[i] < best - _FAR / 2 or (group in listed and not item)):
            continue
        grown = [i] if group in listed else [k for k in grow(passages, found, i, scores) if k not in taken]
        cut = _shortened(passages, found, grown, i)
        size = sum(word_count(passages[found[k].passage].text[u.start : u.end]) for k, u in cut.items())
        if taken and used + size > max_words:
            grown = [i] if _stands_alone(passages, found[i]) else []
            cut = {i: found[i].unit}
            size = word_count(_text(passages, found[i]))
            if used + size > max_words:
                continue
        if not _says_something(passages, found, grown, bool(taken)):
            continue
        taken.update(grown)
        shown |= cut
        for place, k in enumerate(grown):
            if found[k].unit.kind is Kind.ITEM:
                listed.add((found[k].passage, found[k].unit.group))
            chosen.setdefault(found[k].passage, set()).add(k)
            order.setdefault(found[k].passage, float(scores[i]) - place * 1e-6)  # a list may go on in the next passage
        used += size
        sure += float(sum(chances[k] for k in grown))
        if sure >= _SURE or used >= max_words:
            break
    made: list[Span] = []
    for passage in sorted(order, key=lambda p: -order[p]):
        run: list[int] = []
        for k in sorted(chosen[passage]):
            if run and not _touching(found, run[-1], k):
                made.append(_span(found, _ended(passages, found, run), shown, scores))
                run = []
            run.append(k)
        made.append(_span(found, _ended(passages, found, run), shown, scores))
    return _unrepeated(passages, made)


def _ended(passages: Sequence[Passage], found: Sequence[Sentence], run: Sequence[int]) -> Sequence[int]:
    """A run without what leads into nothing at its end: what it announces stands in another passage, or nowhere."""
    last = len(run)
    while (
        last > 1 and _is_sentence(found[run[last - 1]]) and _text(passages, found[run[last - 1]]).endswith((":", "："))
    ):
        last -= 1
    return run[:last]


def _stands_alone(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a unit can be read without those around it."""
    said = _text(passages, one)
    if one.unit.kind is Kind.ITEM and len(one.words) < _TELLING + 1 and not sentences.PAUSE.search(said):
        return False
    return one.unit.kind is Kind.ROW or (
        (_is_sentence(one) or one.unit.kind is Kind.ITEM)
        and not said.endswith((":", "："))
        and not LEANING.match(said)
        and len(one.words) >= 4
    )


def _says_something(passages: Sequence[Passage], found: Sequence[Sentence], grown: Sequence[int], more: bool) -> bool:
    """Whether a stretch is more than questions, headings and what leads into nothing; code alone, a few words and
    the end of a torn sentence say something only where nothing was quoted yet.
    """
    content = [
        found[k]
        for k in grown
        if not found[k].unit.question
        and found[k].unit.kind is not Kind.HEADING
        and not _text(passages, found[k]).rstrip().endswith((":", "：", "::"))
        and not (more and _text(passages, found[k]).startswith(_PICTURE))
    ]
    if not content:
        return False
    if not more:
        return True
    torn = content[0].unit.kind is Kind.SENTENCE and _text(passages, content[0])[:1].islower()
    telling = any(one.unit.kind is Kind.ROW or len(one.words) >= _TELLING - 1 for one in content)
    prose = any(one.unit.kind is not Kind.CODE for one in content) or len(grown) > len(content)
    return prose and telling and not torn


def _unrepeated(passages: Sequence[Passage], made: Sequence[Span]) -> list[Span]:
    """The spans without units that were said before: neighbouring passages share a sentence, copies share all."""
    seen: set[str] = set()
    kept: list[Span] = []
    for span in made:
        fresh: list[Unit] = []
        for unit in span.units:
            said = " ".join(passages[span.passage].text[unit.start : unit.end].casefold().split())
            if said not in seen:
                seen.add(said)
                fresh.append(unit)
        if any(unit.kind is not Kind.HEADING and not unit.leads for unit in fresh) or (fresh and not kept):
            kept.append(replace(span, units=tuple(fresh)))
    return kept


def _span(
    found: Sequence[Sentence], run: Sequence[int], shown: Mapping[int, Unit], scores: NDArray[np.float64]
) -> Span:
    best = round(float(max(scores[k] for k in run)), 4)
    return Span(found[run[0]].passage, tuple(shown[k] for k in run), best)


def _touching(found: Sequence[Sentence], a: int, b: int) -> bool:
    same_table = found[a].unit.group == found[b].unit.group and found[a].unit.kind is Kind.ROW
    return found[a].passage == found[b].passage and (b == a + 1 or same_table)


def _text(passages: Sequence[Passage], sentence: Sentence) -> str:
    return passages[sentence.passage].text[sentence.start : sentence.end]


def grow(
    passages: Sequence[Passage], found: Sequence[Sentence], i: int, scores: NDArray[np.float64] | None = None
) -> list[int]:
    """Places of the units to quote with unit `i` so that it can be read: the neighbours of a sentence, a list with its
    lead-in, the like rows of a table, what follows a question or a heading.
    """
    unit = found[i].unit
    match unit.kind:
        case Kind.ROW:
            return _rows(found, i, scores)
        case Kind.ITEM:
            return _list(passages, found, i)
        case Kind.CODE:
            return _code(passages, found, i)
    if unit.leads and _below(found, i):
        below = _below(found, i)
        if found[below[0]].unit.kind is Kind.ITEM:
            return _list(passages, found, below[0])
        return [i, *below[:_ROWS]] if found[below[0]].unit.kind is Kind.ROW else _code(passages, found, below[0])
    if unit.question or unit.kind is Kind.HEADING:
        after = i + 1
        if after < len(found) and _follows(found, i, after) and not found[after].unit.question:
            rest = grow(passages, found, after, scores) if found[after].unit.kind is not Kind.HEADING else []
            return [k for k in rest if k > i]
        return []
    return _neighbours(passages, found, i)


def _is_sentence(one: Sentence) -> bool:
    return one.unit.kind is Kind.SENTENCE and not one.unit.question


def _follows(found: Sequence[Sentence], a: int, b: int) -> bool:
    return found[a].passage == found[b].passage


def _below(found: Sequence[Sentence], i: int) -> list[int]:
    """The list, table or code that unit `i` leads into."""
    after = i + 1
    if after >= len(found) or not _follows(found, i, after):
        return []
    first = found[after].unit
    if first.kind not in (Kind.ITEM, Kind.ROW, Kind.CODE):
        return []
    return [k for k in range(after, len(found)) if _follows(found, i, k) and found[k].unit.group == first.group]


def _rows(found: Sequence[Sentence], i: int, scores: NDArray[np.float64] | None) -> list[int]:
    if scores is None:
        return [i]
    group = _group(found, i)
    near = sorted((k for k in group if scores[k] >= scores[i] - _NEAR_ROW), key=lambda k: -scores[k])
    return sorted(near[:_ROWS])


def _code(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    """Code from its first line on, with what leads into it, as far as there is room."""
    group = _group(found, i)
    kept: list[int] = []
    for k in group:
        if kept and sum(word_count(_text(passages, found[j])) for j in (*kept, k)) > _CODE_WORDS:
            break
        kept.append(k)
    if i not in kept:
        kept = [i]
    before = kept[0] - 1
    return [before, *kept] if before >= 0 and _follows(found, before, i) and _is_sentence(found[before]) else kept


def _list(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    group = _whole_list(passages, found, i)
    sizes = {k: word_count(_text(passages, found[k])) for k in group}
    kept = group
    if sum(sizes.values()) > _LIST_WORDS:  # too long: the first sentence of each, else the items around the one
        firsts = {k: word_count(_first_sentence(passages, found[k])) for k in group}
        sizes = firsts if len(group) > 2 and sum(firsts.values()) <= _LIST_WORDS else sizes
    if sum(sizes.values()) > _LIST_WORDS:  # the item with those around it, the next before the last
        kept, low, high = [i], i, i
        while True:
            nearest = [k for k in (high + 1, low - 1) if k in sizes and _follows(found, k, i)]
            fits = [k for k in nearest if sum(sizes[j] for j in kept) + sizes[k] <= _LIST_WORDS * 2 // 3]
            if not fits:
                break
            kept.append(fits[0])
            low, high = min(low, fits[0]), max(high, fits[0])
        kept = sorted(kept)
    before = group[0] - 1
    if before >= 0 and _follows(found, before, group[0]) and _is_sentence(found[before]):
        return [before, *kept]
    return kept


def _whole_list(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    """The places of a list's items, with those in the passage before and after where the list goes across."""
    group = _group(found, i)
    ends = group[-1] + 1 == len(found) or not _follows(found, group[-1], group[-1] + 1)
    begins = group[0] == 0 or not _follows(found, group[0] - 1, group[0])
    own = passages[found[i].passage]
    for at, passage in enumerate(passages):
        if passage.document != own.document or at == found[i].passage or passage.headings != own.headings:
            continue
        there = [k for k, s in enumerate(found) if s.passage == at]
        if ends and there and 0 <= passage.start - own.end <= _GAP and found[there[0]].unit.kind is Kind.ITEM:
            group = [*group, *_group(found, there[0])]
        elif begins and there and 0 <= own.start - passage.end <= _GAP and found[there[-1]].unit.kind is Kind.ITEM:
            group = [*_group(found, there[-1]), *group]
    return group


def _group(found: Sequence[Sentence], i: int) -> list[int]:
    """The places of the units that are one list, table or code with unit `i`."""
    return [k for k, s in enumerate(found) if s.passage == found[i].passage and s.unit.group == found[i].unit.group]


def _first_sentence(passages: Sequence[Passage], one: Sentence) -> str:
    text = _text(passages, one)
    for _, end in sentences.split(text):
        if word_count(text[:end]) >= _TELLING:  # "Cut off." is a label, not yet what it means
            return text[:end]
    return text


def _shortened(passages: Sequence[Passage], found: Sequence[Sentence], run: Sequence[int], i: int) -> dict[int, Unit]:
    """The units of a run by their places; the items of a list that is too long with their first sentences only, but for
    item `i`, for which they are quoted.
    """
    items = [k for k in run if found[k].unit.kind is Kind.ITEM]
    whole = {k: found[k].unit for k in run}
    if sum(word_count(_text(passages, found[k])) for k in items) <= _LIST_WORDS:
        return whole
    cut = {k: found[k].start + len(_first_sentence(passages, found[k])) for k in items if k != i}
    return whole | {k: replace(whole[k], end=end) for k, end in cut.items()}


def _neighbours(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    """Sentence `i` with what it leans on before it, and what goes on after it in its paragraph."""
    kept = [i]
    size = word_count(_text(passages, found[i]))
    first = i
    while (
        first > 0
        and _follows(found, first - 1, i)
        and _is_sentence(found[first - 1])
        and not found[first - 1].unit.leads
        and (
            LEANING.match(_text(passages, found[first]))
            or (first == i and found[first - 1].unit.group == found[i].unit.group and size < _ENOUGH)
        )
        and size + word_count(_text(passages, found[first - 1])) <= _SPAN_WORDS + _ENOUGH
        and i - first < 2
    ):
        first -= 1
        kept.insert(0, first)
        size += word_count(_text(passages, found[first]))
    last = i
    while (
        last + 1 < len(found)
        and _follows(found, i, last + 1)
        and _is_sentence(found[last + 1])
        and found[last + 1].unit.group == found[i].unit.group
        and not found[last + 1].unit.leads
        and size + word_count(_text(passages, found[last + 1])) <= _SPAN_WORDS
    ):
        last += 1
        kept.append(last)
        size += word_count(_text(passages, found[last]))
    titled = first > 0 and _follows(found, first - 1, i) and found[first - 1].unit.kind is Kind.HEADING
    return [first - 1, *kept] if titled and not found[first - 1].unit.question else kept
