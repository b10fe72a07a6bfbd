"""What a browser is given once it is known who sits there, and who that is later on.

Knows the cookies and the tickets behind them. Does not know pages.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, unquote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tandem.auth.sign_in import DEVICE_COOKIE, note_request
from tandem.auth.tickets import COOKIE, DEVICE_SECONDS, SECONDS, TicketError, ticket_of
from tandem.context import AppContext
from tandem.people.providers import PROXY, mapped
from tandem.texts import Language, language_for

PEER = "tandem.peer"
"""In a request's scope: the address that it really came from, whatever its headers say."""


WANTED = "tandem_wanted"
_WANTED_SECONDS = 900
_PAGES = re.compile(
    r"/(?:(?:thread|shared|conversations)(?:/[\w-]{1,100})?|source/(?:passage|document)/[\w-]{1,100}(?:/page/\d{1,6})?)"
    r"(?:\?[\w=&.-]{1,300})?|/\?library(?:&[\w=&.%+*-]{1,2000})?",
    re.ASCII,
)


class Peer:
    """ASGI middleware outside of everything that believes a proxy's headers: notes where a request really came from."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            client = scope.get("client")
            scope[PEER] = client[0] if client else ""
        await self.app(scope, receive, send)


def language_of(context: AppContext, request: Request) -> Language:
    """The language of these pages."""
    return language_for("", context.settings.display.language, request.headers.get("accept-language", ""))


def person_of(context: AppContext, request: Request) -> str | None:
    """Who is signed in at this browser; None for nobody."""
    try:
        return context.tickets.read(ticket_of(request.cookies)).person
    except TicketError:
        return None


def give_ticket(context: AppContext, request: Request, response: Response, person: str) -> None:
    """Sign somebody in at this browser. Raises TicketError for who is not known."""
    note_request(request)
    token = context.tickets.issue(person)
    # A longer ticket of before came in several cookies.
    for number in range(4):
        if f"{COOKIE}_{number}" in request.cookies:
            response.delete_cookie(f"{COOKIE}_{number}", path="/")
    response.set_cookie(COOKIE, token, max_age=SECONDS, path="/", httponly=True, samesite="lax")
    remembered = context.tickets.remember(person)
    response.set_cookie(DEVICE_COOKIE, remembered, max_age=DEVICE_SECONDS, path="/", httponly=True, samesite="strict")


def wanted(request: Request) -> str:
    """The page here that was asked for before anybody was signed in at this browser; else the chat."""
    page = unquote(request.cookies.get(WANTED, ""))
    return page if _PAGES.fullmatch(page) else "/"


def named_by_proxy(context: AppContext, request: Request) -> str | None:
    """Whom the proxy in front names; None where none does, or where the header comes from elsewhere. Blocks. Raises
    AccountsError."""
    proxy = context.settings.server.sign_in.proxy
    if proxy is None:
        return None
    given = request.headers.getlist(proxy.header)
    if len(given) != 1 or not given[0].strip():
        return None
    peer = request.scope.get(PEER, "")
    if not _believed(peer, proxy.addresses):
        context.audit.record(given[0][:200], "sign_in.spoofed", proxy.header, {"address": peer})
        return None
    said = ",".join(request.headers.getlist(proxy.groups_header)) if proxy.groups_header else ""
    theirs = [one.strip() for one in said.split(",") if one.strip()]
    name = given[0].strip()
    known = context.entrance.people.find(name)
    groups = mapped(theirs, proxy.groups)
    if known is not None and known.active and known.way == PROXY and known.subject and groups <= known.groups:
        return name if groups == known.groups else context.entrance.people.welcome(PROXY, name, name, groups)
    return context.entrance.people.welcome(PROXY, name, name, groups)


def _believed(peer: str, addresses: tuple[str, ...]) -> bool:
    try:
        where = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped_v4 = getattr(where, "ipv4_mapped", None)
    return any((mapped_v4 or where) in ipaddress.ip_network(one) for one in addresses)


class ToSignIn:
    """ASGI middleware: whoever asks for the chat's page and is not signed in is shown the ways in, or signed in by the
    proxy in front that names them. The page asked for by whoever is another one to that proxy now counts as well. The
    browser keeps which page was asked for, until somebody is signed in."""

    def __init__(self, app: ASGIApp, context: AppContext) -> None:
        self.app = app
        self.context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not self.context.settings.server.login_required:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        if "text/html" in request.headers.get("accept", ""):
            path, query, person = scope["path"], request.url.query, person_of(self.context, request)
            asked = f"{path}?{query}" if query else path
            if person is None and _PAGES.fullmatch(asked):
                send = _noting(asked, send)
            chat = path == "/" or path.startswith(("/thread/", "/conversations", "/shared"))
            if chat and (to := self._elsewhere(request, person)):
                await RedirectResponse(to, 303, {"cache-control": "no-store"})(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _elsewhere(self, request: Request, person: str | None) -> str:
        proxy = self.context.settings.server.sign_in.proxy
        named = request.headers.get(proxy.header, "").strip() if proxy is not None else ""
        if named and _believed(request.scope.get(PEER, ""), proxy.addresses if proxy else ()) and person != named:
            return "/sign-in/proxy"
        return "" if person is not None else "/login"


def _noting(page: str, send: Send) -> Send:
    noted = Response()
    noted.set_cookie(WANTED, quote(page, safe=""), max_age=_WANTED_SECONDS, path="/", httponly=True, samesite="lax")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).append("set-cookie", noted.headers["set-cookie"])
        await send(message)

    return sending
