"""The life of a model on this machine: downloaded with a forecast, warmed up, kept, and unloaded when it is idle or
memory is short.

Knows disk space, memory and clocks. Does not know how a runtime does what it is asked, nor who watches.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import psutil

from hybrid.errors import ModelError
from hybrid.models.check import Checked, check
from hybrid.models.registry import ModelRegistry
from hybrid.runtimes.base import ChatRequest, Managed, ModelInfo, ModelState, ModelUse, Runtime
from hybrid.settings import KeepSettings
from rag.types import Message

log = logging.getLogger(__name__)

_ROUND_S = 5.0
_SPARE = 1.1
_MB = 1024 * 1024


def room(folder: Path) -> tuple[Path, int]:
    """The nearest folder that is there of one that may not be yet, and how many bytes are free on its disk."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder, shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Download:
    """How far a download is. `mb_per_s` and `remaining_s` are None until there is something to tell them from."""

    alias: str
    percent: float
    size_mb: int | None
    mb_per_s: float | None = None
    remaining_s: float | None = None


def available_mb() -> int:
    """Memory that can be had without swapping, in megabytes."""
    return int(psutil.virtual_memory().available // _MB)


class Lifecycle:
    """Looks after the models of every managed runtime. `start` it once the registry is started.

    `memory` tells the free memory in megabytes, `downloads_to` is the directory whose disk the downloads fill.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        keep: KeepSettings,
        *,
        downloads_to: Path | None = None,
        memory: Callable[[], int] = available_mb,
    ) -> None:
        self.registry = registry
        self.keep = keep
        self._downloads_to = downloads_to or Path.home()
        self._memory = memory
        self._round: asyncio.Task[None] | None = None
        self._running: dict[str, _Running] = {}
        for runtime in self._managed():
            runtime.make_room = self.make_room

    def start(self) -> None:
        """Watch idle time and memory in the background."""
        if self._round is None:
            self._round = asyncio.create_task(self._watch(), name="model lifecycle")

    async def close(self) -> None:
        """Stop watching, and every download."""
        tasks = [running.task for running in self._running.values()]
        if self._round is not None:
            tasks.append(self._round)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def warm(self, alias: str) -> float:
        """Load a model and have it write two tokens, so that the first question does not pay; seconds taken."""
        before = time.monotonic()
        runtime, model = self.registry.resolve(alias)
        request = ChatRequest(model, (Message("user", "Hello"),), max_tokens=2, temperature=0.0, user="warm-up")
        async with aclosing(runtime.stream(request)) as chunks:
            async for _ in chunks:
                pass
        await self.registry.refresh()
        return time.monotonic() - before

    async def register(self, path: Path, alias: str) -> ModelInfo:
        """Take in an own model (see `Managed.register`). Raises ModelError with the reason when it is refused."""
        managed_runtimes = self._managed()
        if not managed_runtimes:
            raise ModelError("No runtime here takes in models; set models.foundry to true.", kind="unavailable")
        info = await managed_runtimes[0].register(path, alias)
        await self.registry.refresh()
        return info

    async def check(self, alias: str) -> Checked:
        """Try a model on two questions. Raises ModelError where it does not answer, "refused" where it is of no use."""
        runtime, model = self.registry.resolve(alias)
        return await check(runtime, model, alias)

    async def verify(self, alias: str) -> None:
        """Have a model write two tokens. Raises ModelError when it does not."""
        runtime, model = self.registry.resolve(alias)
        await managed(runtime).verify(model)
        await self.registry.refresh()

    async def remove(self, alias: str) -> None:
        """Delete a model from this machine. Raises ModelError while it answers, or where its runtime keeps it."""
        runtime, model = self.registry.resolve(alias)
        await managed(runtime).remove(model)
        await self.registry.refresh()

    def downloads(self) -> list[Download]:
        """The downloads under way."""
        return [running.state for running in self._running.values()]

    async def download(self, alias: str) -> AsyncGenerator[Download, None]:
        """Start a download, or watch the one under way; ends with the download. Raises ModelError.

        Closing the generator only stops watching; `cancel` stops the download, which a later call resumes or restarts.
        """
        running = self._running.get(alias)
        if running is None:
            info = self._info(alias)
            self._check_disk(info)
            running = _Running(Download(alias, 0.0, info.size_mb))
            self._running[alias] = running
            running.task = asyncio.create_task(self._download(alias, running), name=f"download of {alias}")
        last: Download | None = None
        while not running.task.done():
            if running.state is not last:
                last = running.state
                yield last
                continue
            await asyncio.wait(
                {running.task, asyncio.ensure_future(running.moved.wait())}, return_when=asyncio.FIRST_COMPLETED
            )
        if running.task.cancelled():
            raise ModelError(f"The download of {alias} was cancelled; start it again to go on.", kind="cancelled")
        running.task.result()
        yield running.state

    async def cancel(self, alias: str) -> None:
        """Stop a download; does nothing when there is none."""
        running = self._running.get(alias)
        if running is not None:
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)

    async def _download(self, alias: str, running: _Running) -> None:
        try:
            await self.registry.download(alias, running.heard)
            running.heard(100.0)
        finally:
            self._running.pop(alias, None)
            running.moved.set()

    def _check_disk(self, info: ModelInfo) -> None:
        if not info.size_mb:
            return
        place, free = room(self._downloads_to)
        free //= _MB
        if free < info.size_mb * _SPARE:
            raise ModelError(
                f"{info.alias} needs {info.size_mb / 1024:.1f} GB and the disk of {place} has only "
                f"{free / 1024:.1f} GB free; make room, or choose a smaller model.",
                kind="disk",
            )

    def _info(self, alias: str) -> ModelInfo:
        for info in self.registry.states():
            if alias in (info.alias, info.id):
                if info.state in (ModelState.READY, ModelState.CACHED):
                    raise ModelError(f"{alias} is on this machine already.", kind="unavailable")
                return info
        raise ModelError(f"No model called {alias} is known; see `tandem models list`.", kind="not_found")

    async def make_room(self, model: str, size_mb: int) -> None:
        """Unload idle models, the longest unused first, until `size_mb` fits. Raises ModelError when it cannot."""
        for runtime, use in self._idle():
            if self._memory() >= size_mb + self.keep.free_memory_mb:
                return
            if use.model != model:
                await self._unload(runtime, use, "memory is needed for another model")
        free = self._memory()
        if free < size_mb:
            raise ModelError(
                f"{model} needs about {size_mb / 1024:.1f} GB of memory and {free / 1024:.1f} GB are free; "
                "close something, unload another model, or choose a smaller one.",
                kind="memory",
            )

    async def tend(self) -> None:
        """One round: unload what has been idle too long, then, while memory is short, the longest unused."""
        for runtime, use in self._idle():
            short = self._memory() < self.keep.free_memory_mb
            old = 0 < self.keep.idle_minutes * 60 <= use.idle_s
            if old or short:
                await self._unload(runtime, use, "it was idle" if old else "memory is short")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_ROUND_S)
            try:
                await self.tend()
            except Exception:
                log.exception("Looking after the models failed; the next round tries again")

    async def _unload(self, runtime: Managed, use: ModelUse, why: str) -> None:
        try:
            await runtime.unload(use.model)
            log.info("Unloaded %s: %s", use.model, why)
        except ModelError as error:
            log.info("Kept %s loaded: %s", use.model, error)

    def _idle(self) -> list[tuple[Managed, ModelUse]]:
        """The unused models, the longest unused first."""
        found = [(runtime, use) for runtime in self._managed() for use in runtime.uses() if not use.calls]
        return sorted(found, key=lambda pair: -pair[1].idle_s)

    def _managed(self) -> list[Managed]:
        return [runtime for runtime in self.registry.runtimes if isinstance(runtime, Managed)]


def managed(runtime: Runtime) -> Managed:
    """The runtime, as one that holds models itself. Raises ModelError for one that does not."""
    if not isinstance(runtime, Managed):
        raise ModelError(f"{runtime.name} looks after its models itself.", kind="unavailable")
    return runtime


class _Running:
    """A download under way, and its speed."""

    task: asyncio.Task[None]

    def __init__(self, state: Download) -> None:
        self.state = state
        self.moved = asyncio.Event()
        self._began: tuple[float, float] | None = None

    def heard(self, percent: float) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = (now, percent)
        began, first = self._began
        speed = remaining = None
        if now > began and percent > first:
            rate = (percent - first) / (now - began)
            remaining = (100.0 - percent) / rate
            if self.state.size_mb is not None:
                speed = rate * self.state.size_mb / 100.0
        self.state = Download(self.state.alias, percent, self.state.size_mb, speed, remaining)
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()
