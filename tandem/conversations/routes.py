"""The addresses at which somebody keeps their conversations.

Knows forms and who asks. Does not know how conversations are kept, nor what an answer is. Everything is answered for
the one who asks: of what is somebody else's nothing is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from tandem.auth import accounts
from tandem.auth.tickets import LOCAL_USER
from tandem.context import AppContext
from tandem.conversations import page
from tandem.conversations.exports import FORMATS, file_name
from tandem.conversations.transcript import transcript
from tandem.entry.page import HEADERS
from tandem.entry.routes import Refused, Route, context_of, fields_of
from tandem.entry.session import language_of
from tandem.history.base import Change, HistoryError, Shelved, Wanted, history
from tandem.identifiers import is_id
from tandem.texts import Language, language_for, say
from tandem.viewer import access

conversations = APIRouter(prefix=page.HERE, route_class=Route)
_STYLE = Path(__file__).with_name("static") / "conversations.css"
_LONGEST = 200
_DEEDS: dict[str, Callable[[dict[str, str]], Change]] = {
    "pin": lambda sent: Change(pinned=True),
    "unpin": lambda sent: Change(pinned=False),
    "archive": lambda sent: Change(archived=True, pinned=False),
    "restore": lambda sent: Change(archived=False),
    "tags": lambda sent: Change(tags=sent.get("tags", "").split(",")),
    "rename": lambda sent: Change(name=sent.get("name", "")),
}


@conversations.get("/static/conversations.css")
async def style() -> Response:
    """What this page looks like, beside what it shares with the pages of accounts."""
    return FileResponse(_STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"})


@conversations.get("")
async def listing(request: Request) -> Response:
    """One's conversations."""
    _, language, who = await _somebody(request)
    asked = request.query_params
    wanted = Wanted(
        "archive" if asked.get("place") == "archive" else "list",
        asked.get("q", "")[:_LONGEST],
        asked.get("tag", "")[:_LONGEST],
        _number(asked.get("after", "")),
    )
    return page.listing(language, wanted, await history().shelf(who, wanted))


@conversations.get("/{thread}")
async def single(request: Request, thread: str) -> Response:
    """One of them."""
    _, language, who = await _somebody(request)
    one = await _own(who, thread)
    return page.single(language, one) if one is not None else page.missing(language)


@conversations.get("/{thread}/export/{kind}")
async def export(request: Request, thread: str, kind: str) -> Response:
    """One of them as a file."""
    context, language, who = await _somebody(request)
    kept = await history().get_thread(thread) if is_id(thread) else None
    if kept is None or kept.get("userIdentifier") != who or kind not in FORMATS:
        return page.missing(language)
    media, write = FORMATS[kind]
    read = await asyncio.to_thread(transcript, kept)
    owner = "" if who == LOCAL_USER else who
    content = await asyncio.to_thread(write, read, owner, language)
    context.audit.record(who, "conversation.exported", thread, {"as": kind})
    name = quote(file_name(read, kind, language), safe="")
    headers = {**HEADERS, "content-disposition": f"attachment; filename*=UTF-8''{name}"}
    headers["content-security-policy"] = "sandbox; default-src 'none'"
    return Response(content, media_type=media, headers=headers)


@conversations.post("/{thread}/{deed}")
async def do(request: Request, thread: str, deed: str) -> Response:
    """Change one of them, then back to where one was; whoever asks for JSON is answered without a page."""
    _, language, who = await _somebody(request)
    one = await _own(who, thread)
    if one is None or (deed not in _DEEDS and deed != "delete"):
        return page.missing(language)
    sent = await fields_of(request)
    try:
        if deed == "delete":
            if sent.get("sure") != "yes":
                return page.single(language, one, say("delete_not_sure", language), bad=True)
            with accounts.acting_for(who):
                await history().delete_thread(thread)
        else:
            await history().arrange(who, thread, _DEEDS[deed](sent))
    except HistoryError as error:
        return page.single(language, one, str(error), bad=True)
    if "application/json" in request.headers.get("accept", ""):
        return Response(status_code=204, headers={"cache-control": "no-store"})
    here = page.HERE if deed == "delete" else f"{page.HERE}/{thread}"
    return RedirectResponse(_back(sent.get(page.SAME_PLACE, "")) or here, 303)


async def _somebody(request: Request) -> tuple[AppContext, Language, str]:
    """The context, the language that the person chose in the chat, and who it is. Raises Refused."""
    context = context_of(request)
    who = access.person(context, request)
    if who is None:
        raise Refused(401, say("viewer_sign_in", language_of(context, request)))
    user = await history().get_user(who)
    chosen = (await history().settings_of(user.id)).get("language", "") if user is not None else ""
    spoken = request.headers.get("accept-language", "")
    return context, language_for(str(chosen), context.settings.display.language, spoken), who


async def _own(who: str, thread: str) -> Shelved | None:
    """The conversation, where it is theirs."""
    return await history().shelved(who, thread) if is_id(thread) else None


def _back(given: str) -> str:
    """An address of this page, as a form gave it; "" for any other."""
    with suppress(ValueError):
        parts = urlsplit(given)
        if not parts.scheme and not parts.netloc and parts.path == page.HERE:
            return f"{page.HERE}?{parts.query}" if parts.query else page.HERE
    return ""


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 7 else 0
