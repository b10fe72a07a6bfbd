"""Tandem as a library: documents in, answers out, without a server and without an event loop of the caller's.

Knows how to run an installation's event loop in a thread of its own. Does not know how an answer comes about.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from hybrid.events import Event, Failed, Finished
from hybrid.question import Options, Question, Turn
from hybrid.runtimes.base import Runtime
from rag.errors import UserFacingError
from rag.principal import LOCAL, Principal
from rag.types import SearchResult, SyncProgress, SyncReport
from tandem.context import AppContext
from tandem.settings import Settings, load

Result = TypeVar("Result")

_AHEAD = 64
"""Events that may wait for a slow listener before the answer waits too."""


class Tandem:
    """One installation, opened by `tandem.open`. Any thread may call it. Close it, or use it in a `with` block."""

    def __init__(self, settings: Settings, runtimes: Sequence[Runtime] | None = None) -> None:
        self.settings = settings
        self._context = AppContext.open(settings, runtimes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tandem", daemon=True)
        self._thread.start()
        self._closed = False
        self._run(self._context.start(index=False))

    def index(self, progress: Callable[[SyncProgress], None] | None = None) -> SyncReport:
        """Take in what is new or changed in the folders, and forget what is gone. Raises LibraryError."""
        return self._context.library.sync(self.settings.documents, progress=progress)

    def search(self, question: str, limit: int | None = None, *, principal: Principal = LOCAL) -> SearchResult:
        """The passages that answer a question, best first, and how sure it is that they do, of what `principal` may
        read (without one: of everything). Raises LibraryError.
        """
        return self._context.library.search(question, principal=principal, limit=limit)

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        options: Options | None = None,
        *,
        principal: Principal = LOCAL,
    ) -> Finished:
        """The finished answer: text, checked sentences with their passages, and the trace. Raises UserFacingError where
        no answer came about.
        """
        for event in self.events(question, history, options, principal=principal):
            if isinstance(event, Finished):
                return event
            if isinstance(event, Failed):
                raise event.error or UserFacingError(event.message)
        raise UserFacingError("The answer ended without a result; ask again.")

    def events(
        self,
        question: str,
        history: Sequence[Turn] = (),
        options: Options | None = None,
        *,
        principal: Principal = LOCAL,
    ) -> Iterator[Event]:
        """The events of one question as they happen. Whoever stops listening stops the answer."""
        asked = Question(question, history=tuple(history), principal=principal, options=options or Options())
        heard: asyncio.Queue[Event | BaseException | None] = asyncio.Queue(_AHEAD)
        task = asyncio.run_coroutine_threadsafe(self._tell(asked, heard), self._loop)
        try:
            while (event := self._run(heard.get())) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            task.cancel()

    async def _tell(self, asked: Question, heard: asyncio.Queue[Event | BaseException | None]) -> None:
        last: BaseException | None = None
        try:
            async with aclosing(self._context.answer(asked)) as events:
                async for event in events:
                    await heard.put(event)
        except Exception as error:
            last = error
        await heard.put(last)

    def close(self) -> None:
        """Let go of models and files. Twice is once."""
        if self._closed:
            return
        self._closed = True
        self._run(self._context.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __enter__(self) -> Tandem:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(
    *documents: str | Path,
    data_dir: str | Path | None = None,
    settings: Settings | None = None,
    runtimes: Sequence[Runtime] | None = None,
) -> Tandem:
    """Open an installation: what is on disk is opened, what is missing is made, no document is read yet.

    `documents`: folders to answer from; `data_dir`: where index, history and traces live; what is left out comes from
    `settings`, and those, where left out, from tandem.yaml of the current folder and the environment. `runtimes`, where
    given, generate instead of the ones that the settings describe. Raises UserFacingError.

    >>> import tandem
    >>> with tandem.open("docs_corpus", data_dir=folder) as library:
    ...     report = library.index()
    ...     answer = library.ask("How much disk space must stay free if I download a model to my own workstation?")
    >>> "25 GB" in answer.answer.text
    True
    """
    chosen = settings or load()
    if documents:
        chosen = chosen.model_copy(update={"documents": tuple(Path(folder).resolve() for folder in documents)})
    if data_dir is not None:
        chosen = chosen.model_copy(update={"data_dir": Path(data_dir).resolve()})
    return Tandem(chosen, runtimes)
