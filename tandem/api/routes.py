"""The routes under /v1: models, chat completions, and an error in the protocol's shape for everything else.

Knows paths and methods. Does not know how an answer comes about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from hybrid.models.registry import USABLE
from hybrid.runtimes.base import ModelInfo
from tandem.api.access import admit, admit_question
from tandem.api.asked import read
from tandem.api.completions import Calls, Completion
from tandem.api.errors import ApiError
from tandem.api.sources import LOOKUP_S, PIPELINE, source
from tandem.context import AppContext
from tandem.observability.metrics import CONTENT_TYPE
from tandem.settings import PROGRAM

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED = {"/v1/models": "GET", "/v1/chat/completions": "POST"}


class _Route(APIRoute):
    """A route whose ApiErrors become the protocol's errors."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except ApiError as error:
                return error.response()
            except ClientDisconnect:
                return Response(status_code=499)

        return handle


api = APIRouter(prefix="/v1", route_class=_Route)


figures = APIRouter(route_class=_Route)


@figures.get("/metrics")
async def metrics(request: Request) -> Response:
    """The figures that Prometheus reads, for programs with the key and for administrators: they count everybody's
    documents and questions."""
    user = (await admit(request, "metrics")).name
    context: AppContext = request.app.state.context
    server = context.settings.server
    if user != PROGRAM and server.login_required and not context.rights.administers(user):
        raise ApiError(403, "The figures are for administrators; ask one of them.", code="administrators_only")
    return Response(await asyncio.to_thread(context.metrics.text), media_type=CONTENT_TYPE)


@api.get("/models")
async def models(request: Request) -> JSONResponse:
    """Every model that can answer now, and `tandem`: the whole pipeline."""
    await admit(request, "models")
    return JSONResponse({"object": "list", "data": await _listed(request)})


@api.get("/models/{name:path}")
async def model(request: Request, name: str) -> JSONResponse:
    await admit(request, "models")
    for record in await _listed(request):
        if name in (record["id"], record["tandem"].get("id")):
            return JSONResponse(record)
    raise ApiError(404, f"There is no model {name!r}; GET /v1/models lists those there are.", code="model_not_found")


@api.post("/chat/completions")
async def chat_completions(request: Request) -> Response:
    await admit(request, "ask")
    asked = await read(request)
    calls = calls_of(request)
    if calls.active >= calls.most:
        raise ApiError(
            429,
            f"{calls.active} answers are being written already; try again in a few seconds.",
            type="rate_limit_error",
            code="too_many_requests",
            headers={"retry-after": "5"},
        )
    user = await admit_question(request, "ask")
    return Completion(asked, source(asked, request.app.state.context, user.name), calls)


@api.api_route("/{path:path}", methods=list(METHODS), include_in_schema=False)
async def nothing(request: Request, path: str) -> Response:
    """What the chat behind these routes would otherwise answer with a page."""
    address = f"/v1/{path}".rstrip("/")
    allowed = ALLOWED.get(address) or ("GET" if address.startswith("/v1/models/") else "")
    if allowed and request.method != allowed:
        raise ApiError(405, f"{address} takes {allowed}, not {request.method}.", headers={"allow": allowed})
    raise ApiError(
        404, f"There is no {address} here; Tandem has /v1/models and /v1/chat/completions.", code="unknown_url"
    )


def calls_of(request: Request) -> Calls:
    """The counters of this application."""
    state = request.app.state
    if not hasattr(state, "calls"):
        state.calls = Calls()
    calls: Calls = state.calls
    return calls


async def _listed(request: Request) -> list[dict[str, Any]]:
    context: AppContext = request.app.state.context
    await context.engine.models.wait_ready(LOOKUP_S)
    usable = [info for info in context.engine.models.states() if info.state in USABLE]
    names: dict[str, ModelInfo] = {}
    for info in usable:
        names.setdefault(info.alias or info.id, info)
    created = context.library.generation
    whole = {"draft": context.settings.models.draft, "refine": context.settings.models.refine}
    return [
        _record(PIPELINE, created, whole),
        *(
            _record(name, created, {"id": info.id, "runtime": info.runtime, "state": info.state.value})
            for name, info in names.items()
        ),
    ]


def _record(name: str, created: int, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": more.get("runtime", PIPELINE),
        "tandem": more,
    }
