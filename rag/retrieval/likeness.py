"""Which of the library's own words mean much the same as a question's, in whatever language.

Knows single words, their vectors from the encoder that makes those of passages, and which stem each word has in the
passages. Does not know passages, nor what a word that is like another is worth.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import regex

from rag.retrieval.embedders.base import Embedder, Packed, packed
from rag.retrieval.neighbours import Neighbours
from rag.retrieval.vocabulary import Vocabulary
from rag.text.analyser import casefold, fold, stem, stop_terms
from rag.types import Likes

MOST_WORDS = 60_000
"""Words of a library that have a vector; those that are met later have none."""
_GRAPH_FROM = 1_000
_NEAREST, _MOST = 48, 12
_UNLIKE, _LEAST = 0.5, 0.55
"""Cosine of two words up to which they have nothing in common, and from which on they are like one another."""
_KNOWN = 4_000
_WORD = regex.compile(r"[\p{Latin}\p{Cyrillic}\p{Greek}\p{Arabic}\p{Hebrew}\p{Devanagari}\p{Hangul}\p{M}]{3,30}")


def words_of(text: str, language: str) -> set[str]:
    """The words of a text that may have a vector of their own."""
    stop = stop_terms(language or "en")
    return {word for word in _WORD.findall(casefold(text)) if fold(word) not in stop}


class LikeWords:
    """The words of one library. Safe from any thread."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._near = Neighbours(_GRAPH_FROM)
        self._lock = threading.Lock()
        self._words: dict[str, int] = {}
        self._stems: list[str] = []
        self._found: dict[str, tuple[tuple[str, float], ...]] = {}

    def __len__(self) -> int:
        return len(self._words)

    def unknown(self, words: Collection[str]) -> list[str]:
        """Those of the words that have no vector and may have one, in order."""
        room = max(0, MOST_WORDS - len(self._words))
        return sorted(word for word in words if word not in self._words)[:room]

    def embed(self, words: Sequence[str]) -> Packed:
        """Their vectors. Raises EmbedderError."""
        return packed(self._embedder.embed(words))

    def open(self, words: Sequence[tuple[str, str]], vectors: Packed, graph: Path) -> None:
        """Take in the words that were kept, with the graph that was saved of them, if it can be read."""
        self._near.open(graph)
        self.add(words, vectors, graphed=len(self._near))

    def save(self, graph: Path) -> None:
        """Save the graph, where there is one."""
        self._near.save(graph)

    def add(self, words: Sequence[tuple[str, str]], vectors: Packed, *, graphed: int = 0) -> None:
        """Take in words, each with the language of the passages that hold it; the first `graphed` are found already."""
        with self._lock:
            begin = len(self._words)
            rows = np.arange(begin, begin + len(words), dtype=np.int64)
            self._stems.extend(stem(word, language) for word, language in words)
            self._near.add(rows[graphed:], vectors[graphed:])
            self._words |= {word: begin + place for place, (word, _) in enumerate(words)}
            self._found = {}

    def known(self, words: Sequence[str]) -> Likes | None:
        """What `likes` returns, where nothing has to be computed for it: all of the words were asked for before."""
        found = self._found
        kept = {word: found.get(word) for word in map(casefold, words)}
        return None if None in kept.values() else {word: like for word, like in kept.items() if like is not None}

    def likes(self, words: Sequence[str]) -> Likes:
        """What is like each of these words of a question. Raises EmbedderError."""
        plain = list(dict.fromkeys(casefold(word) for word in words))
        found = self._found
        fresh = [word for word in plain if word not in found]
        if fresh and self._words:
            if len(found) + len(fresh) > _KNOWN:
                self._found = found = {}
            for word, like in zip(fresh, self._near.within(self._vectors(fresh), _LEAST, _NEAREST), strict=True):
                best: dict[str, float] = {}
                for row, cosine in like:
                    best.setdefault(self._stems[row], min(1.0, round((cosine - _UNLIKE) / (1.0 - _UNLIKE), 4)))
                found[word] = tuple(best.items())
        return {word: found.get(word, ()) for word in plain}

    def _vectors(self, words: Sequence[str]) -> Packed:
        """The words' vectors: those of the library's own are there already."""
        unknown = [word for word in words if word not in self._words]
        made = dict(zip(unknown, self.embed(unknown), strict=True)) if unknown else {}
        return np.array([made[word] if word in made else self._near.vector(self._words[word]) for word in words])


def seen(likes: Likes, vocabulary: Vocabulary) -> Likes:
    """The likest of those that whoever asks may read: words of other passages change nothing."""
    kept = {}
    vocabulary.frequencies([one for every in likes.values() for one, _ in every[: 2 * _MOST]])  # most of what is asked
    for word, every in likes.items():
        visible = (one for one in every if vocabulary.frequency("terms", one[0]))
        kept[word] = tuple(itertools.islice(visible, _MOST))
    return kept
