"""Kinds 7 and 9: what a browser never says (routes asked otherwise, requests inside requests, silent sockets); names
and files made to be taken for something else."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from rag.library import Library
from rag.settings import RetrievalSettings
from tests.security.conftest import Socket, Target, message
from tests.security.test_doors import ID, raw, refused
from tests.support import documents
from tests.support.hostile import replaced

ROUTES = (
    *("/", "/login", "/logout", "/user", "/auth/config", "/auth/header", "/set-session-cookie", "/healthz", "/metrics"),
    *("/project/file?session_id=" + ID, f"/project/file/{ID}?session_id={ID}", "/project/action", "/project/threads"),
    *("/project/thread", f"/project/thread/{ID}", f"/project/thread/{ID}/element/{ID}", "/project/translations"),
    *("/project/settings", "/feedback", "/favicon", "/logo", "/avatars/x", "/public/theme.json", "/public/tandem.js"),
    *(
        "/browser",
        "/browser/search?q=leave",
        "/v1/models",
        "/v1/chat/completions",
        "/ws/socket.io",
        "/source/document/1",
    ),
)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize("route", ROUTES)
def test_routes_asked_otherwise(target: Target, route: str, method: str) -> None:
    """No failure, no body, nothing allowed to other sites."""
    head = f"{method} {route} HTTP/1.1\r\nHost: {target.address[7:]}\r\nOrigin: https://evil.example\r\n"
    got = raw(target, f"{head}Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n".encode())
    said, _, body = got.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 [234]\d\d ", said), said[:100]
    assert b"evil.example" not in said and b"allow-origin: *" not in said.lower()
    assert method == "OPTIONS" or body == b""


INNER = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LENGTHS = (
    b"Content-Length: 4\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4",
    b"Content-Length: 0\r\nContent-Length: 57",
    b"Content-Length: 0, 57",
    b"Content-Length: +0",
    b"Content-Length: 0x0",
    b"Content-Length:\r\n 0",
    b"Content-Length : 0\r\nContent-Length: 57",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: identity, chunked, identity",
    b"Transfer-Encoding : chunked\r\nContent-Length: 0",
    b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 57",
    b"X: a\nTransfer-Encoding: chunked\r\nContent-Length: 57",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
)


@pytest.mark.parametrize("length", LENGTHS, ids=lambda length: ascii(length)[2:60])
def test_requests_inside_requests(target: Target, length: bytes) -> None:
    """What may be read in two ways is not answered in the way that a proxy in front might not have meant."""
    head = (
        b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n" + length + b"\r\n\r\n"
    )
    got = raw(target, head + b"0\r\n\r\n" + INNER, seconds=13)
    assert b'"status"' not in got, got[:300]
    assert got == b"" or re.match(rb"HTTP/1.1 4\d\d ", got), got[:100]


def test_sockets_that_say_nothing(target: Target) -> None:
    """A hundred of one person, opened and left: everybody else goes on, and they are not sessions."""
    with ExitStack() as opened:
        for _ in range(100):
            opened.enter_context(Silent(target, target.cookies["bob"]))
        with Socket(target, target.cookies["ada"]) as socket, target.client("ada") as ada:
            socket.begin()
            socket.emit("client_message", message("How many days of paid holiday does every employee have?"))
            assert "25 days" in socket.hear("25 days")
            assert ada.get("/healthz").status_code == 200


class Silent(Socket):
    """A socket whose engine is there, and which never says whose session it is."""

    def __init__(self, target: Target, cookies: dict[str, str]) -> None:
        super().__init__(target, cookies, auth={"sessionId": "", "clientType": "webapp"})
        assert not self.opened


@pytest.mark.parametrize(
    "name", ["x" * 15_000, "\u202etxt.exe", "a\x00b", "<img src=x onerror=alert(1)>", "\ud800", "", None, 7, ["x"]],
    ids=lambda name: ascii(name)[:30],
)  # fmt: skip
def test_names_of_conversations(target: Target, name: object) -> None:
    with Socket(target, target.cookies["bob"]) as socket, target.client("bob") as bob:
        socket.begin()
        socket.emit("client_message", message("How many days of paid holiday does every employee have?"))
        found = re.search(r'"thread_id":"([0-9a-f-]{36})"', socket.hear("first_interaction"))
        assert found
        socket.hear("task_end")
        content = ascii({"threadId": found[1], "name": name}).replace("'", '"').replace("None", "null")
        content = re.sub(r"\\x(..)", r"\\u00\1", content)
        reply = bob.put("/project/thread", content=content, headers={"content-type": "application/json"})
        assert reply.status_code == 200 or refused(reply.status_code), reply.text
        kept = bob.get(f"/project/thread/{found[1]}").json()["name"]
        assert isinstance(kept, str) and len(kept) <= 120 and not re.search(r"[\x00-\x1f\u202a-\u202e\ud800]", kept)


@pytest.mark.parametrize(
    "name",
    [
        *("../../papers/x.txt", "..\\..\\x.txt", "/etc/x.txt", "C:\\x.txt", "CON.txt", ".hidden.txt", "a%2f..%2fb.txt"),
        *("a\u202etxt.txt", "a\u200b.txt", "a" * 5_000 + ".txt", "a%00.txt", "a%0d%0aX-Evil%3a 1.txt", "<b>.txt"),
    ],
    ids=lambda name: ascii(name)[:30],
)
def test_names_of_files(target: Target, name: str) -> None:
    before = target.files()
    with Socket(target, target.cookies["bob"]) as socket, target.client("bob") as bob:
        socket.begin()
        where = {"session_id": str(socket.session)}
        reply = bob.post("/project/file", params=where, files={"file": (name, b"hello", "text/plain")})
        assert reply.status_code == 200 or refused(reply.status_code), reply.text
        if reply.status_code == 200:
            got = bob.get(f"/project/file/{reply.json()['id']}", params=where)
            assert got.text == "hello" and "html" not in got.headers["content-type"] and "x-evil" not in got.headers
    assert target.files() == before


FOREIGN = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY secret SYSTEM "{address}">]>'
BODY = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Whole '
    "&secret;</w:t></w:r></w:p></w:body></w:document>"
)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
SHEET = (
    f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY l0 "ha">{LAUGHS}]><worksheet xmlns="http://schemas.openxmlformats.org/'
    'spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&l11;</t></is></c></row></sheetData>'
    "</worksheet>"
)


def _with(package: bytes, **files: str) -> bytes:
    out = io.BytesIO(package)
    with zipfile.ZipFile(out, "a") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def test_archives_and_entities_reach_nothing_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the password is tide", encoding="utf-8")
    foreign = FOREIGN.format(address=secret.as_uri()) + BODY
    climbing = {"../../climbed.md": "x", "/climbed.md": "x", "..\\climbed.md": "x", "word/../../climbed.md": "x"}
    files = {
        "slip.docx": _with(documents.word("The slip is whole."), **climbing),
        "slip.epub": _with(documents.book("Slip", "<p>The slip is whole.</p>"), **climbing),
        "foreign.docx": replaced(documents.word("x"), "word/document.xml", foreign),
        "laughs.xlsx": replaced(documents.workbook([["x"]]), "xl/worksheets/sheet1.xml", SHEET),
    }
    data = tmp_path / "data" / "deep" / "library"
    library = Library.open(data, RetrievalSettings(), write=True)
    try:
        receipts = {name: library.add_upload(str(uuid.uuid4()), name, content) for name, content in files.items()}
        assert receipts["slip.docx"].state == receipts["slip.epub"].state == "indexed"
        assert all(receipt.state == "indexed" or receipt.reason for receipt in receipts.values())
        kept = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file() and path.suffix != ".docx")
        assert b"password is tide" not in kept
        rows = library.store.all_rows()
        texts = " ".join(passage.text for passage in library.store.passages(sorted(rows)).values())
        assert "tide" not in texts and "hahaha" not in texts
    finally:
        library.close()
    assert not list(tmp_path.rglob("climbed*")) and not list(Path.cwd().glob("climbed*"))
