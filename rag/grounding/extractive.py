"""Answers with the passages' own words: the stretches that answer a question best, each whole enough to be read.

Knows units (`rag.grounding.units`), questions, and learned weights for what makes a unit an answer. Does not search,
does not know models, and does not render (`rag.grounding.quoting` does).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import regex
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from rag.grounding.units import Kind, Unit, units
from rag.retrieval import query
from rag.retrieval.answer_type import KINDS, asks_for
from rag.retrieval.weights import Weights, learned
from rag.storage.passage_terms import word_flags
from rag.text import idf
from rag.types import Passage, Quote

FEATURES = (
    "bm25", "coverage", "surface", "pair", "related", "context", "rank", "first", "lead", "asked_time", "asked_number",
    "asked_name", "new_share", "length", "short", "position", "coverage_first", "question", "item", "row", "code",
    "heading", "leads", "lead_in", "innermost", "after_question", "row_name", "opening",
)  # fmt: skip
"""What is known of a unit: its BM25 and the share of the question's weight it holds (with other words for them, with
the headings and what leads into it as context), its passage's rank, whether it has the kind of word asked for, how much
of it is new, its length and place, what it is, and how much of the question its lead-in, its passage's innermost
heading, the question before it, or the first cell of its row holds."""
WEIGHTS = Path(__file__).parent / "weights.json"
_PLAIN = {"bm25": 1.0, "coverage": 1.0, "rank": -0.3, "context": 0.5}
_SURE = 0.9
_SPAN_WORDS, _LIST_WORDS, _ENOUGH = 45, 100, 22
_ROWS, _NEAR_ROW = 5, 1.2
_FAR = 3.0
"""A stretch this much behind the best one (in natural logarithms of the odds) is not quoted beside it."""
_LEANING = regex.compile(
    r"(?:it|this|these|those|that|they|them|he|she|such|both|however|therefore|instead|otherwise|then|also|but|and|or|"
    r"so|because of (?:this|that|these)|in (?:this|that|these|such) cases?|for (?:this|that) reason|"
    r"the (?:former|latter|same)|"
    r"bu|bunun|bunlar|bunları|bunların|o|onun|onlar|ancak|ama|fakat|ayrıca|böylece|aksi|yine|ikisi|er|sie|es|dies\w*|"
    r"diese\w*|elle|il|ils|cela|ce|ella|ellos|esto|eso)\b",
    regex.I,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A unit of a passage. `words` are (stem, folded surface, start, end) with offsets from `start`; `place` counts the
    units of its passage.
    """

    passage: int
    start: int
    end: int
    place: int
    words: tuple[tuple[str, str, int, int], ...]
    unit: Unit


@dataclass(frozen=True, slots=True)
class Span:
    """What is quoted in one piece: units of one passage, in order. `score` is its best unit's."""

    passage: int
    units: tuple[Unit, ...]
    score: float


@cache
def weights() -> Mapping[str, float]:
    """The weights that ship, by feature."""
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8"))) if WEIGHTS.exists() else _PLAIN


def quote(question: str, passages: Sequence[Passage], *, max_words: int = 100) -> list[Quote]:
    """The units that answer `question` best, in the order of `spans`, each by itself.

    `passages` come in the order of their rank. Empty when there is no passage.
    """
    return [
        Quote(span.passage, unit.start, unit.end, passages[span.passage].text[unit.start : unit.end], span.score)
        for span in spans(question, passages, max_words=max_words)
        for unit in span.units
    ]


def spans(question: str, passages: Sequence[Passage], *, max_words: int = 100) -> list[Span]:
    """The coherent stretches that answer `question` best, best first: as many as it takes to be fairly sure that the
    answer is among them, and no more than `max_words` together but for the first.
    """
    found = split(passages)
    if not found:
        return []
    scores = score(question, passages, found, learned())
    return choose(passages, found, scores, max_words)


def choose(
    passages: Sequence[Passage], found: Sequence[Sentence], scores: NDArray[np.float64], max_words: int
) -> list[Span]:
    """Spans around the best units, until they hold nine tenths of what the scores give to all, or `max_words` are full.

    Spans that touch are one.
    """
    odds = np.exp(scores - scores.max())
    chances = odds / odds.sum()
    chosen: dict[int, set[int]] = {}
    order: dict[int, float] = {}
    sure, used = 0.0, 0
    taken: set[int] = set()
    listed: set[tuple[int, int]] = set()
    best = float(scores.max())
    for i in np.argsort(-scores, kind="stable").tolist():
        if i in taken:
            continue
        if taken and scores[i] < best - _FAR:
            break
        kind, group = found[i].unit.kind, (found[i].passage, found[i].unit.group)
        if taken and kind is not Kind.SENTENCE and (scores[i] < best - _FAR / 2 or group in listed):
            continue
        grown = [k for k in grow(passages, found, i, scores) if k not in taken]
        size = sum(word_count(_text(passages, found[k])) for k in grown)
        if taken and used + size > max_words:
            grown = [i] if _stands_alone(passages, found[i]) else []
            size = word_count(_text(passages, found[i]))
            if used + size > max_words:
                continue
        if not _says_something(passages, found, grown, bool(taken)):
            continue
        taken.update(grown)
        listed.update((found[k].passage, found[k].unit.group) for k in grown if found[k].unit.kind is Kind.ITEM)
        chosen.setdefault(found[i].passage, set()).update(grown)
        order.setdefault(found[i].passage, float(scores[i]))
        used += size
        sure += float(sum(chances[k] for k in grown))
        if sure >= _SURE or used >= max_words:
            break
    made: list[Span] = []
    for passage in sorted(order, key=lambda p: -order[p]):
        run: list[int] = []
        for k in sorted(chosen[passage]):
            if run and not _touching(found, run[-1], k):
                made.append(_span(passage, found, run, scores))
                run = []
            run.append(k)
        made.append(_span(passage, found, run, scores))
    return _unrepeated(passages, made)


def _stands_alone(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a unit can be read without those around it."""
    said = _text(passages, one)
    return one.unit.kind is Kind.ROW or (
        _is_sentence(one) and not said.endswith((":", "：")) and not _LEANING.match(said) and len(one.words) >= 4
    )


def _says_something(passages: Sequence[Passage], found: Sequence[Sentence], grown: Sequence[int], more: bool) -> bool:
    """Whether a stretch is more than questions, headings and what leads into nothing; code alone says something only
    where nothing was quoted yet.
    """
    content = [
        found[k]
        for k in grown
        if not found[k].unit.question
        and found[k].unit.kind is not Kind.HEADING
        and not _text(passages, found[k]).rstrip().endswith((":", "：", "::"))
    ]
    if not content:
        return False
    return not more or any(one.unit.kind is not Kind.CODE for one in content) or len(grown) > len(content)


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


def _span(passage: int, found: Sequence[Sentence], run: Sequence[int], scores: NDArray[np.float64]) -> Span:
    return Span(passage, tuple(found[k].unit for k in run), round(float(max(scores[k] for k in run)), 4))


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
            before = i - 1
            return [before, i] if before >= 0 and _follows(found, before, i) and _is_sentence(found[before]) else [i]
    if unit.leads and _below(found, i):
        below = _below(found, i)
        if found[below[0]].unit.kind is Kind.ITEM:
            return _list(passages, found, below[0])
        return [i, *below[: _ROWS if found[below[0]].unit.kind is Kind.ROW else 1]]
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
    group = [k for k, s in enumerate(found) if s.passage == found[i].passage and s.unit.group == found[i].unit.group]
    near = sorted((k for k in group if scores[k] >= scores[i] - _NEAR_ROW), key=lambda k: -scores[k])
    return sorted(near[:_ROWS])


def _list(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    group = [k for k, s in enumerate(found) if s.passage == found[i].passage and s.unit.group == found[i].unit.group]
    sizes = {k: word_count(_text(passages, found[k])) for k in group}
    kept = group
    if sum(sizes.values()) > _LIST_WORDS:  # too long: the item with those around it, the next before the last
        kept, low, high = [i], i, i
        while True:
            nearest = [k for k in (high + 1, low - 1) if k in sizes]
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
            _LEANING.match(_text(passages, found[first]))
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
    return kept


def word_count(text: str) -> int:
    """Words between spaces; in writing without spaces, every two signs count as one."""
    return max(len(text.split()), len(regex.findall(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]", text)) // 2)


def split(passages: Sequence[Passage]) -> list[Sentence]:
    """Every unit that holds a word and is content, in order of rank and place."""
    found: list[Sentence] = []
    for at, passage in enumerate(passages):
        for place, unit in enumerate(units(passage.text)):
            if unit.kind is Kind.NOISE:
                continue
            words = idf.terms_of(passage.text[unit.start : unit.end], passage.language)
            if words:
                found.append(Sentence(at, unit.start, unit.end, place, words, unit))
    return found


def score(
    question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights_: Weights
) -> NDArray[np.float64]:
    """How well each unit answers the question, higher is better."""
    named = weights()
    return describe(question, passages, found, weights_) @ np.array([named.get(name, 0.0) for name in FEATURES])


def describe(
    question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights_: Weights
) -> NDArray[np.float64]:
    """A row of `FEATURES` for each unit."""
    if not found:
        return np.zeros((0, len(FEATURES)))
    asked = _asked(question, passages, found, weights_)
    content = asked.content
    share = np.array([t.weight for t in content])
    share = share / (share.sum() or 1.0)
    own = [{w[0] for w in s.words} for s in found]
    held = _held(own, content)
    other = np.array([[any(stem in words for stem in t.related) for t in content] for words in own], bool)
    surfaces = np.array([[t.folded in {w[1] for w in s.words} for t in content] for s in found], bool)
    other, surfaces = (a.reshape(len(found), len(content)) for a in (other, surfaces))
    about = [{w[0] for w in idf.terms_of(" ".join(p.headings) + " " + p.document, p.language)} for p in passages]
    inner = [{w[0] for w in idf.terms_of(p.headings[-1] if p.headings else "", p.language)} for p in passages]
    places = [s.passage for s in found]
    titled, innermost = _held(about, content)[places], _held(inner, content)[places]
    context = held | titled
    lead_in, after = np.zeros_like(held), np.zeros(len(found), bool)
    lead: NDArray[np.bool_] | None = None
    for i in range(1, len(found)):
        before = found[i - 1]
        if before.passage != found[i].passage:
            lead = None
            continue
        unit = found[i].unit
        if before.unit.kind is Kind.HEADING or (
            before.unit.group != unit.group and unit.kind in (Kind.ITEM, Kind.ROW, Kind.CODE)
        ):
            lead = held[i - 1]
        elif unit.kind is Kind.SENTENCE and before.unit.kind in (Kind.ITEM, Kind.ROW, Kind.CODE):
            lead = None
        if lead is not None:
            lead_in[i] = lead
            context[i] |= lead
        after[i] = before.unit.question
        context[i] |= held[i - 1]
    first_cells = _held([_first_cell(s, passages) for s in found], content)
    bm25 = BM25Okapi([[w[0] for w in s.words] for s in found], k1=0.6, b=0.3)
    raw = np.asarray(bm25.get_scores([stem for t in content for stem in t.stems[:1]]), float)
    raw = raw / (np.abs(raw).max() or 1.0)
    kind, flags = asks_for(asked.sequence)
    said = set(asked.sequence)
    coverage = held @ share
    rows: list[tuple[float, ...]] = []
    lengths = [len(s.words) for s in found]
    count_of = {s.passage: s.place + 1 for s in found}
    pairs = _pairs(found, content)
    for i, s in enumerate(found):
        text = passages[s.passage].text[s.start : s.end]
        unit = s.unit
        has = bool(flags) and any(
            word_flags(text, start, end, folded, at == 0) & flags
            for at, (_, folded, start, end) in enumerate(s.words)
            if folded not in said
        )
        new = sum(1 for w in s.words if w[1] not in said) / lengths[i]
        rows.append(
            (
                raw[i], coverage[i], float(surfaces[i] @ share), pairs[i], float((held[i] | other[i]) @ share),
                float(context[i] @ share), float(s.passage), float(s.passage == 0),
                passages[0].score - passages[s.passage].score,
                *(float(has and kind == one) for one in KINDS),
                new, min(lengths[i], 60) / 30, float(lengths[i] < 6), s.place / max(1, count_of[s.passage]),
                coverage[i] * (s.passage == 0), float(unit.question), float(unit.kind is Kind.ITEM),
                float(unit.kind is Kind.ROW), float(unit.kind is Kind.CODE), float(unit.kind is Kind.HEADING),
                float(unit.leads), float(lead_in[i] @ share), float(innermost[i] @ share),
                float(held[i - 1] @ share) if after[i] else 0.0, float(first_cells[i] @ share), float(s.place == 0),
            )
        )  # fmt: skip
    return np.array(rows, float)


def _held(own: Sequence[set[str]], content: Sequence[query.Term]) -> NDArray[np.bool_]:
    """Which terms of the question each set of stems holds."""
    held = np.array([[any(stem in words for stem in t.stems) for t in content] for words in own], bool)
    return held.reshape(len(own), len(content))


def _first_cell(sentence: Sentence, passages: Sequence[Passage]) -> set[str]:
    if not sentence.unit.cells:
        return set()
    return {w[0] for w in idf.terms_of(sentence.unit.cells[0][1], passages[sentence.passage].language)}


def _asked(question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights_: Weights) -> query.Question:
    """The question's terms, weighed among the units at hand."""
    languages = tuple(dict.fromkeys(p.language for p in passages))
    holders: dict[str, int] = {}
    for s in found:
        for stem in {w[0] for w in s.words}:
            holders[stem] = holders.get(stem, 0) + 1
    asked = query.analyse(question, languages, len(found), lambda _, term: holders.get(term, 0), weights_.chance)
    if asked.content:
        return asked
    return replace(asked, terms=tuple(t._replace(weight=1.0) for t in asked.terms))


def _pairs(found: Sequence[Sentence], content: Sequence[query.Term]) -> list[float]:
    """Share of the question's neighbouring terms that are neighbours, at most one word between, in each unit."""
    neighbours = itertools.pairwise(content)
    wanted = {(a, b) for left, right in neighbours for a in left.stems for b in right.stems}
    shares: list[float] = []
    for s in found:
        stems = [w[0] for w in s.words]
        near = {*itertools.pairwise(stems), *zip(stems, stems[2:], strict=False)}
        shares.append(len(wanted & near) / max(1, len(content) - 1))
    return shares
