"""What is known of each unit of the passages found, given a question: the inputs of the choice of what to quote.

Knows units, questions and the learned weights of the features. Does not know what is quoted together.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
import regex
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from rag.grounding.answer_signs import Sought, counts, opposites, signs, sought
from rag.grounding.short_forms import short_forms
from rag.grounding.units import Kind, Unit, units
from rag.retrieval import query
from rag.retrieval.answer_type import KINDS, asks_for
from rag.retrieval.weights import Weights
from rag.storage.passage_terms import word_flags
from rag.text import idf
from rag.text.analyser import casefold, stop_terms
from rag.types import NO_LIKES, Likes, Passage

FEATURES = (
    "bm25", "coverage", "surface", "pair", "related", "context", "rank", "first", "lead", "asked_time", "asked_number",
    "asked_name", "new_share", "length", "short", "position", "coverage_first", "question", "item", "row", "code",
    "heading", "leads", "lead_in", "innermost", "after_question", "row_name", "opening",
    "alike", "alike_context", "alike_surplus",
    "asked_length", "asked_count", "asked_sum", "asked_moment", "asked_address", "asked_rule", "asked_denial",
    "asked_likeness", "opposite", "named", "above", "chance", "support",
)  # fmt: skip
"""What is known of a unit: its BM25 and the share of the question's weight it holds (with other words for them, with
the headings and what leads into it as context), its passage's rank, whether it has the kind of word asked for, how much
of it is new, its length and place, what it is, and how much of the question its lead-in, its passage's innermost
heading, the question before it, or the first cell of its row holds; how much of the question it says in words like its
own, the same with its context, and how much more than in the question's own words; whether it looks like what is asked
for (`rag.grounding.answer_signs`), and how much of a question for yes or no it says; how much of the question it says
the opposite of ("unpaid"), its document's name says, and the headings above the innermost; how its passage stands
among all of them, and its document."""
WEIGHTS = Path(__file__).parent / "weights.json"
JUDGING = Path(__file__).parent / "judging_weights.json"
"""The weights that the limits were set with by which a written answer is judged (`rag.grounding.evidence`)."""
_PLAIN = {"bm25": 1.0, "coverage": 1.0, "rank": -0.3, "context": 0.5}
_BORROWED = 0.4
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
_REMARK = regex.compile(
    r"(?:(?:MADDE|Madde|ARTICLE|Article|SECTION|Section|§)\s*\d+\s*[-–—.]?\s*)?(?:\(\p{N}+\)\s*)?"
    r"(?:\((?:Değişik|Mülga|Ek|Başlığı|As amended|Amended|Repealed|Inserted|Geändert|Aufgehoben|Modifié|Abrogé)\b"
    r"[^()]*\)\s*)+[.,;]?|\d{1,3} ?\d{1,2}/\d{1,2}/\d{4} tarihli ve .+"
)
"""When an article was changed, and nothing else; a note on that."""
_SEPARATOR = regex.compile(r"[-_]+")
_ECHO = 4.0
"""How much less a unit counts that says nothing beyond a question for something."""


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


@cache
def weights(file: Path = WEIGHTS) -> Mapping[str, float]:
    """The weights that ship, by feature."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else _PLAIN


@lru_cache(maxsize=4096)
def word_count(text: str) -> int:
    """Words between spaces; in writing without spaces, every two signs count as one."""
    words = len(text.split())
    return words if text.isascii() else max(words, len(_UNSPACED.findall(text)) // 2)


def split(passages: Sequence[Passage]) -> list[Sentence]:
    """Every unit that holds a word and is content, in order of rank and place."""
    found: list[Sentence] = []
    for at, passage in enumerate(passages):
        for place, unit in enumerate(units(passage.text)):
            said = passage.text[unit.start : unit.end]
            if unit.kind is Kind.NOISE or _REMARK.fullmatch(said):
                continue
            words = idf.terms_of(said, passage.language)
            if words:
                found.append(Sentence(at, unit.start, unit.end, place, words, unit))
    return found


def rate(
    question: str,
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    weights_: Weights,
    own: str = "",
    likes: Likes = NO_LIKES,
    weighing: Path = WEIGHTS,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How well each unit answers the question, higher is better, and how much of the question it says in its words or
    in others for them, its context counted. `likes` has the words that are like the question's, `weighing` what each
    feature says.
    """
    named = weights(weighing)
    weighed = np.array([named.get(name, 0.0) for name in FEATURES])
    described = describe(question, passages, found, weights_, own, likes)
    scores: NDArray[np.float64] = described @ weighed
    scores[list(_echoes(own or question, found, passages))] -= _ECHO
    return scores, described[:, FEATURES.index("alike_context")]


def _echoes(question: str, found: Sequence[Sentence], passages: Sequence[Passage]) -> set[int]:
    """Places of the sentences, items and rows that hold no word beyond the question's, where it asks for one."""
    language = idf.language_of([question]) or (passages[0].language if passages else "")
    asked = idf.terms_of(question, language)
    folded = [word[1] for word in asked]
    if not asks_for(folded)[0] and not query.ASKING.intersection(folded):
        return set()
    said = {part for stem, surface, _, _ in asked for part in (stem, surface)} | stop_terms(language)
    return {
        place
        for place, one in enumerate(found)
        if one.unit.kind in (Kind.SENTENCE, Kind.ITEM, Kind.ROW)
        and not (one.unit.leads or one.unit.question)
        and all(stem in said or surface in said for stem, surface, _, _ in one.words)
    }


def describe(
    question: str,
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    weights_: Weights,
    own: str = "",
    likes: Likes = NO_LIKES,
) -> NDArray[np.float64]:
    """A row of `FEATURES` for each unit."""
    if not found:
        return np.zeros((0, len(FEATURES)))
    asked = _asked(question, passages, found, weights_)
    if own and own != question:
        asked = _leaning_on(asked, _asked(own, passages, found, weights_))
    content = asked.content
    share = np.array([t.weight for t in content])
    share = share / (share.sum() or 1.0)
    long = short_forms(passages)
    stems = [_spelled_out(s.words, long) for s in found]
    held = _held(stems, content)
    other = np.array([[any(stem in words for stem in t.related) for t in content] for words in stems], bool)
    surfaces = np.array([[t.folded in {w[1] for w in s.words} for t in content] for s in found], bool)
    other, surfaces = (a.reshape(len(found), len(content)) for a in (other, surfaces))
    about = [{w[0] for w in idf.terms_of(" ".join(p.headings) + " " + p.document, p.language)} for p in passages]
    inner = [_spelled_out(idf.terms_of(p.headings[-1] if p.headings else "", p.language), long) for p in passages]
    places = [s.passage for s in found]
    titled, innermost = _held(about, content)[places], _held(inner, content)[places]
    alike = _alike(stems, content, likes)
    alike_context = np.maximum(alike, _alike(about, content, likes)[places])
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
            alike_context[i] = np.maximum(alike_context[i], lead)
        after[i] = before.unit.question
        context[i] |= held[i - 1]
        alike_context[i] = np.maximum(alike_context[i], alike[i - 1])
    first_cells = _held([_first_cell(s, passages) for s in found], content)
    bm25 = BM25Okapi([[w[0] for w in s.words] for s in found], k1=0.6, b=0.3)
    raw = np.asarray(bm25.get_scores([stem for t in content for stem in t.stems[:1]]), float)
    raw = raw / (np.abs(raw).max() or 1.0)
    kind, flags = asks_for(asked.sequence)
    said = set(asked.sequence)
    coverage = held @ share
    looked_for = sought(own or question)
    counted = {stem for t in content if t.folded in looked_for.counted for stem in (*t.stems, *t.related)}
    named, above, chance, support = (one[places] for one in _standing(passages, content, share, likes))
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
                float(alike[i] @ share), float(alike_context[i] @ share), float(alike[i] @ share) - coverage[i],
                *_looks(looked_for, text, s, counted), float(looked_for.ruling) * float(alike[i] @ share),
                _opposite(s, content, share, passages[s.passage].language),
                named[i], above[i], chance[i], support[i],
            )
        )  # fmt: skip
    return np.array(rows, float)


def _looks(looked_for: Sought, text: str, one: Sentence, counted: Collection[str]) -> tuple[float, ...]:
    """Which signs of what is asked for a unit has."""
    has = signs(looked_for, text)
    number = bool(counted) and counts(one.words, counted)
    return tuple(map(float, (has.length, number, has.sum, has.moment, has.address, has.rules, has.denies)))


def _opposite(one: Sentence, content: Sequence[query.Term], share: NDArray[np.float64], language: str) -> float:
    """The share of the question's weightiest term that a unit has the opposite of."""
    most = 0.0
    for _, folded, _, _ in one.words:
        if bare := opposites(folded, language):
            said = [i for i, t in enumerate(content) if folded != t.folded and {t.folded, *t.stems}.intersection(bare)]
            most = max([most, *(float(share[i]) for i in said)])
    return most


def _standing(
    passages: Sequence[Passage], content: Sequence[query.Term], share: NDArray[np.float64], likes: Likes
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each passage: how much of the question its document's name or title says, and the headings above its innermost
    one; the chance that its score gives it among all, and that of its document.
    """
    names = [" ".join((_SEPARATOR.sub(" ", PurePosixPath(p.document).stem), *p.headings[:1])) for p in passages]
    title = [{w[0] for w in idf.terms_of(name, p.language)} for name, p in zip(names, passages, strict=True)]
    outer = [{w[0] for w in idf.terms_of(" ".join(p.headings[:-1]), p.language)} for p in passages]
    scores = np.array([p.score for p in passages])
    chance = np.exp(scores - scores.max())
    chance = chance / chance.sum()
    documents = [p.document for p in passages]
    support = np.array([sum(c for c, d in zip(chance, documents, strict=True) if d == own) for own in documents])
    return _alike(title, content, likes) @ share, _held(outer, content) @ share, chance, support


def _spelled_out(words: Sequence[tuple[str, str, int, int]], long: Mapping[str, frozenset[str]]) -> set[str]:
    """The stems of words, with those of the long forms of the short ones among them, and the other way about."""
    own = {word[0] for word in words}
    for short, stems in long.items():
        if any(word[1] in (short, f"{short}s") for word in words):
            own |= stems
        elif stems and stems <= own:
            own |= {short, f"{short}s"}
    return own


def _held(own: Sequence[set[str]], content: Sequence[query.Term]) -> NDArray[np.bool_]:
    """Which terms of the question each set of stems holds."""
    held = np.array([[any(stem in words for stem in t.stems) for t in content] for words in own], bool)
    return held.reshape(len(own), len(content))


def _alike(own: Sequence[set[str]], content: Sequence[query.Term], likes: Likes) -> NDArray[np.float64]:
    """How like each term of the question the likest of each set of stems is, the term itself being 1."""
    found = _held(own, content).astype(float)
    for at, term in enumerate(content):
        for one, how in likes.get(casefold(term.word), ()):
            for row, words in enumerate(own):
                if one in words and how > found[row, at]:
                    found[row, at] = how
    return found


def _first_cell(sentence: Sentence, passages: Sequence[Passage]) -> set[str]:
    if not sentence.unit.cells:
        return set()
    return {w[0] for w in idf.terms_of(sentence.unit.cells[0][1], passages[sentence.passage].language)}


def _asked(question: str, passages: Sequence[Passage], found: Sequence[Sentence], weights_: Weights) -> query.Query:
    """The question's terms, weighed among the units at hand."""
    languages = tuple(dict.fromkeys(p.language for p in passages))
    holders: dict[str, int] = {}
    for s in found:
        for stem in {w[0] for w in s.words}:
            holders[stem] = holders.get(stem, 0) + 1
    asked = query.analyse(
        question, languages, len(found), lambda terms: [holders.get(term, 0) for term in terms], weights_.chance
    )
    if asked.content:
        return asked
    return replace(asked, terms=tuple(t._replace(weight=1.0) for t in asked.terms))


def _leaning_on(asked: query.Query, own: query.Query) -> query.Query:
    """The question with the words that it borrowed at less than their weight."""
    mine = {stem for term in own.terms for stem in term.stems}
    return replace(
        asked,
        sequence=own.sequence,
        terms=tuple(
            term if mine.intersection(term.stems) else term._replace(weight=_BORROWED * term.weight)
            for term in asked.terms
        ),
    )


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
