"""Vectors for the passages that have none yet, and for their words: made batch by batch, kept on disk and where they
are compared.

Knows how a batch is embedded, who compares, and when what is in memory is saved. Does not know which passages lack a
vector, nor what becomes of an encoder that fails.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

import numpy as np

from rag.retrieval.embedders.base import Embedder, Packed, packed
from rag.retrieval.likeness import LikeWords, words_of
from rag.retrieval.neighbours import Near
from rag.retrieval.remote_neighbours import RemoteNeighbours
from rag.storage.protocols import VectorIndex
from rag.storage.sqlite_store import Store
from rag.storage.vectors import VectorStore

_BATCH = 32
_SAVE_EVERY = 50_000
_WORDS_AT_ONCE = 200
"""Passages whose words are taken in at once."""
_AFTER = 10
"""By so much is the nice value of a thread higher that gives way: it gets a tenth of what others want."""
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far vectors are: passages `done` of `total` in this `step` of so many `steps`, and the seconds that are left
    of it where they are known."""

    done: int
    total: int
    step: int
    steps: int
    seconds_left: float | None


def give_way() -> None:
    """Have this thread, and those that it begins, take a processor after who answers people, where the system tells
    threads apart.
    """
    if sys.platform == "linux":
        own = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, own, min(19, os.getpriority(os.PRIO_PROCESS, own) + _AFTER))


class Watched:
    """How far vectors are `now`, None where none are made."""

    def __init__(self) -> None:
        self.now: Progress | None = None
        self._began = (0.0, 0)

    def hear(self, done: int, total: int, steps_over: int, steps: int) -> None:
        """Passages `done` of `total` in the step after those that are over."""
        at = time.monotonic()
        if self.now is None or self.now.step != steps_over + 1:
            self._began = at, done
        began, first = self._began
        left = (total - done) * (at - began) / (done - first) if done > first else None
        self.now = Progress(done, total, steps_over + 1, steps, left)


def opened(
    path: Path,
    model: str,
    store: Store,
    near: Near,
    remote: Callable[[str], VectorIndex | None],
    graph: Path,
    *derived: Path,
) -> tuple[VectorStore, Near]:
    """The vectors of a model in the file at `path`, and who knows which are near: the engine of the index where it can
    (`remote`), else `near`, with what lies there and in the `graph`. Those of another model are deleted, and with them
    what was `derived` from them."""
    index = remote(model)
    vectors = VectorStore(path)
    before = vectors.model
    if vectors.begin(model):
        for one in (graph, *derived):
            one.unlink(missing_ok=True)
        if before and (old := remote(before)) is not None:
            old.discard()
    if index is not None:
        return vectors, RemoteNeighbours(index, vectors, store)
    near.open(graph)
    near.take_in(vectors)
    return vectors, near


def made(
    missing: Sequence[int],
    store: Store,
    embedder: Embedder,
    vectors: VectorStore,
    near: Near,
    graph: Path,
    *,
    progress: Callable[[int, int], None] | None,
    stopped: Callable[[], bool],
    at_once: int = 1,
) -> Iterator[int]:
    """How many vectors each batch of the rows `missing` brought, until it is `stopped`; `near` is saved to `graph` now
    and then, and at the end. `progress` hears how many rows of how many; `at_once` batches are embedded beside each
    other. Raises EmbedderError.
    """

    def read(at: int) -> dict[int, str]:
        return store.texts_for_vectors(missing[at : at + _BATCH])

    def embedded(texts: Mapping[int, str]) -> tuple[list[int], Packed]:
        kept = sorted(texts)  # a passage may be gone by now
        return kept, packed(embedder.embed([texts[row] for row in kept])) if kept else np.zeros((0, 1), np.int8)

    count = done = 0
    try:
        for kept, matrix in beside(map(read, range(0, len(missing), _BATCH)), embedded, at_once, stopped):
            if kept:
                near.add(np.array(kept, np.int64), matrix)
                vectors.put(kept, matrix)  # last, so that what is on disk is known wherever it is to be found
            count, done = count + len(kept), min(done + _BATCH, len(missing))
            if progress is not None:
                progress(done, len(missing))
            if count and count % _SAVE_EVERY < _BATCH:
                near.save(graph)
            yield len(kept)
    finally:
        if count:
            near.save(graph)


def take_words(
    words: LikeWords,
    live: Collection[int],
    store: Store,
    vectors: VectorStore,
    graph: Path,
    progress: Callable[[int, int], None] | None,
    stopped: Callable[[], bool],
) -> None:
    """Make vectors of the words that passages among the `live` ones brought since the last time, until it is `stopped`;
    they are saved to `graph`. Those of passages that are gone stay: they are like others as before, and nothing is
    found by them. Raises EmbedderError.
    """
    seen = vectors.words_to
    fresh = sorted(row for row in live if row > seen)
    for at in range(0, len(fresh), _WORDS_AT_ONCE):
        if stopped():
            return
        rows = fresh[at : at + _WORDS_AT_ONCE]
        spoken = store.languages_of(rows)
        met: dict[str, str] = {}
        for row, text in store.texts_for_vectors(rows).items():
            language = spoken.get(row, "")
            for word in words_of(text, language):
                met.setdefault(word, language)
        new = [(word, met[word]) for word in words.unknown(met)]
        matrix = words.embed([word for word, _ in new])
        vectors.put_words(new, matrix, rows[-1])
        words.add(new, matrix)
        if progress is not None:
            progress(at + len(rows), len(fresh))
    if words.make_lists(stopped) or fresh:
        words.save(graph)


def beside(given: Iterable[T], work: Callable[[T], R], at_once: int, stopped: Callable[[], bool]) -> Iterator[R]:
    """What `work` makes of each, in order, `at_once` of them beside each other in threads; none is begun any more once
    it is `stopped`. What is given is taken in the caller's thread, and not far ahead.
    """
    with ThreadPoolExecutor(at_once, "vectors") as pool:
        begun: deque[Future[R]] = deque()
        for one in takewhile(lambda _: not stopped(), given):
            begun.append(pool.submit(work, one))
            if len(begun) > at_once:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
