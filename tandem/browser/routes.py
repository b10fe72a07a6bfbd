"""The routes of the page: itself, its scripts, the runtime's files, models from the folder, a search of the library.

Knows addresses and the headers that isolate the page from every other site. Does not know how a browser generates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, JSONResponse, Response

from tandem.api.access import admit
from tandem.api.errors import ApiError
from tandem.browser import models, runtime
from tandem.context import AppContext

STATIC = Path(__file__).with_name("static")
LONGEST_QUERY = 2_000
MOST_RESULTS = 10
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src {connect}; "
    "style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
ISOLATED = {
    "content-security-policy": POLICY.format(connect="'self'"),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}
# Where the default hub keeps large files: it sends downloads on to these.
HUB_STORES = {"huggingface.co": "https://*.huggingface.co https://*.hf.co"}
FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
ASK_AGAIN = {"cache-control": "no-cache"}
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


class _Route(APIRoute):
    """A route whose ApiErrors become JSON, and whose every response isolates the page."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await handler(request)
            except ApiError as error:
                response = error.response()
            for name, value in ISOLATED.items():
                response.headers.setdefault(name, value)
            return response

        return handle


browser = APIRouter(prefix="/browser", route_class=_Route)


@browser.get("")
async def page() -> Response:
    return FileResponse(STATIC / "browser.html", headers=ASK_AGAIN)


@browser.get("/static/{path:path}")
async def static(path: str) -> Response:
    return _file(STATIC, path, ASK_AGAIN)


@browser.get("/hub-worker.js")
async def hub_worker(request: Request) -> Response:
    """The worker that a person starts by pressing Download: the only one that may speak to another origin, the hub."""
    hub = _context(request).settings.browser.hub
    if not hub:
        raise _missing("hub-worker.js")
    stores = HUB_STORES.get(urlsplit(hub).netloc, "")
    headers = {"content-security-policy": POLICY.format(connect=f"'self' {hub} {stores}".strip()), **ASK_AGAIN}
    return _file(STATIC, "worker.js", headers)


@browser.get("/runtime/{version}/{name}")
async def runtime_file(request: Request, version: str, name: str) -> Response:
    if version != runtime.version():
        raise _missing(name)
    return _file(runtime.folder(_context(request).settings.data_dir), name, FOR_EVER)


@browser.get("/models/{stamp}/{path:path}")
async def model_file(request: Request, stamp: str, path: str) -> Response:
    """A model's file. A missing one is a real 404: anything else would be kept as the model, for good."""
    await admit(request, "models")
    folder = _context(request).settings.browser.models_dir
    if folder is None:
        raise _missing(path)
    return await asyncio.to_thread(_file, folder, path, ASK_AGAIN)


@browser.get("/config")
async def config(request: Request) -> Response:
    """What the page needs to know about this server."""
    settings = _context(request).settings
    there = await asyncio.to_thread(runtime.installed, settings.data_dir)
    folder = await asyncio.to_thread(models.in_folder, settings.browser.models_dir)
    hub = models.on_the_hub() if settings.browser.hub else ()
    body: dict[str, Any] = {
        "language": settings.display.language,
        "runtime": f"/browser/runtime/{runtime.version()}/" if there else None,
        "version": runtime.version(),
        "models": [asdict(model) for model in (*folder, *hub)],
        "hub": settings.browser.hub,
        "small": settings.models.draft,
        "large": settings.models.refine,
    }
    return JSONResponse(body, headers={"cache-control": "no-store"})


@browser.get("/search")
async def search(request: Request, q: str = "") -> Response:
    """Passages that answer `q`, best first, of what the asker may read."""
    user = (await admit(request, "search")).name
    question = q.strip()
    if not question or len(question) > LONGEST_QUERY:
        raise ApiError(400, f"Search for 1 to {LONGEST_QUERY:,} characters.", param="q")
    context = _context(request)
    who = context.rights.principal(user)
    found = await asyncio.to_thread(context.library.search, question, principal=who, limit=MOST_RESULTS)
    passages = [
        {"document": p.document, "page": p.page, "headings": list(p.headings), "text": p.text} for p in found.passages
    ]
    return JSONResponse({"passages": passages}, headers={"cache-control": "no-store"})


@browser.get("/{path:path}", include_in_schema=False)
async def nothing(path: str) -> Response:
    raise _missing(path)


def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


def _file(folder: Path, path: str, headers: dict[str, str]) -> Response:
    """The file `path` names below `folder`, and never one outside it. Raises ApiError 404."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part or "\0" in part for part in parts):
        raise _missing(path)
    file = folder.joinpath(*parts)
    try:
        if not file.is_file():
            raise _missing(path)
    except OSError:
        raise _missing(path) from None
    return FileResponse(file, headers=headers, media_type=TYPES.get(file.suffix))


def _missing(path: str) -> ApiError:
    return ApiError(404, f"There is no {path!r} here.", code="not_found", headers={"cache-control": "no-store"})
