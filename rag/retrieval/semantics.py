"""The second stage of a search: which passages are near to a question in meaning.

Knows an encoder, the vectors of passages in memory and on disk, and how the passages of a library get theirs in the
background, and then those of a second encoder (`rag.retrieval.second_opinion`) where there is one: newly made vectors
are found at once, those of passages that are gone are forgotten, and all of them are made anew for another model; of
several processes on one folder, one makes them. Does not know terms or ranking. Without an encoder, or when it fails,
there is no such stage, and words alone decide.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from rag.memory import give_back
from rag.retrieval import making, pieces, query
from rag.retrieval.embedders.base import Embedder, EmbedderError, Packed, packed
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.likeness import Held, LikeWords
from rag.retrieval.matching import Bools
from rag.retrieval.meaning import Meaning
from rag.retrieval.neighbours import GRAPH_FROM, Among, Floats, Near, Neighbours
from rag.retrieval.pieces import Splitter
from rag.retrieval.second_opinion import SecondOpinion
from rag.storage.protocols import IndexAwayError, VectorIndex
from rag.storage.sqlite_store import Store
from rag.storage.vectors import VectorStore
from rag.types import Likes, Nearness, Passage

VECTORS = "vectors.sqlite"
FORM = 1
"""Goes up when the same passage would be embedded otherwise."""
_ASKED_AT_ONCE, _EXPECTED = 4, 16
_FOLLOW_SECONDS = 5.0
"""How soon vectors are found that another process on the same folder has made."""
_APART = 0.15
"""Cosine of two questions below which they have nothing to do with one another."""
_log = logging.getLogger(__name__)


class Semantics:
    """The vectors of one library. Searching is safe from any thread; one thread at a time makes vectors."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        embedder: Embedder,
        remote: Callable[[str], VectorIndex | None] = lambda model: None,
        cut: Splitter | None = None,
        *,
        graph_from: int = GRAPH_FROM,
    ) -> None:
        """Opens nothing and computes nothing yet. `remote` is where the engine of the index finds a model's vectors,
        None where this process is to; `cut` cuts passages into pieces that get vectors of their own."""
        self._store = store
        self._directory = directory
        self._embedder = embedder
        self._remote = remote
        self._cut = cut
        self._near: Near = Neighbours(graph_from)
        self._words = LikeWords(embedder)
        self._beside = partial(SecondOpinion, store, directory, remote=remote, graph_from=graph_from, cut=cut)
        self._second = self._beside(embedder) if isinstance(embedder, Paired) else None
        self._watched, self._steps_over = making.Watched(), 0
        self._vectors: VectorStore | None = None
        self._opening = threading.Lock()
        self._making = threading.Lock()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._idle = threading.Event()
        self._alone = FileLock(directory / f"{VECTORS}.lock", thread_local=False)
        self._thread: threading.Thread | None = None
        self._asked = ThreadPoolExecutor(_ASKED_AT_ONCE, "meaning")
        self._expected: dict[str, Callable[[], Meaning | None]] = {}
        self._problem = self._away = ""

    @property
    def problem(self) -> str:
        """Why there is no second stage, "" where there is."""
        return self._problem

    @property
    def progress(self) -> making.Progress | None:
        """How far the thread of `start` is with the vectors that are missing; None where it makes none."""
        return self._watched.now

    @property
    def near(self) -> Near:
        """The vectors."""
        return self._near

    def take_second(self, embedder: Embedder) -> None:
        """Have the second encoder of a pair too from now on, where there was only the first, and those who read."""
        with self._opening:
            if isinstance(embedder, Paired) and self._second is not None:
                self._second.take(embedder)
            elif isinstance(embedder, Paired):
                second = self._beside(embedder)
                if self._vectors is not None:
                    second.open()
                self._second = second
        self.wake()

    def counts(self) -> tuple[int, int]:
        """(passages with a vector, passages)."""
        self._open()
        return len(self._near), self._store.totals().passages

    def warm(self) -> None:
        """Open the vectors and the encoders, which the first search would otherwise wait for. An encoder that cannot be
        opened yet is tried again with the first question."""
        try:
            self._open()
            self._embedder.embed(["word"])
            if self._second is not None:
                self._second.warm(len(self._near))
        except EmbedderError as error:
            _log.info("The encoder is not warm: %s", error)
        give_back()  # reading encoders and vectors takes as much again as they do

    def means(self, question: str, before: str = "") -> Meaning | None:
        """The vectors of a question and of it after the question `before`; None when there is nothing to compare."""
        if self._problem:
            return None
        try:
            self._open()
            if not self._near:
                return None
            texts = [question, f"{before}\n{question}", before] if before else [question]
            rows = self._embedder.embed(texts)
        except EmbedderError as error:
            self._fail(str(error))
            return None
        own, *others = packed(rows)
        if not before:
            return Meaning(own, own)
        return Meaning(own, others[0], apart=float(rows[0] @ rows[2]) < _APART)

    def expect(self, question: str) -> None:
        """Begin to compute what a question means that is searched in a moment; see `Expecting.expect`."""
        asked = query.asked(question)
        if self._problem or self._closed.is_set() or not asked.strip():
            return
        if len(self._expected) >= _EXPECTED:  # some are never asked for
            self._expected.clear()
        self._expected[asked] = self._begun(asked)

    def means_later(self, question: str, before: str = "") -> Callable[[], Meaning | None]:
        """What `means` returns, computed while the caller does something else; call it to have it."""
        if self._problem or self._closed.is_set():
            return lambda: None
        expected = self._expected.pop(question, None) if not before else None
        return expected or self._begun(question, before)

    def _begun(self, question: str, before: str = "") -> Callable[[], Meaning | None]:
        if self._second is None or not self._second.reads(question):
            return self._asked.submit(self.means, question, before).result
        # The second encoder takes longest, so it begins first.
        texts = [question, f"{before}\n{question}"] if before else [question]
        second = self._asked.submit(self._second.means, texts)
        later = self._asked.submit(self.means, question, before)

        def both() -> Meaning | None:
            meaning = later.result()
            return meaning and replace(meaning, second=second.result)

        return both

    def nearest(self, meaning: Meaning, count: int, among: Among) -> list[int]:
        """The rows of the `count` nearest to each reading of a question; only those `among` which are meant."""
        readings = [meaning.own] if meaning.talk is meaning.own else [meaning.own, meaning.talk]
        return list(dict.fromkeys(row for one in readings for row in self._near.nearest(one, count, among)))

    def nearest_second(self, meaning: Meaning, among: Among, language: str) -> list[int]:
        """The few rows that a second encoder holds nearest to a question in `language`."""
        vector = _second_of(meaning)
        return [] if self._second is None or vector is None else self._second.nearest(vector, language, among)

    def second(self, meaning: Meaning, rows: Sequence[int], language: str, foreign: Bools) -> Floats | None:
        """What a second encoder says of the passages of these rows; see `SecondOpinion.cosines`."""
        vector = _second_of(meaning)
        return None if self._second is None or vector is None else self._second.cosines(vector, rows, language, foreign)

    def nearness(self, meaning: Meaning | None, rows: Sequence[int], language: str) -> dict[int, Nearness]:
        """How near these passages and their pieces are to a question in `language`: as a second encoder says where it
        knows both languages, else the first."""
        if meaning is None or not rows:
            return {}
        vector = _second_of(meaning)
        found = {} if self._second is None or vector is None else self._second.nearness(vector, rows, language)
        if (rest := [row for row in rows if row not in found]) and self._vectors is not None:
            found |= pieces.nearness(meaning.talk, rest, self._near, self._vectors, second=False)
        return found

    @property
    def reads(self) -> bool:
        """Whether there is a second encoder, beside which somebody may read, and it was not closed."""
        return self._second is not None and not self._closed.is_set()

    def read(self, question: str, language: str, passage: Passage) -> float | None:
        """See `SecondOpinion.read`; None where nobody `reads`."""
        if self._second is None or not self.reads:
            return None
        return self._second.read(question, language, passage)

    def likes_later(self, words: Sequence[str], after: Callable[[], object]) -> Callable[[Sequence[str], Held], Likes]:
        """What is like words of a question, looked for `after` something while the caller does something else. Call it
        with those that count, which should be among them; of the library's words, only those that passages hold.
        """
        if self._problem or self._closed.is_set() or not words:
            return lambda words, held: {}
        looked = None if self._words.known(words) else self._asked.submit(self._look, words, after)

        def likes(words: Sequence[str], held: Held) -> Likes:
            if looked is not None:
                looked.result()
            if self._problem:
                return {}
            try:
                return self._words.likes(words, held)
            except EmbedderError as error:
                self._fail(str(error))
                return {}

        return likes

    def _look(self, words: Sequence[str], after: Callable[[], object]) -> None:
        try:
            after()
            self._open()
            self._words.look(words)
        except EmbedderError as error:
            self._fail(str(error))

    def start(self) -> None:
        """Make the missing vectors in a thread of its own, now and whenever `wake` is called."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="vectors", daemon=True)
            self._thread.start()
        self.wake()

    def wake(self) -> None:
        """The library changed."""
        self._idle.clear()
        self._wake.set()

    def settled(self, seconds: float) -> bool:
        """Wait until the thread has nothing to do; False when it took longer."""
        return self._idle.wait(seconds)

    def close(self) -> None:
        """Stop after the batch under way, and let go of the file."""
        self._closed.set()
        self._wake.set()
        self._asked.shutdown()
        if self._thread is not None:
            self._thread.join()
        with self._making:
            self._alone.release(force=True)
            if self._vectors is not None:
                self._vectors.close()
            if self._second is not None:
                self._second.close()

    def make(
        self,
        *,
        progress: Callable[[int, int], None] | None = None,
        stopped: Callable[[], bool] = lambda: False,
        at_once: int = 1,
    ) -> int:
        """Make the vectors that are missing and forget those of passages that are gone; returns how many were made.

        `at_once` batches are embedded beside each other: as many as cores, where nobody waits for an answer. May be
        stopped at any time; the next call goes on. Raises EmbedderError.
        """
        with self._making:
            vectors = self._open()
            live = self._store.all_rows()
            known = vectors.rows()
            self._near.keep_up(known, known - live, lambda: stopped() or self._closed.is_set())
            vectors.remove(known - live)
            self._steps_over = 0

            def ended() -> bool:
                return stopped() or self._closed.is_set()

            making.take_words(self._words, live, self._store, vectors, self._graph_path("words"), progress, ended)
            self._steps_over = 1
            missing = sorted(live - known)
            here = (self._store, self._embedder, vectors, self._near, self._graph_path())
            made = sum(making.made(missing, *here, progress=progress, stopped=ended, at_once=at_once))
            self._steps_over = 2
            if self._cut is not None:
                whole = vectors.whole() & live
                own = sorted(whole) if self._second is None else self._second.unread(whole)
                pieces.make(own, self._store, self._embedder, vectors, self._cut, progress, ended, at_once)
            if self._second is not None:
                made += self._second.make(live, progress=progress, stopped=ended, at_once=at_once)
            return made

    def _hear(self, done: int, total: int) -> None:
        second = self._second
        over = self._steps_over + (second.making if second is not None else 0)
        self._watched.hear(done, total, over, 3 if second is None else 5)

    def _open(self) -> VectorStore:
        with self._opening:
            if self._vectors is None:
                model = f"{self._embedder.name}.{FORM}"
                vectors, self._near = making.opened(
                    self._directory / VECTORS, model, self._store, self._near, self._remote,
                    self._graph_path(), self._graph_path("words"),
                )  # fmt: skip
                self._words.open(vectors.words, self._graph_path("words"))
                if self._second is not None:
                    self._second.open()
                self._vectors = vectors
            return self._vectors

    def _graph_path(self, of: str = "vectors") -> Path:
        digest = sha256(f"{self._embedder.name}.{FORM}".encode()).hexdigest()[:8]
        return self._directory / f"{of}-{digest}.usearch"

    def _run(self) -> None:
        making.give_way()
        while not self._closed.is_set():
            self._wake.wait(None if self._alone.is_locked else _FOLLOW_SECONDS)
            self._wake.clear()
            if self._closed.is_set():
                return
            try:
                if self._is_alone():
                    self.make(progress=self._hear)
                else:
                    self._follow()
            except IndexAwayError as error:
                self._wait_for_index(str(error))
            except EmbedderError as error:
                self._fail(str(error))
            except Exception:
                self._fail("The vectors of the library could not be made; start Tandem again.")
                _log.exception("Making vectors failed.")
            self._watched.now = None
            if not self._wake.is_set():
                self._idle.set()
            if self._problem:
                return

    def _wait_for_index(self, why: str) -> None:
        """Go on in a while with what the engine did not take."""
        if why != self._away:
            self._away = why
            _log.warning("%s Vectors are made when it does.", why)
        self._closed.wait(_FOLLOW_SECONDS)
        self._wake.set()

    def _is_alone(self) -> bool:
        """Whether no other process makes the vectors of this folder; none does as long as this one lives then."""
        try:
            self._alone.acquire(timeout=0)
        except Timeout:
            return False
        except (OSError, NotImplementedError):  # a disk that takes no lock
            return True
        return True

    def _follow(self) -> None:
        """Take in the vectors that another process has made."""
        with self._making:
            self._near.take_in(self._open())
            if self._second is not None:
                self._second.follow()

    def _fail(self, why: str) -> None:
        if not self._problem:
            self._problem = why
            _log.warning("%s Until then, words alone are searched.", why)


def _second_of(meaning: Meaning) -> Packed | None:
    """What a second encoder makes of a question after the one before it, waited for; None where it makes nothing."""
    said = meaning.second() if meaning.second is not None else None
    return None if said is None else said[-1]
