"""The panel about the library rather than an answer: every document's receipt, and every model with what it costs.

Knows public/elements/Library.jsx, which draws the panel, what the browser may ask of it (through `window.postMessage`,
which makes no conversation, as an action would), and what of that is for administrators. Does not know who they are,
how documents are read or models are run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import Any

import chainlit as cl

from hybrid.errors import ModelError
from hybrid.models.catalogue import Listed
from hybrid.runtimes.base import Managed, ModelState
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag.errors import UserFacingError
from rag.ingest.accounting import Account, account
from rag.originals.finding import documents_of_files
from rag.types import FileReceipt
from tandem.auth import accounts
from tandem.auth.rights import CURATOR
from tandem.context import AppContext
from tandem.details import detail
from tandem.documents import existing
from tandem.texts import for_staff, labels, say, word
from tandem.ui import background, library_encoders
from tandem.ui.answering import principal_of
from tandem.ui.library_files import add, own_folder, remove, sent
from tandem.ui.library_rows import NEWEST, STATES, Wish, documents, folder_of, key, without_receipt
from tandem.ui.session import language_of, show_settings, told

ELEMENT = "Library"
PANEL = "tandem-library"
ADMINISTRATION = {"download", "cancel", "load", "unload", "add", "remove", "fetch_encoders", "cancel_encoders"}
_ACTIONS = {"retry": "document.read_again", "fetch_encoders": "encoder.fetch", "cancel_encoders": "encoder.cancel"}
_LONGEST_SEARCH = 200
_SECONDS_BETWEEN = 0.5
_LABELS = (
    "documents", "models", "search_documents", "all", "failed", "indexed", "other", "no_documents", "more_documents",
    "retry", "retry_all", "retrying", "pages", "passages_count", "characters", "seconds", "download_model", "cancel",
    "load", "unload", "working", "licence", "left", "state_ready", "state_cached", "state_downloading",
    "state_downloadable", "state_unavailable", "open_document", "sign_out_everywhere", "sign_out_failed",
    "account_link", "administration", "add_documents", "drop_documents", "sending", "added_here", "top_folder",
    "files_in_it", "read_again", "remove_it", "remove_sure", "keep_it", "indexing_now", "changed_on", "whole_folder",
    "all_folders", "add_failed", "newest_first", "copy_link", "copy_link_title", "link_copied",
    "encoders", "encoders_why", "encoders_why_english", "encoders_why_reader", "encoders_fetch", "encoders_here",
    "encoder_all", "encoder_english", "encoder_reader", "vectors_now", "vectors_step",
)  # fmt: skip


_watching: set[tuple[str, str]] = set()
# Why the last thing asked of a model was not done.
_problems: dict[str, UserFacingError] = {}


async def act(context: AppContext, asked: Any) -> None:
    """Do what the page asks: anything may come in."""
    if not isinstance(asked, dict) or not isinstance(asked.get("tandem"), str):
        return
    name, wish = str(asked.get("name") or "")[:_LONGEST_SEARCH], _wish(asked)
    if asked["tandem"] in ADMINISTRATION and not await admitted(context):
        return
    if asked["tandem"] == "retry" and not _looks_after(context) and not await admitted(context):
        return
    if asked["tandem"] in {*ADMINISTRATION, "retry"} - {"add", "remove"}:  # of these two, what became of each
        _record(context, asked["tandem"], name)
    match asked["tandem"]:
        case "open":
            await open_panel(context, wish=wish)
        case "find":
            await _show_documents(context, wish)
        case "retry":
            await _retry(context, name, wish)
        case "add":
            await _add(context, asked.get("files"), wish)
        case "remove":
            await _remove(context, name, wish)
        case "progress":
            looks_after = _looks_after(context)
            vectors = library_encoders.vectors(context) if looks_after else None
            await _tell({"progress": _progress(context) if looks_after else None, "vectors": vectors})
        case "download":
            await download(context, name)
        case "cancel":
            await context.engine.lifecycle.cancel(name)
        case "load":
            await _ask_of(context, name, context.engine.models.load(name))
        case "unload":
            await _ask_of(context, name, context.engine.models.unload(name))
        case "fetch_encoders":
            context.encoders.begin()
            background.begin(library_encoders.follow(context, _tell))
        case "cancel_encoders":
            context.encoders.cancel()


async def open_panel(context: AppContext, tab: str = "documents", wish: Wish | None = None) -> None:
    """Put the panel in place of whatever the side panel shows, with the documents that are wished for."""
    wish = wish or Wish()
    found = await _show_documents(context, wish)
    now: dict[str, Any] = {"tab": tab, "opened": {**asdict(wish), "at": time.time_ns()}}
    if accounts.administers(context.rights):
        now["encoders"] = await library_encoders.shown(context)
    await _tell(now)
    props = {"kind": "panel", **now, **found, **_props(context)}
    await cl.context.emitter.emit("set_sidebar_title", word("library_title", language_of(context), "page"))
    element = cl.CustomElement(name=ELEMENT, id=PANEL, display="side", for_id="", props=props)
    await cl.context.emitter.emit("set_sidebar_elements", {"elements": [element.to_dict()], "key": PANEL})
    for running in context.engine.lifecycle.downloads():
        background.begin(_watch(context, running.alias, join=True))
    if accounts.administers(context.rights) and context.encoders.fetching is not None:
        background.begin(library_encoders.follow(context, _tell))


def _wish(asked: Mapping[str, Any]) -> Wish:
    """What is wished for, out of anything; what nobody can wish for is left out."""
    text, folder = str(asked.get("text") or "")[:_LONGEST_SEARCH], asked.get("folder")
    state = asked["state"] if asked.get("state") in STATES else ""
    order = NEWEST if asked.get("order") == NEWEST else ""
    return Wish(text, state, folder[:_LONGEST_SEARCH] if isinstance(folder, str) else None, order)


def _record(context: AppContext, asked: str, name: str) -> None:
    """Administration goes into the audit log, as it was asked for."""
    action = _ACTIONS.get(asked, f"model.{asked}")
    context.audit.record(accounts.caller() or "", action, "" if action.startswith("encoder") else name)


async def admitted(context: AppContext) -> bool:
    """Whether the person may change models and the library; who may not is told so."""
    if accounts.administers(context.rights):
        return True
    await cl.context.emitter.send_toast(say("administrators_only", language_of(context)), "warning")
    return False


async def download(context: AppContext, alias: str) -> None:
    """Start a download, or go on watching it, and show how far it is. For administrators."""
    if not await admitted(context):
        return
    _problems.pop(alias, None)
    background.begin(_watch(context, alias))


def models(context: AppContext, listing: Sequence[Listed]) -> list[dict[str, Any]]:
    """The models as the page draws them, each with what the person can ask of it now."""
    administers, language = accounts.administers(context.rights), language_of(context)
    held = {runtime.name for runtime in context.engine.models.runtimes if isinstance(runtime, Managed)}
    running = {download.alias: download for download in context.engine.lifecycle.downloads()}
    rows = []
    for info in (entry.info for entry in listing if entry.info.alias != EXTRACTIVE):
        under_way = running.get(info.alias)
        state = ModelState.DOWNLOADING if under_way else info.state
        ask = "cancel" if under_way else "download" if state is ModelState.DOWNLOADABLE else ""
        if info.runtime in held:
            ask = {ModelState.READY: "unload", ModelState.CACHED: "load"}.get(state, ask)
        rows.append(
            {
                "alias": info.alias,
                "runtime": info.runtime,
                "state": state,
                "size_mb": info.size_mb,
                "licence": info.licence,
                "note": detail(info.note if administers else for_staff(info.note, language), language),
                "problem": told(context, failed) if (failed := _problems.get(info.alias)) else "",
                "ask": ask if administers else "",
                "progress": {
                    "percent": under_way.percent,
                    "mb_per_s": under_way.mb_per_s,
                    "remaining_s": under_way.remaining_s,
                }
                if under_way
                else None,
            }
        )
    return rows


async def _show_documents(context: AppContext, wish: Wish | None = None, *, busy: str = "") -> dict[str, Any]:
    receipts = await asyncio.to_thread(seen, context)
    beside = await asyncio.to_thread(_unread, context)
    ids = await asyncio.to_thread(documents_of_files, context.library)
    of = partial(context.rights.collections_of, principal_of(context))
    own = own_folder(context)
    found = {"documents": {**documents(receipts, wish, ids, of, beside, own, language_of(context)), "busy": busy}}
    await _tell(found)
    return found


def _looks_after(context: AppContext) -> bool:
    """Whether the person of this session looks after the library or a collection, and may have files read again."""
    return accounts.administers(context.rights) or CURATOR in principal_of(context).roles


def seen(context: AppContext) -> list[FileReceipt]:
    """The receipts of the files that the person of this session may know of: whoever administers reads no more."""
    principal = principal_of(context)
    return [receipt for receipt in context.library.receipts() if context.rights.may_see(principal, receipt)]


def _unread(context: AppContext) -> list[Account]:
    """The files that have no receipt, of no kind that is read for one, as far as the person may know of them."""
    principal = principal_of(context)
    found = account(existing(context.settings.documents), context.library.receipts(), context.library.data_dir)
    return [one for one in found if one.receipt is None and context.rights.may_see(principal, without_receipt(one))]


async def _show_models(context: AppContext) -> None:
    rows = models(context, context.engine.listing())
    await _tell({"models": rows})
    await cl.context.emitter.send_window_message({"tandem": "models", "models": rows})


async def _tell(news: Mapping[str, Any]) -> None:
    """Tell the panel, where this browser shows it."""
    await cl.context.emitter.emit("library", news)


def _props(context: AppContext) -> dict[str, Any]:
    language = language_of(context)
    return {
        "language": language,
        "texts": labels(_LABELS, language),
        "models": models(context, context.engine.listing()),
        "administers": _looks_after(context),
        "administrator": accounts.administers(context.rights),
        "signed_in": context.settings.server.login_required,
    }


def _progress(context: AppContext) -> dict[str, Any] | None:
    """How far indexing is, for who looks after the library: of how many files, others are not told."""
    under_way = context.indexing
    if under_way is None:
        return None
    return {"done": under_way.done, "total": under_way.total, "seconds_left": under_way.seconds_left}


async def _add(context: AppContext, ids: object, wish: Wish) -> None:
    receipts = await add(context, sent(ids), language_of(context))
    await _tell({"added": receipts})
    await _show_documents(context, wish)


async def _remove(context: AppContext, name: str, wish: Wish) -> None:
    try:
        if not await remove(context, name, await asyncio.to_thread(seen, context)):
            await cl.context.emitter.send_toast(say("not_removed", language_of(context)), "warning")
    except UserFacingError as error:
        await cl.context.emitter.send_toast(told(context, error), "error")
    await _show_documents(context, wish)


async def _retry(context: AppContext, name: str, wish: Wish) -> None:
    """Read again: one file; or with "folder" all of the folder that is looked at; or with "" all that failed."""
    known = await asyncio.to_thread(seen, context)
    own = own_folder(context)
    if name == "folder":
        wanted = [receipt for receipt in known if folder_of(receipt, own) == wish.folder]
    else:
        wanted = [receipt for receipt in known if name == key(receipt) or (not name and receipt.state == "failed")]
    if not accounts.administers(context.rights):
        curator = principal_of(context)
        wanted = [receipt for receipt in wanted if context.rights.curates(curator, receipt)]
    await _show_documents(context, wish, busy=name or "all")
    try:
        await asyncio.to_thread(context.library.retry, wanted)
    except UserFacingError as error:
        await cl.context.emitter.send_toast(told(context, error), "error")
    await _show_documents(context, wish)


async def _ask_of(context: AppContext, alias: str, work: Coroutine[Any, Any, None]) -> None:
    _problems.pop(alias, None)
    try:
        await work
    except UserFacingError as error:
        # The name comes from the browser; only those of the list are shown again.
        if any(alias == one.info.alias for one in context.engine.listing()):
            _problems[alias] = error
    await _show_models(context)


async def _watch(context: AppContext, alias: str, *, join: bool = False) -> None:
    """Show how far a download is; with `join` only one that is under way, else it is started."""
    watch = (cl.context.session.id, alias)
    if watch in _watching or (join and all(alias != running.alias for running in context.engine.lifecycle.downloads())):
        return
    _watching.add(watch)
    last = 0.0
    try:
        async with aclosing(context.engine.lifecycle.download(alias)) as states:
            async for _ in states:
                if time.monotonic() - last >= _SECONDS_BETWEEN:
                    last = time.monotonic()
                    await _show_models(context)
    except ModelError as error:
        if error.kind != "cancelled":
            _problems[alias] = error
    else:
        if not join:
            background.begin(_try_out(context, alias))
    finally:
        _watching.discard(watch)
    await _show_models(context)
    await show_settings(context)


async def _try_out(context: AppContext, alias: str) -> None:
    """Have a model that has just come answer two questions, and say what it can do on this machine."""
    try:
        done = await context.engine.lifecycle.check(alias)
    except ModelError as error:
        _problems[alias] = error
        await cl.context.emitter.send_toast(told(context, error), "error")
        await _show_models(context)
    else:
        await cl.context.emitter.send_toast(detail(done.told, language_of(context)), "success")
