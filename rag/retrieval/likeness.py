"""Which of the library's own words mean much the same as a question's, in whatever language.

Knows single words, their vectors from the encoder that makes those of passages, and which stem each word has in the
passages. What is like the library's own words is found beforehand (`rag.retrieval.listed`), else where it is asked for.
Does not know passages, nor what a word that is like another is worth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import regex

from rag.retrieval.embedders.base import Embedder, Packed, packed
from rag.retrieval.listed import MOST, NO_LISTS, Lists, saved
from rag.retrieval.neighbours import Neighbours
from rag.text.analyser import casefold, fold, stem, stop_terms
from rag.types import Likes

Held = Callable[[Sequence[str]], Sequence[int]]
"""Counts the passages with each of many stems, as far as whoever asks may read them."""
MOST_WORDS = 60_000
"""Words of a library that have a vector; those that are met later have none."""
_GRAPH_FROM = 1_000
_MOST = 12
_NEAREST, _KEPT, _WIDER = 128, MOST, 4
"""How many of the nearest words are looked at first and how many stems of theirs are kept, and how many times as many
where those are not enough: a common word has thousands that are somewhat like it, of which a dozen count."""
_UNLIKE, _LEAST = 0.5, 0.55
"""Cosine of two words up to which they have nothing in common, and from which on they are like one another."""
_KNOWN = 4_000
_LISTED_AT_ONCE = 256
_WORD = regex.compile(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}\p{Devanagari}\p{Hangul}\p{M}]{3,30}")


def words_of(text: str, language: str) -> set[str]:
    """The words of a text that may have a vector of their own."""
    stop = stop_terms(language or "en")
    return {word for word in _WORD.findall(casefold(text)) if fold(word) not in stop}


@dataclass(frozen=True, slots=True)
class _Alike:
    """The `stems` like a word, the likest first, as found in the `turn`-th look; `all`: there are no more."""

    stems: tuple[tuple[str, float], ...]
    turn: int
    all: bool


_NOTHING = _Alike((), 0, all=True)


class LikeWords:
    """The words of one library. Safe from any thread."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._near = Neighbours(_GRAPH_FROM)
        self._lock = threading.Lock()
        self._words: dict[str, int] = {}
        self._stems: list[str] = []
        self._found: dict[str, _Alike] = {}
        self._lists = NO_LISTS

    def __len__(self) -> int:
        return len(self._words)

    def unknown(self, words: Collection[str]) -> list[str]:
        """Those of the words that have no vector and may have one, in order."""
        room = max(0, MOST_WORDS - len(self._words))
        return sorted(word for word in words if word not in self._words)[:room]

    def embed(self, words: Sequence[str]) -> Packed:
        """Their vectors. Raises EmbedderError."""
        return packed(self._embedder.embed(words))

    def open(self, read: Callable[[int], tuple[Sequence[tuple[str, str]], Packed]], graph: Path) -> None:
        """Take in the words that were kept, with the graph that was saved of them, and what is like each of them, as
        far as these can be read. `read` gives the words, and the vectors of all but so many first ones."""
        self._near.open(graph)
        words, vectors = read(len(self._near))
        self.add(words, vectors)
        lists = saved(_beside(graph), list(self._words))
        if len(lists):
            later = [self._near.vector(row) for row in range(len(lists), len(words))]
            self._lists = lists.with_later(np.array(later)) if later else lists

    def save(self, graph: Path) -> None:
        """Save the graph, where there is one, and what is like each word."""
        self._near.save(graph)
        if len(self._lists):
            self._lists.save(_beside(graph), list(self._words))

    def make_lists(self, stopped: Callable[[], bool]) -> bool:
        """Find what is like each word, where that is not known of most; whether it was done. By the thread that adds
        words. Raises EmbedderError."""
        if len(self._words) < _GRAPH_FROM or (len(self._lists) and not self._lists.stale):
            return False
        words, found = list(self._words), []
        for at in range(0, len(words), _LISTED_AT_ONCE):
            if stopped():
                return False
            looked = self._near.within(self._vectors(words[at : at + _LISTED_AT_ONCE]), _LEAST, _NEAREST)
            found += [self._of_stems([(row, _worth(cosine)) for row, cosine in near], ended) for near, ended in looked]
        with self._lock:
            self._lists = Lists.of(found)
        return True

    def add(self, words: Sequence[tuple[str, str]], vectors: Packed) -> None:
        """Take in words, each with the language of the passages that hold it; the first ones, for which there is no
        vector, are found already."""
        with self._lock:
            begin = len(self._words)
            rows = np.arange(begin, begin + len(words), dtype=np.int64)
            self._stems.extend(stem(word, language) for word, language in words)
            self._near.add(rows[len(words) - len(vectors) :], vectors)
            self._words |= {word: begin + place for place, (word, _) in enumerate(words)}
            if len(self._lists):
                self._lists = self._lists.with_later(vectors)
            self._found = {}

    def known(self, words: Sequence[str]) -> bool:
        """Whether all of these words are listed or were looked for before: hardly anything has to be computed for what
        is like them."""
        found, own, listed = self._found, self._words, len(self._lists)
        return all(word in found or own.get(word, listed) < listed for word in map(casefold, words))

    def look(self, words: Collection[str]) -> None:
        """Find what is like each of these words, so that `likes` need not. Raises EmbedderError."""
        self._nearest(list(dict.fromkeys(map(casefold, words))), 0)

    def likes(self, words: Sequence[str], held: Held) -> Likes:
        """What is likest to each of these words of a question, of what passages hold: other words change nothing.
        Raises EmbedderError.
        """
        plain = list(dict.fromkeys(map(casefold, words)))
        found = dict(zip(plain, self._nearest(plain, 0), strict=True))
        first = [one for alike in found.values() for one, _ in alike.stems[:_MOST]]
        counts = dict(zip(first, held(first), strict=True))  # most of what is asked, at once
        likes: dict[str, tuple[tuple[str, float], ...]] = {}
        for word, alike in found.items():
            visible = [one for one in alike.stems[:_MOST] if counts[one[0]]]
            if len(visible) < _MOST:
                visible = _holding(alike, held)
            while len(visible) < _MOST and not alike.all:
                (alike,) = self._nearest([word], alike.turn + 1)
                visible = _holding(alike, held)
            likes[word] = tuple(visible[:_MOST])
        return likes

    def _nearest(self, words: Sequence[str], turn: int) -> list[_Alike]:
        """What is like each of these casefolded words, looked for as widely as in the `turn`-th look."""
        found = self._found
        fresh = [word for word in words if word not in found or (found[word].turn < turn and not found[word].all)]
        if fresh and self._words:
            if len(found) + len(fresh) > _KNOWN:
                self._found = found = {word: found[word] for word in words if word in found}
            lists = self._lists
            listed = [] if turn else [word for word in fresh if self._words.get(word, len(lists)) < len(lists)]
            found |= {word: self._listed(lists, word) for word in listed}
            others = [word for word in fresh if word not in listed]
            count = _WIDER**turn * _NEAREST
            looked = self._near.within(self._vectors(others), _LEAST, count) if others else []
            for word, (near, ended) in zip(others, looked, strict=True):
                alike, ended = self._of_stems([(row, _worth(cosine)) for row, cosine in near], ended, _WIDER**turn)
                found[word] = _Alike(tuple((self._stems[row], how) for row, how in alike), turn, ended)
        return [found.get(word, _NOTHING) for word in words]

    def _listed(self, lists: Lists, word: str) -> _Alike:
        """What is like one of the library's own words that is listed, with the words that came later."""
        place = self._words[word]
        alike, ended = lists.alike(place)
        if len(lists.later):
            later = [(row, _worth(one)) for row, one in lists.cosines(self._near.vector(place)) if one >= _LEAST]
            alike, ended = self._of_stems(sorted((*alike, *later), key=lambda one: -one[1]), ended)
        return _Alike(tuple((self._stems[row], how) for row, how in alike), 0, ended)

    def _of_stems(
        self, near: Sequence[tuple[int, float]], ended: bool, wider: int = 1
    ) -> tuple[list[tuple[int, float]], bool]:
        """Of words near to one, the nearest first, the first of each stem, and whether there are no more."""
        best: dict[str, tuple[int, float]] = {}
        for row, how in near:
            stem_of = self._stems[row]
            if stem_of not in best:
                if len(best) == wider * _KEPT:
                    return list(best.values()), False
                best[stem_of] = row, how
        return list(best.values()), ended

    def _vectors(self, words: Sequence[str]) -> Packed:
        """The words' vectors: those of the library's own are there already."""
        unknown = [word for word in words if word not in self._words]
        made = dict(zip(unknown, self.embed(unknown), strict=True)) if unknown else {}
        return np.array([made[word] if word in made else self._near.vector(self._words[word]) for word in words])


def _worth(cosine: float) -> float:
    """How like two words are."""
    return min(1.0, round((cosine - _UNLIKE) / (1.0 - _UNLIKE), 4))


def _beside(graph: Path) -> Path:
    """The file of what is like each word."""
    return graph.with_suffix(".npz")


def _holding(alike: _Alike, held: Held) -> list[tuple[str, float]]:
    """Those of its stems that passages hold."""
    counts = held([one for one, _ in alike.stems])
    return [one for one, count in zip(alike.stems, counts, strict=True) if count]
