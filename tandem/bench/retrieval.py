"""How fast and how large retrieval is on made-up corpora, beside rank-bm25, SQLite FTS5 and bm25s; where the settings
choose OpenSearch, on that cluster too.

Knows how to make passages with a natural vocabulary and what to measure. Every engine runs in a process of its own, so
that its memory is its own. Knows no document of the user's and no command line.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from rag.formats.extracted import Extracted
from rag.ingest.chunking import Cut
from rag.ingest.document_builder import analysed_document
from rag.library import Library
from rag.settings import IndexSettings, RetrievalSettings
from rag.storage.opening import Engines
from rag.storage.records import NewDocument
from rag.text.analyser import stop_terms, tokens

_VOCABULARY = 120_000
_PASSAGES_A_DOCUMENT = 20
_BATCH = 2_000
_SENTENCE = 18
_QUESTIONS, _WARMING = 300, 20
"""How many questions are timed, each of them asked once, and how many others are asked before."""
_DEPTH = 10
_SLOW_LIMIT = 100_000
"""rank-bm25 answers in seconds above this size, and is left out there."""
_ONSETS = (*tuple("bcdfghjklmnprstvw"), "br", "cr", "gr", "st", "th")
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "ie", "oo", "ou")
_CODAS = ("", "", "", "l", "m", "n", "r", "s", "t", "nd", "st")
_SMALL = ("the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on", "not")


@dataclass(frozen=True, slots=True)
class Corpus:
    """A repeatable made-up corpus of `size` passages: a hundred words or so each, word frequencies after Zipf."""

    size: int

    def documents(self, start: int = 0, count: int | None = None) -> Iterator[tuple[str, list[str]]]:
        """(title, passages) of one document after another; from passage `start` on, where given, of `count` passages.

        `start` and `count` are multiples of the passages of a document.
        """
        end = self.size if count is None else min(self.size, start + count)
        for number in range(start, end, _PASSAGES_A_DOCUMENT):
            yield self._document(number)

    def _document(self, number: int) -> tuple[str, list[str]]:
        draw, words = np.random.default_rng(number), _vocabulary()
        count = min(_PASSAGES_A_DOCUMENT, self.size - number)
        title = " ".join(words[i] for i in draw.integers(200, _VOCABULARY, 3).tolist())
        return title.capitalize(), [self._passage(draw, words) for _ in range(count)]

    @staticmethod
    def _passage(draw: np.random.Generator, words: Sequence[str]) -> str:
        picked = np.searchsorted(_chances(), draw.random(int(draw.integers(60, 140)))).tolist()
        sentences = [" ".join(words[i] for i in picked[at : at + _SENTENCE]) for at in range(0, len(picked), _SENTENCE)]
        return " ".join(sentence.capitalize() + "." for sentence in sentences)

    def questions(self, count: int) -> list[str]:
        """Questions made of words of one passage each, with the small words of a question between them."""
        draw = random.Random(1)
        stop = stop_terms("en")
        asked: list[str] = []
        for _ in range(count):
            _, passages = self._document(draw.randrange(0, self.size, _PASSAGES_A_DOCUMENT))
            words = draw.choice(passages).replace(".", "").lower().split()
            chosen = draw.sample([w for w in words if w not in stop], 6)
            asked.append(f"What is the {chosen[0]} of the {chosen[1]} {' '.join(chosen[2:])}?")
        return asked


@cache
def _vocabulary() -> tuple[str, ...]:
    draw = random.Random(0)
    # As in English, all of the commonest words are small ones, which no question is about.
    made = dict.fromkeys((*_SMALL, *sorted(word for word in stop_terms("en") if word.isalpha())))
    while len(made) < _VOCABULARY:
        syllables = "".join(draw.choice(_ONSETS) + draw.choice(_NUCLEI) for _ in range(draw.randint(2, 4)))
        made[syllables + draw.choice(_CODAS)] = None
    return tuple(made)


@cache
def _chances() -> NDArray[np.float64]:
    weights = 1.0 / (np.arange(_VOCABULARY) + 2.7) ** 1.07
    return np.asarray(np.cumsum(weights / weights.sum()))


def measure(
    sizes: Sequence[int], progress: Callable[[str], None], cluster: IndexSettings | None = None
) -> dict[str, Any]:
    """For each size and engine: build rate, disk, memory, latency, throughput, adding 100, first query after a start.

    `progress` hears what runs. Times are milliseconds, sizes MB. An engine that is not installed, or that is far too
    slow for a size, is left out there with a sentence in `left_out`. What is put on the `cluster` is deleted again;
    `same_top_ten` is the share of questions with the same ten passages there.
    """
    context = multiprocessing.get_context("spawn")
    report: dict[str, Any] = {"sizes": {}, "left_out": []}
    for size in sizes:
        row: dict[str, Any] = {}
        best: dict[str, Any] = {}
        for name in (*ENGINES, *((_ON_CLUSTER,) if cluster else ())):
            if name == "bm25s" and importlib.util.find_spec("bm25s") is None:
                report["left_out"].append("bm25s is not installed.")
                continue
            if name == "rank-bm25" and size > _SLOW_LIMIT:
                report["left_out"].append(f"rank-bm25 takes seconds a question at {size:,} passages.")
                continue
            progress(f"{name}, {size:,} passages")
            with tempfile.TemporaryDirectory() as directory:
                with ProcessPoolExecutor(1, context) as pool:
                    row[name] = pool.submit(_measure_engine, name, size, directory, cluster).result()
                best[name] = row[name].pop("best", None)
                if name == "tandem":
                    with ProcessPoolExecutor(1, context) as fresh:
                        row[name]["cold_first_query_ms"] = fresh.submit(_cold, size, directory).result()
        if "rank-bm25" in row:
            for name, asked in (("times_rank_bm25", "p50_ms"), ("times_rank_bm25_whole_question", "p50_whole_ms")):
                row[name] = round(row["rank-bm25"][asked] / row["tandem"]["p50_ms"], 1)
        if _ON_CLUSTER in row:
            both = list(zip(best["tandem"], best[_ON_CLUSTER], strict=True))
            row[_ON_CLUSTER]["same_top_ten"] = round(sum(one == other for one, other in both) / len(both), 4)
        report["sizes"][str(size)] = row
    return report


def _measure_engine(name: str, size: int, directory: str, cluster: IndexSettings | None) -> dict[str, Any]:
    corpus = Corpus(size)
    engine = _Tandem(Path(directory), cluster) if name == _ON_CLUSTER else ENGINES[name](Path(directory))
    before = psutil.Process().memory_info().rss
    spent = engine.build(corpus)
    asked = corpus.questions(2 * engine.questions + _WARMING)
    questions, others = asked[: engine.questions], asked[engine.questions : -_WARMING]
    for question in asked[-_WARMING:]:
        engine.search(question)
    times = _times(engine.search, questions)
    return {
        "passages_per_second": round(size / spent, 1),
        "disk_mb": round(sum(f.stat().st_size for f in Path(directory).rglob("*") if f.is_file()) / 1e6, 1),
        "memory_mb": round((psutil.Process().memory_info().rss - before) / 1e6, 1),
        "p50_ms": round(times[len(times) // 2], 3),
        "p95_ms": round(times[int(0.95 * len(times))], 3),
        "queries_per_second_2_threads": round(_throughput(engine, others), 1),
        **engine.extra(questions),
    }


def _times(search: Callable[[str], Any], questions: Sequence[str]) -> list[float]:
    """Milliseconds of each question, in order of size."""
    return sorted(1000.0 * _timed(partial(search, question)) for question in questions)


def _cold(size: int, directory: str) -> float:
    """Milliseconds from opening the library to its first answer, in a fresh process."""
    question = Corpus(size).questions(1)[0]

    def first() -> None:
        library = Library.open(Path(directory), RetrievalSettings())
        library.search(question)
        library.close()

    return round(1000.0 * _timed(first), 1)


def _throughput(engine: Engine, questions: Sequence[str]) -> float:
    with ThreadPoolExecutor(2) as pool:
        began = time.perf_counter()
        list(pool.map(engine.search, questions))
        return len(questions) / (time.perf_counter() - began)


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Engine:
    """What every engine can do. Terms are analysed as Tandem analyses them, so that only the engines differ."""

    questions = _QUESTIONS

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def build(self, corpus: Corpus) -> float:
        """Take a corpus in and be ready to search; returns the seconds it took, without the making of the corpus."""
        spent = 0.0
        for number in range(0, corpus.size, _BATCH):
            batch = [passage for _, passages in corpus.documents(number, _BATCH) for passage in passages]
            spent += _timed(partial(self.add, batch))
        return spent + _timed(self.finish)

    def add(self, passages: Sequence[str]) -> None:
        """Take passages in."""
        raise NotImplementedError

    def finish(self) -> None:
        """Be ready to search."""

    def search(self, question: str) -> Any:
        """The ten best passages."""
        raise NotImplementedError

    def extra(self, questions: Sequence[str]) -> dict[str, Any]:
        """What only this engine reports."""
        return {}


class _Tandem(Engine):
    """Analyses in two processes of their own, as the product does; the making of the corpus counts there."""

    def __init__(self, directory: Path, cluster: IndexSettings | None = None) -> None:
        super().__init__(directory)
        self._cluster = cluster and cluster.model_copy(update={"name": f"bench{uuid.uuid4().hex[:8]}"})
        self._library = Library.open(
            directory, RetrievalSettings(), write=True, engines=Engines(self._cluster or IndexSettings())
        )

    def build(self, corpus: Corpus) -> float:
        began = time.perf_counter()
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            self._library.add(_all_analysed(corpus, pool))
        return time.perf_counter() - began

    def search(self, question: str) -> Any:
        return self._library.search(question, limit=_DEPTH)

    def extra(self, questions: Sequence[str]) -> dict[str, Any]:
        best = [sorted(passage.id for passage in self.search(question).passages) for question in questions]
        adding, analysing = [], []
        for number in range(1, 10):
            corpus = list(Corpus(100 * number).documents(100 * (number - 1), 100))
            began = time.perf_counter()
            made = [_made(f"new {number}.{at}", title, passages) for at, (title, passages) in enumerate(corpus)]
            analysing.append(1000.0 * (time.perf_counter() - began))
            adding.append(1000.0 * _timed(partial(self._library.add, made)))
        size = {} if self._cluster is None else {"cluster_mb": self._discarded(self._cluster)}
        self._library.close()
        return {
            "best": best,
            **size,
            "analyse_100_ms": round(statistics.median(analysing), 1),
            "add_100_ms": round(statistics.median(adding), 1),
        }

    def _discarded(self, cluster: IndexSettings) -> float:
        """Delete what was put on the cluster; returns how large it was there, copies included."""
        from rag.storage.opensearch.index import OpenSearchIndex

        index = OpenSearchIndex(cluster, str(self._library.store.meta("library")))
        size = index.discard()
        index.close()
        return round(size / 1e6, 1)


def _all_analysed(corpus: Corpus, pool: ProcessPoolExecutor) -> Iterator[NewDocument]:
    """The documents of a corpus in order, a few batches made ahead."""
    waiting: deque[Future[list[NewDocument]]] = deque()
    for number in range(0, corpus.size, _BATCH):
        waiting.append(pool.submit(_analysed, corpus, number))
        if len(waiting) > 4:
            yield from waiting.popleft().result()
    for analysed in waiting:
        yield from analysed.result()


def _analysed(corpus: Corpus, number: int) -> list[NewDocument]:
    documents = corpus.documents(number, _BATCH)
    return [_made(f"{number}.{at}", title, passages) for at, (title, passages) in enumerate(documents)]


def _made(name: str, title: str, passages: Sequence[str]) -> NewDocument:
    text, cuts = "", []
    for passage in passages:
        text += "\n\n" if text else ""
        cuts.append(Cut(len(text), len(text) + len(passage), None, ()))
        text += passage
    return analysed_document(Extracted(text, title=title), cuts, name=f"{name}.txt", kind="txt", modified=0.0)


@cache
def _term(word: str) -> str:
    return tokens(word, "en")[0].term


def _terms(text: str) -> list[str]:
    return [_term(word) for word in text.replace(".", "").split()]


def _asked(question: str) -> list[str]:
    stop = stop_terms("en")
    return [token.term for token in tokens(question, "en") if token.folded not in stop]


class _InMemory(Engine):
    """Wants the terms of all passages at once."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._passages: list[list[str]] = []

    def add(self, passages: Sequence[str]) -> None:
        self._passages.extend(_terms(passage) for passage in passages)


class _RankBM25(_InMemory):
    questions = _QUESTIONS // 6  # each takes a good part of a second

    def finish(self) -> None:
        from rank_bm25 import BM25Okapi

        self._index = BM25Okapi(self._passages)

    def search(self, question: str) -> Any:
        return self._best(_asked(question))

    def _best(self, words: Sequence[str]) -> Any:
        return np.argsort(-self._index.get_scores(words))[:_DEPTH]

    def extra(self, questions: Sequence[str]) -> dict[str, float]:
        """Asked as its users ask it: with every word of the question, small words too."""
        times = _times(lambda question: self._best(_terms(question.rstrip("?"))), questions)
        return {"p50_whole_ms": round(times[len(times) // 2], 3)}


class _FTS5(Engine):
    questions = _QUESTIONS // 3

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._local = threading.local()
        self._connection().execute("CREATE VIRTUAL TABLE p USING fts5(terms, content='')")
        self._row = 0

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = sqlite3.connect(self._directory / "fts.sqlite")
        connection: sqlite3.Connection = self._local.connection
        return connection

    def add(self, passages: Sequence[str]) -> None:
        rows = [" ".join(_terms(passage)) for passage in passages]
        with self._connection() as connection:
            connection.executemany(
                "INSERT INTO p (rowid, terms) VALUES (?, ?)", list(enumerate(rows, start=self._row + 1))
            )
        self._row += len(rows)

    def search(self, question: str) -> Any:
        match = " OR ".join(f'"{term}"' for term in _asked(question))
        return (
            self._connection()
            .execute("SELECT rowid FROM p WHERE p MATCH ? ORDER BY bm25(p) LIMIT ?", (match, _DEPTH))
            .fetchall()
        )


class _BM25S(_InMemory):
    def finish(self) -> None:
        import bm25s

        self._index = bm25s.BM25()
        self._index.index(self._passages, show_progress=False)
        self._passages = []

    def search(self, question: str) -> Any:
        return self._index.retrieve([_asked(question)], k=_DEPTH, show_progress=False, n_threads=0)


_ON_CLUSTER = "tandem-opensearch"
ENGINES: dict[str, type[Engine]] = {"tandem": _Tandem, "rank-bm25": _RankBM25, "sqlite-fts5": _FTS5, "bm25s": _BM25S}
