"""The routes of signing in: the page with every way in, a provider's answer, links, and the first administrator.

Knows addresses and forms. Does not know how a password is checked, nor what an account may do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, RedirectResponse, Response

from rag.errors import UserFacingError
from tandem.auth.rights import ADMINISTRATOR
from tandem.auth.sign_in import CODE_NEEDED, note_request
from tandem.auth.tickets import TicketError
from tandem.context import AppContext
from tandem.entry import page
from tandem.entry.oidc import COOKIE, PATH, Providers
from tandem.entry.session import WANTED, give_ticket, language_of, named_by_proxy, person_of, wanted
from tandem.people.accounts import FIRST, INVITE, LOCAL, SHORTEST_PASSWORD
from tandem.people.providers import PROXY, oidc
from tandem.texts import Language, problem, say

STATIC = Path(__file__).with_name("static")
NAME = {"id": "email", "autocomplete": "username"}


class Refused(Exception):
    """A page with a sentence instead of what was asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Route(APIRoute):
    """A route whose failures are pages with one sentence."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            language = language_of(request.app.state.context, request)
            try:
                return await handler(request)
            except Refused as refused:
                return _said(language, str(refused), refused.status)
            except UserFacingError as error:
                return _said(language, problem(error, language), 400)

        return handle


def _said(language: Language, text: str, status: int) -> Response:
    ways = page.way("/login", say("sign_in", language)), page.way("/", say("to_the_chat", language))
    return page.response(language, say("sign_in", language), [page.sentence(text, bad=True), *ways], status)


entry = APIRouter(route_class=Route)


def context_of(request: Request) -> AppContext:
    """The context behind a request."""
    context: AppContext = request.app.state.context
    return context


def providers_of(request: Request) -> Providers:
    """The providers of this application."""
    state = request.app.state
    if not hasattr(state, "providers"):
        context = context_of(request)
        secrets = {name: kept.get_secret_value() for name, kept in context.settings.api_keys.items()}
        known = context.settings.server.sign_in.providers
        state.providers = Providers(known, secrets, context.entrance.people, context.tickets)
    providers: Providers = state.providers
    return providers


def address_of(request: Request) -> str:
    """As people reach the chat: what the settings say, else what the browser called."""
    return context_of(request).settings.server.sign_in.address or str(request.base_url).rstrip("/")


@entry.get("/sign-in/static/entry.css")
async def style() -> Response:
    """What these pages look like."""
    return FileResponse(STATIC / "entry.css", media_type="text/css", headers={"cache-control": "max-age=3600"})


@entry.get("/login")
async def ways_in(request: Request) -> Response:
    """The page with every way to sign in."""
    context = context_of(request)
    if not context.settings.server.login_required or person_of(context, request) is not None:
        return RedirectResponse(wanted(request), 303)
    return await sign_in_page(request)


async def sign_in_page(
    request: Request, said: str = "", status: int = 200, name: str = "", *, code: bool = False
) -> Response:
    """The sign-in page; `said` is what went wrong before, and `code` whether a two-factor code is asked for."""
    context, language = context_of(request), language_of(context_of(request), request)
    ways = [
        page.way(f"/sign-in/with/{one.name}", say("sign_in_with", language, name=one.label or one.name), strong=True)
        for one in providers_of(request).known.values()
    ]
    known = {"id": "password", "autocomplete": "current-password"}
    fields = [
        page.field("username", say("user_name", language), value=name, attributes=NAME),
        page.field("password", say("password", language), "password", attributes=known),
    ]
    if code:
        typed = {"id": "code", "inputmode": "numeric", "autocomplete": "one-time-code"}
        fields.append(page.field("code", say("code", language), hint=say("code_hint", language), attributes=typed))
    form = page.form("/sign-in", say("sign_in", language), *fields)
    passwords = await asyncio.to_thread(_has_passwords, context)
    shown = [page.sentence(said, bad=True), *([form] if passwords or not ways else []), *ways]
    return page.response(language, say("sign_in_to", language), shown, status, alone=True)


def _has_passwords(context: AppContext) -> bool:
    if context.settings.server.users or context.entrance.directories:
        return True
    return any(person.hash for person in context.entrance.people.everybody())


@entry.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """What the form of the sign-in page sends."""
    context = context_of(request)
    sent = await fields_of(request)
    name = sent.get("username", "")
    note_request(request, sent.get("code", ""))
    try:
        person = await context.sign_in.check(name, sent.get("password", ""))
    except HTTPException as refused:
        code = refused.headers == CODE_NEEDED
        response = await sign_in_page(request, str(refused.detail), refused.status_code, name[:200], code=code)
        response.headers.update(refused.headers or {})
        return response
    return signed_in(context, request, person)


def signed_in(context: AppContext, request: Request, person: str, to: str = "") -> Response:
    """On to the page that was wanted, else the chat, with a ticket."""
    response = RedirectResponse(to or wanted(request), 303, {"cache-control": "no-store"})
    response.delete_cookie(WANTED, path="/")
    try:
        give_ticket(context, request, response, person)
    except TicketError:
        raise Refused(403, say("sign_in_unknown", language_of(context, request))) from None
    return response


@entry.get("/sign-in/with/{name}")
async def there(request: Request, name: str) -> Response:
    """Off to a provider."""
    return await providers_of(request).there(name, request, f"{address_of(request)}/sign-in/back/{name}")


@entry.get("/sign-in/back/{name}")
async def back(request: Request, name: str) -> Response:
    """A provider's answer."""
    context, providers = context_of(request), providers_of(request)
    subject, called, groups = await providers.back(name, request)
    person = await asyncio.to_thread(providers.welcome, name, subject, called, groups)
    context.audit.record(person, "sign_in.ok", "", {"way": oidc(name), "address": _address(request)})
    response = signed_in(context, request, person)
    response.delete_cookie(COOKIE, path=PATH)
    return response


@entry.get("/sign-in/proxy")
async def by_proxy(request: Request) -> Response:
    """Whom the proxy in front names is signed in."""
    context = context_of(request)
    person = await asyncio.to_thread(named_by_proxy, context, request)
    if person is None:
        raise Refused(403, say("sign_in_no_proxy", language_of(context, request)))
    context.audit.record(person, "sign_in.ok", "", {"way": PROXY, "address": _address(request)})
    return signed_in(context, request, person)


@entry.get("/sign-in/link/{code}")
async def link(request: Request, code: str) -> Response:
    """The page behind a link: a password is chosen, and for the first administrator a name."""
    return await link_page(request, code)


async def link_page(request: Request, code: str, said: str = "", status: int = 200) -> Response:
    context, language = context_of(request), language_of(context_of(request), request)
    found = await asyncio.to_thread(context.entrance.people.opened, code[:200])
    if found is None:
        raise Refused(404, say("link_over", language))
    name, kind = found
    chosen = {"id": "password", "autocomplete": "new-password", "minlength": str(SHORTEST_PASSWORD)}
    fixed = NAME if kind == FIRST else {**NAME, "readonly": ""}
    hint = say("password_hint", language, count=SHORTEST_PASSWORD)
    fields = [
        page.field("username", say("user_name", language), value=name, attributes=fixed),
        page.field("password", say("new_password", language), "password", hint=hint, attributes=chosen),
    ]
    title = say("first_title" if kind == FIRST else "invite_title" if kind == INVITE else "reset_title", language)
    form = page.form(f"/sign-in/link/{code}", say("keep_password", language), *fields)
    return page.response(language, title, [page.sentence(said, bad=True), form], status)


@entry.post("/sign-in/link/{code}")
async def use_link(request: Request, code: str) -> Response:
    """A password was chosen."""
    context, language = context_of(request), language_of(context_of(request), request)
    sent = await fields_of(request)
    people = context.entrance.people
    begins = await asyncio.to_thread(people.opened, code[:200]) == ("", FIRST)
    try:
        person = await asyncio.to_thread(people.redeem, code[:200], sent.get("password", ""), sent.get("username", ""))
    except UserFacingError as error:
        return await link_page(request, code, problem(error, language), 400)
    if begins:
        context.audit.record(person, "account.added", person, {"way": LOCAL})
        context.audit.record(person, "rights.changed", person, {"role": ADMINISTRATOR, "collection": ""})
    context.audit.record(person, "account.password_set", person, {"address": _address(request)})
    return signed_in(context, request, person)


async def fields_of(request: Request) -> dict[str, str]:
    """The texts that a form sent; of several with one name, all with line breaks between them."""
    found: dict[str, str] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            found[name] = f"{found[name]}\n{value}" if name in found else value
    return found


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
