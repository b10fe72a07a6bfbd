"""Many slow connections, and how long everybody else waits meanwhile.

    python -m tests.security.slow_connections 500

starts a server on loopback, opens that many connections that say a little every second (a third nothing at all, a third
half a head, a third a body by the byte), asks /healthz beside them from a connection of its own each time, and prints
JSON: p50, p95 and the longest in ms, and how many of the slow ones were closed.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

from tests.security.conftest import ENVIRONMENT, SETTINGS
from tests.ui.conftest import serving

SECONDS = 15.0
BEGINNINGS = (
    b"",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 9000\r\n\r\nusername=",
)


def run(address: str, count: int, seconds: float = SECONDS) -> dict[str, float]:
    """The figures, with `count` slow connections to the server at `address`."""
    host, port = address.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port)), timeout=5) for _ in range(count)]
    closed = 0
    for number, wire in enumerate(slow):
        wire.setblocking(False)
        closed += not _say(wire, BEGINNINGS[number % 3])
    waits: list[float] = []
    until = time.monotonic() + seconds
    dripped = time.monotonic()
    # A connection of its own each time, without what a client takes to be made.
    asker = httpx.Client(timeout=60, trust_env=False, headers={"connection": "close"})
    while time.monotonic() < until:
        begun = time.perf_counter()
        asker.get(f"{address}/healthz").raise_for_status()
        waits.append((time.perf_counter() - begun) * 1e3)
        if time.monotonic() - dripped > 1:
            dripped = time.monotonic()
            for number, wire in enumerate(slow):
                if number % 3:
                    _say(wire, b"a")
    closed = sum(_is_closed(wire) for wire in slow)
    asker.close()
    for wire in slow:
        wire.close()
    cuts = statistics.quantiles(waits, n=20)
    figures = {"p50_ms": statistics.median(waits), "p95_ms": cuts[18], "longest_ms": max(waits)}
    return {"slow": count, "asked": len(waits), "closed": closed, **{name: round(v, 1) for name, v in figures.items()}}


def _say(wire: socket.socket, said: bytes) -> bool:
    try:
        wire.send(said)
    except OSError:
        return False
    return True


def _is_closed(wire: socket.socket) -> bool:
    try:
        return (wire.recv(4096) != b"" and _is_closed(wire)) or True
    except BlockingIOError:
        return False
    except OSError:
        return True


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), SETTINGS, **ENVIRONMENT) as address:
        print(json.dumps(run(address, count)))


if __name__ == "__main__":
    main()
