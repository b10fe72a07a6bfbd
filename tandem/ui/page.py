"""The page that Chainlit serves, made to keep to this machine, and signed in where nobody has to sign in.

Knows Chainlit's HTML and its application object. Does not know what is shown on the page.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import chainlit.server
from chainlit.auth import create_jwt
from chainlit.auth.cookie import get_token_from_cookies
from chainlit.config import config
from chainlit.user import User
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import UserFacingError
from rag.formats.registry import CONVERTIBLE, readers
from tandem.auth.accounts import LOCAL_USER, is_local
from tandem.guard import CONTENT_POLICY, Guard

# `frame-ancestors` only counts in a header.
_META_POLICY = re.sub(r";\s*frame-ancestors[^;]*", "", CONTENT_POLICY)
_HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{_META_POLICY}">\n'
    '    <meta http-equiv="x-dns-prefetch-control" content="off">\n'
    '    <meta name="referrer" content="no-referrer">\n'
    '    <meta name="color-scheme" content="light dark">\n'
)
_REMOTE_LINK = re.compile(r'<link\b[^>]*href="https?://[^>]*>\s*')
_REMOTE_META = re.compile(r'<meta property="og:[^>]*content="https?://[^>]*>\s*')


def install(app: FastAPI, *, guarded: bool, local_only: bool) -> None:
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
    app.add_middleware(LocalSignIn)
    if not guarded:
        app.add_middleware(Guard, local_only=local_only)
    app.add_exception_handler(UserFacingError, _refusal)


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


def _kept_local(template: Callable[[str], str]) -> Callable[[str], str]:
    def page(root_path: str) -> str:
        return local_only(template(root_path))

    return page


def local_only(html: str) -> str:
    """The page without what makes a browser ask other machines: fonts, the KaTeX stylesheet, preview images."""
    html = _REMOTE_META.sub("", _REMOTE_LINK.sub("", html))
    return html.replace("<head>", f"<head>\n    {_HEAD}", 1)


class LocalSignIn:
    """ASGI middleware that signs the local user in with the first page, so that no login page flashes up.

    Only where Chainlit would sign that user in anyway, and only for a host name of this machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or config.code.header_auth_callback is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page or get_token_from_cookies(request.cookies) or not is_local(request.headers):
            await self.app(scope, receive, send)
            return
        cookie = _cookie_header(create_jwt(User(identifier=LOCAL_USER)))

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"set-cookie", cookie)]
            await send(message)

        await self.app(scope, receive, sending)


def _cookie_header(token: str) -> bytes:
    response = Response()
    response.set_cookie(
        "access_token", token, httponly=True, samesite="lax", max_age=config.project.user_session_timeout
    )
    return dict(response.raw_headers)[b"set-cookie"]
