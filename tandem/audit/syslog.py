"""Entries of the audit log passed on to a syslog server, so that a copy lies where nobody here can change it.

Knows RFC 5424's form, and how it goes over UDP (RFC 5426) and TCP (RFC 6587, counted). A thread of its own sends; what
cannot be sent waits in memory up to a limit, and is in the audit log all the same. Does not know what entries mean.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from tandem.audit.chain import Entry, as_line, canonical

log = logging.getLogger(__name__)

PORTS = {"udp": 514, "tcp": 601}
_AUDIT = 13  # the facility that RFC 5424 calls "log audit"
_WARNING, _NOTICE = 4, 5
_WAITING = 10_000
_LARGEST = 8_000
_AGAIN_SECONDS, _PATIENCE_SECONDS, _CLOSING_SECONDS = 1.0, 5.0, 3.0
_NOT_PRINTED = re.compile(r"[^\x21-\x7e]")
_WORRYING = ("sign_in.failed", "sign_in.spoofed", "audit.begun_anew")


class Syslog:
    """Sends to one server, `udp://host[:port]` or `tcp://host[:port]`. For any thread; `close` it."""

    def __init__(self, address: str) -> None:
        """Opens nothing yet."""
        self.problem = ""
        """Why entries do not arrive, in a sentence that names no place; "" where they do, as far as can be told."""
        parts = urlsplit(address)
        self._counted = parts.scheme == "tcp"
        self._place = parts.hostname or "", parts.port or PORTS[parts.scheme]
        self._waiting: deque[bytes] = deque()
        self._lost = 0
        self._changed = threading.Condition()
        self._closing = 0.0
        self._sender: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def send(self, entries: Iterable[Entry]) -> None:
        """Pass entries on. Never waits and never raises."""
        with self._changed:
            for entry in entries:
                if len(self._waiting) >= _WAITING:
                    self._waiting.popleft()
                    self._lost += 1
                self._waiting.append(_framed(message(entry), counted=self._counted))
            if self._sender is None and not self._closing:
                self._sender = threading.Thread(target=self._run, name="audit-syslog", daemon=True)
                self._sender.start()
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, for a moment, and stop. Twice is once."""
        with self._changed:
            self._closing = self._closing or time.monotonic() + _CLOSING_SECONDS
            self._changed.notify()
        if self._sender is not None:
            self._sender.join()
        if self._waiting or self._lost:
            log.error("%d entries of the audit log did not reach the syslog server", len(self._waiting) + self._lost)
            self._waiting.clear()
            self._lost = 0

    def _run(self) -> None:
        try:
            while (next_one := self._next()) is not None:
                if self._sent(next_one):
                    continue
                with self._changed:
                    self._waiting.appendleft(next_one)
                    if self._closing and time.monotonic() >= self._closing:
                        return
                    self._changed.wait(_AGAIN_SECONDS if not self._closing else 0.1)
        finally:
            self._let_go()

    def _next(self) -> bytes | None:
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

    def _sent(self, data: bytes) -> bool:
        try:
            self._connected().sendall(data)
        except (OSError, ValueError) as error:  # a name that is none in a DNS is a ValueError
            self._let_go()
            why = (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
            said = f"The audit log does not reach the syslog server: {why}."
            if said != self.problem:
                log.warning("%s", said)
            self.problem = said
            return False
        if self._lost:
            lost, self._lost = self._lost, 0
            log.error("%d entries of the audit log did not reach the syslog server while it was away", lost)
        self.problem = ""
        return True

    def _connected(self) -> socket.socket:
        """The connection, made anew where the other end has closed it. Raises OSError."""
        if self._socket is not None and self._counted and _ended(self._socket):
            self._let_go()
        if self._socket is None:
            if self._counted:
                self._socket = socket.create_connection(self._place, _PATIENCE_SECONDS)
            else:
                kind, _, _, _, place = socket.getaddrinfo(*self._place, type=socket.SOCK_DGRAM)[0]
                self._socket = socket.socket(kind, socket.SOCK_DGRAM)
                self._socket.connect(place)
        return self._socket

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _ended(connection: socket.socket) -> bool:
    """Whether the other end has closed it. `select` would not do: it takes no descriptor above 1023, and a server has
    more where many people have the chat open."""
    waits = connection.gettimeout()
    try:
        connection.setblocking(False)
        return not connection.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(waits)


def message(entry: Entry) -> bytes:
    """An entry as RFC 5424 writes it: its action is the kind of message, the line of an export the text. Of an entry
    too long for a datagram the details are left out."""
    line = as_line(entry).encode("utf-8")
    if len(line) > _LARGEST:
        line = as_line(replace(entry, details=canonical({"left_out": f"{len(entry.details)} characters"}))).encode()
    severity = _WARNING if entry.action in _WORRYING else _NOTICE
    moment = entry.at.replace("+00:00", "Z")
    host, kind = _name(socket.gethostname(), 255), _name(entry.action, 32)
    head = f"<{_AUDIT * 8 + severity}>1 {moment} {host} tandem {os.getpid()} {kind} - \ufeff"
    return head.encode("utf-8") + line


def _framed(data: bytes, *, counted: bool) -> bytes:
    return b"%d %s" % (len(data), data) if counted else data


def _name(text: str, most: int) -> str:
    return _NOT_PRINTED.sub("_", text)[:most] or "-"
