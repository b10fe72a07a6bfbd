"""The pages on which administrators make, change and delete collections, and see what that opens before it is done.

Knows addresses, and what is said of a change. Does not know the fields of the form, how a collection is kept, nor how
documents are relabelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rag.errors import UserFacingError
from tandem.auth.collections import Made
from tandem.collecting import Effect
from tandem.context import AppContext
from tandem.entry import collection_form, page
from tandem.entry.administration import administrator, ways
from tandem.entry.collection_form import EVERYBODY, Entered
from tandem.entry.routes import Refused, Route, fields_of
from tandem.texts import Language, problem, say

collecting = APIRouter(prefix="/administration/collections", route_class=Route)
_HERE = "/administration/collections"


@collecting.get("")
async def listed(request: Request, kept: str = "") -> Response:
    """All collections, those of the settings and those that were made here."""
    context, language, _ = administrator(request)
    made = context.collecting.find(kept) if kept else None
    return await _list_page(request, say("collection_kept", language, name=made.name) if made is not None else "")


async def _list_page(request: Request, said: str = "") -> Response:
    context, language, _ = administrator(request)
    parts = [
        ways(language, "/collections"),
        page.sentence(said),
        page.sentence(_state(context, language), bad=context.library.labels.closed or context.library.labels.behind),
        page.words(say("collections_explained", language)),
        await asyncio.to_thread(_table, context, language),
        page.way(f"{_HERE}/new", say("collection_new", language)),
    ]
    return page.response(language, say("collections_page", language), parts)


def _state(context: AppContext, language: Language) -> str:
    labels = context.library.labels
    if labels.closed:
        return say("collections_closed", language)
    if (progress := labels.progress) is not None:
        return say("collections_follow", language, done=progress.done, total=progress.total)
    return say("collections_behind", language) if labels.behind else ""


def _table(context: AppContext, language: Language) -> str:
    counts, rows = context.collecting.documents(), []
    for one in context.rights.collections:
        do = ""
        if one.made is not None:
            do = page.way(f"{_HERE}/edit?key={one.key}", say("collection_change", language), quiet=True)
            key = page.hidden("key", one.key)
            do += page.form(f"{_HERE}/delete", say("collection_delete", language), key, quiet=True)
        readers = say("everybody", language) if one.readers is None else ", ".join(one.readers)
        rows.append(
            (
                escape(one.name),
                escape(readers),
                escape(", ".join((*context.collecting.curators(one.key), *one.curating))),
                "<br>".join(map(escape, context.collecting.folders_of(one))),
                str(counts[one.key]),
                escape(say("collection_made_here" if one.made else "collection_from_settings", language)),
                do,
            )
        )
    heads = ("collection", "readers", "curators", "collection_folders", "documents", "collection_from", "do")
    return page.table([say(key, language) for key in heads], rows, say("collections_none", language))


@collecting.get("/new")
async def new(request: Request) -> Response:
    """The form for one that is not there yet."""
    return await _form(request, Entered())


@collecting.get("/edit")
async def edit(request: Request, key: str = "") -> Response:
    """The form with what one is now."""
    context, language, _ = administrator(request)
    if (made := context.collecting.find(key)) is None:
        raise Refused(404, say("collection_gone", language))
    return await _form(request, await asyncio.to_thread(collection_form.as_kept, context, made))


async def _form(request: Request, entered: Entered, said: str = "", status: int = 200) -> Response:
    context, language, _ = administrator(request)
    folders = await asyncio.to_thread(context.collecting.choosable)
    made = context.collecting.find(entered.key)
    title = say("collection_changing", language, name=made.name) if made else say("collection_new", language)
    fields = await asyncio.to_thread(collection_form.fields, context, entered, folders, language)
    parts = [
        ways(language, "/collections"),
        page.sentence(said, bad=True),
        page.form(f"{_HERE}/save", say("collection_save", language), *fields, broad=True),
        page.way(_HERE, say("cancel", language)),
    ]
    return page.response(language, title, parts, status)


@collecting.post("/save")
async def save(request: Request) -> Response:
    """One is made or changed; what that opens is said first."""
    context, language, who = administrator(request)
    sent = await fields_of(request)
    entered = collection_form.sent_back(sent)
    try:
        made, before = await asyncio.to_thread(collection_form.read, context, entered, language)
        effect = await asyncio.to_thread(context.collecting.effect, made.key, made, entered.people)
        if effect.opens and sent.get("sure") != effect.mark:
            return _sure(language, entered, made.name, effect)
        was = await asyncio.to_thread(_told, context, before)
        count = await asyncio.to_thread(context.collecting.keep, made, entered.people)
    except UserFacingError as error:
        return await _form(request, entered, problem(error, language), 400)
    context.labels.changed()
    details = _difference(was, await asyncio.to_thread(_told, context, made))
    action = "collection.made" if before is None else "collection.changed"
    context.audit.record(who, action, made.name, {**details, "documents": count})
    return RedirectResponse(f"{_HERE}?kept={made.key}", 303)


@collecting.post("/delete")
async def delete(request: Request) -> Response:
    """One is deleted, once it was said what that opens."""
    context, language, who = administrator(request)
    sent = await fields_of(request)
    made = context.collecting.find(sent.get("key", ""))
    if made is None:
        raise Refused(400, say("collection_gone", language))
    effect = await asyncio.to_thread(context.collecting.effect, made.key, None, ())
    version = await asyncio.to_thread(collection_form.version_of, context, made)
    if (sent.get("sure"), sent.get("version")) != (effect.mark, version):
        return _sure_to_delete(language, made, version, effect)
    was = await asyncio.to_thread(_told, context, made)
    count = await asyncio.to_thread(context.collecting.drop, made)
    context.labels.changed()
    context.audit.record(who, "collection.deleted", made.name, {**_difference(was, {}), "documents": count})
    return await _list_page(request, say("collection_deleted", language, name=made.name))


def _sure(language: Language, entered: Entered, name: str, effect: Effect) -> Response:
    """What saving opens, and the form once more, to be sent by who agrees."""
    fields = collection_form.hidden(entered) + page.hidden("sure", effect.mark)
    parts = [
        ways(language, "/collections"),
        *_effect(effect, language),
        page.choose(
            page.form(f"{_HERE}/save", say("collection_save_sure", language), fields),
            page.way(
                f"{_HERE}/edit?key={quote(entered.key)}" if entered.key else f"{_HERE}/new", say("cancel", language)
            ),
        ),
    ]
    return page.response(language, say("collection_opens", language, name=name), parts)


def _sure_to_delete(language: Language, made: Made, version: str, effect: Effect) -> Response:
    hidden = page.hidden("key", made.key) + page.hidden("version", version) + page.hidden("sure", effect.mark)
    parts = [
        ways(language, "/collections"),
        page.words(say("collection_delete_explained", language, name=made.name)),
        *_effect(effect, language),
        page.choose(
            page.form(f"{_HERE}/delete", say("collection_delete_sure", language, name=made.name), hidden),
            page.way(_HERE, say("cancel", language)),
        ),
    ]
    return page.response(language, say("collection_deleting", language, name=made.name), parts)


def _effect(effect: Effect, language: Language) -> list[str]:
    said = []
    if effect.everybodys:
        said.append(say("opens_to_everybody", language, count=effect.everybodys))
    if effect.wider:
        said.append(say("opens_to_others", language, count=effect.wider, names=", ".join(effect.others)))
    if effect.closed:
        said.append(say("closes", language, count=effect.closed))
    if not effect.opens:
        said.append(say("opens_nothing", language))
    return [page.sentence(one, bad=effect.opens and one is said[0]) for one in said]


def _told(context: AppContext, made: Made | None) -> dict[str, Any]:
    """What a collection is, for the audit log."""
    if made is None:
        return {}
    return {
        "name": [made.name],
        "readers": list(made.readers) if made.readers is not None else [EVERYBODY],
        "curators": context.collecting.curators(made.key),
        "curating groups": list(made.curators),
        "folders": [context.collecting.called(one) for one in made.folders],
    }


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    found = {}
    for of in dict.fromkeys((*before, *after)):
        was, now = before.get(of, []), after.get(of, [])
        changed = [f"+ {one}" for one in now if one not in was] + [f"- {one}" for one in was if one not in now]
        if changed:
            found[of] = changed
    return found
