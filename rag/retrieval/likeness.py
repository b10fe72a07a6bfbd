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
_GRAPH_FROM = 4_000
_NEAREST, _FARTHEST, _MOST = 32, 2_048, 12
_UNLIKE = 0.5
"""Cosine of two words up to which they have nothing in common."""
_LEAST = 0.1
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

    def likes(self, words: Sequence[str]) -> Likes:
        """What is like each of these words of a question. Raises EmbedderError."""
        found = self._found
        plain = list(dict.fromkeys(casefold(word) for word in words))
        fresh = [word for word in plain if word not in found]
        if fresh and self._words:
            for word, vector in zip(fresh, self.embed(fresh), strict=True):
                if len(found) < _KNOWN:
                    found[word] = self._like(vector)
                else:
                    self._found = found = {word: self._like(vector)}
        return {word: found.get(word, ()) for word in plain}

    def _like(self, vector: Packed) -> tuple[tuple[str, float], ...]:
        """Every stem that is like a word, the likest first."""
        count = _NEAREST
        while True:
            rows = self._near.nearest(vector, count)
            cosines = self._near.cosines(vector, rows).tolist()
            likest = [(row, (cosine - _UNLIKE) / (1.0 - _UNLIKE)) for row, cosine in zip(rows, cosines, strict=True)]
            if len(rows) < count or likest[-1][1] < _LEAST or count >= _FARTHEST:
                break
            count *= 4
        best: dict[str, float] = {}
        for row, like in likest:
            if like >= _LEAST and row < len(self._stems):
                best.setdefault(self._stems[row], min(1.0, round(like, 4)))
        return tuple(best.items())


def seen(likes: Likes, vocabulary: Vocabulary) -> Likes:
    """The likest of those that whoever asks may read: words of other passages change nothing."""
    kept = {}
    for word, every in likes.items():
        visible = (one for one in every if vocabulary.frequency("terms", one[0]))
        kept[word] = tuple(itertools.islice(visible, _MOST))
    return kept
