"""Foundry Local, inside this process: its catalog, its models and what they generate.

Knows the SDK's ways: blocking calls, one manager per process, a prefill that cannot be interrupted. Does not know
prompts, or what is tried when a model fails. The SDK is imported on first use, in a thread.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, MakeRoom, ModelInfo, ModelState, ModelUse, Phase
from hybrid.runtimes.directory import check_directory
from hybrid.runtimes.foundry_call import Call
from hybrid.runtimes.foundry_sdk import (
    NAME,
    acquire,
    explained,
    listing,
    register,
    release,
    remove,
    threaded,
    unregister,
)
from hybrid.runtimes.queueing import FairQueue, Ticket, Turns
from rag.types import Message

_CLOSE_S = 10.0


@dataclass(slots=True)
class _Slot:
    """One model's queue and what is known of its use."""

    queue: FairQueue
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    used: float = field(default_factory=time.monotonic)
    loaded: bool = False
    percent: float | None = None


class Foundry:
    """The Foundry Local runtime. `data_dir` holds its downloads and registrations (None: its own default place);
    `catalog_urls` replace the public catalog.

    One request at a time per model, users in turn: the runtime does not batch, so two at once would only slow each
    other down. Stopping returns at once; the model's next request waits until the stopped one has really ended.
    """

    name = NAME

    def __init__(self, data_dir: Path | None = None, catalog_urls: Sequence[str] = ()) -> None:
        self.data_dir = data_dir
        self._catalog_urls = tuple(catalog_urls)
        self._manager: Any = None
        self._opening = asyncio.Lock()
        self._slots: dict[str, _Slot] = {}
        self._models: dict[str, Any] = {}
        self.make_room: MakeRoom | None = None
        self.turns: Turns | None = None

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """Wait for a turn, load if need be, then pass the text on as it comes."""
        model = await self._model(request.model)
        slot = self._slot(request.model)
        ticket = slot.queue.enter(request.user)
        call: Call | None = None
        try:
            while ticket.position is not None:
                yield Chunk(phase=Phase.QUEUE, position=ticket.position)
                await ticket.moved()
            if not slot.loaded:
                if not await self._run(lambda: model.is_loaded):
                    yield Chunk(phase=Phase.LOAD)
                await self._load(request.model, model, slot)
            yield Chunk(phase=Phase.SEND)
            call = Call(model, request, lambda: self._left(slot, ticket))
            async with aclosing(call.chunks()) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            if call is None:
                self._left(slot, ticket)
            else:
                call.stop()

    def _left(self, slot: _Slot, ticket: Ticket) -> None:
        slot.used = time.monotonic()
        slot.queue.leave(ticket)

    async def models(self) -> list[ModelInfo]:
        """The public catalog's models and the registered ones. Takes seconds without a network."""
        manager = await self._open()
        listed = await self._run(lambda: listing(manager))
        self._models = {model.id: model for model, _ in listed}
        for model, info in listed:
            self._slot(model.id).loaded = info.state is ModelState.READY
        return [self._shown(info) for _, info in listed]

    async def load(self, model: str) -> None:
        """Load into memory; loading a loaded model does nothing."""
        await self._load(model, await self._model(model), self._slot(model))

    async def unload(self, model: str) -> None:
        """Free the memory. Raises ModelError while the model answers or someone waits for it."""
        slot = self._slot(model)
        found = await self._model(model)
        if slot.queue.busy or slot.queue.waiting:
            raise _in_use(model)
        async with slot.loading:
            try:
                await self._run(found.unload)
                slot.loaded = False
            except ModelError as error:
                if error.kind == "busy":
                    raise _in_use(model) from error
                raise

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        """Fetch a model of the catalog; cancelling the task stops it, and a later call resumes or starts again."""
        found = await self._model(model)
        slot = self._slot(model)
        if slot.percent is not None:
            raise ModelError(f"{model} is being downloaded already.", kind="unavailable")
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def heard(percent: float) -> None:
            slot.percent = percent
            loop.call_soon_threadsafe(progress, percent)

        slot.percent = 0.0
        work = asyncio.ensure_future(self._run(lambda: found.download(heard, stop)))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait({work}, timeout=_CLOSE_S)
            raise
        finally:
            slot.percent = None

    def uses(self) -> list[ModelUse]:
        """What this process holds in memory, and how long it has been idle."""
        now = time.monotonic()
        return [
            ModelUse(name, slot.queue.busy + slot.queue.waiting, now - slot.used)
            for name, slot in self._slots.items()
            if slot.loaded
        ]

    async def providers(self) -> list[str]:
        """The execution providers, beyond the processor, that the runtime found on this machine."""
        manager = await self._open()
        found: list[str] = await self._run(
            lambda: [f"{ep.name}{'' if ep.is_registered else ' (not installed)'}" for ep in manager.discover_eps()]
        )
        return found

    async def native(self, model: str) -> Any:
        """The SDK's own model object, for measuring what this adapter adds."""
        return await self._model(model)

    async def register(self, path: Path, alias: str) -> ModelInfo:
        """Take in an ONNX Runtime GenAI directory as `alias`: its files are checked, then it must write two tokens.

        A directory that fails is not registered; the ModelError says why. The files stay where they are.
        """
        manager = await self._open()
        await asyncio.to_thread(check_directory, path)
        model = f"{alias}:1"
        await self._run(lambda: register(manager, path.resolve(), model))
        try:
            await self.models()
            await self.verify(model)
        except ModelError as error:
            await self._run(lambda: unregister(manager, model))
            self._models.pop(model, None)
            raise ModelError(f"{path} is no model that runs here: {error}", kind="refused") from error
        return next(info for info in await self.models() if info.id == model)

    async def verify(self, model: str) -> None:
        """Have the model write two tokens. Raises ModelError when it does not."""
        request = ChatRequest(model, (Message("user", "Hello"),), max_tokens=2, temperature=0.0, user="verify")
        async with aclosing(self.stream(request)) as chunks:
            written = [chunk async for chunk in chunks if chunk.text or chunk.reasoning]
        if not written:
            raise ModelError(f"{model} wrote nothing.", kind="unavailable")

    async def remove(self, model: str) -> None:
        """Delete a downloaded model from the disk; a registered one is only forgotten, its files stay."""
        found = await self._model(model)
        if self._slot(model).loaded:
            await self.unload(model)
        manager = await self._open()
        await self._run(lambda: remove(manager, found))
        self._models.pop(model, None)

    async def close(self) -> None:
        """Let go of the runtime; the last user of the process closes it."""
        if self._manager is not None:
            self._manager = None
            await asyncio.wait({asyncio.ensure_future(threaded(release))}, timeout=_CLOSE_S)

    async def _open(self) -> Any:
        async with self._opening:
            if self._manager is None:
                self._manager = await self._run(lambda: acquire(self.data_dir, self._catalog_urls))
        return self._manager

    async def _model(self, model: str) -> Any:
        found = self._models.get(model)
        if found is None:
            await self.models()
            found = self._models.get(model)
        if found is None:
            raise ModelError(f"Foundry Local knows no model {model!r}; see `tandem models list`.", kind="not_found")
        return found

    def _slot(self, model: str) -> _Slot:
        if (slot := self._slots.get(model)) is None:
            slot = self._slots[model] = _Slot(FairQueue(name=f"{self.name} {model}", turns=self.turns))
        return slot

    def _shown(self, info: ModelInfo) -> ModelInfo:
        slot = self._slots.get(info.id)
        if slot is None or slot.percent is None:
            return info
        return replace(info, state=ModelState.DOWNLOADING, note=f"{slot.percent:.0f} % downloaded.")

    async def _load(self, name: str, model: Any, slot: _Slot) -> None:
        async with slot.loading:
            if not await self._run(lambda: model.is_loaded):
                if self.make_room is not None:
                    await self.make_room(name, await self._run(lambda: model.info.file_size_mb) or 0)
                await self._run(model.load)
            slot.loaded = True
            slot.used = time.monotonic()

    async def _run(self, work: Callable[[], Any]) -> Any:
        try:
            return await threaded(work)
        except ModelError:
            raise
        except Exception as error:
            raise explained(error) from error


def _in_use(model: str) -> ModelError:
    return ModelError(f"{model} is answering now; unload it when it has finished.", kind="busy", retriable=True)
