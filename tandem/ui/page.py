"""The page that Chainlit serves, made to keep to this machine, and signed in where nobody has to sign in.

Knows Chainlit's HTML and its application object. Does not know what is shown on the page.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import logging
import re
from collections.abc import Callable
from functools import cache

import chainlit.server
from chainlit.auth.cookie import get_token_from_cookies
from chainlit.config import config
from fastapi import FastAPI, UploadFile
from fastapi.exception_handlers import http_exception_handler
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import UserFacingError
from rag.formats.registry import CONVERTIBLE, readers
from tandem.auth.accounts import is_local
from tandem.auth.tickets import LOCAL_USER, TicketError, Tickets
from tandem.conversations.routes import conversations
from tandem.doors import Doors
from tandem.entry.account import account
from tandem.entry.administration import administration
from tandem.entry.routes import entry
from tandem.entry.session import ToSignIn
from tandem.entry.state import state
from tandem.guard import CONTENT_POLICY, Guard
from tandem.sharing.routes import sharing
from tandem.texts import drawn, languages
from tandem.ui import chainlit_compat, page_script
from tandem.viewer.routes import viewer

log = logging.getLogger(__name__)

_HEAD = (
    '<meta http-equiv="x-dns-prefetch-control" content="off">\n'
    '    <meta name="referrer" content="no-referrer">\n'
    '    <meta name="color-scheme" content="light dark">\n'
)
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_REMOTE_LINK = re.compile(r'<link\b[^>]*href="https?://[^>]*>\s*')
_REMOTE_META = re.compile(r'<meta property="og:[^>]*content="https?://[^>]*>\s*')


# That of the page as it was last made; it is the same until Chainlit's files or the theme change.
_policies: list[str] = []


def install(app: FastAPI, tickets: Tickets, *, guarded: bool, local_only: bool) -> None:
    """Change the page. Safe to call again after a reload.

    Unless the application that this one is mounted in is `guarded` already, it gets the guard that `tandem serve` has.
    """
    # The browser knows this theme; Chainlit's configuration file does not.
    config.ui.default_theme = "system"
    if (dropping := config.features.spontaneous_file_upload) is not None:
        dropping.accept = {"*/*": sorted({*readers(), *CONVERTIBLE})}
    if getattr(app.state, "tandem_page", False):
        return
    app.state.tandem_page = True
    logging.getLogger("chainlit").addFilter(_worth_logging)
    chainlit.server.get_html_template = _kept_local(chainlit.server.get_html_template)
    app.add_middleware(LocalSignIn, tickets=tickets)
    app.add_middleware(PagePolicy)
    # Before Chainlit's own routes, of which the last takes every address.
    app.router.routes[:0] = [page_script.route(), *conversations.routes]
    if not guarded:
        app.add_middleware(ToSignIn, context=app.state.context)
        app.add_middleware(Doors, tickets=tickets)
        app.add_middleware(Guard, local_only=local_only)
        # Before Chainlit's own routes, of which the last takes every address.
        routers = (viewer, entry, account, administration, state, sharing)
        app.router.routes[:0] = [route for router in routers for route in router.routes]
    app.add_exception_handler(UserFacingError, _refusal)
    app.add_exception_handler(HTTPException, _wrapped)
    for kind in (ValueError, AssertionError, TypeError, LookupError):
        app.add_exception_handler(kind, _not_understood)
    app.add_exception_handler(OSError, _not_kept)
    chainlit_compat.check_uploads(_check_upload)


def drop_path_check(app: FastAPI) -> None:
    """Remove the middleware that `mount_chainlit` adds: below "/" every path is right, and its kind logs a traceback
    whenever a browser leaves before its answer. Call it after the mount, before the first request."""
    if app.middleware_stack is None:
        app.user_middleware = [
            kept for kept in app.user_middleware if getattr(kept.cls, "__name__", "") != "ChainlitMiddleware"
        ]


def _worth_logging(record: logging.LogRecord) -> bool:
    """Chainlit warns at every visit that its read-me page, which is empty here, is not translated."""
    return not record.getMessage().startswith("Translated markdown file")


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    """A sentence for the person instead of a traceback: what Tandem's rooms raise in Chainlit's routes."""
    return JSONResponse({"detail": str(error)}, 403)


async def _wrapped(request: Request, error: Exception) -> Response:
    """Some of Chainlit's routes make an error of the server of whatever is raised; what it was is told as ever."""
    if isinstance(error.__cause__, UserFacingError):
        return await _refusal(request, error.__cause__)
    assert isinstance(error, HTTPException)
    return await http_exception_handler(request, error)


async def _not_understood(request: Request, error: Exception) -> JSONResponse:
    """Chainlit's routes fail like this where a session, a name or a field is not there: the request's fault."""
    log.info("%s %s was not understood: %s", request.method, request.url.path, type(error).__name__)
    return JSONResponse({"detail": "The server can do nothing with this; reload the page and try again."}, 400)


async def _not_kept(request: Request, error: Exception) -> JSONResponse:
    """What a browser sends could not be kept, or what it asks for not be read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    log.error("%s %s could not be done: %s", request.method, request.url.path, error)
    status = 507 if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) else 503
    return JSONResponse({"detail": f"The server's disk did not take this ({reason}); try again later."}, status)


def _check_upload(file: UploadFile) -> None:
    """Raises ValueError with what is said to the person."""
    if not file.size:
        raise ValueError("This file is empty; choose one with something in it.")


def _kept_local(template: Callable[[str], str]) -> Callable[[str], str]:
    def page(root_path: str) -> str:
        html = local_only(template(root_path))
        _policies[:] = [policy_of(html)]
        return html

    return page


def local_only(html: str) -> str:
    """The page without what makes a browser ask other machines: fonts, the KaTeX stylesheet, preview images; with the
    words that it draws by itself. On a phone the question stays above the keyboard."""
    html = _REMOTE_META.sub("", _REMOTE_LINK.sub("", html))
    html = html.replace("initial-scale=1.0", "initial-scale=1.0, interactive-widget=resizes-content", 1)
    # `frame-ancestors` only counts in a header.
    policy = re.sub(r";\s*frame-ancestors[^;]*", "", policy_of(html))
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    html = html.replace("<head>", f"<head>\n    {meta}\n    {_HEAD}", 1)
    return html.replace("<body>", f"<body>\n    {_words()}", 1)


@cache
def _words() -> str:
    """What the page says by itself before a conversation has begun, and where people sign in: in every language."""
    said = {language: drawn(language)["page"] for language in languages()}
    written = json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="tandem-words">{written}</script>'


def policy_of(html: str) -> str:
    """The policy under which the page's own inline scripts run, and no other."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(html))
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return CONTENT_POLICY.replace("script-src 'self'", f"script-src 'self' {hashes}".rstrip(), 1)


class PagePolicy:
    """ASGI middleware that gives the chat's page its own policy in the header, where others have the guard's, and the
    viewer's documents and the page of conversations theirs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith((f"{viewer.prefix}/", conversations.prefix)):
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and _policies:
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["content-security-policy"] = _policies[-1]
            await send(message)

        await self.app(scope, receive, sending)


class LocalSignIn:
    """ASGI middleware that signs the local user in with the first page, so that no login page flashes up.

    Only where Chainlit would sign that user in anyway, and only for a host name of this machine.
    """

    def __init__(self, app: ASGIApp, tickets: Tickets) -> None:
        self.app = app
        self.tickets = tickets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or config.code.header_auth_callback is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page or self._signed_in(request) or not is_local(request.headers):
            await self.app(scope, receive, send)
            return
        cookie = _cookie_header(self.tickets.issue(LOCAL_USER))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"set-cookie", cookie)]
            await send(message)

        await self.app(scope, receive, sending)

    def _signed_in(self, request: Request) -> bool:
        try:
            self.tickets.read(get_token_from_cookies(request.cookies))
        except TicketError:
            return False
        return True


def _cookie_header(token: str) -> bytes:
    response = Response()
    response.set_cookie(
        "access_token", token, httponly=True, samesite="lax", max_age=config.project.user_session_timeout
    )
    return dict(response.raw_headers)[b"set-cookie"]
