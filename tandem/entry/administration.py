"""What administrators see: people and what is granted to them, usage, answers that were found wanting.

Knows addresses and forms. Does not know how any of it is kept. To administer is not to read: questions and comments
that people rated are shown, answers and passages are not.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rag.errors import UserFacingError
from tandem import databases
from tandem.auth.rights import ADMINISTRATOR, CURATOR
from tandem.context import AppContext
from tandem.entry import page
from tandem.entry.account import somebody
from tandem.entry.routes import Refused, Route, address_of, fields_of
from tandem.people.accounts import INVITE, LOCAL, MEMBER, RESET, People, Person
from tandem.people.announcements import LONGEST
from tandem.people.quotas import COUNTED, Used
from tandem.people.review import rated, topics
from tandem.texts import Language, problem, say

_WAYS = {"settings": "way_settings", LOCAL: "way_local"}
administration = APIRouter(prefix="/administration", route_class=Route)
_HERE = "/administration"
_DAYS = ("1", "7", "30", "90", "365")
_BY: dict[str, Callable[[Used], str]] = {
    "by_day": lambda used: used.day,
    "by_model": lambda used: used.model or "–",
    "by_person": lambda used: used.person,
}


def administrator(request: Request) -> tuple[AppContext, Language, str]:
    """The context, the language and which administrator asks. Raises Refused."""
    context, language, who = somebody(request)
    if not context.rights.administers(who):
        raise Refused(403, say("administrators_only", language))
    return context, language, who


@administration.get("")
async def people(request: Request) -> Response:
    """Everybody, and the forms to change what is granted."""
    return await people_page(request)


async def people_page(request: Request, said: str = "") -> Response:
    """As `people`; `said` tells what was done."""
    context, language, _ = administrator(request)
    everybody = await asyncio.to_thread(context.entrance.people.everybody)
    users = [Person(name, "settings") for name in context.settings.server.users]
    names = [(one.name, one.name) for one in (*users, *everybody) if not one.removed and one.way]
    curating = [(one.key, one.name) for one in context.rights.collections]
    roles = [(MEMBER, say("role_member", language)), (ADMINISTRATOR, say("role_administrator", language))]
    roles += [(f"{CURATOR} {key}", say("role_curator", language, name=name)) for key, name in curating]
    readers = {group for one in context.rights.collections for group in one.readers or ()}
    known = readers | {group for name, _ in names for group in context.rights.groups_of(name)}
    group, bounds = say("group", language), {"maxlength": "100"}
    join = page.field("group", group, attributes=bounds, known=sorted(known))
    leave = page.field("group", group, attributes={**bounds, "list": "known-group"})
    whom = page.choice("name", say("user_name", language), names)
    pick = page.choice("role", say("role", language), roles)
    parts = [
        ways(language, ""),
        page.sentence(said),
        _people(context, [*users, *(one for one in everybody if one.way)], language),
        page.heading(say("add_person", language)),
        page.form(f"{_HERE}/add", say("add_person", language), page.field("name", say("user_name", language))),
        page.heading(say("grant_role", language)),
        page.form(f"{_HERE}/role", say("grant_role", language), whom, pick),
        page.heading(say("groups", language)),
        page.form(f"{_HERE}/join", say("join_group", language), whom, join),
        page.form(f"{_HERE}/leave", say("leave_group", language), whom, leave),
    ]
    return page.response(language, say("administration", language), parts)


def ways(language: Language, here: str) -> str:
    """The ways from each of these pages to the others; `here` is the end of the address of the one that it is."""
    pages = (
        ("", "people"),
        ("/collections", "collections_page"),
        ("/usage", "usage"),
        ("/review", "review"),
        ("/announcements", "announcements"),
        ("/state", "state_page"),
    )
    named = [("/", say("to_the_chat", language)), *((_HERE + end, say(key, language)) for end, key in pages)]
    return page.row(say("administration", language), named, _HERE + here)


def _people(context: AppContext, everybody: Sequence[Person], language: Language) -> str:
    rows = []
    for one in everybody:
        principal = context.rights.principal(one.name)
        actions = ""
        if one.removed:
            name = page.hidden("name", one.name)
            actions += page.form(f"{_HERE}/forget", say("forget_person", language), name, quiet=True)
        if one.active and one.way != "settings":
            name = page.hidden("name", one.name)
            if one.way == LOCAL:
                actions += page.form(f"{_HERE}/link", say("new_link", language), name, quiet=True)
            actions += page.form(f"{_HERE}/sign-out", say("end_it", language), name, quiet=True)
            actions += page.form(f"{_HERE}/remove", say("remove_person", language), name, quiet=True)
        way = say(_WAYS[one.way], language) if one.way in _WAYS else one.way
        state = say("removed", language) if one.removed else way
        rows.append(
            (
                escape(one.name),
                escape(state if one.hash or one.way != LOCAL or one.removed else say("invited", language)),
                escape(", ".join(_role(role, language) for role in sorted(principal.roles)) if not one.removed else ""),
                escape(", ".join(sorted(principal.groups)) if not one.removed else ""),
                page.moment(one.seen, language),
                actions,
            )
        )
    return page.table([say(key, language) for key in ("user_name", "way", "role", "groups", "last_used", "do")], rows)


def _role(role: str, language: Language) -> str:
    return say("role_administrator" if role == ADMINISTRATOR else "role_curating", language)


@administration.get("/announcements")
async def announcements(request: Request) -> Response:
    """What everybody is told now, and the form to tell them more."""
    return await announcements_page(request)


async def announcements_page(request: Request, said: str = "", status: int = 200) -> Response:
    context, language, _ = administrator(request)
    standing = await asyncio.to_thread(context.entrance.announcements.standing)
    rows = [
        (
            escape(one.text),
            page.moment(one.until, language),
            page.form(
                f"{_HERE}/announcements/end", say("announcement_end", language), page.hidden("id", one.id), quiet=True
            ),
        )
        for one in standing
    ]
    days = [(one, say("share_days", language, count=one)) for one in ("1", "7", "30")]
    parts = [
        ways(language, "/announcements"),
        page.sentence(said, bad=True),
        page.table(
            [say(key, language) for key in ("announcement", "until", "do")], rows, say("announced_nothing", language)
        ),
        page.form(
            f"{_HERE}/announcements/new",
            say("announce", language),
            page.field("text", say("announcement", language), attributes={"maxlength": str(LONGEST)}),
            page.choice("days", say("share_how_long", language), days, "7"),
        ),
    ]
    return page.response(language, say("announcements", language), parts, status)


@administration.post("/announcements/new")
async def announce(request: Request) -> Response:
    """Everybody who chats is told something."""
    context, language, who = administrator(request)
    sent = await fields_of(request)
    days = float(sent["days"]) if sent.get("days") in ("1", "7", "30") else 7.0
    try:
        made = await asyncio.to_thread(context.entrance.announcements.make, sent.get("text", ""), days)
    except UserFacingError as error:
        return await announcements_page(request, problem(error, language), 400)
    context.audit.record(who, "announcement.made", made.id, {"text": made.text, "until": made.until})
    return RedirectResponse(f"{_HERE}/announcements", 303)


@administration.post("/announcements/end")
async def end_announcement(request: Request) -> Response:
    """One is taken back."""
    context, _, who = administrator(request)
    number = (await fields_of(request)).get("id", "")
    await asyncio.to_thread(context.entrance.announcements.end, number)
    context.audit.record(who, "announcement.ended", number[:100], {})
    return RedirectResponse(f"{_HERE}/announcements", 303)


@administration.post("/add")
async def add(request: Request) -> Response:
    """A new account; its link is shown this once."""
    context, _, who = administrator(request)
    name = (await fields_of(request)).get("name", "").strip()
    await asyncio.to_thread(context.entrance.people.add, name)
    context.audit.record(who, "account.added", name, {"way": LOCAL})
    return await _with_link(request, name, INVITE)


@administration.post("/link")
async def link(request: Request) -> Response:
    """A link to choose the password anew."""
    context, _, who = administrator(request)
    name = (await fields_of(request)).get("name", "")
    person = context.entrance.people.find(name)
    kind = RESET if person is not None and person.hash else INVITE
    context.audit.record(who, "account.reset" if kind == RESET else "account.invited", name, {})
    return await _with_link(request, name, kind)


async def _with_link(request: Request, name: str, kind: str) -> Response:
    context, language, _ = administrator(request)
    code = await asyncio.to_thread(context.entrance.people.link, name, kind)
    address = f"{address_of(request)}/sign-in/link/{code}"
    return await people_page(request, say("link_made", language, name=name, address=address))


@administration.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """Somebody is signed out of every browser."""
    context, language, who = administrator(request)
    name = (await fields_of(request)).get("name", "")
    if context.entrance.people.find(name) is None:
        raise Refused(400, say("signed_out_whom", language))
    await asyncio.to_thread(context.tickets.end_all, name)
    context.audit.record(who, "sign_out.everywhere", name)
    return await people_page(request, say("signed_out_everywhere", language, name=name))


@administration.post("/remove")
async def remove(request: Request) -> Response:
    """An account is taken away, and what it holds ends."""
    context, _, who = administrator(request)
    name = (await fields_of(request)).get("name", "")
    await asyncio.to_thread(context.entrance.people.remove, name)
    await asyncio.to_thread(context.tickets.end_all, name)
    context.audit.record(who, "account.removed", name, {})
    return RedirectResponse(_HERE, 303)


@administration.post("/forget")
async def forget(request: Request) -> Response:
    """All that is kept of somebody whose account was removed is deleted, once that was said twice."""
    from tandem.keeping import forgetting

    context, language, who = administrator(request)
    sent = await fields_of(request)
    name = sent.get("name", "")
    person = context.entrance.people.find(name)
    if person is None or not person.removed:
        raise Refused(400, say("forget_whom", language))
    if sent.get("sure") != name:
        hidden = page.hidden("name", name) + page.hidden("sure", name)
        sure = page.form(f"{_HERE}/forget", say("forget_person", language), hidden)
        parts = [
            ways(language, ""),
            page.sentence(say("forget_sure", language, name=name), bad=True),
            page.choose(sure, page.way(_HERE, say("cancel", language))),
        ]
        return page.response(language, say("administration", language), parts)
    counts = await asyncio.to_thread(forgetting.forget, context.settings, name, context.library)
    await asyncio.to_thread(context.tickets.end_all, name)
    context.audit.record(who, "account.forgotten", name, dict(counts))
    return await people_page(request, say("forgotten", language, name=name))


@administration.post("/role")
async def role(request: Request) -> Response:
    """A role is granted or taken."""
    context, language, who = administrator(request)
    sent = await fields_of(request)
    name, (kind, _, key) = sent.get("name", ""), sent.get("role", "").partition(" ")
    collection = next((one.name for one in context.rights.collections if one.key == key), "")
    if key and not collection:
        raise Refused(400, say("collection_gone", language))
    await asyncio.to_thread(context.entrance.people.grant, name, kind, key)
    context.audit.record(who, "rights.changed", name, {"role": kind, "collection": collection})
    return RedirectResponse(_HERE, 303)


@administration.post("/join")
async def join(request: Request) -> Response:
    """Somebody is put into a group."""
    return await _membership(request, People.join, "+")


@administration.post("/leave")
async def leave(request: Request) -> Response:
    """Somebody is taken out of a group."""
    return await _membership(request, People.leave, "-")


async def _membership(request: Request, change: Callable[[People, str, str], None], sign: str) -> Response:
    context, _, who = administrator(request)
    sent = await fields_of(request)
    name, group = sent.get("name", ""), sent.get("group", "").strip()
    await asyncio.to_thread(change, context.entrance.people, name, group)
    context.audit.record(who, "rights.changed", name, {"group": f"{sign} {group}"})
    return RedirectResponse(_HERE, 303)


@administration.get("/usage")
async def usage(request: Request, days: str = "30") -> Response:
    """Questions, tokens, seconds and money, by day, model, person and group."""
    context, language, _ = administrator(request)
    lines = await _used(context, days)
    days = days if days in _DAYS else "30"
    spans = [
        (f"{_HERE}/usage?days={one}", say("last_day" if one == "1" else "last_days", language, count=one))
        for one in _DAYS
    ]
    parts = [ways(language, "/usage"), page.row(say("usage", language), spans, f"{_HERE}/usage?days={days}")]
    parts.append(
        page.way(f"{_HERE}/usage.csv?days={days}", "CSV") if lines else page.words(say("usage_none", language))
    )
    for by, of in (*_BY.items(), ("by_group", None)) if lines else ():
        sums: dict[str, Used] = {}
        for line in lines:
            groups = sorted(context.rights.groups_of(line.person)) or ["–"]
            for name in [of(line)] if of is not None else groups:
                sums[name] = sums.get(name, Used()).plus(line)
        parts += [page.heading(say(by, language)), _sums(sums, say(by, language), language)]
    return page.response(language, say("usage", language), parts)


@administration.get("/usage.csv")
async def usage_file(request: Request, days: str = "30") -> Response:
    """Every line of it, for a spreadsheet."""
    context, _, who = administrator(request)
    lines = await _used(context, days)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("day", "person", "groups", "key", "model", *COUNTED))
    for line in lines:
        groups = " ".join(sorted(context.rights.groups_of(line.person)))
        named = [_harmless(one) for one in (line.day, line.person, groups, line.key, line.model)]
        # Floats are sums of seconds and of money: what is behind the sixth place is the machine's, not theirs.
        writer.writerow((*named, *(round(getattr(line, name), 6) for name in COUNTED)))
    context.audit.record(who, "export.usage", "", {"lines": len(lines)})
    headers = {"content-disposition": 'attachment; filename="usage.csv"', **page.HEADERS}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


async def _used(context: AppContext, days: str) -> list[Used]:
    return await asyncio.to_thread(context.entrance.quotas.since, int(days) if days in _DAYS else 30)


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _sums(sums: dict[str, Used], head: str, language: Language) -> str:
    rows = [
        (
            escape(name),
            str(used.questions),
            str(used.tokens),
            f"{used.seconds:.1f}",
            f"{used.money:.4f}",
            f"{used.escalated / used.questions:.0%}" if used.questions else "–",
        )
        for name, used in sorted(sums.items())
    ]
    heads = ("questions", "tokens", "seconds", "money", "escalated")
    return page.table([head, *(say(key, language) for key in heads)], rows)


@administration.get("/review")
async def review(request: Request) -> Response:
    """What was rated down, and what the library had no answer to, by topic."""
    context, language, who = administrator(request)
    disliked = await asyncio.to_thread(rated, databases.history(context.settings))
    missing = await asyncio.to_thread(topics, context.traces)
    context.audit.record(who, "review.opened", "", {})
    down = [(page.moment(one.at, language), escape(one.question), escape(one.comment)) for one in disliked]
    lacking = [(escape(one.terms), str(one.count), "<br>".join(map(escape, one.questions))) for one in missing]
    parts = [
        ways(language, "/review"),
        page.heading(say("rated_down", language)),
        page.table(
            [say(key, language) for key in ("since", "question", "comment")], down, say("shared_nothing", language)
        ),
        page.heading(say("unanswered", language)),
        page.table(
            [say(key, language) for key in ("topic", "count", "questions")], lacking, say("shared_nothing", language)
        ),
    ]
    return page.response(language, say("review", language), parts)
