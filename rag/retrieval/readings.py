"""Reads passages together with a question, beside other work and side by side.

Knows who reads and the threads for it. Does not know what follows from a reading (`rag.retrieval.rereading`, and
`rag.grounding.further_chance`, do).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from rag.retrieval import rereading
from rag.types import Passage, SearchResult

_AT_ONCE = 4


class Reader(Protocol):
    """Who reads: `reads` says whether it does now."""

    @property
    def reads(self) -> bool: ...

    def read(self, question: str, language: str, passage: Passage) -> float | None: ...


class Readings:
    """The readings of one library, by its `reader`, None without one. Safe from any thread; after `close`, nothing is
    read.
    """

    def __init__(self) -> None:
        self.reader: Reader | None = None
        self._asked = ThreadPoolExecutor(_AT_ONCE, "rereading")
        self._beside = ThreadPoolExecutor(1, "reading")  # what waits for it is at work in one of the others

    def reread_later(self, found: SearchResult) -> Callable[[], SearchResult]:
        """`found`, whose confidence says how sure it is once its best passages were read (`rereading.reread`), for some
        tens of milliseconds, while the caller does something else; call it to have it.
        """
        if (reader := self.reader) is None or not reader.reads or not rereading.worth(found):
            return lambda: found
        return self._asked.submit(rereading.reread, found, reader.read, self._beside).result

    def read(self, question: str, language: str, passages: Sequence[Passage]) -> list[float | None]:
        """The log odds that each of some passages answers a question in this language, read together, for some
        milliseconds each, in two threads; None where nobody reads both texts.
        """
        found: list[float | None] = [None] * len(passages)
        if (reader := self.reader) is None or not reader.reads:
            return found

        def odds(passage: Passage) -> float | None:
            return reader.read(question, language, passage)

        beside = self._beside.map(odds, passages[1::2])
        found[::2] = [odds(passage) for passage in passages[::2]]
        found[1::2] = beside
        return found

    def close(self) -> None:
        """Wait for what is being read."""
        self.reader = None
        self._asked.shutdown()
        self._beside.shutdown()
