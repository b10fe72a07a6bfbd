"""What counts at one of two servers over one PostgreSQL counts at the other: cookies, guesses, limits, the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx
import psycopg
import pytest

from tests.security.conftest import Socket, message
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.postgres import Server
from tests.support.several import Machine, environment, machine, settings_for
from tests.support.terminal import start
from tests.support.waiting import within
from tests.ui.conftest import DOCUMENTS, GOOD, HOLIDAYS, write_documents

LIMITS = """
server:
  limits:
    - {requests_per_minute: 3}
"""


class Pair(NamedTuple):
    """Both of them, and the model behind them."""

    here: Machine
    there: Machine
    models: OpenAIServer


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("two")
    write_documents(home, DOCUMENTS)
    with ExitStack() as stack:
        models = stack.enter_context(OpenAIServer())
        models.models["phi-4-mini"] = Reply([GOOD])
        settings, database = settings_for(home / "papers", LIMITS, models.base_url), postgres.new_database()
        here, there = (stack.enter_context(machine(home / name, settings, database)) for name in ("a", "b"))
        yield Pair(here, there, models)


def signed_in(at: Machine, cookies: httpx.Cookies) -> bool:
    return httpx.get(f"{at.address}/user", cookies=cookies, timeout=60).status_code == 200


def asked(at: Machine, cookies: httpx.Cookies) -> int:
    body = {"model": "tandem", "messages": [{"role": "user", "content": HOLIDAYS}]}
    return httpx.post(f"{at.address}/v1/chat/completions", json=body, cookies=cookies, timeout=60).status_code


def test_a_cookie_counts_at_both_and_ends_at_both(pair: Pair) -> None:
    here, there, _ = pair
    cookies = here.sign_in("ada").cookies
    assert signed_in(here, cookies) and signed_in(there, cookies)
    with Socket(there.target, dict(cookies)) as socket:
        socket.begin()
        httpx.post(f"{here.address}/logout?everywhere=true", cookies=cookies, timeout=60)
        assert not signed_in(here, cookies)
        assert within(60, lambda: not signed_in(there, cookies))
        assert socket.hear("closed", seconds=10) == "closed"
    again = there.sign_in("ada").cookies
    assert within(60, lambda: signed_in(here, again))
    assert httpx.post(f"{there.address}/logout", cookies=again, timeout=60).status_code == 200
    assert within(60, lambda: not signed_in(here, again))


def test_the_terminal_signs_out_at_both(pair: Pair) -> None:
    here, there, _ = pair
    cookies = here.sign_in("cem").cookies
    assert signed_in(here, cookies) and signed_in(there, cookies)
    out = start(here.home, "sign-out", "cem", **environment(here.database))
    assert "signed out everywhere" in out.communicate(timeout=60)[0]
    assert within(60, lambda: not signed_in(here, cookies) and not signed_in(there, cookies))


def test_guesses_at_one_hold_up_at_the_other(pair: Pair) -> None:
    here, there, _ = pair
    answers = [(here, there)[number % 2].sign_in("bob", "wrong").status_code for number in range(6)]
    assert answers == [401] * 5 + [429]
    assert here.sign_in("bob").status_code == there.sign_in("bob").status_code == 429


def test_a_limit_is_one_for_both(pair: Pair) -> None:
    here, there, _ = pair
    cookies = here.sign_in("chief").cookies
    assert [asked(at, cookies) for at in (here, there, here, there, here)] == [200, 200, 200, 429, 429]


def test_the_log_of_both_is_one_chain(pair: Pair) -> None:
    here, there, _ = pair
    wrong = [(here, there)[number % 2].sign_in(f"nobody{number}", "wrong").status_code for number in range(8)]
    assert set(wrong) == {401}
    said = start(here.home, "audit", "verify", **environment(here.database)).communicate(timeout=60)
    assert "entries" in said[0] and "Traceback" not in said[1]
    exported = start(here.home, "audit", "export", **environment(here.database)).communicate(timeout=60)[0]
    assert all(f'"actor":"nobody{number}"' in exported for number in range(8))


def test_a_question_of_one_is_in_the_history_of_the_other(pair: Pair) -> None:
    here, there, _ = pair
    cookies = dict(here.sign_in("ada").cookies)
    with Socket(here.target, cookies) as socket:
        socket.begin()
        socket.emit("client_message", message(HOLIDAYS))
        assert "25 days" in socket.hear("25 days")
    threads = {"pagination": {"first": 5}, "filter": {}}
    with httpx.Client(base_url=there.address, cookies=cookies, timeout=60) as client:
        found = client.post("/project/threads", json=threads).json()["data"]
        assert within(60, lambda: "25 days" in client.get(f"/project/thread/{found[0]['id']}").text)


def found(at: Machine, question: str) -> str:
    return httpx.get(f"{at.address}/browser/search", params={"q": question}, cookies=at.cookies(), timeout=60).text


def test_documents_are_taken_in_once_and_found_at_both(pair: Pair) -> None:
    here = pair[0]
    papers = here.home.parent / "papers"
    (papers / "anchor.md").write_text("# Anchors\n\nThe anchor weighs ninety stone.\n", encoding="utf-8")
    for at in pair[:2]:
        assert within(60, lambda at=at: "ninety stone" in found(at, "What does the anchor weigh?"))
    with psycopg.connect(here.database) as db:
        names = [row[0] for row in db.execute("SELECT name FROM tandem_library.documents ORDER BY name")]
        leaders = db.execute("SELECT count(*) FROM tandem_cluster.leases").fetchone()
    assert names == sorted({*DOCUMENTS, "anchor.md"}) and leaders == (1,)
    (papers / "anchor.md").unlink()
    for at in pair[:2]:
        assert within(60, lambda at=at: "ninety stone" not in found(at, "What does the anchor weigh?"))


def test_an_answer_of_one_is_followed_and_stopped_at_the_other(pair: Pair) -> None:
    here, there, models = pair
    models.models["phi-4-mini"] = Reply([GOOD] * 3, end="hang")
    cookies = dict(here.sign_in("cem").cookies)
    with Socket(here.target, cookies) as socket, httpx.Client(base_url=there.address, cookies=cookies) as client:
        socket.begin()
        socket.emit("client_message", message(HOLIDAYS))
        socket.hear("25 days")
        threads = {"pagination": {"first": 5}, "filter": {}}
        thread = client.post("/project/threads", json=threads).json()["data"][0]["id"]
        assert within(60, lambda: "25 days" in under_way(here, thread))
        with Socket(there.target, cookies, threadId=thread) as other:
            other.emit("connection_successful")
            steps = json.loads(other.hear('"resume_thread"')[2:])[1]["steps"]
            assert "25 days" in next(step["output"] for step in steps if step["type"] == "assistant_message")
            other.emit("stop")
            assert "25 days" in other.hear('"update_message"')
            assert other.hear('"task_end"') != "closed"
            assert '"stopped"' in socket.hear('"stopped"')
            # The page at the other one is still open when the next question is asked here.
            models.models["phi-4-mini"] = Reply(["Unused days expire at the end of March [1]."], delay_s=1.5)
            socket.emit("client_message", message("When do unused days expire?"))
            assert '"new_message"' in other.hear("When do unused days expire?")
            assert "end of March" in other.hear("end of March", seconds=30)
            assert other.hear('"task_end"') != "closed"
    assert within(60, lambda: under_way(here, thread) == "")


def under_way(at: Machine, thread: str) -> str:
    """What the database knows of an answer that is being written there."""
    with psycopg.connect(at.database) as db:
        asked = "SELECT step->>'output' FROM tandem_cluster.answers WHERE thread = %s"
        row = db.execute(asked, (thread,)).fetchone()
    return str(row[0]) if row is not None else ""


def test_a_collection_that_is_made_at_one_closes_its_documents_at_the_other(pair: Pair) -> None:
    here, there, _ = pair
    ada = there.sign_in("ada").cookies

    def found() -> int:
        asked = {"q": "How many days of paid holiday?"}
        answer = httpx.get(f"{there.address}/browser/search", params=asked, cookies=ada, timeout=60)
        assert answer.status_code == 200
        return len(answer.json()["passages"])

    assert within(60, lambda: found() > 0)
    with httpx.Client(base_url=here.address, cookies=here.cookies(), timeout=60) as chief:
        form = chief.get("/administration/collections/new").text
        folder = re.findall(r'name="folder" value="(\w+)"', form)[0]
        made = chief.post("/administration/collections/save", data={"name": "All", "open": "groups", "folder": folder})
        assert made.status_code == 303
        assert found() == 0, "at once: its documents carry the new label when it is saved"
        key = made.headers["location"].partition("kept=")[2]
        asked = chief.post("/administration/collections/delete", data={"key": key}).text
        sent = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))
        assert "is deleted" in chief.post("/administration/collections/delete", data=sent).text
    assert within(60, lambda: found() > 0)
