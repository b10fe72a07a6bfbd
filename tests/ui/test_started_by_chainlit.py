"""`chainlit run app.py`, the way in while the code changes, keeps to the same rules as `tandem serve`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tandem import shipped
from tandem.guard import HEADERS

HANDSHAKE = "/ws/socket.io/?EIO=4&transport=websocket"
PATIENCE = 90


def listening_port(process: subprocess.Popen[str]) -> int:
    pause = threading.Event()
    for _ in range(PATIENCE * 10):
        for connection in psutil.Process(process.pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                return int(connection.laddr.port)
        assert process.poll() is None, process.communicate()
        pause.wait(0.1)
    raise AssertionError("it never listened")


@contextmanager
def started(home: Path, **environment: str) -> Iterator[str]:
    (home / "papers").mkdir()
    (home / "papers" / "parking.md").write_text("The car park opens at six in the morning.", encoding="utf-8")
    (home / "tandem.yaml").write_text("documents: papers\nmodels: {foundry: false}\n", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "chainlit", "run", str(shipped.root() / "app.py"), "--headless", "--port", "0"],
        cwd=home,
        env={**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": str(shipped.root()), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield f"http://127.0.0.1:{listening_port(process)}"
    finally:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.CTRL_C_EVENT)
        _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started(tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.mark.parametrize("path", ["/", "/project/settings", "/no/such/route"])
def test_every_response_carries_the_security_headers(served: str, path: str) -> None:
    headers = httpx.get(served + path, timeout=60).headers
    own = {name: value for name, value in HEADERS.items() if name != "content-security-policy"}
    assert {name: headers.get(name) for name in own} == own
    assert "default-src 'self'; script-src 'self'" in headers["content-security-policy"]
    assert "'unsafe-inline'" not in headers["content-security-policy"].partition("style-src")[0]


def test_documents_are_opened_under_their_own_policy(served: str) -> None:
    reply = httpx.get(f"{served}/source/document/1", timeout=60)
    assert reply.status_code in (200, 404) and "/source/static/viewer.css" in reply.text
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_other_sites_are_not_let_in(served: str, headers: dict[str, str]) -> None:
    assert httpx.get(f"{served}/project/settings", headers=headers, timeout=60).status_code == 403


def test_sockets_of_other_sites_are_not_let_in(served: str) -> None:
    url = served.replace("http", "ws") + HANDSHAKE
    with pytest.raises(InvalidStatus), connect(url, origin="http://evil.example", open_timeout=60):  # type: ignore[arg-type]
        pass
    cookies = httpx.get(served, headers={"accept": "text/html"}, timeout=60).cookies
    ticket = {"Cookie": f"access_token={cookies['access_token']}"}
    with connect(url, origin=served, additional_headers=ticket, open_timeout=60) as browser:  # type: ignore[arg-type]
        assert str(browser.recv(timeout=60)).startswith("0")


def test_where_people_sign_in_other_names_are_right_and_behind_https_the_cookie_is_secure(tmp_path: Path) -> None:
    with started(tmp_path, TANDEM_SERVER__USERS="ada:a") as address:
        there = {"Host": "chat.example.org", "Origin": "https://chat.example.org", "X-Forwarded-Proto": "https"}
        sign_in = {"username": "ada", "password": "a"}
        reply = httpx.post(f"{address}/login", data=sign_in, headers=there, timeout=60)
        assert reply.status_code == 200
        assert "; secure" in reply.headers["set-cookie"].lower()
        plain = httpx.post(f"{address}/login", data=sign_in, timeout=60)
        assert "secure" not in plain.headers["set-cookie"].lower()
        refused = httpx.post(f"{address}/login", data=sign_in, headers={**there, "Host": "127.0.0.1"}, timeout=60)
        assert refused.status_code == 403 and "Host header" in refused.text
