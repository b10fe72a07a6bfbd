"""The rooms of one installation, opened together: library, engine, traces.

Knows what depends on what, and in which order to open, start and close it. Does not know any front door.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Sequence

from hybrid.engine import Engine
from hybrid.events import Event
from hybrid.pipeline import Question
from hybrid.pipeline import answer as pipeline_answer
from hybrid.runtimes.base import Runtime
from hybrid.trace_store import TraceStore
from rag.errors import UserFacingError
from rag.library import Library
from tandem.documents import existing, open_library
from tandem.settings import Settings, load

log = logging.getLogger(__name__)


class House:
    """What every front door needs to answer a question. Open it, `start` it on an event loop, `close` it there."""

    def __init__(self, settings: Settings, library: Library, engine: Engine, traces: TraceStore) -> None:
        self.settings = settings
        self.library = library
        self.engine = engine
        self.traces = traces
        self._started = self._closed = False
        self._stop_indexing = threading.Event()
        self._indexing: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, settings: Settings, runtimes: Sequence[Runtime] | None = None) -> House:
        """Open what is on disk, making it where it is missing; looks up no model and reads no document.

        `runtimes`, where given, generate instead of those the settings describe. Raises UserFacingError.
        """
        library = open_library(settings)
        traces = TraceStore(settings.data_dir / "traces.db")
        engine = Engine(
            library,
            models=settings.models,
            generation=settings.generation,
            escalation=settings.escalation,
            minimum_confidence=settings.retrieval.minimum_confidence,
            traces=traces,
            runtimes=runtimes,
            api_keys={name: key.get_secret_value() for name, key in settings.api_keys.items()},
            data_dir=settings.data_dir / "foundry",
        )
        return cls(settings, library, engine, traces)

    async def start(self, *, index: bool = True) -> None:
        """Look the models up and, with `index`, take in changed documents; both in the background. Twice is once."""
        if self._started:
            return
        self._started = True
        await self.engine.start()
        if index:
            self._indexing = asyncio.create_task(self._index(), name="index the documents")

    async def _index(self) -> None:
        folders = existing(self.settings.documents)
        # A folder that is not there (a drive not mounted) must not count as one whose documents were deleted.
        for folder in set(self.settings.documents) - set(folders):
            log.warning("There is no folder %s; what was indexed from it stays", folder)
        try:
            report = await asyncio.to_thread(self.library.sync, folders, cancel=self._stop_indexing)
            log.info("Documents: %d added, %d changed, %d removed", report.added, report.changed, report.removed)
        except UserFacingError as error:
            log.warning("The documents were not indexed: %s", error)
        except Exception:
            log.exception("Indexing stopped; answers use what was indexed before")

    async def indexed(self) -> None:
        """Wait until the indexing that `start` began is over."""
        if self._indexing is not None:
            await asyncio.wait({self._indexing})

    def answer(self, question: Question) -> AsyncGenerator[Event, None]:
        """The events of one question."""
        return pipeline_answer(question, self.engine)

    async def close(self) -> None:
        """Stop indexing at the next document, then let go of models and files. Twice is once."""
        if self._closed:
            return
        self._closed = True
        self._stop_indexing.set()
        await self.indexed()
        await self.engine.close()
        self.traces.close()
        self.library.close()


_current: House | None = None
_lock = threading.Lock()


def current() -> House:
    """The house of this process, opened from tandem.yaml and the environment when first asked for."""
    global _current
    with _lock:
        if _current is None:
            _current = House.open(load())
        return _current


def use(house: House) -> None:
    """Make `house` the one that `current` returns."""
    global _current
    with _lock:
        _current = house
