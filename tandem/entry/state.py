"""What administrators see of the installation itself: what is amiss, models, and the other places that documents come
from.

Knows what to show. Changes nothing: models are loaded in the chat's panel, places stand in tandem.yaml.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import Response

from tandem.details import detail
from tandem.entry import page
from tandem.entry.administration import administrator, ways
from tandem.entry.routes import Route
from tandem.texts import say

_MODELS = ("model_name", "runtime", "model_state", "size", "licence_of", "note")
_PLACES = ("place_name", "kind", "address", "last_visit", "file_count", "note")
_PARTS = {
    "library": "part_library",
    "history": "part_history",
    "traces": "part_traces",
    "audit": "part_audit",
    "accounts": "part_accounts",
    "collections": "collections_page",
    "processes": "part_processes",
}
"""The parts of an installation that say what is amiss with them, in words."""
state = APIRouter(prefix="/administration", route_class=Route)


@state.get("/state")
async def shown(request: Request) -> Response:
    """All of it on one page."""
    context, language, _ = administrator(request)
    problems = await asyncio.to_thread(context.problems)
    places = await asyncio.to_thread(context.sources.places)
    models = [
        (
            escape(one.alias),
            escape(one.runtime),
            escape(say(f"state_{one.state}", language)),
            f"{one.size_mb / 1024:.1f} GB" if one.size_mb else "",
            escape(one.licence),
            escape(detail(one.note, language)),
        )
        for one in context.engine.models.states()
    ]
    sources = [
        (
            escape(one.name),
            escape(one.kind),
            escape(one.address),
            page.moment(datetime.fromtimestamp(one.visit.at, UTC).isoformat() if one.visit.at else "", language),
            str(one.visit.files),
            escape(detail(one.visit.problem, language)),
        )
        for one in places
    ]
    amiss = [(escape(say(_PARTS[name], language)), escape(detail(said, language))) for name, said in problems.items()]
    parts = [
        ways(language, "/state"),
        page.heading(say("amiss", language)),
        page.table([say(key, language) for key in ("part", "note")], amiss, say("nothing_amiss", language)),
        page.heading(say("models", language)),
        page.table([say(key, language) for key in _MODELS], models),
        page.heading(say("connectors", language)),
        page.table([say(key, language) for key in _PLACES], sources, say("no_connectors", language)),
    ]
    return page.response(language, say("state_page", language), parts)
