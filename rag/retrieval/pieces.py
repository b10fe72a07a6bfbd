"""What an encoder says of the pieces of a passage: the sentences, items and rows that may be quoted of it.

Knows how the pieces' vectors are made and kept beside the passage's, and how near they are to a question. Does not know
what a passage is cut into, nor which passages are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rag.retrieval import making
from rag.retrieval.embedders.base import Embedder, Packed, packed, unit
from rag.retrieval.neighbours import Near
from rag.storage.sqlite_store import Store
from rag.storage.vectors import VectorStore
from rag.types import Nearness, Passage

_AT_ONCE = 8
"""Passages whose pieces are embedded together."""
Splitter = Callable[[Passage], Sequence[tuple[int, int, str]]]
"""The pieces of a passage, each with where it begins and ends in the text, and what is embedded for it."""


def make(
    missing: Sequence[int],
    store: Store,
    embedder: Embedder,
    vectors: VectorStore,
    cut: Splitter,
    progress: Callable[[int, int], None] | None,
    stopped: Callable[[], bool],
    at_once: int,
) -> None:
    """Make the vectors of the pieces of the passages `missing` in `vectors`, which have their own there, until it is
    `stopped`, `at_once` batches beside each other; `progress` hears how many passages of how many. Raises
    EmbedderError.
    """

    def read(at: int) -> dict[int, Passage]:
        return store.passages(missing[at : at + _AT_ONCE])

    def embedded(passages: Mapping[int, Passage]) -> dict[int, tuple[list[tuple[int, int]], Packed]]:
        parts = {row: cut(one) for row, one in passages.items()}
        said = [text for own in parts.values() for *_, text in own]
        made = packed(embedder.embed(said)) if said else np.zeros((0, 1), np.int8)
        ends = np.cumsum([len(own) for own in parts.values()])[:-1]
        spans = [[(start, end) for start, end, _ in own] for own in parts.values()]
        return dict(zip(parts, zip(spans, np.split(made, ends), strict=True), strict=True))

    batches = map(read, range(0, len(missing), _AT_ONCE))
    for done, found in enumerate(making.beside(batches, embedded, at_once, stopped), 1):
        vectors.put_pieces(found)
        if progress is not None:
            progress(min(done * _AT_ONCE, len(missing)), len(missing))


def nearness(
    vector: Packed, rows: Sequence[int], near: Near, vectors: VectorStore, *, second: bool = True
) -> dict[int, Nearness]:
    """Row -> the cosines of the passage and of its pieces with a question, where they have vectors; `second` says whose
    vectors these are (`Nearness.second`).
    """
    whole, pieces = near.cosines(vector, rows).tolist(), vectors.pieces_of(rows)
    known = [(row, cosine) for row, cosine in zip(rows, whole, strict=True) if row in pieces and cosine == cosine]
    if not known:
        return {}
    own = unit(vector[None].astype(np.float32))[0]
    every = np.concatenate([pieces[row][1] for row, _ in known]).astype(np.float32)
    cosines = iter((unit(every) @ own).tolist())
    return {
        row: Nearness(cosine, tuple((start, end, next(cosines)) for start, end in pieces[row][0].tolist()), second)
        for row, cosine in known
    }
