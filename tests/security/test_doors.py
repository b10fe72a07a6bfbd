"""Kind 7: no limit before sign-in; and the routes' ids, shapes and closed doors (kinds 1 and 9)."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.security.conftest import KEY, Socket, Target
from tests.security.test_identifiers import NO_IDS, STRINGS

ID = "0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11"


@pytest.fixture(scope="module", autouse=True)
def half_open(target: Target) -> Iterator[list[Future[float]]]:
    """Connections on which no request ever ends, opened before everything else; after how long each is closed."""
    host, port = target.address.removeprefix("http://").split(":")

    def closed_after(sent: bytes) -> float:
        begun = time.monotonic()
        with socket.create_connection((host, int(port)), timeout=60) as wire, suppress(ConnectionResetError):
            wire.sendall(sent)
            assert wire.recv(100) == b""
        return time.monotonic() - begun

    with ThreadPoolExecutor(3) as waiting:
        sent = (b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n" * 10_000)
        yield [waiting.submit(closed_after, one) for one in sent]


def refused(status: int) -> bool:
    return 400 <= status < 500


def raw(target: Target, sent: bytes, *, seconds: float = 60) -> bytes:
    """What comes back for bytes that no client would send."""
    host, port = target.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as wire:
        got = b""
        try:
            wire.sendall(sent)
            while piece := wire.recv(65536):
                got += piece
                if b"connection: close" not in got.lower() and b"\r\n\r\n" in got:
                    break
        except OSError:
            pass
        return got


@pytest.mark.parametrize("value", [value for value in NO_IDS if value != ""], ids=lambda value: ascii(value)[:40])
@pytest.mark.parametrize("field", ["sessionId", "threadId", "session_id", "feedback"])
def test_ids_in_bodies(target: Target, field: str, value: Any) -> None:
    with target.client("bob") as bob:
        match field:
            case "sessionId":
                body = {"sessionId": value, "action": {"id": ID, "name": "promote", "payload": {}}}
                reply = bob.post("/project/action", json=body)
            case "threadId":
                reply = bob.request("DELETE", "/project/thread", json={"threadId": value})
            case "session_id":
                reply = bob.post("/set-session-cookie", json={"session_id": value})
            case _:
                reply = bob.put("/feedback", json={"feedback": {"forId": value, "value": 1}, "sessionId": ID})
    assert refused(reply.status_code), reply.text


def test_a_thumb_for_a_message_that_nobody_wrote(target: Target) -> None:
    with target.client("bob") as bob:
        reply = bob.put("/feedback", json={"feedback": {"forId": ID, "value": 1}, "sessionId": ID})
    assert reply.status_code == 403, reply.text
    assert reply.json()["detail"] == "The message that was rated is not there any more; reload the page."


@pytest.mark.parametrize("value", STRINGS, ids=lambda value: ascii(value)[:40])
def test_ids_in_addresses(target: Target, value: str) -> None:
    with target.client("bob") as bob:
        upload = bob.post("/project/file", params={"session_id": value}, files={"file": ("a.txt", b"x", "text/plain")})
        got = bob.get(f"/project/file/{ID}", params={"session_id": value})
    assert refused(upload.status_code) and refused(got.status_code), (upload.text, got.text)


@pytest.mark.parametrize(
    "path",
    [
        "/project/thread/..%2f..%2fetc",
        "/project/thread/x",
        f"/project/thread/{ID}/element/..",
        f"/project/thread/{ID}/element/%2e%2e%2f",
        "/project/file/..%2f..%2fpapers%2ftravel.md?session_id=" + ID,
        "/public/%00",
        "/public/..%2f..%2fapp.py",
        "/public/%2e%2e/app.py",
        "/public/..%5capp.py",
        "/public/a%0ab",
        "/assets/%00",
        "/assets/..%2f..%2findex.html",
        "/avatars/%00",
        "/avatars/..%2f..%2f",
        "/public/" + "a" * 300,
        "/public/" + "a/" * 3_000,
        "/browser/static/..%2fpages.py",
        "/browser/static/%00",
        "/browser/models/x/..%2f..%2fchat.secret",
        "/browser/runtime/0/..%2fx",
    ],
)
def test_addresses_that_lead_nowhere(target: Target, path: str) -> None:
    with target.client("bob") as bob:
        reply = bob.get(path)
    assert refused(reply.status_code), reply.text[:200]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/docs",
            "/docs/oauth2-redirect",
            "/redoc",
            "/openapi.json",
            "/mcp",
            "/auth/oauth/github",
            "/copilot/index.js",
        ),
        *("/auth/oauth/github/callback", f"/project/share/{ID}", "/slack/events", "/teams/events", "/ws/other"),
        "/ws/socket.io/?EIO=4&transport=polling",
    ],
)
@pytest.mark.parametrize("who", ["", "bob", "chief"])
def test_what_is_closed(target: Target, path: str, who: str) -> None:
    with target.client(who) as anybody:
        assert anybody.get(path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH", "TRACE", "PROPFIND", "SEARCH", "CONNECT"])
@pytest.mark.parametrize("path", ["/", "/public/theme.json", "/user", "/healthz", "/project/element", "/mcp"])
def test_methods_that_nobody_uses(target: Target, path: str, method: str) -> None:
    got = raw(target, f"{method} {path} HTTP/1.1\r\nHost: {target.address[7:]}\r\nContent-Length: 0\r\n\r\n".encode())
    assert re.match(rb"HTTP/1.1 4\d\d ", got), got[:100]


@pytest.mark.parametrize(
    "path",
    [
        *("/project/threads", "/project/thread", "/project/action", "/feedback", f"/project/file?session_id={ID}"),
        *(f"/project/thread/{ID}", f"/project/thread/{ID}/element/{ID}", f"/project/file/{ID}?session_id={ID}"),
        *("/user", "/project/settings"),
    ],
)
@pytest.mark.parametrize("cookie", [None, "", "x", "a.b.c", "e30.e30.", "access"])
def test_nobody_gets_in(target: Target, path: str, cookie: str | None) -> None:
    with target.client() as nobody:
        headers = {"cookie": f"access_token={cookie}"} if cookie is not None else {}
        method = {"/project/threads": "POST", "/project/thread": "PUT", "/feedback": "PUT", "/project/action": "POST"}
        assert nobody.request(method.get(path, "GET"), path, headers=headers).status_code in (401, 405)


BODIES = ["[]", "1", "null", '"x"', "{", "", "[" * 5_000, '{"a":' * 5_000, "\x00", "NaN", "{}", '{"threadId": null}']


@pytest.mark.parametrize("body", BODIES, ids=lambda body: ascii(body)[:30])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/set-session-cookie"),
        ("POST", "/project/threads"),
        ("PUT", "/project/thread"),
        ("DELETE", "/project/thread"),
        ("POST", "/project/action"),
        ("PUT", "/feedback"),
    ],
)
def test_bodies_of_another_shape(target: Target, method: str, path: str, body: str) -> None:
    with target.client("bob") as bob:
        reply = bob.request(method, path, content=body, headers={"content-type": "application/json"})
    assert refused(reply.status_code), reply.text


@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "multipart/form-data", "application/json5", "*"])
def test_bodies_of_another_kind(target: Target, kind: str) -> None:
    with target.client("bob") as bob:
        reply = bob.request("DELETE", "/project/thread", content=b'{"threadId": "x"}', headers={"content-type": kind})
    assert reply.status_code == 415


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/login", "application/x-www-form-urlencoded"),
        ("/project/threads", "application/json"),
        ("/project/file?session_id=" + ID, "multipart/form-data; boundary=x"),
        ("/project/action", "application/json"),
        ("/v1/chat/completions", "application/json"),
        ("/set-session-cookie", "application/json"),
        ("/auth/header", "application/json"),
        ("/nowhere", "application/json"),
        ("/healthz", "application/json"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_300_mb_from_nobody(target: Target, path: str, kind: str, chunked: bool) -> None:
    """Refused before 1 MB of it is read, by what the server takes off the wire."""
    host, port = target.address.removeprefix("http://").split(":")
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 300000000"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\n{length}\r\n\r\n"
    piece = b"10000\r\n" + b"[" * 65536 + b"\r\n" if chunked else b"[" * 65536
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        wire.sendall(head.encode())
        sent, reply = 0, b""
        wire.settimeout(0.2)
        try:
            while sent < 20_000_000 and not reply:
                wire.sendall(piece)
                sent += len(piece)
                if sent > 500_000:
                    wire.settimeout(0.02)
                    try:
                        reply = wire.recv(4096)
                        break
                    except TimeoutError:
                        wire.settimeout(5)
        except OSError:
            reply = reply or b"closed"
    # Besides what is read, the system's own buffers hold some megabytes.
    assert sent < 10_000_000
    assert re.match(rb"HTTP/1.1 4\d\d |closed", reply), reply[:100]


def server_process(target: Target) -> psutil.Process:
    def serves(process: psutil.Process) -> bool:
        with suppress(psutil.Error):  # one that has ended, and whose end nobody has asked about yet
            return any(one.laddr and one.laddr.port == port for one in process.net_connections("tcp"))
        return False

    port = urlsplit(target.address).port
    (server,) = filter(serves, psutil.Process().children(recursive=True))
    return server


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux counts what a process reads off its sockets.")
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/login", "/v1/chat/completions", "/nowhere"])
def test_what_the_process_reads_of_a_body_of_300_mb(target: Target, path: str, chunked: bool) -> None:
    """The system's own count of what the process read, whatever waits in buffers: less than 1 MB. A body that is small
    enough is read, and counted, so the count can fail."""
    kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    server = server_process(target)
    with target.client() as anybody:
        for _ in range(2):  # what is loaded with the first request is not of this one
            before = server.io_counters().read_chars
            anybody.post("/login", content=b"a" * 9_000, headers={"content-type": "application/x-www-form-urlencoded"})
            read = server.io_counters().read_chars - before
    assert 9_000 <= read < 500_000
    before = server.io_counters().read_chars
    test_a_body_of_300_mb_from_nobody(target, path, kind, chunked)
    assert server.io_counters().read_chars - before < 1_000_000


def test_many_large_bodies_leave_no_trace_in_memory(target: Target) -> None:
    server = server_process(target)
    before = server.memory_info().rss
    for _ in range(3):
        test_a_body_of_300_mb_from_nobody(target, "/login", "application/x-www-form-urlencoded", False)
        test_a_body_of_300_mb_from_nobody(target, "/project/threads", "application/json", True)
    assert server.memory_info().rss - before < 5_000_000


def test_heads_without_an_end(target: Target) -> None:
    for line in (b"X-A: " + b"a" * 60_000 + b"\r\n", b"X: a\r\n" * 10_000):
        got = raw(target, b"GET / HTTP/1.1\r\n" + line * 10)
        assert b" 431 " in got or got == b""
    trailers = b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
    trailers += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n0\r\n" + b"X-A: " + b"a" * 600_000
    assert b" 200 " not in raw(target, trailers)


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\x00/ HTTP/1.1\r\n\r\n",
    ],
    ids=lambda head: ascii(head)[:50],
)
def test_requests_that_are_none(target: Target, head: bytes) -> None:
    got = raw(target, head, seconds=13)
    assert got == b"" or re.match(rb"HTTP/1.1 [45]\d\d ", got), got[:200]
    with target.client() as anybody:
        assert anybody.get("/healthz").status_code == 200


@pytest.fixture(scope="module")
def session(target: Target) -> Iterator[str]:
    with Socket(target, target.cookies["bob"]) as opened:
        yield str(opened.session)


@pytest.mark.parametrize(
    "part",
    [
        b'name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n',
        b'name="file"; filename=""\r\nContent-Type: text/plain\r\n\r\nhello',
        b'name="file"; filename="a.txt"\r\n\r\nhello',
        b'name="file"\r\n\r\nhello',
        b'name="other"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello',
        b'name="file"; filename="a.exe"\r\nContent-Type: application/x-msdownload\r\n\r\nhello',
        b'name="file"; filename="../../a"\r\nContent-Type: text/html\r\n\r\nhello',
    ],
    ids=lambda part: ascii(part)[:60],
)
def test_uploads_that_are_none(target: Target, session: str, part: bytes) -> None:
    body = b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n--x--\r\n"
    with target.client("bob") as bob:
        headers = {"content-type": "multipart/form-data; boundary=x"}
        reply = bob.post("/project/file", params={"session_id": session}, content=body, headers=headers)
    assert refused(reply.status_code), reply.text
    assert "Traceback" not in reply.text and reply.json()["detail"]


def test_whose_session_takes_an_upload(target: Target, session: str) -> None:
    file = {"file": ("a.txt", b"hello", "text/plain")}
    with target.client("bob") as bob, target.client("ada") as ada:
        other = bob.post("/project/file", params={"session_id": str(uuid.uuid4())}, files=file)
        assert refused(other.status_code)
        assert refused(ada.post("/project/file", params={"session_id": session}, files=file).status_code)
        kept = bob.post("/project/file", params={"session_id": session}, files=file).json()["id"]
        assert refused(ada.get(f"/project/file/{kept}", params={"session_id": session}).status_code)
        assert bob.get(f"/project/file/{kept}", params={"session_id": session}).text == "hello"
        action = {"sessionId": str(uuid.uuid4()), "action": {"id": ID, "name": "promote", "payload": {}}}
        assert refused(bob.post("/project/action", json=action).status_code)
        element = {"sessionId": session, "element": {"id": ID, "type": "custom", "name": "x", "display": "inline"}}
        assert bob.put("/project/element", json=element).status_code == 404


def test_wrong_keys_are_slowed_down(target: Target) -> None:
    with target.client() as program:
        statuses = [
            program.get("/v1/models", headers={"authorization": f"Bearer guess-number-{number:020}"}).status_code
            for number in range(30)
        ]
        assert set(statuses[:10]) == {401} and statuses[-1] == 429
        # A brake on guesses, not on who has the key.
        assert program.get("/v1/models", headers={"authorization": f"Bearer {KEY}"}).status_code in (200, 429)
        assert json.loads(program.get("/v1/models").text)["error"]["message"]


def test_half_open_connections_are_closed(half_open: list[Future[float]]) -> None:
    assert all(wire.result(120) < 60 for wire in half_open)
