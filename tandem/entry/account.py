"""One's own account: second factor, password, browsers and keys.

Knows addresses and forms. Does not know how any of it is kept.
"""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from rag.errors import UserFacingError
from rag.principal import Principal
from tandem.auth.tickets import TicketError, ticket_of
from tandem.context import AppContext
from tandem.entry import page
from tandem.entry.browsers import named
from tandem.entry.routes import Refused, Route, context_of, fields_of, signed_in
from tandem.entry.session import language_of, person_of
from tandem.people.accounts import LOCAL, SHORTEST_PASSWORD, Person
from tandem.people.keys import SCOPES, Key
from tandem.people.second_factor import address, picture
from tandem.people.sessions import Session
from tandem.texts import Language, problem, say

account = APIRouter(prefix="/account", route_class=Route)
_SECRET_SECONDS = 1800
_HERE = "/account"


def somebody(request: Request) -> tuple[AppContext, Language, str]:
    """The context, the language and who is signed in. Raises Refused."""
    context = context_of(request)
    language, who = language_of(context, request), person_of(context, request)
    if who is None or not context.settings.server.login_required:
        raise Refused(401, say("viewer_sign_in", language))
    return context, language, who


@account.get("")
async def own(request: Request) -> Response:
    """The page of whoever is signed in."""
    return await own_page(request)


async def own_page(request: Request, said: str = "", status: int = 200, *, bad: bool = False) -> Response:
    """As `own`; `said` tells what was done, or what went wrong."""
    context, language, who = somebody(request)
    sessions, keys = await asyncio.to_thread(_kept, context, who)
    person = context.entrance.people.find(who)
    principal = context.rights.principal(who)
    parts = [
        page.way("/", say("to_the_chat", language)),
        page.way("/shared", say("shared", language)),
        page.way("/administration", say("administration", language)) if context.rights.administers(who) else "",
        page.sentence(said, bad=bad),
        page.words(say("you_are", language, name=who)),
        page.words(say("your_groups", language, names=", ".join(sorted(principal.groups)) or "–")),
        *(_own_password(context, person, language) if person is not None and person.way == LOCAL else ()),
        *_looked_after(context, principal, language),
        page.heading(say("your_browsers", language)),
        _browsers(context, request, sessions, language),
        page.heading(say("your_keys", language)),
        *_keys(keys, language),
    ]
    return page.response(language, say("your_account", language), parts, status)


def _kept(context: AppContext, who: str) -> tuple[list[Session], list[Key]]:
    sessions = context.entrance.sessions.sessions(who)
    return [one for one in sessions if context.tickets.still(who, one.number, one.epoch)], context.entrance.keys.of(who)


def _looked_after(context: AppContext, principal: Principal, language: Language) -> list[str]:
    """The collections that somebody curates, as they are."""
    rows = [
        (
            escape(one.name),
            escape(say("everybody", language) if one.readers is None else ", ".join(one.readers)),
            "<br>".join(map(escape, context.collecting.folders_of(one))),
        )
        for one in context.rights.curated(principal)
    ]
    heads = [say(key, language) for key in ("collection", "readers", "collection_folders")]
    return [page.heading(say("you_look_after", language)), page.table(heads, rows)] if rows else []


def _own_password(context: AppContext, person: Person, language: Language) -> list[str]:
    hint = say("password_hint", language, count=SHORTEST_PASSWORD)
    code = page.field(
        "code", say("code", language), hint=say("code_hint", language), attributes={"inputmode": "numeric"}
    )
    parts = [
        page.heading(say("second_factor", language)),
        page.words(say("second_factor_on" if person.two_factor else "second_factor_off", language)),
    ]
    if person.two_factor:
        parts.append(page.form(f"{_HERE}/codes/off", say("second_factor_end", language), code))
    else:
        secret = context.entrance.codes.new_secret()
        told = address(person.name, secret)
        sealed = context.tickets.sealed({"totp": secret, "of": person.name}, _SECRET_SECONDS)
        parts += [
            f"<figure>{picture(told)}</figure><p><code>{escape(told)}</code></p>",
            page.form(f"{_HERE}/codes", say("second_factor_begin", language), page.hidden("sealed", sealed), code),
        ]
    fields = (
        page.field("old", say("password", language), "password", attributes={"autocomplete": "current-password"}),
        page.field("password", say("new_password", language), "password", hint=hint,
                   attributes={"autocomplete": "new-password"}),
    )  # fmt: skip
    return [
        *parts,
        page.heading(say("password", language)),
        page.form(f"{_HERE}/password", say("keep_password", language), *fields),
    ]


def _browsers(context: AppContext, request: Request, sessions: list[Session], language: Language) -> str:
    here = context.tickets.read(ticket_of(request.cookies)).number
    rows = [
        (
            page.moment(one.begun, language),
            escape(one.address),
            f'<span title="{escape(one.browser)}">{escape(named(one.browser))}</span>'
            + (f" <strong>{escape(say('this_one', language))}</strong>" if one.number == here else ""),
            page.form(f"{_HERE}/browsers/end", say("end_it", language), page.hidden("number", one.number), quiet=True),
        )
        for one in sessions
    ]
    heads = [say(key, language) for key in ("since", "address", "browser", "do")]
    return page.table(heads, rows)


def _keys(keys: list[Key], language: Language) -> list[str]:
    rows = [
        (
            f"<code>{escape(key.id)}</code>",
            escape(key.name),
            escape(", ".join(sorted(key.scopes))),
            page.moment(key.until, language),
            page.moment(key.used, language),
            page.form(f"{_HERE}/keys/revoke", say("revoke", language), page.hidden("id", key.id), quiet=True),
        )
        for key in keys
    ]
    heads = [say(key, language) for key in ("key", "purpose", "scopes", "until", "last_used", "do")]
    days = [("30", "30"), ("90", "90"), ("365", "365")]
    form = page.form(
        f"{_HERE}/keys",
        say("make_key", language),
        page.field("purpose", say("purpose", language), attributes={"maxlength": "100"}),
        page.ticks("scope", say("scopes", language), [page.Tick(one, one, one in ("ask", "models")) for one in SCOPES]),
        page.choice("days", say("days", language), days, "365"),
    )
    return [page.table(heads, rows) if rows else "", form]


@account.post("/codes")
async def begin_codes(request: Request) -> Response:
    """A code from the app shows that it has the secret."""
    context, language, who = somebody(request)
    sent = await fields_of(request)
    try:
        sealed = context.tickets.unsealed(sent.get("sealed"))
    except TicketError:
        return await own_page(request, say("sign_in_code_wrong", language), 400, bad=True)
    secret, codes = sealed.get("totp"), context.entrance.codes
    right = sealed.get("of") == who and isinstance(secret, str)
    if not right or not await asyncio.to_thread(codes.confirm, who, str(secret), sent.get("code", "")):
        return await own_page(request, say("sign_in_code_wrong", language), 400, bad=True)
    context.audit.record(who, "account.second_factor", who, {"on": True})
    return RedirectResponse(_HERE, 303)


@account.post("/codes/off")
async def end_codes(request: Request) -> Response:
    """No code is asked for any more, if the last one is right."""
    context, language, who = somebody(request)
    sent = await fields_of(request)
    if not await asyncio.to_thread(context.entrance.codes.right_code, who, sent.get("code", "")):
        return await own_page(request, say("sign_in_code_wrong", language), 400, bad=True)
    await asyncio.to_thread(context.entrance.codes.without_codes, who)
    context.audit.record(who, "account.second_factor", who, {"on": False})
    return RedirectResponse(_HERE, 303)


@account.post("/password")
async def change_password(request: Request) -> Response:
    """Another password: every other browser is signed out."""
    context, language, who = somebody(request)
    sent = await fields_of(request)
    passwords = context.sign_in.passwords
    if not await asyncio.to_thread(passwords.right, who, sent.get("old", "")):
        return await own_page(request, say("sign_in_wrong", language), 400, bad=True)
    try:
        await asyncio.to_thread(context.entrance.people.set_password, who, sent.get("password", ""))
    except UserFacingError as error:
        return await own_page(request, problem(error, language), 400, bad=True)
    context.audit.record(who, "account.password_set", who, {})
    return signed_in(context, request, who, _HERE)


@account.post("/browsers/end")
async def end_browser(request: Request) -> Response:
    """A browser of one's own is signed out."""
    context, _, who = somebody(request)
    number = (await fields_of(request)).get("number", "")
    mine = await asyncio.to_thread(context.entrance.sessions.sessions, who)
    if any(one.number == number for one in mine):
        await asyncio.to_thread(context.tickets.end_number, number)
        context.audit.record(who, "sign_out", who, {})
    return RedirectResponse(_HERE, 303)


@account.post("/keys")
async def make_key(request: Request) -> Response:
    """A new key, shown this once."""
    context, language, who = somebody(request)
    sent = await fields_of(request)
    scopes = [one for one in sent.get("scope", "").split("\n") if one]
    days = float(sent["days"]) if sent.get("days") in ("30", "90", "365") else 30.0
    try:
        key, secret = await asyncio.to_thread(context.entrance.keys.make, who, sent.get("purpose", ""), scopes, days)
    except UserFacingError as error:
        return await own_page(request, problem(error, language), 400, bad=True)
    details: dict[str, Any] = {"person": who, "scopes": sorted(key.scopes), "until": key.until}
    context.audit.record(who, "key.made", key.id, details)
    return await own_page(request, say("key_made", language, sent=secret))


@account.post("/keys/revoke")
async def revoke_key(request: Request) -> Response:
    """A key of one's own ends."""
    context, _, who = somebody(request)
    number = (await fields_of(request)).get("id", "")
    key = await asyncio.to_thread(context.entrance.keys.revoke, number, who)
    context.audit.record(who, "key.revoked", key.id, {"person": who})
    return RedirectResponse(_HERE, 303)
