"""What stands on the first page besides the question: what there is to ask about, and where no model answers the card
by which somebody who administers gets one: found on this machine, named by its address, or downloaded.

Knows public/first_page.js, which draws it, and what the page may ask (through `window.postMessage`). Does not know how
a server is tried (`hybrid.models.detection`), nor where a choice is kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import chainlit as cl

from hybrid.errors import ModelError
from hybrid.models import detection
from hybrid.models.lifecycle import room
from hybrid.models.registry import USABLE
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.openai_compatible import is_loopback
from hybrid.settings import EndpointSettings
from rag.errors import LibraryError, UserFacingError
from tandem.auth import accounts
from tandem.context import AppContext
from tandem.settings import endpoint_key
from tandem.ui import background, library_panel
from tandem.ui.answering import principal_of
from tandem.ui.session import change_settings, choices_of, told

ADMINISTRATION = {"detect", "try_endpoint", "use_model"}
_LONGEST = 300
_LOOK_UP_SECONDS = 60.0
_MOST_COUNTS = 100
_SECONDS_BETWEEN = 2.0
# By the library and what somebody may read of it: its generation, and what was counted then.
_counts: dict[tuple[Path, frozenset[str]], tuple[int, int, float]] = {}


async def show(context: AppContext) -> None:
    """On the first page of a new conversation: the library at once, the card once the models are known."""
    library = await asyncio.to_thread(_library, context)
    await _tell("first", library=library)
    if context.indexing is not None:
        background.begin(_renew(context, library))
    if choices_of(context).offers and accounts.administers(context.rights):
        background.begin(_offer(context))


async def act(context: AppContext, asked: Any) -> None:
    """Do what the card asks: anything may come in."""
    if not isinstance(asked, dict) or not isinstance(asked.get("tandem"), str):
        return
    wish = asked["tandem"]
    if wish == "dismiss":
        await _tell("first", card=None)
        await change_settings(context, {**choices_of(context).values(), "offers": False})
    if wish not in ADMINISTRATION or not await library_panel.admitted(context):
        return
    address, variable, model, refine = (
        str(asked.get(key) or "")[:_LONGEST].strip() for key in ("address", "key_variable", "model", "refine")
    )
    context.audit.record(accounts.caller() or "", f"model.{wish}", address or model)
    match wish:
        case "detect":
            background.begin(_detect(context))
        case "try_endpoint":
            background.begin(_answered(context, "tried", lambda: _try(address, variable)))
        case "use_model":
            background.begin(_answered(context, "chosen", lambda: _use(context, address, variable, model, refine)))


async def _renew(context: AppContext, told: dict[str, Any]) -> None:
    """While files are read, tell how much there is by now, and once more at the end; until something is asked."""
    over = False
    while not over and not cl.context.session.has_first_interaction:
        await asyncio.sleep(_SECONDS_BETWEEN)
        over = context.indexing is None
        library = await asyncio.to_thread(_library, context)
        if library != told:
            told = library
            await _tell("renewed", library=library)


def _library(context: AppContext) -> dict[str, Any]:
    """How much there is to ask about, as far as the person may know of it, and when it last changed."""
    administers = accounts.administers(context.rights)
    try:
        documents, changed = _counted(context)
        failed = sum(one.state == "failed" for one in library_panel.seen(context)) if administers else 0
    except (LibraryError, sqlite3.Error):  # the page is there without it
        return {}
    folders = [folder.name for folder in context.settings.documents]
    return {
        "documents": documents,
        "changed": changed * 1000,
        "failed": failed,
        "folders": folders[:3] if administers else [],
    }


def _counted(context: AppContext) -> tuple[int, float]:
    """How many documents the person may read and when the newest was changed, counted once until something changes:
    every new conversation asks, and a library may be large."""
    principal = principal_of(context)
    whose = (context.library.data_dir, context.rights.labels(principal))
    generation = context.library.generation
    known = _counts.get(whose)
    if known is None or known[0] != generation:
        records = context.library.seen_by(principal).documents()
        known = (generation, len(records), max((one.modified for one in records), default=0.0))
        while len(_counts) >= _MOST_COUNTS:
            _counts.pop(next(iter(_counts)), None)
        _counts[whose] = known
    return known[1:]


async def _offer(context: AppContext) -> None:
    await context.engine.models.wait_ready(_LOOK_UP_SECONDS)
    engine = context.engine
    offered = [entry.info.alias for entry in engine.offers()]
    quoting = engine.settings.draft == EXTRACTIVE
    if cl.context.session.has_first_interaction or quoting or (engine.drafts and not offered):
        return
    card = {
        "ways": not engine.drafts,
        "offered": offered,
        "models": library_panel.models(context, engine.listing()),
        "free_mb": (await asyncio.to_thread(room, context.settings.files.foundry))[1] >> 20,
    }
    await _tell("first", card=card)


async def _detect(context: AppContext) -> None:
    """Tell the card which servers answer, and which models are known here already though none of them was chosen."""
    found = await detection.detect()
    known = [info for info in context.engine.models.states() if info.state in USABLE and info.alias != EXTRACTIVE]
    names = list(dict.fromkeys(info.alias for info in known))
    here = {one.base_url for one in found}
    endpoints = {one.name for one in context.settings.models.endpoints if one.base_url.rstrip("/") in here}
    elsewhere = [name for name in names if any(i.alias == name and i.runtime not in endpoints for i in known)]
    rows: list[dict[str, Any]] = [{"name": "", "address": "", "models": elsewhere}] if elsewhere else []
    rows += [{"name": one.name, "address": one.base_url, "models": list(one.models)} for one in found]
    await _tell("detected", found=rows)


async def _answered(context: AppContext, what: str, work: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    try:
        done = await work()
    except UserFacingError as error:
        done = {"problem": told(context, error)}
    await _tell(what, **done)


async def _try(address: str, variable: str) -> dict[str, Any]:
    endpoint, key = _endpoint(address, variable)
    found = await detection.tried(endpoint, key)
    return {"found": {"name": found.name, "address": found.base_url, "models": list(found.models)}}


async def _use(context: AppContext, address: str, variable: str, model: str, refine: str) -> dict[str, Any]:
    """Have a model answer everybody from now on. Raises UserFacingError with why it cannot."""
    endpoint, key = _endpoint(address, variable) if address else (None, "")
    if endpoint is not None:
        models = (await detection.tried(endpoint, key)).models
    else:
        models = tuple(info.alias for info in context.engine.models.states() if info.state in USABLE)
    if gone := [name for name in (model, refine or model) if name not in models]:
        raise ModelError(f"There is no model {gone[0][:80]!r} there any more; look again.", kind="not_found")
    trouble = ""
    try:
        await context.choose_models(endpoint, key, model, refine or model)
    except UserFacingError as error:
        trouble = told(context, error)
    await change_settings(context, {**choices_of(context).values(), "draft": model, "refine": refine or model})
    background.begin(_wake(context, model))
    return {"model": model, "problem": trouble}


async def _wake(context: AppContext, model: str) -> None:
    """Have the model write two words, so that the first question need not wait for it to load; say it if it cannot."""
    try:
        await context.engine.lifecycle.warm(model)
    except ModelError as error:
        await _tell("chosen", model=model, problem=told(context, error))


def _endpoint(address: str, variable: str) -> tuple[EndpointSettings, str]:
    """The server at an address, by the name of what usually listens there, and its key."""
    url = detection.address_of(address)
    key = endpoint_key(variable)
    if variable and not key:
        raise UserFacingError(f"No variable {variable} is set; set it where Tandem is started, and start it again.")
    parts = urlsplit(url)
    usual = {port: name for name, port in detection.USUAL} if is_loopback(url) else {}
    name = usual.get(parts.port or 0) or parts.netloc[:40]
    return EndpointSettings(name=name, base_url=url, api_key_env=variable), key


async def _tell(what: str, **news: Any) -> None:
    await cl.context.emitter.send_window_message({"tandem": what, **news})
