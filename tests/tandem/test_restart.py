"""A server that is told to end while it answers, and the next one: nothing that was said is lost."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.security.conftest import Socket, Target, message
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.terminal import start
from tests.ui.conftest import DOCUMENTS, HOLIDAYS, SETTINGS, address_of, write_documents


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM for one process")
def test_what_was_written_of_an_answer_is_there_after_a_restart(home: Path, openai_server: OpenAIServer) -> None:
    openai_server.models["phi-4-mini"] = Reply(["Every employee has 25 days of holiday. "] * 3, end="hang")
    write_documents(home, DOCUMENTS)
    (home / "tandem.yaml").write_text(SETTINGS.format(url=openai_server.base_url), encoding="utf-8")
    people = {"TANDEM_SERVER__USERS": "ada:a"}
    process = start(home, "serve", "--port", "0", **people)
    try:
        address = address_of(process)
        until = threading.Event()
        while (ready := httpx.get(f"{address}/readyz", timeout=60)).status_code != 200:
            assert ready.status_code == 503 and not until.wait(0.1)
        target = Target(address, home)
        ada = {"username": "ada", "password": "a"}
        target.cookies["ada"] = dict(httpx.post(f"{address}/login", data=ada, timeout=60).cookies)
        with Socket(target, target.cookies["ada"]) as socket:
            socket.begin()
            socket.emit("client_message", message(HOLIDAYS))
            assert "25 days" in socket.hear("25 days")
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0 and "Traceback" not in errors, errors
    process = start(home, "serve", "--port", "0", **people)
    try:
        address = address_of(process)
        with httpx.Client(base_url=address, timeout=60, cookies=target.cookies["ada"]) as ada_again:
            page = ada_again.post("/project/threads", json={"pagination": {"first": 5}, "filter": {}}).json()
            (thread,) = page["data"]
            steps = ada_again.get(f"/project/thread/{thread['id']}").json()["steps"]
        said = [step["output"] for step in steps if "message" in step["type"]]
        assert said[0] == HOLIDAYS and "25 days of holiday" in said[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 0
