"""What every connector keeps to, each against a real server on loopback: what is new is fetched, what is gone goes, and
a place that does not answer loses nothing.
"""

from __future__ import annotations

import contextlib
import imaplib
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

import pytest
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

from rag.connectors.base import Connector, Source, SourceError
from rag.connectors.mirror import Pulled, pull
from rag.connectors.registry import connect


class Place(Protocol):
    """A place that the tests change."""

    source: Source

    def put(self, name: str, words: str) -> None: ...
    def remove(self, name: str) -> None: ...
    def stop(self) -> None: ...


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class GitPlace:
    """A repository that Git's own daemon serves."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder = folder / "handbook"
        self._folder.mkdir()
        self._git("init", "--quiet", "--initial-branch=main")
        port = free_port()
        command = ["git", "daemon", "--reuseaddr", "--export-all", f"--base-path={folder}", "--listen=127.0.0.1"]
        self._daemon = subprocess.Popen([*command, f"--port={port}"], stderr=subprocess.DEVNULL)
        _wait_for(port)
        self.source = Source(
            "handbook", "git", f"git://127.0.0.1:{port}/handbook", options={"folder": "docs"}, work=work
        )

    def _git(self, *arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=self._folder, check=True, capture_output=True)

    def put(self, name: str, words: str) -> None:
        path = self._folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")
        (self._folder / "outside.md").write_text("# Not of the part\n", encoding="utf-8")
        self._git("add", "-A")
        self._git("commit", "--quiet", "--message=put")

    def remove(self, name: str) -> None:
        self._git("rm", "--quiet", f"docs/{name}")
        self._git("commit", "--quiet", "--message=remove")

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.wait()


class WebPlace:
    """A site with links, a robots.txt, a page behind another host's name, and marks of its versions."""

    def __init__(self, work: Path) -> None:
        pages: dict[str, str] = {}
        asked: list[str] = []
        self._pages, self.asked = pages, asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                if self.path == "/robots.txt":
                    self._answer("User-agent: *\nDisallow: /private\n", "text/plain")
                elif self.path == "/":
                    links = "".join(f'<a href="/{name}">{name}</a>' for name in pages)
                    self._answer(f'<p>Start</p>{links}<a href="/private/x">x</a><a href="/away">away</a>', "text/html")
                elif self.path == "/away":
                    self.send_response(302)
                    self.send_header("Location", "http://localhost.invalid/metadata")
                    self.end_headers()
                elif unquote(self.path[1:]) in pages:
                    self._answer(f"<p>{pages[unquote(self.path[1:])]}</p>", "text/html; charset=utf-8")
                else:
                    self.send_error(404)

            def _answer(self, words: str, kind: str) -> None:
                mark = f'"{hash(words)}"'
                if self.headers.get("If-None-Match") == mark:
                    self.send_response(304)
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("ETag", mark)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(words.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        address = f"http://127.0.0.1:{self._server.server_port}/"
        self.source = Source("site", "web", address, options={"pause": "0"}, work=work)

    def put(self, name: str, words: str) -> None:
        self._pages[name] = words

    def remove(self, name: str) -> None:
        del self._pages[name]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class DavPlace:
    """A folder that WsgiDAV serves to one user."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder = folder
        users = {"*": {"reader": {"password": "secret"}}}
        app = WsgiDAVApp(
            {
                "provider_mapping": {"/": str(folder)},
                "simple_dc": {"user_mapping": users},
                "verbose": 0,
                "logging": {"enable": False},
            }
        )
        self._server = wsgi.Server(("127.0.0.1", 0), app, numthreads=2)
        self._server.prepare()
        threading.Thread(target=self._server.serve, daemon=True).start()
        address = f"http://127.0.0.1:{self._server.bind_addr[1]}/"
        self.source = Source("drive", "webdav", address, "reader", "secret", work=work)

    def put(self, name: str, words: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")

    def remove(self, name: str) -> None:
        (self._folder / name).unlink()

    def stop(self) -> None:
        self._server.stop()


class MailPlace:
    """A mailbox that pymap serves; messages are put there with IMAP itself, and never change."""

    def __init__(self, work: Path) -> None:
        port = free_port()
        program = str(Path(sys.executable).with_name("pymap"))
        command = [program, "--host", "127.0.0.1", "--port", str(port), "--no-tls", "dict", "--demo-data"]
        self._server = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _wait_for(port)
        self._mailbox = imaplib.IMAP4("127.0.0.1", port)
        self._mailbox.login("demouser", "demopass")
        self._mailbox.create("Hall")
        self.source = Source(
            "post", "imap", f"imap://127.0.0.1:{port}", "demouser", "demopass", {"folders": "Hall"}, work
        )

    def put(self, name: str, words: str) -> None:
        self.remove(name)
        message = f"From: a@example.invalid\r\nSubject: {name}\r\n\r\n{words}\r\n"
        self._mailbox.append("Hall", "", imaplib.Time2Internaldate(0), message.encode())

    def remove(self, name: str) -> None:
        self._mailbox.select("Hall")
        for number in self._mailbox.search(None, "SUBJECT", f'"{name}"')[1][0].split():
            self._mailbox.store(number.decode(), "+FLAGS", "\\Deleted")
        self._mailbox.expunge()

    def stop(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._mailbox.logout()
        self._server.terminate()
        self._server.wait()


class WikiPlace:
    """A Confluence space, exported anew after every change."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._export = folder / "space.zip"
        self._pages: dict[str, tuple[str, int]] = {}
        self.source = Source("wiki", "confluence", str(self._export), work=work)

    def put(self, name: str, words: str) -> None:
        self._pages[name] = (words, self._pages.get(name, ("", 0))[1] + 1)
        self._write()

    def remove(self, name: str) -> None:
        del self._pages[name]
        self._write()

    def _write(self) -> None:
        objects = [_page("1", "Home", "", 1, "<p>Start</p>"), _page("2", "Binned", "", 1, "<p>x</p>", "deleted")]
        for at, (name, (words, version)) in enumerate(sorted(self._pages.items()), 10):
            objects.append(_page(str(at), name, "1", version, f"<ac:rich-text-body><p>{words}</p></ac:rich-text-body>"))
        with zipfile.ZipFile(self._export, "w") as archive:
            archive.writestr("entities.xml", f"<hibernate-generic>{''.join(objects)}</hibernate-generic>")

    def stop(self) -> None:
        self._export.unlink()


def _page(identity: str, title: str, parent: str, version: int, body: str, status: str = "current") -> str:
    def of(name: str, page: str) -> str:
        return f'<property name="{name}" class="Page"><id name="id">{page}</id></property>' if page else ""

    def said(name: str, value: object) -> str:
        return f'<property name="{name}"><![CDATA[{value}]]></property>'

    page = said("title", title) + of("parent", parent) + said("version", version) + said("contentStatus", status)
    return (
        f'<object class="Page" package="x"><id name="id">{identity}</id>{page}</object>'
        f'<object class="BodyContent" package="x"><id name="id">9{identity}</id>{said("body", body)}'
        f"{of('content', identity)}</object>"
    )


def _wait_for(port: int) -> None:
    for _ in range(2400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.05):
            return
        threading.Event().wait(0.025)
    pytest.fail("The server did not start.")


KINDS = ("git", "web", "webdav", "imap", "confluence")


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    there, work = tmp_path / "there", tmp_path / "work"
    there.mkdir()
    work.mkdir()
    if request.param == "git" and shutil.which("git") is None:
        pytest.skip("Git is not installed")
    made: Place
    match request.param:
        case "git":
            made = GitPlace(there, work)
        case "web":
            made = WebPlace(work)
        case "webdav":
            made = DavPlace(there, work)
        case "imap":
            made = MailPlace(work)
        case _:
            made = WikiPlace(there, work)
    stopped = False

    class Once:
        source = made.source
        put, remove = made.put, made.remove

        def stop(self) -> None:
            nonlocal stopped
            if not stopped:
                stopped = True
                made.stop()

    once = Once()
    yield once
    once.stop()


def contents(folder: Path) -> str:
    return "\n".join(sorted(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()))


@pytest.mark.parametrize("place", KINDS, indirect=True)
def test_a_folder_is_kept_in_step_with_its_place(place: Place, tmp_path: Path) -> None:
    folder, ledger = tmp_path / "here", tmp_path / "ledger.json"

    def visit() -> Pulled:
        return pull(connect(place.source), folder, ledger)

    place.put("Keys and doors.md", "The key hangs in room seven.")
    place.put("Boiler.md", "Deniz services the boiler.")
    place.put("Crane.md", "The crane is locked.")
    first = visit()
    assert first.problem == "" and first.added >= 3 and "room seven" in contents(folder)
    again = visit()
    assert (again.added, again.changed, again.removed, again.problem) == (0, 0, 0, "")
    assert again.unchanged >= 3

    place.put("Boiler.md", "Leyla services the boiler from now on.")
    place.remove("Crane.md")
    place.put("Roof.md", "The roof is new.")
    third = visit()
    assert third.problem == "" and third.removed >= 1 and third.added >= 1
    now = contents(folder)
    assert "Leyla services" in now and "The roof is new" in now
    assert "Deniz services" not in now and "crane is locked" not in now

    place.stop()
    gone = visit()
    assert gone.problem and gone.problem.endswith(".") and gone.removed == 0
    assert contents(folder) == now


@pytest.mark.parametrize("place", ["web"], indirect=True)
def test_a_site_is_visited_politely_and_never_left(place: Place, tmp_path: Path) -> None:
    place.put("a", "First page")
    pulled = pull(connect(place.source), tmp_path / "here", tmp_path / "ledger.json")
    assert pulled.added == 2
    assert "metadata" not in contents(tmp_path / "here") and not list((tmp_path / "here").rglob("*private*"))


@pytest.mark.parametrize("place", ["webdav", "imap"], indirect=True)
def test_a_wrong_password_is_said_as_that(place: Place, tmp_path: Path) -> None:
    wrong = Source("x", place.source.kind, place.source.address, place.source.user, "wrong", work=tmp_path)
    assert "does not let Tandem in" in pull(connect(wrong), tmp_path / "here", tmp_path / "ledger.json").problem


@pytest.mark.parametrize(
    ("kind", "address"),
    [("git", "--upload-pack=touch x"), ("git", "ext::sh -c true"), ("web", "file:///etc/passwd"), ("webdav", "drive"),
     ("imap", "https://x"), ("teapot", "x")],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(kind: str, address: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        connector: Connector = connect(Source("x", kind, address, "user", work=tmp_path))
        list(connector.items({}))
