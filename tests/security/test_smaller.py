"""Kind 9: the smaller ones."""

from __future__ import annotations

import re
import sys

import httpx
import pytest

from tandem.texts import for_staff
from tests.security.conftest import ENVIRONMENT, PEOPLE, Socket, Target, message
from tests.support.terminal import start


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps access lists, not modes")
def test_files_are_the_owners_alone(target: Target) -> None:
    data = target.home / ".tandem"
    open_to_others = [
        path for path in (data, *data.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    assert open_to_others == []


def test_a_second_server_is_told_who_has_the_data_directory(target: Target) -> None:
    out, errors = start(target.home, "serve", "--port", "0", **ENVIRONMENT).communicate(timeout=60)
    assert out == "" and "Traceback" not in errors
    assert target.address in errors and re.search(r"process \d+", errors) and "TANDEM_DATA_DIR" in errors


@pytest.mark.parametrize("size", [250_000, 1_100_000, 5_000_000])
def test_a_message_that_is_too_long_is_answered_in_words(target: Target, size: int) -> None:
    with Socket(target, target.cookies["bob"]) as socket:
        socket.begin()
        socket.emit("client_message", message("x" * size))
        assert "200,000 characters" in socket.hear("toast")
        socket.emit("window_message", {"tandem": "open"})
        assert socket.hear("documents") != "closed"


@pytest.mark.parametrize(
    "payload",
    [
        *(None, "", 1, [], {}, {"message": None}, {"message": []}, {"message": {"id": "x", "output": "x"}}),
        *(message("x", output=1), message("x", id="../x"), message("x", metadata=[]), message("x", modes=1)),
        {**message("x"), "fileReferences": [{"id": "../../x"}]},
        {**message("x"), "fileReferences": "x"},
    ],
    ids=[f"shape {number}" for number in range(14)],
)
@pytest.mark.parametrize("event", ["client_message", "edit_message", "audio_chunk", "message_favorite", "nothing"])
def test_events_of_another_shape_are_not_acted_on(target: Target, event: str, payload: object) -> None:
    with Socket(target, target.cookies["bob"]) as socket:
        socket.emit(event, payload)
        socket.emit("window_message", {"tandem": "open"})
        assert "first_interaction" not in socket.hear("first_interaction", "documents")


def test_guesses_do_not_lock_out_a_browser_that_has_signed_in(target: Target) -> None:
    remembered = target.sign_in("ada")
    guess = {"username": "ada", "password": "guess"}
    statuses = [httpx.post(f"{target.address}/login", data=guess).status_code for _ in range(7)]
    assert statuses[-1] == 429
    right = {"username": "ada", "password": PEOPLE["ada"]}
    assert httpx.post(f"{target.address}/login", data=right).status_code == 429
    known = {"tandem_browser": remembered["tandem_browser"]}
    assert httpx.post(f"{target.address}/login", data=right, cookies=known).status_code == 200
    assert httpx.post(f"{target.address}/login", data={**right, "username": "bob"}, cookies=known).status_code != 200


def test_the_page_runs_no_script_but_its_own(target: Target) -> None:
    reply = httpx.get(target.address, headers={"accept": "text/html"}, timeout=60)
    scripts = reply.headers["content-security-policy"].partition("script-src")[2].partition(";")[0]
    assert "'unsafe-inline'" not in scripts and scripts.count("'sha256-") == len(re.findall("<script>", reply.text))


@pytest.mark.parametrize(
    "said",
    [
        "The endpoint http://10.0.0.5:5273/v1 refused the connection.",
        "phi-4-mini at 127.0.0.1:5273 did not answer.",
        "https://models.internal:8443/v1, which answered 500: try again.",
        "[::1]:5273 and localhost:11434 are down.",
    ],
)
def test_where_models_listen_is_no_business_of_everybody(said: str) -> None:
    for language in ("en", "tr"):
        assert not re.search(r"\d{4}|internal|localhost|http", for_staff(said, language).replace("500", ""))
