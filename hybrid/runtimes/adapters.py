"""Runtimes that others write: a small class with `load` and `stream`, found through a Python entry point.

    [project.entry-points."tandem.runtimes"]
    echo = "tandem_echo:Echo"

Knows how such a class is found, run in a thread, queued and stopped. Does not know any of them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Protocol

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, ModelInfo, ModelState, Phase
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.queueing import FairQueue, Turns
from rag.types import Message

log = logging.getLogger(__name__)

GROUP = "tandem.runtimes"
_AHEAD = 256


class Adapter(Protocol):
    """What somebody writes to bring a runtime of their own. Plain blocking Python; one call per model at a time.

    `models` are the names it answers to. `load` makes one ready. `stream` yields text as it is written and is closed
    when the answer is stopped. An exception's text is shown to the user.
    """

    models: Sequence[str]

    def load(self, model: str) -> None: ...

    def stream(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float | None,
        seed: int | None,
    ) -> Iterator[str]: ...


class Adapted:
    """An adapter as a runtime."""

    def __init__(self, name: str, adapter: Adapter) -> None:
        self.name = name
        self._adapter = adapter
        self._loaded: set[str] = set()
        self.turns: Turns | None = None
        self._queues: dict[str, FairQueue] = {}

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        queue = self._queues.setdefault(request.model, FairQueue(name=f"{self.name} {request.model}", turns=self.turns))
        ticket = queue.enter(request.user)
        call: _Call | None = None
        try:
            while ticket.position is not None:
                yield Chunk(phase=Phase.QUEUE, position=ticket.position)
                await ticket.moved()
            if request.model not in self._loaded:
                yield Chunk(phase=Phase.LOAD)
                await self.load(request.model)
            yield Chunk(phase=Phase.SEND)
            call = _Call(self._adapter, request, lambda: queue.leave(ticket))
            while (item := await call.next()) is not None:
                if isinstance(item, Exception):
                    raise ModelError(f"{self.name} failed: {item}", kind="unavailable") from item
                yield Chunk(text=item)
            yield Chunk(finish_reason="other")
        finally:
            if call is None:
                queue.leave(ticket)
            else:
                call.stop()

    async def models(self) -> list[ModelInfo]:
        names = list(self._adapter.models)
        state = {True: ModelState.READY, False: ModelState.CACHED}
        return [ModelInfo(name, name, self.name, state[name in self._loaded]) for name in names]

    async def load(self, model: str) -> None:
        try:
            await asyncio.to_thread(self._adapter.load, model)
        except Exception as error:
            raise ModelError(f"{self.name} could not load {model}: {error}", kind="unavailable") from error
        self._loaded.add(model)

    async def unload(self, model: str) -> None:
        raise ModelError(f"{self.name} cannot unload models.", kind="unavailable")

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        raise ModelError(f"{self.name} cannot download models.", kind="unavailable")

    async def close(self) -> None:
        """Calls end by themselves when their streams are closed."""


class _Call:
    """One generation in a thread, at most so many pieces ahead of who reads them."""

    def __init__(self, adapter: Adapter, request: ChatRequest, ended: Callable[[], None]) -> None:
        self._adapter, self._request, self._ended = adapter, request, ended
        self._loop = asyncio.get_running_loop()
        self._items: deque[str | Exception | None] = deque()
        self._ready = asyncio.Event()
        self._room = threading.Semaphore(_AHEAD)
        self._stop = threading.Event()
        threading.Thread(target=self._drive, name="adapter-call", daemon=True).start()

    async def next(self) -> str | Exception | None:
        while not self._items:
            self._ready.clear()
            await self._ready.wait()
        self._room.release()
        return self._items.popleft()

    def stop(self) -> None:
        self._stop.set()
        self._room.release()

    def _drive(self) -> None:
        asked = self._request
        try:
            pieces = self._adapter.stream(
                asked.model,
                asked.messages,
                max_tokens=asked.max_tokens,
                temperature=asked.temperature,
                seed=asked.seed,
            )
            try:
                for piece in pieces:
                    self._room.acquire()
                    if self._stop.is_set():
                        break
                    self._put(piece)
            finally:
                close = getattr(pieces, "close", None)
                if close is not None:
                    close()
        except Exception as error:
            self._put(error)
        finally:
            self._put(None)
            self._call(self._ended)

    def _put(self, item: str | Exception | None) -> None:
        self._items.append(item)
        self._call(self._ready.set)

    def _call(self, function: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            log.debug("The event loop was closed before an adapter's call ended")


def discover() -> list[Adapted]:
    """Every adapter that an installed package offers. One that cannot be made is logged and left out."""
    found = []
    for entry in entry_points(group=GROUP):
        if entry.name.casefold() == EXTRACTIVE:
            log.error("A runtime adapter cannot be called %s: that is what quoting is called", entry.name)
            continue
        try:
            found.append(Adapted(entry.name, entry.load()()))
        except Exception:
            log.exception("The runtime adapter %s cannot be used", entry.name)
    return found
