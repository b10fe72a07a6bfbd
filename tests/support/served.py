"""Tandem's own routes behind a real HTTP server, without the chat: on a free port, in a thread with its own event loop.

with Served(settings, [Scripted({"phi-4-mini": Script("Hello there.")})]) as served:
    httpx.get(served.url + "/v1/models")
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from hybrid.runtimes.base import Runtime
from tandem.api.completions import Calls
from tandem.context import AppContext
from tandem.guard import Guard
from tandem.server import ROUTERS, Chat, health
from tandem.settings import Settings


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: threading.Event) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()


class Served:
    """`url` answers once the block is entered; `context` and `calls` may be looked at from outside."""

    def __init__(self, settings: Settings, runtimes: Sequence[Runtime]) -> None:
        self.calls = Calls()
        self.context = AppContext.open(settings, runtimes)
        self.app = FastAPI(lifespan=self._lifespan, openapi_url=None, docs_url=None, redoc_url=None)
        self.app.state.context = self.context
        self.app.state.calls = self.calls
        self.app.state.chat = Chat()
        for router in ROUTERS:
            if router is not health:
                self.app.include_router(router)
        origins = settings.server.origins
        if origins:
            self.app.add_middleware(CORSMiddleware, allow_origins=origins, allow_headers=["*"])
        self.app.add_middleware(Guard, local_only=not settings.server.login_required, api_origins=origins)
        self.url = ""
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        config = uvicorn.Config(self.app, log_level="warning", timeout_graceful_shutdown=2)
        self._server = _Server(config, self._ready)
        self._thread = threading.Thread(target=self._run, name="served", daemon=True)

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI):  # type: ignore[no-untyped-def]
        await asyncio.to_thread(self.context.library.sync, self.context.settings.documents)
        await self.context.start(index=False)
        await self.context.engine.models.wait_ready(60)
        yield
        await self.context.close()

    def _run(self) -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._server.serve([listener]))
        finally:
            self._ready.set()
            self.loop.close()

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._ready.wait(60)
        assert self._server.started
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(60)

    def wait_for(self, condition: Callable[[], bool], timeout: float = 60.0) -> bool:
        """Wait until `condition()` holds; whether it came to hold in time."""
        over = threading.Event()
        for _ in range(int(timeout / 0.01)):
            if condition():
                return True
            over.wait(0.01)
        return condition()
