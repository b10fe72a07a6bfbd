"""What a second, stronger encoder of one language finds, and what it says of all the passages that were found and of
their pieces.

Knows that encoder, the vectors that it made of the passages in its language, in memory and on disk, those of their
pieces, and how the missing ones are made. Does not rank, nor know what a passage is cut into. Without the encoder, or
where candidates have no vectors yet, it says nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from rag.retrieval import making, pieces
from rag.retrieval.embedders.base import EmbedderError, Packed, packed
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.matching import Bools
from rag.retrieval.neighbours import GRAPH_FROM, Among, Floats, Near, Neighbours
from rag.retrieval.pieces import Splitter
from rag.storage.protocols import VectorIndex
from rag.storage.sqlite_store import Store
from rag.storage.vectors import VectorStore
from rag.text.language import detect
from rag.types import Nearness, Passage

SECOND_VECTORS = "vectors-second.sqlite"
FORM = 1
"""Goes up when the same passage would be embedded otherwise."""
_LOOKED_AT = 500
_NEAREST = 15
"""So many passages are candidates that it holds nearest to a question."""
_MISSING = 0.1
"""Share of the candidates in its language without a vector above which nothing is said."""
_HEADINGS = " > "
_log = logging.getLogger(__name__)


class SecondOpinion:
    """The second encoder's vectors of one library. Asking is safe from any thread; one thread at a time makes them."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        encoders: Paired,
        remote: Callable[[str], VectorIndex | None],
        graph_from: int = GRAPH_FROM,
        cut: Splitter | None = None,
    ) -> None:
        """Opens nothing yet. `remote` as in `semantics.Semantics`; `cut` cuts a passage, without it none is cut."""
        self._store = store
        self._directory = directory
        self._encoders = encoders
        self._model = f"{encoders.second.name}.{FORM}"
        self._vectors: VectorStore | None = None
        self._remote = remote
        self._near: Near = Neighbours(graph_from)
        self._others: set[int] = set()
        self._cut = cut
        self._problem = ""
        self._failed: set[int] = set()
        self.making = 0
        """What vectors are made now: 1 for those of passages, 2 for those of their pieces, 0 for none."""

    @property
    def problem(self) -> str:
        """Why nothing is said any more, "" where nothing is wrong."""
        return self._problem

    def open(self) -> VectorStore:
        """The vectors on disk, taken in where they were not; those of another model are forgotten."""
        if self._vectors is None:
            path = self._directory / SECOND_VECTORS
            self._vectors, self._near = making.opened(
                path, self._model, self._store, self._near, self._remote, self._graph_path()
            )
        return self._vectors

    def follow(self) -> None:
        """Take in what another process has made."""
        vectors = self.open()
        self._near.take_in(vectors)

    def close(self) -> None:
        """Let go of the file."""
        if self._vectors is not None:
            self._vectors.close()

    def reads(self, question: str) -> bool:
        """Whether a question may be in the encoder's language: nothing is made of others."""
        return detect(question, default=self._encoders.language) == self._encoders.language

    def take(self, encoders: Paired) -> None:
        """Have those who read from now on who were not there before."""
        self._encoders = encoders

    def warm(self, passages: int) -> None:
        """Open the encoder, and the readers of a library of so many passages, where there are any. Raises EmbedderError
        where one cannot be opened.
        """
        self.means(["word"])
        used = (self._encoders.reader, self._encoders.others if passages > len(self._near) else None)
        for reader in used:
            if reader is not None:
                reader.odds("word", "", "word")

    def means(self, texts: Sequence[str]) -> Packed | None:
        """The vectors of a question's readings, None where it fails."""
        if self._problem:
            return None
        try:
            return packed(self._encoders.second.embed(texts))
        except EmbedderError as error:
            self._fail(error)
            return None

    def nearest(self, vector: Packed, language: str, among: Among) -> list[int]:
        """The rows of the passages nearest to a question in `language`, nearest first; of those
        `among` which are meant; none where the language is not the encoder's.
        """
        return self._near.nearest(vector, _NEAREST, among) if language == self._encoders.language else []

    def cosines(self, vector: Packed, rows: Sequence[int], language: str, foreign: Bools) -> Floats | None:
        """The cosine of each row's passage with a question in `language`; None where that is not the encoder's, or too
        many of the rows that are not `foreign` to it have no vector. What is foreign, or still without, has the mean.
        """
        if language != self._encoders.language or not len(rows):
            return None
        found = self._near.cosines(vector, rows)
        lacking, own = np.isnan(found), ~foreign
        if lacking.all() or (own.any() and lacking[own].mean() > _MISSING):
            return None
        found[lacking] = found[~lacking].mean()
        return found

    def nearness(self, vector: Packed, rows: Sequence[int], language: str) -> dict[int, Nearness]:
        """Row -> the cosines of the passage and of its pieces with a question in `language`, where they have vectors;
        none where that is not the encoder's.
        """
        if self._vectors is None or language != self._encoders.language:
            return {}
        return pieces.nearness(vector, rows, self._near, self._vectors)

    def read(self, question: str, language: str, passage: Passage) -> float | None:
        """The odds (their natural logarithm) that a passage answers a question in `language`, as the reader says
        of what is nearest to it; None where there is none for both texts, or it has failed.
        """
        reader = self._encoders.reads(language, passage.language)
        if reader is None or id(reader) in self._failed:
            return None
        known = passage.near.pieces if passage.near is not None else ()
        start, end, _ = max(known, key=lambda piece: piece[2], default=(0, 0, 0.0))
        try:
            return reader.odds(question, _HEADINGS.join(passage.headings), passage.text, (start, end))
        except EmbedderError as error:
            self._failed.add(id(reader))
            _log.warning("%s", error)
            return None

    def make(
        self,
        live: Collection[int],
        *,
        progress: Callable[[int, int], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
        at_once: int = 1,
    ) -> int:
        """Make the vectors that are missing among the rows that are `live` and in the encoder's language, forget those
        of others; returns how many were made, `at_once` batches beside each other. May be stopped at any time; the
        next call goes on.
        """
        vectors = self.open()
        if self._problem:
            return 0
        rows, known = set(live), vectors.rows()
        self._near.keep_up(known, known - rows, stopped)
        vectors.remove(known - rows)
        self._others &= rows
        missing = self._in_language(sorted(rows - known - self._others))
        made = 0
        here = (self._store, self._encoders.second, vectors, self._near, self._graph_path())
        self.making = 1
        try:
            for count in making.made(missing, *here, progress=progress, stopped=stopped, at_once=at_once):
                made += count
            self.making = 2
            if self._cut is not None:
                own = sorted(vectors.whole() & rows)
                pieces.make(own, self._store, self._encoders.second, vectors, self._cut, progress, stopped, at_once)
        except EmbedderError as error:
            self._fail(error)
        finally:
            self.making = 0
        return made

    def unread(self, rows: Collection[int]) -> list[int]:
        """Those of the rows that are not in the encoder's language, in order."""
        rest = set(rows) - self.open().rows()
        self._in_language(sorted(rest - self._others))
        return sorted(rest & self._others)

    def _in_language(self, rows: Sequence[int]) -> list[int]:
        found: list[int] = []
        for at in range(0, len(rows), _LOOKED_AT):
            part = rows[at : at + _LOOKED_AT]
            spoken = self._store.languages_of(part)
            found += [row for row in part if spoken.get(row) == self._encoders.language]
        self._others |= set(rows).difference(found)
        return found

    def _graph_path(self) -> Path:
        return self._directory / f"vectors-{sha256(self._model.encode()).hexdigest()[:8]}.usearch"

    def _fail(self, error: EmbedderError) -> None:
        if not self._problem:
            self._problem = str(error)
            _log.warning("%s Until then, it says nothing of what is found.", error)
