import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from rag.errors import UserFacingError
from tandem.listening import listen
from tandem.settings import ServerSettings
from tests.support import warm
from tests.support.terminal import start
from tests.ui.conftest import answering

HANDSHAKE = "/ws/socket.io/?EIO=4&transport=websocket"


def address_of(process: warm.Process) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.search(r"http://\S+", line)
    assert match, f"{line}\n{process.stderr.read() if process.stderr else ''}"
    return match[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running `tandem serve`, which is interrupted in the end and must leave cleanly."""
    home = tmp_path_factory.mktemp("home")
    (home / "papers").mkdir()
    (home / "papers" / "parking.md").write_text("The car park opens at six in the morning.", encoding="utf-8")
    (home / "tandem.yaml").write_text("documents: papers\nmodels: {foundry: false}\n", encoding="utf-8")
    process = start(home, "serve", "--port", "0")
    try:
        yield address_of(process)
    finally:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.CTRL_C_EVENT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_health(served: str) -> None:
    reply = httpx.get(f"{served}/healthz")
    assert reply.status_code == 200
    assert reply.json()["status"] in ("starting", "ok")


def test_the_page_is_served_and_health_then_says_so(served: str) -> None:
    page = httpx.get(served, timeout=60)
    assert page.status_code == 200
    assert "<title>" in page.text
    assert httpx.get(f"{served}/healthz").json() == {"status": "ok"}


def test_the_page_asks_nothing_of_other_machines(served: str) -> None:
    page = httpx.get(served, timeout=60).text
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)


@pytest.mark.parametrize("path", ["/healthz", "/", "/no/such/route"])
def test_every_response_carries_the_security_headers(served: str, path: str) -> None:
    headers = httpx.get(served + path, timeout=60).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/healthz", "/", "/project/settings"])
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}])
def test_other_sites_are_not_let_in(served: str, path: str, headers: dict[str, str]) -> None:
    assert httpx.get(served + path, headers=headers, timeout=60).status_code == 403


def test_sockets_of_other_sites_are_not_let_in(served: str) -> None:
    url = served.replace("http", "ws") + HANDSHAKE
    with pytest.raises(InvalidStatus), connect(url, origin="http://evil.example", open_timeout=60):  # type: ignore[arg-type]
        pass
    with pytest.raises(InvalidStatus), connect(url, origin=served, open_timeout=60):  # type: ignore[arg-type]
        pass
    cookies = httpx.get(served, headers={"accept": "text/html"}, timeout=60).cookies
    ticket = {"Cookie": f"access_token={cookies['access_token']}"}
    with connect(url, origin=served, additional_headers=ticket, open_timeout=60) as browser:  # type: ignore[arg-type]
        assert str(browser.recv(timeout=60)).startswith("0")


def test_a_taken_port_is_one_sentence(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        out, err = start(home, "serve", "--port", str(port)).communicate(timeout=60)
    assert out == ""
    assert err.startswith(f"tandem: Cannot listen on 127.0.0.1, port {port}")
    assert f"process {os.getpid()}" in err or "another program" in err
    assert int(err.rsplit("--port ", 1)[1].rstrip(".\n")) > port


def test_a_port_that_somebody_has_at_every_address_is_not_taken_beside_them() -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as taken,
        pytest.raises(UserFacingError, match="stop it, or choose a port"),
    ):
        listen(ServerSettings(port=taken.getsockname()[1]))
    with listen(ServerSettings(port=0)) as free:
        assert free.getsockname()[1]


def test_other_machines_need_users(home: Path) -> None:
    with answering(start(home, "serve", "--host", "0.0.0.0", "--port", "0")) as address:
        asked = httpx.post(f"{address}/v1/chat/completions", json={}, timeout=60, trust_env=False)
        page = httpx.get(address, headers={"accept": "text/html"}, timeout=60, trust_env=False)
    assert (asked.status_code, page.status_code, page.headers["location"]) == (401, 303, "/login")


def test_the_first_administrators_link_opens_on_this_machine(home: Path) -> None:
    process = start(home, "serve", "--host", "0.0.0.0", "--port", "0", TANDEM_SERVER__SIGN_IN__ACCOUNTS="true")
    with answering(process):
        assert process.stdout is not None
        link = re.search(r"http://127\.0\.0\.1:\d+/sign-in/link/\S+", process.stdout.readline())
        assert link and httpx.get(link[0], timeout=60, trust_env=False).status_code == 200


def test_doctor_knows_the_server_of_its_own_installation(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def said() -> tuple[str, str]:
        out = start(home, "doctor", "--json", TANDEM_SERVER__PORT=port).communicate(timeout=120)[0]
        (found,) = [one for one in json.loads(out)["findings"] if one["subject"] == "port"]
        return found["health"], found["text"]

    with answering(start(home, "serve", TANDEM_SERVER__PORT=port)) as address:
        health, text = said()
        assert health == "ok" and address in text
    assert said() == ("ok", f"127.0.0.1:{port} is free.")
    with socket.create_server(("127.0.0.1", int(port))):
        assert said()[0] == "warn"
