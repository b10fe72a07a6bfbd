"""The HTTP front door: one FastAPI application with its own routes first and the chat mounted behind them.

Knows routes, start and end of the process. Does not know what the chat shows (app.py) nor how an answer comes about.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hybrid.runtimes.base import Runtime
from rag.errors import UserFacingError
from tandem import shipped
from tandem.api.routes import api, figures
from tandem.browser.routes import browser
from tandem.cluster import handing
from tandem.cluster.handing import Stays
from tandem.connections import GuardedConnection
from tandem.context import AppContext, use
from tandem.data_lock import hold
from tandem.doors import Doors
from tandem.entry.account import account
from tandem.entry.administration import administration
from tandem.entry.collections import collecting
from tandem.entry.routes import entry
from tandem.entry.session import Peer, ToSignIn
from tandem.entry.state import state
from tandem.guard import Guard
from tandem.listening import listen, nearby
from tandem.people.entrance import Entrance
from tandem.settings import Settings, load
from tandem.sharing.routes import sharing
from tandem.ui.chainlit_imports import stood_in
from tandem.viewer.routes import viewer

log = logging.getLogger(__name__)

CLOSING_SECONDS = 3
# Searches and checks run in threads. At Python's 5 ms a turn, a few of them hold up everybody's tokens.
THREAD_TURN_SECONDS = 0.0005

health = APIRouter()
ROUTERS: tuple[APIRouter, ...] = (
    *(health, api, figures, browser, viewer, entry, account),
    *(administration, state, collecting, sharing),
)


@health.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Alive, and whether the chat behind it is loaded yet. 503 when it could not be; degraded when something cannot be
    kept, with the reasons."""
    chat: Chat = request.app.state.chat
    context: AppContext = request.app.state.context
    if chat.status == "ok" and (problems := context.problems()):
        return JSONResponse({"status": "degraded", "reasons": problems})
    return JSONResponse({"status": chat.status}, 503 if chat.status == "failed" else 200)


@health.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Whether people may be sent here: 503 until the chat is loaded. Once the process ends, nobody answers any more."""
    chat: Chat = request.app.state.chat
    return JSONResponse({"status": chat.status}, 200 if chat.status == "ok" else 503)


class Chat:
    """The Chainlit application, loaded beside the running server: its import takes seconds, and nothing else waits.

    A request that comes earlier does wait; `status` is starting, ok or failed.
    """

    def __init__(self) -> None:
        self.status = "starting"
        self._loaded = asyncio.Event()
        self._app: ASGIApp = PlainTextResponse("The chat could not be started; the server's log says why.", 503)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._loaded.wait()
        if self.status == "failed" and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1011})
        else:
            await self._app(scope, receive, send)

    async def load(self, page: Path) -> None:
        """Import and start the chat, with its page's files in the folder `page`.

        A failure is logged, and answered to every request.
        """
        try:
            self._app = await asyncio.to_thread(_mounted_chat, page)
            await _chat_hook("on_app_startup")
            self.status = "ok"
        except UserFacingError as error:
            log.error("The chat could not be started: %s", error)
            self.status = "failed"
        except Exception:
            log.exception("The chat could not be started")
            self.status = "failed"
        finally:
            gc.enable()
            self._loaded.set()


def _mounted_chat(page: Path) -> ASGIApp:
    try:
        shipped.lay_out_page(page)
    except OSError as error:
        raise UserFacingError(
            f"The page cannot be laid out in {page} ({error.strerror}); set another data_dir."
        ) from None
    os.environ["CHAINLIT_APP_ROOT"] = str(page)
    with stood_in():
        from chainlit.utils import mount_chainlit

    mounted = FastAPI(openapi_url=None)
    mount_chainlit(app=mounted, target=str(shipped.root() / "app.py"), path="/")
    return mounted


async def _chat_hook(name: str) -> None:
    """A mounted Chainlit never runs its own lifespan, so its start and end are called from here."""
    from chainlit.config import config

    hook = getattr(config.code, name)
    if hook is not None:
        await hook()


def create_app(settings: Settings | None = None, runtimes: Sequence[Runtime] | None = None) -> FastAPI:
    """The application, with its context opened and made current. One per process: Chainlit's state is global.

    `runtimes`, where given, generate instead of those the settings describe. Raises UserFacingError.
    """
    settings = settings or load()
    context = AppContext.open(settings, runtimes)
    if context.member is not None:
        context.member.check()
    use(context)
    app = FastAPI(title="Tandem", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.context = context
    app.state.chat = Chat()
    origins = settings.server.origins
    if origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"])
    app.add_middleware(ToSignIn, context=context)
    app.add_middleware(Doors, tickets=context.tickets)
    app.add_middleware(Guard, local_only=not settings.server.login_required, api_origins=origins)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/", app.state.chat)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: AppContext = app.state.context
    chat: Chat = app.state.chat
    loading = asyncio.create_task(chat.load(context.settings.files.page), name="load the chat")
    await context.start()
    try:
        yield
    finally:
        await loading
        if chat.status == "ok":
            await _chat_hook("on_app_shutdown")
        await context.close()


def serve(
    settings: Settings,
    started: Callable[[str, str], None],
    runtimes: Sequence[Runtime] | None = None,
) -> None:
    """Serve until interrupted. `started` hears the address once it answers, and the address at which the first
    administrator makes an account, "" where there is one. Raises UserFacingError."""
    listener = listen(settings.server)
    lock = hold(settings.files, address_of(listener))
    app = create_app(settings, runtimes)
    config = _config(app)
    sys.setswitchinterval(THREAD_TURN_SECONDS)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            context: AppContext = app.state.context

            def announce(address: str) -> None:
                started(address, first_link(settings, address, context.entrance))

            config.load()
            config.loaded_app = Peer(config.loaded_app)
            _Server(config, announce).run(sockets=[listener])
    finally:
        lock.release()


def serve_handed(
    settings: Settings, channel: socket.socket, name: str, runtimes: Sequence[Runtime] | None = None
) -> None:
    """Answer the connections that come over a channel until it ends, or until interrupted; `name` is by whom a browser
    knows that it was this process. Raises UserFacingError."""
    config = _config(create_app(settings, runtimes))
    sys.setswitchinterval(THREAD_TURN_SECONDS)
    with contextlib.suppress(KeyboardInterrupt):
        config.load()
        config.loaded_app = Stays(Peer(config.loaded_app), name)
        _Handed(config, channel).run(sockets=[])


def first_link(settings: Settings, address: str, entrance: Entrance) -> str:
    """Where the first administrator makes an account, "" where there is one. Raises AccountsError."""
    code = entrance.first_code()
    return f"{settings.server.sign_in.address or nearby(address)}/sign-in/link/{code}" if code else ""


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=GuardedConnection,
        log_level="warning",
        server_header=False,
        # Compressing every batch of tokens costs more than it saves on a local network.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )


def address_of(listener: socket.socket) -> str:
    """What is listened on, as a browser calls it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            self._announce(address_of(sockets[0]))


class _Handed(uvicorn.Server):
    """Listens to nothing; connections come over a channel."""

    def __init__(self, config: uvicorn.Config, channel: socket.socket) -> None:
        super().__init__(config)
        self._channel = channel
        self._beginning: set[asyncio.Task[object]] = set()
        self._untold = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel, self._take)
        handing.ready(self._channel)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._channel)
        await super().shutdown(sockets)

    def _take(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                if (connection := handing.take(self._channel)) is not None:
                    begun: asyncio.Task[object] = loop.create_task(
                        loop.connect_accepted_socket(self._protocol, connection)
                    )
                    self._beginning.add(begun)
                    begun.add_done_callback(self._beginning.discard)
                    self._untold += 1
        except BlockingIOError:
            if self._untold:
                self._untold -= handing.taken(self._channel, self._untold)
        except (EOFError, OSError):  # whoever listened is gone
            loop.remove_reader(self._channel)
            self.should_exit = True

    def _protocol(self) -> asyncio.Protocol:
        return GuardedConnection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
