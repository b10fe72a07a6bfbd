"""Vectors for the passages that have none yet: made batch by batch, kept on disk and where they are compared.

Knows how a batch is embedded, who compares, and when what is in memory is saved. Does not know which passages lack a
vector, nor what becomes of an encoder that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from rag.retrieval.embedders.base import Embedder, packed
from rag.retrieval.neighbours import Near
from rag.retrieval.remote_neighbours import RemoteNeighbours
from rag.storage.protocols import VectorIndex
from rag.storage.sqlite_store import Store
from rag.storage.vectors import VectorStore

_BATCH = 32
_SAVE_EVERY = 50_000


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
) -> Iterator[int]:
    """How many vectors each batch of the rows `missing` brought, until it is `stopped`; `near` is saved to `graph` now
    and then, and at the end. `progress` hears how many rows of how many. Raises EmbedderError.
    """
    count = 0
    try:
        for at in range(0, len(missing), _BATCH):
            if stopped():
                break
            rows = missing[at : at + _BATCH]
            texts = store.texts_for_vectors(rows)
            kept = [row for row in rows if row in texts]  # a passage may be gone by now
            if kept:
                matrix = packed(embedder.embed([texts[row] for row in kept]))
                near.add(np.array(kept, np.int64), matrix)
                vectors.put(kept, matrix)  # last, so that what is on disk is known wherever it is to be found
            count += len(kept)
            if progress is not None:
                progress(min(at + _BATCH, len(missing)), len(missing))
            if count and count % _SAVE_EVERY < _BATCH:
                near.save(graph)
            yield len(kept)
    finally:
        if count:
            near.save(graph)
