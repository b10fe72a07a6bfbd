"""What every HTTP response says to the browser, and which requests from a browser are not let in.

Knows headers, origins and host names. Does not know routes or users.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Chainlit compiles the elements under public/ in the browser. Its page's own inline scripts are named by their hashes:
# see tandem/ui/page.py.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
API = "/v1/"
PORTS = {"http": 80, "https": 443}
OTHER_SITE = (
    "Another site's page may not use this server. A proxy in front of it must pass the Host header on unchanged."
)
LOCAL_NAMES = {"127.0.0.1", "localhost", "::1"}


class Guard:
    """ASGI middleware: security headers on every response (a route may set its own), and no requests that the page of
    another site makes a browser send.

    Where nobody signs in, `local_only` also refuses every host name that is not this machine's: a page whose name is
    made to point at 127.0.0.1 would otherwise read the conversations. `api_origins` are sites whose pages may call the
    API, and nothing else. Cookies of a connection that was made with https are marked as such, so that the browser
    never sends them without it.
    """

    def __init__(self, app: ASGIApp, *, local_only: bool, api_origins: Collection[str] = ()) -> None:
        self.app = app
        self.local_only = local_only
        self.api_origins = frozenset(api_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        if self.local_only and _name(host) not in LOCAL_NAMES:
            await _refuse(scope, receive, send, f"This server answers to this machine only, not to {host}.")
        elif origin is not None and not _same_site(origin, host) and not self._may_call_api(scope, origin):
            await _refuse(scope, receive, send, OTHER_SITE)
        else:
            await self.app(scope, receive, _with_headers(send, secure=scope["scheme"] in ("https", "wss")))

    def _may_call_api(self, scope: Scope, origin: str) -> bool:
        return scope["type"] == "http" and scope["path"].startswith(API) and origin in self.api_origins


def _same_site(origin: str, host: str) -> bool:
    """Whether a page of `origin` (scheme://host[:port]) was served under the name `host` (host[:port])."""
    try:
        page = urlsplit(origin)
        here = urlsplit(f"{page.scheme}://{host}")
        usual = PORTS.get(page.scheme)
        same_port = (page.port or usual) == (here.port or usual)
        return bool(page.hostname) and page.hostname == here.hostname and same_port
    except ValueError:
        return False


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    elif scope["path"].startswith(API):
        error = {"message": reason, "type": "invalid_request_error", "param": None, "code": "forbidden"}
        await JSONResponse({"error": error}, status_code=403)(scope, receive, send)
    else:
        await PlainTextResponse(reason, status_code=403)(scope, receive, send)


def _secured(name: bytes, value: bytes) -> bytes:
    return value + b"; Secure" if name.lower() == b"set-cookie" and b"; secure" not in value.lower() else value


def _with_headers(send: Send, *, secure: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if secure:
                message["headers"] = [(name, _secured(name, value)) for name, value in message["headers"]]
        await send(message)

    return sending
