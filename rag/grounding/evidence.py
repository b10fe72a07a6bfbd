"""How far an answer's supported sentences answer the question: what they bring beyond the question's own words, and
whether the sentences of the passages that they rest on are those that a quotation would take.

Knows words, and how well a sentence answers (`rag.grounding.unit_features`). Does not know who wrote the answer, nor
what follows from the figures (`hybrid.answering.acceptance` does). A sentence copied from a passage that speaks of
something else is supported, and still no answer: that is what these figures are for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import regex

from rag.grounding import choosing, claims, figures, unit_features
from rag.retrieval.answer_type import asks_for
from rag.retrieval.weights import learned
from rag.storage.passage_terms import word_flags
from rag.text import idf
from rag.text.analyser import stop_terms
from rag.types import NO_LIKES, CheckedAnswer, Likes, Passage, Support

NAMES: tuple[str, ...] = (
    "chance", "fitting", "quoted", "bound", "held", "supported", "unsupported", "only", "mistyped", "parts",
)  # fmt: skip
"""The chance that one of the sentences rested on answers, the same among the sentences alone that have the kind of word
asked for, and whether a quotation would take one; the share of the question's weight that a claim says and its sentence
holds, and that a sentence holds, each with what stands above the sentence; the shares of supported and unsupported
claims; whether the answer brings one new word or two; whether the question asks for a number, a time or a name and
nothing new is one; and how many claims bring what none before did."""
_HOW_MANY = (("how", "many"), ("kac",), ("wie", "viele"), ("combien", "de"), ("cuantos",), ("cuantas",))
_PLACES = frozenset(
    ("where", "nerede", "nerededir", "nereye", "nereden", "wo", "wohin", "woher", "ou", "donde", "dove", "onde", "waar")
)
_CLAUSE = regex.compile(r"[,;:、；]\s+|\s+(?:and|or|und|oder|ve|veya)\s+")
_BEGINS = regex.compile(r"(?:[.!?:;•]|\n)[\s\p{P}]*$")
_BARE = regex.compile(r"[\s\p{P}]*(\d{1,3})[\s\p{P}]*")
_SMALL, _NEAR = 30, 8
_CARRIES, _LITTLE, _LISTED, _OWN, _RIVAL, _COUNTED, _QUOTED = 0.5, 2, 3, 0.25, 0.1, 2, 100


@dataclass(frozen=True, slots=True)
class _Sentence:
    words: frozenset[str]
    figures: Mapping[str, frozenset[str]]
    chance: float
    about: frozenset[str]
    quoted: bool
    ranges: tuple[tuple[str, str], ...]
    kinds: int
    """What kinds of word it has beyond the question's, as flags of `rag.storage.passage_terms`."""
    per_cent: bool


@dataclass(frozen=True)
class _New:
    """What a text brings beyond the question: the stems of words that matter, and figures."""

    text: str
    language: str
    asked: frozenset[str]
    asked_figures: frozenset[str]
    counted: frozenset[str]

    @cached_property
    def words(self) -> frozenset[str]:
        stop, counting = stop_terms(self.language), figures.names(self.language)
        terms = idf.terms_of(self.text, self.language)
        spelled = figures.spelled(self.text, terms, self.language)
        return frozenset(
            stem
            for stem, word, start, _ in terms
            if word not in stop and stem not in self.asked and word not in self.asked and not word[0].isdigit()
            if not (self.figures and (claims.is_rough(word) or word in counting))
            if not any(begun <= start < ended for begun, ended, _ in spelled)
        )

    @cached_property
    def bare(self) -> bool:
        """Whether this is a small number and nothing else."""
        number = _BARE.fullmatch(self.text)
        return number is not None and int(number[1]) <= _SMALL

    @cached_property
    def figures(self) -> frozenset[str]:
        return frozenset(_stated(self.text, self.language).keys() - self.asked_figures)

    @cached_property
    def percentages(self) -> frozenset[str]:
        return figures.percentages(self.text) - self.asked_figures

    def carried(self, sentence: _Sentence) -> bool:
        """Whether a sentence holds it: most of it, all of it where it is little, and half of its figures."""
        words, numbers = len(self.words & sentence.words), len(self.figures & sentence.figures.keys())
        if numbers and (self.counted or self.bare) and self._counts_something_else(sentence):
            return False
        if numbers and self.percentages and not sentence.per_cent and self.percentages & sentence.figures.keys():
            return False  # 25 of them are not 25 per cent
        if numbers and any(low in self.figures and high not in self.figures for low, high in sentence.ranges):
            return False
        count = len(self.words) + len(self.figures)
        least = count if count <= _LITTLE else _CARRIES * count
        return count > 0 and words + numbers >= least and 2 * numbers >= len(self.figures)

    def _counts_something_else(self, sentence: _Sentence) -> bool:
        """Whether what the question counts is counted in the sentence, by a figure that is not among these.

        A bare number has to count it, and be the only one that does: it may be a list's, or a passage's.
        """
        counting = {figure for figure, beside in sentence.figures.items() if beside & self.counted}
        if self.bare:
            return not counting or not counting <= self.figures
        return bool(counting) and counting.isdisjoint(self.figures)


def measure(
    question: str, passages: Sequence[Passage], checked: CheckedAnswer, query: str = "", likes: Likes = NO_LIKES
) -> dict[str, float]:
    """The figures of NAMES for an answer that was checked against these passages; all 0 where it makes no claim.

    `query` is the question with the words of the conversation that it needs; `likes` has the words that are like its
    own.
    """
    claimed = [s for s in checked.sentences if s.support is not Support.NEUTRAL]
    if not claimed or not passages:
        return dict.fromkeys(NAMES, 0.0)
    language = passages[0].language or "en"
    asked = frozenset(key for word in idf.terms_of(question, language) for key in word[:2])
    asked_figures = frozenset(_stated(question, language))
    wanted = _counted(question, language)
    read = _read(question, passages, query, likes)
    weight = _weights(query or question, tuple(passages), language)
    chance = bound = held = 0.0
    quoted = False
    brought: set[str] = set()
    parts = 0
    counted: set[int] = set()
    asked_words = [word for _, word, _, _ in idf.terms_of(question, language)]
    flags = asks_for(asked_words)[1]
    rivals = sum(sentence.chance for sentence in read if sentence.kinds & flags) if flags else 0.0
    fitting = 0.0
    typed = not flags or not _PLACES.isdisjoint(asked_words)  # where something is need not be a name: "in the archive"
    for claim in claimed:
        if claim.support not in (Support.SUPPORTED, Support.DOUBTFUL):
            continue
        new = _New(claims.said(claim.text), language, asked, asked_figures, wanted)
        words = idf.terms_of(new.text, language)
        stems = {word[0] for word in words}
        fresh = (new.words | new.figures) - brought  # one word more is the same part, said again
        parts += bool(fresh) and (not brought or len(fresh) > 1 or not fresh.isdisjoint(new.figures))
        brought |= new.words | new.figures
        typed = typed or any(
            word not in asked
            and word_flags(new.text, start, end, word, start == 0 and not _named(new.text[start:end], passages)) & flags
            for _, word, start, end in words
        )
        bind = [sum(weight[stem] for stem in weight.keys() & stems & (s.words | s.about)) for s in read]
        for at in _carrying(new.text, new, read):
            sentence = read[at]
            if sum(weight[stem] for stem in weight.keys() & sentence.words) >= _OWN:
                held = max(held, sum(weight[stem] for stem in weight.keys() & (sentence.words | sentence.about)))
                if bind[at] >= max(bind) - _RIVAL:
                    bound = max(bound, bind[at])
            quoted = quoted or sentence.quoted
            if at not in counted:
                counted.add(at)
                chance += sentence.chance
                fitting += sentence.chance if sentence.kinds & flags else 0.0
    return {
        "chance": min(1.0, chance),
        "fitting": min(1.0, fitting / rivals) if rivals else 0.0,
        "quoted": float(quoted),
        "bound": bound,
        "held": held,
        "supported": sum(c.support is Support.SUPPORTED for c in claimed) / len(claimed),
        "unsupported": sum(c.support is Support.UNSUPPORTED for c in claimed) / len(claimed),
        "only": float(0 < len(brought) <= _LITTLE),
        "mistyped": float(not typed),
        "parts": float(parts),
    }


def prepare(question: str, passages: Sequence[Passage], query: str = "", likes: Likes = NO_LIKES) -> None:
    """Do what `measure` needs of the question and its passages ahead, while an answer is being written."""
    _read(question, passages, query, likes)
    if passages:
        _weights(query or question, tuple(passages), passages[0].language or "en")


def _read(question: str, passages: Sequence[Passage], query: str, likes: Likes) -> list[_Sentence]:
    return _sentences(question, tuple(passages), query, tuple(likes.items()))


@lru_cache(maxsize=64)
def _sentences(
    question: str,
    passages: tuple[Passage, ...],
    query: str,
    likes: tuple[tuple[str, tuple[tuple[str, float], ...]], ...],
) -> list[_Sentence]:
    found = unit_features.split(passages)
    if not found:
        return []
    own = question if query else ""
    scores, _ = unit_features.rate(
        query or question, passages, found, learned(), own, dict(likes), weighing=unit_features.JUDGING
    )
    taken = [
        (span.passage, unit.start, unit.end)
        for span in choosing.choose(passages, found, scores, _QUOTED)
        for unit in span.units
    ]
    odds = np.exp(scores - scores.max())
    chances = odds / odds.sum()
    words = [frozenset(key for word in s.words for key in word[:2]) for s in found]
    asked = frozenset(key for word in idf.terms_of(question, passages[0].language or "en") for key in word[:2])
    percent = [any(figures.has_percentages(heading) for heading in one.headings) for one in passages]
    about = [frozenset(w[0] for w in idf.terms_of(" ".join((*p.headings, p.document)), p.language)) for p in passages]
    return [
        _Sentence(
            words[at],
            figures.beside(passages[one.passage].text[one.start : one.end], one.words, passages[one.passage].language),
            float(chances[at]),
            about[one.passage],
            any(one.passage == passage and one.start < end and start < one.end for passage, start, end in taken),
            figures.ranges(passages[one.passage].text[one.start : one.end]),
            _kinds(passages[one.passage].text[one.start : one.end], one.words, asked),
            percent[one.passage] or figures.has_percentages(passages[one.passage].text[one.start : one.end]),
        )
        for at, one in enumerate(found)
    ]


def _kinds(text: str, words: Sequence[tuple[str, str, int, int]], asked: frozenset[str]) -> int:
    """The kinds of word that a sentence has beyond the question's; a capital at a beginning makes no name."""
    found = 0
    for stem, word, start, end in words:
        if stem not in asked and word not in asked:
            found |= word_flags(
                text, start, end, word, start == 0 or _BEGINS.search(text, max(0, start - _NEAR), start) is not None
            )
    return found


def _named(word: str, passages: Sequence[Passage]) -> bool:
    """Whether a passage writes the word so, with its capital, in the middle of a sentence: it is a name."""
    if not word[:1].isupper():
        return False
    within = regex.compile(rf"(?<=[\p{{L}}\p{{N}},;:)\]’'\"”»-][^\S\n]){regex.escape(word)}(?![\p{{L}}\p{{N}}])")
    return any(within.search(passage.text) for passage in passages)


def _stated(text: str, language: str) -> dict[str, frozenset[str]]:
    return figures.beside(text, idf.terms_of(text, language), language)


def _counted(question: str, language: str) -> frozenset[str]:
    """The stems of what the question wants counted: how many X."""
    words = idf.terms_of(question, language)
    for at in range(len(words)):
        for phrase in _HOW_MANY:
            if tuple(word[1] for word in words[at : at + len(phrase)]) == phrase:
                stop = stop_terms(language)
                after = [stem for stem, word, _, _ in words[at + len(phrase) :] if word not in stop]
                return frozenset(after[:_COUNTED])
    return frozenset()


def _carrying(claim: str, new: _New, read: Sequence[_Sentence]) -> list[int]:
    """The places of the sentences that hold what a claim brings; where none does, of those that hold one of its
    clauses: it lists what several say.
    """
    found = [at for at, sentence in enumerate(read) if new.carried(sentence)]
    if found:
        return found
    parts = [replace(new, text=part) for part in _CLAUSE.split(claim)]
    if len(parts) < _LISTED:
        parts = [replace(new, text=part) for part in claims.clauses(claim)]
    if len(parts) < 2:
        return []
    return [at for at, sentence in enumerate(read) if any(part.carried(sentence) for part in parts)]


@lru_cache(maxsize=64)
def _weights(question: str, passages: tuple[Passage, ...], language: str) -> dict[str, float]:
    """What each of the question's words weighs among the passages' sentences, 1 in all."""
    known = idf.weights([sentence.words for sentence in unit_features.split(passages)], language)
    asked = {w[0]: known.of(w[0], w[1]) for w in idf.terms_of(question, language) if w[1] not in known.stop}
    total = sum(asked.values()) or 1.0
    return {stem: weight / total for stem, weight in asked.items()}
