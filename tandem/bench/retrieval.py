"""How fast and how large retrieval is on made-up corpora, beside rank-bm25, SQLite FTS5 and bm25s.

Knows how to make passages with a natural vocabulary and what to measure. Every engine runs in a process of its own, so
that its memory is its own. Knows no document of the user's and no command line.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from rag.analysis import stop_terms, tokens
from rag.building import analysed_document
from rag.chunking import Cut
from rag.formats.extracted import Extracted
from rag.library import Library
from rag.settings import RetrievalSettings

_VOCABULARY = 120_000
_PASSAGES_A_DOCUMENT = 20
_BATCH = 100
_SENTENCE = 18
_QUESTIONS = 300
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

    def documents(self) -> Iterator[tuple[str, list[str]]]:
        """(title, passages) of one document after another."""
        for number in range(0, self.size, _PASSAGES_A_DOCUMENT):
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
    made: dict[str, None] = dict.fromkeys(_SMALL)
    while len(made) < _VOCABULARY:
        syllables = "".join(draw.choice(_ONSETS) + draw.choice(_NUCLEI) for _ in range(draw.randint(2, 4)))
        made[syllables + draw.choice(_CODAS)] = None
    return tuple(made)


@cache
def _chances() -> NDArray[np.float64]:
    weights = 1.0 / (np.arange(_VOCABULARY) + 2.7) ** 1.07
    return np.asarray(np.cumsum(weights / weights.sum()))


def measure(sizes: Sequence[int], progress: Callable[[str], None]) -> dict[str, Any]:
    """For each size and engine: build rate, disk, memory, latency, throughput, adding 100, first query after a start.

    `progress` hears what runs. Times are milliseconds, sizes MB. An engine that is not installed, or that is far too
    slow for a size, is left out there with a sentence in `left_out`.
    """
    context = multiprocessing.get_context("spawn")
    report: dict[str, Any] = {"sizes": {}, "left_out": []}
    for size in sizes:
        row: dict[str, Any] = {}
        for name in ENGINES:
            if name == "bm25s" and importlib.util.find_spec("bm25s") is None:
                report["left_out"].append("bm25s is not installed.")
                continue
            if name == "rank-bm25" and size > _SLOW_LIMIT:
                report["left_out"].append(f"rank-bm25 takes seconds a question at {size:,} passages.")
                continue
            progress(f"{name}, {size:,} passages")
            with tempfile.TemporaryDirectory() as directory, context.Pool(1) as pool:
                row[name] = pool.apply(_measure_engine, (name, size, directory))
                if name == "tandem":
                    with context.Pool(1) as fresh:
                        row[name]["cold_first_query_ms"] = fresh.apply(_cold, (size, directory))
        if "rank-bm25" in row:
            row["times_rank_bm25"] = round(row["rank-bm25"]["p50_ms"] / row["tandem"]["p50_ms"], 1)
        report["sizes"][str(size)] = row
    return report


def _measure_engine(name: str, size: int, directory: str) -> dict[str, float]:
    corpus = Corpus(size)
    engine = ENGINES[name](Path(directory))
    before = psutil.Process().memory_info().rss
    spent = 0.0
    batch: list[tuple[str, list[str]]] = []
    for document in corpus.documents():
        batch.append(document)
        if len(batch) == _BATCH:
            spent += _timed(partial(engine.add, batch))
            batch = []
    spent += _timed(partial(engine.finish, batch))
    questions = corpus.questions(engine.questions)
    for question in questions[:20]:
        engine.search(question)
    times = sorted(1000.0 * _timed(partial(engine.search, question)) for question in questions)
    return {
        "passages_per_second": round(size / spent, 1),
        "disk_mb": round(sum(f.stat().st_size for f in Path(directory).rglob("*") if f.is_file()) / 1e6, 1),
        "memory_mb": round((psutil.Process().memory_info().rss - before) / 1e6, 1),
        "p50_ms": round(times[len(times) // 2], 3),
        "p95_ms": round(times[int(0.95 * len(times))], 3),
        "queries_per_second_2_threads": round(_throughput(engine, questions), 1),
        **engine.extra(corpus),
    }


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

    def add(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        """Take documents in."""
        raise NotImplementedError

    def finish(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        """Take the last documents in and be ready to search."""
        self.add(documents)

    def search(self, question: str) -> Any:
        """The ten best passages."""
        raise NotImplementedError

    def extra(self, corpus: Corpus) -> dict[str, float]:
        """What only this engine reports."""
        return {}


class _Tandem(Engine):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._library = Library.open(directory, RetrievalSettings(), write=True)
        self._count = 0

    def add(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        made = []
        for title, passages in documents:
            text, cuts = "", []
            for passage in passages:
                text += "\n\n" if text else ""
                cuts.append(Cut(len(text), len(text) + len(passage), None, ()))
                text += passage
            extracted = Extracted(text, title=title)
            made.append(analysed_document(extracted, cuts, name=f"{self._count}.txt", kind="txt", modified=0.0))
            self._count += 1
        self._library.add(made)

    def search(self, question: str) -> Any:
        return self._library.search(question, limit=_DEPTH)

    def extra(self, corpus: Corpus) -> dict[str, float]:
        batch = list(Corpus(100).documents())
        times = [1000.0 * _timed(partial(self.add, batch)) for _ in range(5)]
        self._library.close()
        return {"add_100_ms": round(sorted(times)[2], 1)}


def _terms(text: str) -> list[str]:
    return [token.term for token in tokens(text, "en")]


def _asked(question: str) -> list[str]:
    stop = stop_terms("en")
    return [token.term for token in tokens(question, "en") if token.folded not in stop]


class _RankBM25(Engine):
    questions = _QUESTIONS // 6  # each takes a good part of a second

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._passages: list[list[str]] = []

    def add(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        self._passages.extend(_terms(passage) for _, passages in documents for passage in passages)

    def finish(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        from rank_bm25 import BM25Okapi

        self.add(documents)
        self._index = BM25Okapi(self._passages)

    def search(self, question: str) -> Any:
        scores = self._index.get_scores(_asked(question))
        return np.argsort(-scores)[:_DEPTH]


class _FTS5(Engine):
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

    def add(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        rows = [" ".join(_terms(passage)) for _, passages in documents for passage in passages]
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


class _BM25S(Engine):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._passages: list[list[str]] = []

    def add(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        self._passages.extend(_terms(passage) for _, passages in documents for passage in passages)

    def finish(self, documents: Sequence[tuple[str, list[str]]]) -> None:
        import bm25s

        self.add(documents)
        self._index = bm25s.BM25()
        self._index.index(self._passages, show_progress=False)
        self._passages = []

    def search(self, question: str) -> Any:
        return self._index.retrieve([_asked(question)], k=_DEPTH, show_progress=False, n_threads=0)


ENGINES: dict[str, type[Engine]] = {"tandem": _Tandem, "rank-bm25": _RankBM25, "sqlite-fts5": _FTS5, "bm25s": _BM25S}
