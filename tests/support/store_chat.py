"""A chat in a process of its own whose runtime downloads, loads and refuses as a script has it.

    python store_chat.py        (in a directory with tandem.yaml)

phi-4-mini is to be downloaded: it comes to 40 % and goes on once there is a file "go". "stubborn" is on disk, loads,
and is never unloaded.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, MakeRoom, ModelInfo, ModelState, ModelUse
from tandem.server import serve
from tandem.settings import load

GO = Path("go")


class Store:
    """The runtime."""

    name = "store"
    make_room: MakeRoom | None = None

    def __init__(self) -> None:
        self.states = {"phi-4-mini": ModelState.DOWNLOADABLE, "stubborn": ModelState.CACHED}

    async def models(self) -> list[ModelInfo]:
        return [
            ModelInfo(f"{alias}:1", alias, self.name, state, size_mb=1536, licence="MIT")
            for alias, state in self.states.items()
        ]

    async def download(self, model: str, progress: Callable[[float], None]) -> None:
        for percent in (10.0, 25.0, 40.0):
            progress(percent)
            await asyncio.sleep(0.3)
        while not GO.exists():  # noqa: ASYNC110  # another process makes it
            await asyncio.sleep(0.02)
        self.states["phi-4-mini"] = ModelState.CACHED

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        yield Chunk(text="Every employee has 25 days of paid holiday a year [1].")
        yield Chunk(finish_reason="stop")

    async def load(self, model: str) -> None:
        self.states["stubborn"] = ModelState.READY

    async def unload(self, model: str) -> None:
        raise ModelError("stubborn is answering a question; try again when it is done.", kind="busy")

    def uses(self) -> list[ModelUse]:
        return []

    async def register(self, path: Path, alias: str) -> ModelInfo:
        raise ModelError("The store takes in no models.", kind="unavailable")

    async def verify(self, model: str) -> None: ...

    async def remove(self, model: str) -> None: ...

    async def close(self) -> None: ...


if __name__ == "__main__":
    serve(load(), lambda address, _: print(address, flush=True), [Store()])
