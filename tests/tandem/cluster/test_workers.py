"""`tandem serve --workers`: who listens hands connections over, browsers stay with one process, and who dies is
replaced without anything that was said being lost."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidMessage

from rag.database.places import Postgres
from tandem.cluster.handing import COOKIE
from tandem.cluster.revisions import TABLES
from tandem.commands import serving
from tests.security.conftest import Socket, message
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.postgres import Server
from tests.support.several import Machine, machine, settings_for
from tests.support.terminal import start
from tests.support.waiting import within
from tests.ui.conftest import DOCUMENTS, HOLIDAYS, write_documents

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows hands no connections to another process")
SAYS = "Every employee has 25 days of holiday. "


@dataclass
class Several:
    """A server of two workers, and the model behind it."""

    at: Machine
    models: OpenAIServer

    def answering(self) -> set[str]:
        """Those to whom people may be sent now; strangers are shared out among all."""
        found = [httpx.get(f"{self.at.address}/readyz", timeout=60) for _ in range(4)]
        return {one.cookies[COOKIE] for one in found if one.status_code == 200}

    def workers(self) -> dict[str, psutil.Process]:
        """Those that live, by the names that browsers know."""
        found = {}
        for child in psutil.Process(self.at.process.pid).children():
            words = child.cmdline()
            if "--name" in words:
                found[words[words.index("--name") + 1]] = child
        return found


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[Several]:
    home = tmp_path_factory.mktemp("workers")
    write_documents(home, DOCUMENTS)
    with OpenAIServer() as models:
        models.models["phi-4-mini"] = Reply([SAYS])
        with machine(
            home, settings_for(home / "papers", models=models.base_url), postgres.new_database(), "--workers", "2"
        ) as at:
            running = Several(at, models)
            assert within(60, lambda: len(running.answering()) == 2)
            yield running


def test_without_a_server_of_databases_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "tandem.yaml").write_text(settings_for(tmp_path), encoding="utf-8")
    process = start(tmp_path, "serve", "--port", "0", "--workers", "2")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "set storage.database" in errors and len(errors.strip().splitlines()) == 1


def test_it_says_beforehand_where_the_server_takes_too_few_connections(postgres: Server) -> None:
    place = Postgres(postgres.database, TABLES)
    assert serving._too_few_connections(place, 1) == ""
    assert "set its max_connections to at least" in serving._too_few_connections(place, 20)
    place.close()


def test_a_browser_stays_with_one_and_strangers_are_shared_out(several: Several) -> None:
    address = several.at.address
    strangers = several.answering()
    assert strangers == set(several.workers())
    with httpx.Client(base_url=address, timeout=60) as browser:
        mine = browser.get("/readyz").cookies[COOKIE]
        again = [browser.get("/readyz") for _ in range(6)]
    assert not any("set-cookie" in one.headers for one in again) and mine in strangers
    assert all(one.headers["connection"] == "close" for one in again)
    made_up = httpx.get(f"{address}/readyz", cookies={COOKIE: "0123"}, timeout=60)
    assert made_up.cookies[COOKIE] in strangers


def test_whichever_is_asked_for_figures_tells_of_all(several: Several) -> None:
    several.models.models["phi-4-mini"] = Reply([SAYS])
    asked = {"model": "tandem", "messages": [{"role": "user", "content": HOLIDAYS}]}
    administrator = several.at.cookies()
    for at in several.answering():
        said = httpx.post(
            f"{several.at.address}/v1/chat/completions", json=asked, cookies={**administrator, COOKIE: at}, timeout=60
        )
        assert said.status_code == 200, said.text

    def figures(at: str) -> str:
        cookies = {**administrator, COOKIE: at}
        return httpx.get(f"{several.at.address}/metrics", cookies=cookies, timeout=30).text

    for at in several.answering():  # an answer is counted a moment after its end was sent
        assert within(10, lambda at=at: "tandem_answer_seconds_count 2.0" in figures(at))  # type: ignore[misc]
        assert within(10, lambda at=at: "tandem_answers_running 0.0" in figures(at))  # type: ignore[misc]
        assert within(60, lambda at=at: "\ntandem_documents 3.0\n" in figures(at))  # type: ignore[misc]


def test_a_worker_that_is_killed_while_it_answers_loses_nothing(several: Several) -> None:
    several.models.models["phi-4-mini"] = Reply([SAYS] * 3, end="hang")
    cookies = dict(several.at.sign_in("ada").cookies)
    threads = {"pagination": {"first": 5}, "filter": {}}
    with Socket(several.at.target, cookies) as socket:
        socket.begin()
        socket.emit("client_message", message(HOLIDAYS))
        assert "25 days" in socket.hear("25 days")
        client = httpx.Client(base_url=several.at.address, cookies=cookies, timeout=60)

        def kept() -> list[str]:
            return [one["id"] for one in client.post("/project/threads", json=threads).json()["data"]]

        assert within(60, lambda: bool(kept()))  # written down behind the answer
        thread = kept()[0]
        assert within(60, lambda: written(several, thread))
        several.workers()[cookies[COOKIE]].send_signal(signal.SIGKILL)
        assert socket.hear("never") == "closed"
    with again(several, cookies, thread) as socket:
        socket.emit("connection_successful")
        shown = json.loads(socket.hear('"resume_thread"')[2:])[1]["steps"]
        said = [step["output"] for step in shown if "message" in step["type"]]
        assert said[0] == HOLIDAYS and "25 days of holiday" in said[1]
        ended = socket.hear("The answer broke off", seconds=30)
        assert '"element"' in ended
        assert "25 days of holiday" in socket.hear('"update_message"')
        several.models.models["phi-4-mini"] = Reply(["Unused days expire at the end of March [1]."])
        socket.emit("client_message", message("When do unused days expire?"))
        assert socket.hear("end of March")
    outputs = [step["output"] for step in client.get(f"/project/thread/{thread}").json()["steps"]]
    client.close()
    assert HOLIDAYS in outputs and any("25 days of holiday" in one for one in outputs)
    assert within(30, lambda: len(several.workers()) == 2 and cookies[COOKIE] not in several.workers())
    told = httpx.get(f"{several.at.address}/metrics", cookies=several.at.cookies(), timeout=30).text
    counted = re.search(r"^tandem_answer_seconds_count (\d+)", told, re.M)
    assert counted is not None and int(counted[1]) >= 3, "what the killed one had counted stays counted"


def again(several: Several, cookies: dict[str, str], thread: str) -> Socket:
    """A socket as the page opens it by itself, as often as it takes: the same cookies, the conversation that it shows.
    What was on its way to the dying process when it died is lost with it."""
    for _ in range(5):
        with suppress(InvalidMessage):
            socket = Socket(several.at.target, cookies, threadId=thread)
            if socket.opened:
                return socket
    raise AssertionError("No other process answers")


def written(several: Several, thread: str) -> bool:
    """Whether the database knows of an answer under way in the conversation."""
    import psycopg

    with psycopg.connect(several.at.database) as db:
        asked = "SELECT step->>'output' FROM tandem_cluster.answers WHERE thread = %s"
        row = db.execute(asked, (thread,)).fetchone()
    return row is not None and "25 days" in row[0]


def test_all_end_when_the_one_that_listens_is_told_to(several: Several) -> None:
    workers = several.workers().values()
    assert len(workers) == 2
    several.at.process.send_signal(signal.SIGTERM)
    assert several.at.process.wait(120) == 0
    assert not [one for one in workers if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    library = several.at.home / ".tandem" / "library"
    assert {one.name for one in library.glob("index-?")} == {"index-1", "index-2"}
