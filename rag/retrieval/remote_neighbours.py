"""The passages whose vectors lie nearest to a question's, where the engine of the index compares them: this process
holds none in memory.

Knows that engine's index of vectors, the file of vectors beside the passages, from which it reads those of candidates,
and the store, which says whose each is. Does not know texts or models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from rag.retrieval.embedders.base import Packed, unit
from rag.retrieval.neighbours import SAMPLE, Among, Floats, cosines, usual
from rag.storage.filters import Filters
from rag.storage.protocols import VectorIndex
from rag.storage.sqlite_store import Store
from rag.storage.vectors import Rows, VectorStore
from rag.storage.whereabouts import entries

_AT_ONCE = 500
_SAMPLES, _SAMPLE_SECONDS = 64, 300.0


class RemoteNeighbours:
    """Vectors by row, see `neighbours.Near`. Asking is safe from any thread, also while rows are added. Whatever the
    engine does not do raises its LibraryError."""

    def __init__(self, index: VectorIndex, vectors: VectorStore, store: Store) -> None:
        self._index = index
        self._vectors = vectors
        self._store = store
        self._samples: dict[frozenset[str] | None, tuple[float, list[int]]] = {}
        """Labels -> when some rows that have one were asked for, and these."""
        self._lacking = 0

    def __len__(self) -> int:
        return len(self._vectors)

    def __bool__(self) -> bool:
        return bool(self._vectors)

    def add(self, rows: Rows, vectors: Packed) -> None:
        """Hand vectors to the engine. Those of passages that are gone by now are left out."""
        known = entries(self._store, rows.tolist())
        there = [at for at, row in enumerate(rows.tolist()) if row in known]
        if there:
            self._index.put([known[int(rows[at])] for at in there], vectors[there])

    def open(self, path: Path) -> None:
        """Nothing to do, nor is anything kept at `path`."""

    def save(self, path: Path) -> None:
        """Let searches find what was added."""
        self._index.reload()

    def take_in(self, vectors: VectorStore) -> None:
        """Nothing to do: the engine knows of them."""

    def keep_up(self, known: Collection[int], gone: Collection[int], stopped: Callable[[], bool]) -> None:
        """Of the rows that are `known` to have a vector, forget those that are `gone`, and send those anew whose
        document may have another name or other labels: all there are, where the engine lost something."""
        rows = sorted(gone)
        for at in range(0, len(rows), _AT_ONCE):
            self._index.remove(rows[at : at + _AT_ONCE])
        self._index.reload()
        generation, told = self._store.generation, self._vectors.told
        lacking = len(known) - len(rows) - self._index.count
        if told > generation or lacking > self._lacking:
            told = 0
        documents, _ = self._store.changes_since(told)
        waiting: list[int] = []
        for identity in documents:
            waiting += self._store.passage_rows(identity)
            if len(waiting) >= _AT_ONCE:
                self._send(waiting)
                waiting = []
            if stopped():
                return
        if documents:
            self._send(waiting)
            self._index.reload()
        if not told:  # what it lacks even so, it does not take
            self._lacking = max(0, len(known) - len(rows) - self._index.count)
        self._vectors.told = generation

    def _send(self, rows: Sequence[int]) -> None:
        known, vectors = self._vectors.of(rows)
        for at in range(0, len(known), _AT_ONCE):
            self.add(known[at : at + _AT_ONCE], vectors[at : at + _AT_ONCE])

    def nearest(self, vector: Packed, count: int, among: Among | None = None) -> list[int]:
        """The rows of the `count` nearest vectors that the filters let through, nearest first."""
        return self._index.nearest(vector, count, among.filters if among is not None else Filters(labels=None))

    def cosines(self, vector: Packed, rows: Sequence[int] | Rows) -> Floats:
        """The cosine of each row's vector with this one; nan where it has none."""
        known, vectors = self._vectors.of(np.asarray(rows, np.int64).tolist())
        return cosines(vector, rows, known, lambda places: unit(vectors[places].astype(np.float32)))

    def usual(self, vector: Packed, among: Among | None = None) -> tuple[float, float]:
        """(mean, standard deviation) of the cosines with some of the passages that the labels let through."""
        labels = Filters(labels=among.filters.labels if among is not None else None)
        rows = self._sample(labels)
        # Whose each is may have changed since the engine was told, or asked.
        allowed = self._store.allowed(rows, labels) if rows else set()
        cosines = self.cosines(vector, sorted(allowed))
        return usual(cosines[~np.isnan(cosines)])

    def _sample(self, labels: Filters) -> list[int]:
        taken, rows = self._samples.get(labels.labels, (-_SAMPLE_SECONDS, []))
        if time.monotonic() - taken < _SAMPLE_SECONDS:
            return rows
        rows = self._index.some(SAMPLE, labels)
        if len(rows) == SAMPLE:  # a smaller library is soon asked, and soon another
            if len(self._samples) >= _SAMPLES:
                self._samples.clear()
            self._samples[labels.labels] = time.monotonic(), rows
        return rows
