from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from tandem.guard import Guard


async def status(origin: str, host: str, scheme: str = "http") -> tuple[int, list[bytes]]:
    """The status of a request, and the cookies of its response."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        cookies = [(b"set-cookie", b"a=1; HttpOnly"), (b"Set-Cookie", b"b=2; Secure; Path=/")]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), (b"origin", origin.encode())]
    scope: dict[str, Any] = {"type": "http", "scheme": scheme, "path": "/", "method": "GET", "headers": headers}
    await Guard(app, local_only=False)(scope, receive, send)
    return sent[0]["status"], [value for name, value in sent[0]["headers"] if name.lower() == b"set-cookie"]


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("https://chat.example.org", "chat.example.org"),
        ("https://chat.example.org", "chat.example.org:443"),
        ("https://chat.example.org", "Chat.Example.org"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
async def test_a_page_of_this_server_may_use_it(origin: str, host: str) -> None:
    assert (await status(origin, host))[0] == 200


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8001", "127.0.0.1:8000"),
        ("https://chat.example.org:444", "chat.example.org"),
        ("https://chat.example.org.evil.example", "chat.example.org"),
        ("https://evil.example", "chat.example.org"),
        ("https://chat.example.org", ""),
        ("https://", ""),
        ("null", "null"),
        ("http://[::1", "[::1"),
        ("http://a:99999", "a:99999"),
        ("https://evil.example", "chat.example.org@evil.example:x"),
    ],
)
async def test_a_page_of_another_may_not(origin: str, host: str) -> None:
    assert (await status(origin, host))[0] == 403


async def test_cookies_behind_https_are_secure() -> None:
    assert (await status("https://a", "a", "https"))[1] == [b"a=1; HttpOnly; Secure", b"b=2; Secure; Path=/"]
    assert (await status("http://a", "a"))[1] == [b"a=1; HttpOnly", b"b=2; Secure; Path=/"]
