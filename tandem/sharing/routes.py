"""The pages on which people share: what they share and what is shared with them, the form, and what a reader sees.

Knows addresses and forms. Does not know how shares are kept, nor what of one may be seen (`reading` does). Nothing in
an address is a path; whoever is not named is told that there is nothing.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rag.errors import UserFacingError
from tandem import databases
from tandem.context import AppContext
from tandem.entry import page
from tandem.entry.account import somebody
from tandem.entry.routes import Refused, Route, address_of, fields_of
from tandem.people.shares import Share
from tandem.people.store import AccountsError
from tandem.sharing import opened as opened_copy
from tandem.sharing import page as shared_page
from tandem.sharing import reading, snapshot
from tandem.sharing.snapshot import Snapshot
from tandem.texts import Language, problem, say

sharing = APIRouter(prefix="/shared", route_class=Route)
_HERE = "/shared"
_DAYS = ("1", "7", "30", "90", "0")
_NAMES = re.compile(r"[,\n]")
_LONGEST_ID = 100


@sharing.get("")
async def all_of_it(request: Request, made: str = "") -> Response:
    """What somebody shares, with the address of what they have just `made`, and what is shared with them."""
    context, language, who = somebody(request)
    shares = context.entrance.shares
    mine = await asyncio.to_thread(shares.of, who)
    new = next((f"{address_of(request)}{_HERE}/{one.id}" for one in mine if one.id == made), "")
    others = await asyncio.to_thread(shares.shown_to, who, context.rights.groups_of(who))
    heads = ("shared_what", "share_with", "since", "until", "do")
    own = [
        (
            page.link(f"{_HERE}/{one.id}", one.title),
            shared_page.readers(one, language),
            page.moment(one.created, language),
            page.moment(one.until, language),
            page.form(f"{_HERE}/revoke", say("share_end", language), page.hidden("id", one.id), quiet=True),
        )
        for one in mine
    ]
    theirs = [
        (
            page.link(f"{_HERE}/{one.id}", one.title),
            escape(one.owner),
            page.moment(one.created, language),
            page.moment(one.until, language),
        )
        for one in others
        if context.tickets.knows(one.owner)
    ]
    parts = [
        page.way("/", say("to_the_chat", language)),
        page.sentence(say("share_made", language, address=new) if new else ""),
        page.heading(say("shared_by_you", language)),
        page.table([say(key, language) for key in heads], own, say("shared_nothing", language)),
        page.heading(say("shared_with_you", language)),
        page.table(
            [say(key, language) for key in ("shared_what", "share_from", "since", "until")],
            theirs,
            say("shared_nothing", language),
        ),
    ]
    return page.response(language, say("shared", language), parts)


@sharing.get("/new")
async def ask(request: Request, answer: str = "") -> Response:
    """The form to share an answer, or the conversation that it stands in."""
    return await _form(request, answer)


async def _form(
    request: Request, answer: str, said: str = "", status: int = 200, people: str = "", groups: str = ""
) -> Response:
    context, language, who = somebody(request)
    found = await _copied(context, who, answer, alone=True, language=language)
    what = [("answer", say("share_answer", language)), ("conversation", say("share_conversation", language))]
    days = [
        (one, say("share_days", language, count=one) if one != "0" else say("share_for_good", language))
        for one in _DAYS
    ]
    own = ", ".join(sorted(context.rights.groups_of(who)))
    longest = {"maxlength": "2000"}
    form = page.form(
        f"{_HERE}/new",
        say("share", language),
        page.hidden("answer", answer),
        page.choice("what", say("shared_what", language), what, "answer"),
        page.field(
            "people",
            say("share_people", language),
            value=people,
            hint=say("share_people_hint", language),
            attributes=longest,
            needed=False,
        ),
        page.field(
            "groups",
            say("share_groups", language),
            value=groups,
            hint=say("share_groups_hint", language, names=own) if own else "",
            attributes=longest,
            needed=False,
        ),
        page.choice("days", say("share_how_long", language), days, "30"),
    )
    parts = [
        page.way(_HERE, say("shared", language)),
        page.sentence(said, bad=True),
        page.words(f"“{found.title}”"),
        page.words(say("share_explained", language)),
        form,
    ]
    return page.response(language, say("share", language), parts, status)


@sharing.post("/new")
async def make(request: Request) -> Response:
    """Something is shared; its link is shown."""
    context, language, who = somebody(request)
    sent = await fields_of(request)
    answer, alone = sent.get("answer", ""), sent.get("what") != "conversation"
    people, groups = [one for one in _named(sent.get("people", "")) if one != who], _named(sent.get("groups", ""))
    try:
        _check(context, who, people, groups)
        found = await _copied(context, who, answer, alone=alone, language=language)
        days = float(sent["days"]) if sent.get("days") in _DAYS else 30.0
        share = await asyncio.to_thread(
            context.entrance.shares.make,
            who,
            found.conversation,
            asdict(found),
            title=found.title,
            answer=answer if alone else "",
            people=people,
            groups=groups,
            days=days,
        )
    except UserFacingError as error:
        again = sent.get("people", "")[:2000], sent.get("groups", "")[:2000]
        return await _form(request, answer, problem(error, language), 400, *again)
    details = {"conversation": share.conversation, "answer": share.answer, "until": share.until}
    context.audit.record(who, "share.made", share.id, {**details, "people": people, "groups": groups})
    return RedirectResponse(f"{_HERE}?made={share.id}", 303)


def _named(text: str) -> list[str]:
    return list(dict.fromkeys(name for one in _NAMES.split(text) if (name := one.strip())))


def _check(context: AppContext, who: str, people: list[str], groups: list[str]) -> None:
    """Raises AccountsError where somebody is named who is not here: a slip would share with nobody, or later with a
    stranger of that name."""
    if unknown := next(
        (name for name in people if not context.tickets.knows(name) and not _invited(context, name)), ""
    ):
        raise AccountsError(f"Nobody here is called {unknown[:100]}; write the name with which they sign in.")
    known = set(context.settings.groups) | {g for one in context.entrance.people.everybody() for g in one.groups}
    known |= {group for one in context.rights.collections for group in one.readers or ()}
    known |= context.rights.groups_of(who)
    if unknown := next((name for name in groups if name not in known), ""):
        raise AccountsError(f"There is no group {unknown[:100]} here; ask an administrator what yours is called.")


def _invited(context: AppContext, name: str) -> bool:
    person = context.entrance.people.find(name)
    return person is not None and person.active


@sharing.post("/revoke")
async def revoke(request: Request) -> Response:
    """Something is not shared any more, at once."""
    context, language, who = somebody(request)
    number = (await fields_of(request)).get("id", "")[:_LONGEST_ID]
    share = await asyncio.to_thread(context.entrance.shares.revoke, number, who)
    if share is None:
        raise Refused(404, say("share_gone", language))
    context.audit.record(who, "share.ended", share.id, {"conversation": share.conversation})
    return RedirectResponse(_HERE, 303)


@sharing.get("/{number}")
async def opened(request: Request, number: str) -> Response:
    """What is shared, as far as its reader may see it."""
    context, language, who = somebody(request)
    share = await asyncio.to_thread(context.entrance.shares.find, number[:_LONGEST_ID])
    if share is None or not share.opens_for(who, context.rights.groups_of(who)):
        raise Refused(404, say("share_gone", language))
    shown = await _shown(context, share, who)
    if shown is None:
        raise Refused(404, say("share_gone", language))
    if who != share.owner:
        context.audit.record(who, "share.opened", share.id, {"of": share.owner})
    parts = [
        page.way(_HERE, say("shared", language)),
        shared_page.about(share, language),
        *shared_page.turns(shown, language),
    ]
    return page.response(language, share.title, parts)


async def _shown(context: AppContext, share: Share, who: str) -> list[reading.Seen] | None:
    """What somebody may see of it; None where its owner or the conversation is gone."""
    from tandem.history.base import history  # Chainlit, which reads its settings as it is imported

    if not context.tickets.knows(share.owner) or await history().shelved(share.owner, share.conversation) is None:
        return None
    return await asyncio.to_thread(_seen, context, share, who)


def _seen(context: AppContext, share: Share, who: str) -> list[reading.Seen]:
    kept = snapshot.read(context.entrance.shares.content(share.id))
    if who == share.owner:
        return reading.seen(kept, lambda source: True, everything=True)
    return opened_copy.seen_by(context, kept, who)


async def _copied(context: AppContext, who: str, answer: str, *, alone: bool, language: Language) -> Snapshot:
    history = databases.history(context.settings)
    found = await asyncio.to_thread(snapshot.of, context, history, who, answer[:_LONGEST_ID], alone=alone)
    if found is None:
        raise Refused(404, say("share_no_answer", language))
    return found
