"""The audit log's copy on a syslog server: real sockets on loopback, which go away and come back."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.database.places import Sqlite
from tandem.audit import syslog
from tandem.audit.chain import Entry, as_line, broken, from_line
from tandem.audit.log import AuditLog
from tandem.audit.revisions import TABLES
from tandem.settings import SettingsError, load

# RFC 5424, section 6, as far as it is used.
FORM = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) (?P<host>[\x21-\x7e]{1,255}) tandem "
    r"(?P<process>\d{1,128}) (?P<kind>[\x21-\x7e]{1,32}) - \ufeff(?P<text>.*)",
    re.S,
)


class Server:
    """A syslog server that listens on TCP: `heard` are the messages, by the counts in front of them."""

    def __init__(self, port: int = 0) -> None:
        self.heard: list[str] = []
        self.came = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self._listener.settimeout(0.05)
        self._open: list[socket.socket] = []
        self._ended = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while not self._ended:
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            self._open.append(connection)
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        try:
            while count := _until_space(stream):
                data = stream.read(int(count))
                with self.came:
                    self.heard.append(data.decode("utf-8"))
                    self.came.notify()
        except OSError:
            return

    def wait(self, count: int) -> list[str]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.heard) >= count, 60), self.heard
            return list(self.heard)

    def end(self) -> None:
        self._ended = True
        self._accepting.join()
        self._listener.close()
        for connection in self._open:
            connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _until_space(stream: object) -> bytes:
    found = b""
    while (one := stream.read(1)) not in (b" ", b""):  # type: ignore[attr-defined]
        found += one
    return found


def place(folder: Path) -> Sqlite:
    return Sqlite(folder / "audit.db", TABLES)


def texts(messages: list[str]) -> list[Entry]:
    found = []
    for one in messages:
        match = FORM.fullmatch(one)
        assert match, one
        found.append(from_line(match["text"]))
    return found


def test_every_entry_arrives_over_tcp_as_it_was_written(tmp_path: Path) -> None:
    server = Server()
    log = AuditLog(place(tmp_path), f"tcp://127.0.0.1:{server.port}")
    for number in range(300):
        log.record("ada\n ş", "sign_in.ok" if number else "sign_in.failed", f"ğ {number}", {"n": number})
    arrived = server.wait(300)
    log.close()
    server.end()
    kept = list(AuditLog(place(tmp_path)).entries())
    assert texts(arrived) == kept
    assert broken(texts(arrived))[2] is None
    first, second = FORM.fullmatch(arrived[0]), FORM.fullmatch(arrived[1])
    assert first and second and (first["priority"], second["priority"]) == ("108", "109")
    assert (second["kind"], second["at"]) == ("sign_in.ok", kept[1].at.replace("+00:00", "Z"))


def test_every_entry_arrives_over_udp(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        log = AuditLog(place(tmp_path), f"udp://127.0.0.1:{server.getsockname()[1]}")
        log.record("ada", "export.usage", "x" * 900, {"long": "ü" * 15_000})
        log.record("ada", "export.usage", "short")
        long, short = (server.recv(65_536).decode("utf-8") for _ in range(2))
        log.close()
    (told, whole) = texts([long, short])
    assert len(long.encode()) < 10_000 and "left_out" in told.details
    assert whole == list(AuditLog(place(tmp_path)).entries())[1]


def test_a_server_that_is_away_stops_nobody_and_hears_what_waited(tmp_path: Path) -> None:
    server = Server()
    log = AuditLog(place(tmp_path), f"tcp://127.0.0.1:{server.port}")
    log.record("ada", "sign_in.ok", "before")
    server.wait(1)
    server.end()
    begun = time.monotonic()
    for number in range(50):
        log.record("ada", "sign_in.ok", f"away {number}")
    assert log.flush(20) and time.monotonic() - begun < 15
    again = threading.Event()
    until = time.monotonic() + 60
    while not log.problem and time.monotonic() < until:
        again.wait(0.05)
    assert "does not reach the syslog server" in log.problem and "127.0.0.1" not in log.problem
    back = Server(server.port)
    arrived = texts(back.wait(50))
    assert [one.object for one in arrived[-50:]] == [f"away {number}" for number in range(50)]
    while log.problem and time.monotonic() < until:
        again.wait(0.05)
    assert log.problem == ""
    log.close()
    back.end()


def test_what_waits_is_bounded_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "_WAITING", 10)
    monkeypatch.setattr(syslog, "_CLOSING_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    sending = syslog.Syslog(f"tcp://127.0.0.1:{port}")
    entries = [Entry(n, "2026-01-01T00:00:00.000+00:00", "a", "b", str(n), "{}", "h") for n in range(100)]
    sending.send(entries)
    assert len(sending._waiting) <= 10
    begun = time.monotonic()
    sending.close()
    assert time.monotonic() - begun < 10
    sending.close()


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are numbered otherwise there")
def test_entries_arrive_while_more_than_a_thousand_connections_are_open() -> None:
    server = Server()
    held = []
    try:
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    except OSError:
        pytest.skip("no process may open that many files here")
    else:
        sending = syslog.Syslog(f"tcp://127.0.0.1:{server.port}")
        for number in range(3):
            sending.send([Entry(number, "2026-01-01T00:00:00.000+00:00", "a", "b", str(number), "{}", "h")])
            server.wait(number + 1)
        sending.close()
    finally:
        for one in held:
            os.close(one)
        server.end()


def test_a_name_that_no_server_can_have_is_a_problem_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "_CLOSING_SECONDS", 0.1)
    sending = syslog.Syslog(f"tcp://{'x' * 64}.example")
    sending.send([Entry(1, "2026-01-01T00:00:00.000+00:00", "a", "b", "c", "{}", "h")])
    sending.close()
    assert "does not reach the syslog server" in sending.problem


@given(st.text(max_size=60), st.text(max_size=40), st.text(max_size=40))
def test_whatever_was_done_has_the_form(actor: str, action: str, thing: str) -> None:
    whole = [part.encode("utf-8", "replace").decode() for part in (actor, action, thing)]
    entry = Entry(1, "2026-01-01T00:00:00.123+00:00", *whole, '{"a":1}', "h")
    said = syslog.message(entry).decode("utf-8")
    match = FORM.fullmatch(said)
    assert match and "\n" not in said
    assert from_line(match["text"]) == entry and json.loads(as_line(entry))


@pytest.mark.parametrize("address", ["http://log.example", "udp://", "tcp://log.example:0", "udp://a/b", "log.example"])
def test_an_address_that_is_none_is_said(address: str) -> None:
    with pytest.raises(SettingsError, match="no syslog server"):
        load(None, {"TANDEM_OBSERVABILITY__AUDIT_SYSLOG": address})
