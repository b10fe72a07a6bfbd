"""Kind 2: a signature is trusted without asking whether the person still exists."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import httpx
import pytest

from tests.security.conftest import ENVIRONMENT, KEY, SETTINGS, Socket, Target, message
from tests.support.terminal import start
from tests.ui.conftest import serving

ADMINISTRATION = ("retry", "download", "cancel", "load", "unload", "add", "remove")


def open_to(target: Target, cookies: dict[str, str]) -> list[bool]:
    """Whether the cookies open REST, the API and a socket."""
    with target.client() as client:
        client.cookies.update(cookies)
        rest = client.get("/user").status_code == 200
        api = client.get("/v1/models").status_code == 200
    with Socket(target, cookies) as socket:
        return [rest, api, socket.opened]


def test_signing_out_ends_the_cookie_and_the_open_socket(target: Target) -> None:
    first, second = target.sign_in("ada"), target.sign_in("ada")
    assert open_to(target, first) == open_to(target, second) == [True] * 3
    with Socket(target, first) as leaving, Socket(target, second) as staying:
        leaving.begin()
        staying.begin()
        with target.client() as client:
            client.cookies.update(first)
            assert client.post("/logout").status_code == 200
        assert leaving.hear("nothing", seconds=10) == "closed"
        assert open_to(target, first) == [False] * 3
        assert open_to(target, second) == [True] * 3
        with target.client() as client:
            client.cookies.update(second)
            assert client.post("/logout", params={"everywhere": "true"}).status_code == 200
        assert staying.hear("nothing", seconds=10) == "closed"
    assert open_to(target, second) == open_to(target, target.cookies["ada"]) == [False] * 3
    target.cookies["ada"] = target.sign_in("ada")
    assert open_to(target, target.cookies["ada"]) == [True] * 3


@pytest.mark.parametrize("event", ["client_message", "edit_message", "window_message", "connection_successful"])
def test_a_person_who_is_gone_is_heard_no_more(target: Target, event: str) -> None:
    """As `tandem sign-out` in another process does it: the file that ends tickets changes."""
    cookies = target.sign_in("ada")
    with Socket(target, cookies) as socket:
        socket.begin()
        file = target.home / ".tandem" / "signed_out.json"
        kept = json.loads(file.read_text()) if file.exists() else {"base": 0, "epochs": {}, "tickets": {}}
        kept["epochs"]["ada"] = kept["epochs"].get("ada", 0) + 1
        file.write_text(json.dumps(kept))
        socket.emit(event, message("How many days?"))
        assert socket.hear("Every employee", "first_interaction", seconds=10) == "closed"
    assert open_to(target, cookies) == [False] * 3
    target.cookies["ada"] = target.sign_in("ada")


def test_signing_out_from_a_terminal_ends_the_open_page(target: Target) -> None:
    cookies = target.sign_in("ada")
    with Socket(target, cookies) as open_page, Socket(target, target.cookies["bob"]) as other:
        open_page.begin()
        other.begin()
        with start(target.home, "sign-out", "ada", **ENVIRONMENT) as done:
            said = done.communicate(timeout=60)
        assert done.returncode == 0, said
        assert open_page.hear("nothing", seconds=10) == "closed"
        other.emit("window_message", {"tandem": "open"})
        assert other.hear("documents") != "closed"
    assert open_to(target, cookies) == [False] * 3
    target.cookies["ada"] = target.sign_in("ada")


def test_what_the_settings_end_at_a_restart(tmp_path: Path) -> None:
    """Cookies from before sign-in was switched on, of a removed person, and with a former password."""
    with serving(tmp_path, SETTINGS) as address:
        local = Target(address, tmp_path)
        old = dict(httpx.get(address, headers={"accept": "text/html"}, timeout=60).cookies)
        assert open_to(local, old) == [True] * 3
    with serving(tmp_path, SETTINGS, **ENVIRONMENT) as address:
        target = Target(address, tmp_path)
        assert open_to(target, old) == [False] * 3
        bob, ada = target.sign_in("bob"), target.sign_in("ada")
    users = ENVIRONMENT["TANDEM_SERVER__USERS"].replace("ada's words", "new words").replace("bob:bob's words,", "")
    with serving(tmp_path, SETTINGS, **{**ENVIRONMENT, "TANDEM_SERVER__USERS": users + ",local:x"}) as address:
        target = Target(address, tmp_path)
        assert open_to(target, bob) == open_to(target, ada) == open_to(target, old) == [False] * 3


@pytest.mark.parametrize("wish", ADMINISTRATION)
@pytest.mark.parametrize("who", ["ada", "bob"])
def test_authority_is_granted_never_inferred(target: Target, who: str, wish: str) -> None:
    with Socket(target, target.cookies[who]) as socket:
        socket.begin()
        socket.emit("window_message", {"tandem": wish, "name": "x", "text": ""})
        assert "Only an administrator" in socket.hear("Only an administrator")


def test_the_administrator_may(target: Target) -> None:
    with Socket(target, target.cookies["chief"]) as socket:
        socket.begin()
        socket.emit("window_message", {"tandem": "open"})
        assert '"administers":true' in socket.hear("administers")


def test_one_persons_session_is_not_anothers(target: Target) -> None:
    with Socket(target, target.cookies["ada"]) as hers:
        hers.begin()
        with Socket(target, target.cookies["bob"], sessionId=hers.session) as taken:
            assert not taken.opened
        hers.emit("window_message", {"tandem": "open"})
        assert hers.hear("documents") != "closed"


def test_a_conversation_that_is_not_there_yet_is_not_lain_in_wait_for(target: Target) -> None:
    """bob opens a socket under an id; whoever begins that conversation later shares nothing with him."""
    thread = str(uuid.uuid4())
    with Socket(target, target.cookies["bob"], threadId=thread) as waiting:
        assert waiting.opened
        waiting.emit("connection_successful")
        waiting.hear("chat_settings")
        waiting.emit("client_message", message("How many days of paid holiday?"))
        said = waiting.hear("first_interaction")
        assert thread not in said
        with target.client("bob") as bob:
            assert bob.get(f"/project/thread/{thread}").status_code == 404


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/tandem", "/browser/search?q=leave"])
@pytest.mark.parametrize("token", ["", "Bearer", "Bearer x", f"Basic {KEY}", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x"])
def test_the_api_wants_its_key(target: Target, path: str, token: str) -> None:
    with target.client() as program:
        headers = {"authorization": token} if token else {}
        assert program.get(path, headers=headers).status_code in (401, 429)
