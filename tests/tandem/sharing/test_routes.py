"""Sharing between people on a running chat: who is named reads as far as their own rights go, nobody else anything."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.security.access_table import NAMES, PERSONAS, Place, serving
from tests.security.conftest import Socket, message

ASKED = ("What is the door code?", "What is the bonus code?", "What is the restructuring code?")
SECRETS = ("heronshaw", "ospreyline", "pay.md", "plan.pdf", "restructuring code is")
GONE = "There is nothing at this address for you"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp("sharing")) as running:
        yield running


@pytest.fixture(scope="module")
def clients(place: Place) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        yield {persona: stack.enter_context(place.client(persona)) for persona in PERSONAS}


@pytest.fixture(scope="module")
def answers(place: Place, clients: dict[str, httpx.Client]) -> dict[str, str]:
    """A conversation of ayse's: the id of the answer by its question, and of the conversation."""
    with Socket(place.target, place.target.cookies["ayse"]) as socket:
        socket.begin()
        for asked in ASKED:
            socket.emit("client_message", message(asked))
            socket.hear('"state":"done"')
            socket.hear("task_end")
    page = clients["member"].post("/project/threads", json={"pagination": {"first": 1}, "filter": {}}).json()
    thread = page["data"][0]["id"]
    steps = clients["member"].get(f"/project/thread/{thread}").json()["steps"]
    return {step["metadata"]["question"]: step["id"] for step in steps if (step["metadata"] or {}).get("question")} | {
        "": thread
    }


def shared(client: httpx.Client, answer: str, **more: str) -> str:
    """The address of what is shared now."""
    made = client.post("/shared/new", data={"answer": answer, "what": "answer", "people": "", "days": "7", **more})
    assert made.status_code == 303, made.text
    listed = client.get(made.headers["location"]).text
    found = re.search(r"https?://[^/]+(/shared/[\w-]{32})<", listed)
    assert found, listed
    return found[1]


def test_who_is_named_reads_it_and_a_stranger_learns_nothing(
    clients: dict[str, httpx.Client], answers: dict[str, str]
) -> None:
    link = shared(clients["member"], answers[ASKED[1]], people="ben, cem")
    for persona in PERSONAS:
        seen = clients[persona].get(link)
        wanted = 200 if persona in ("member", "outsider", "curator") else 404 if persona == "administrator" else 401
        assert seen.status_code == wanted, persona
        reads = persona in ("member", "curator")
        assert ("heronshaw" in seen.text) == reads, persona
        assert ("pay.md" in seen.text) == reads, persona
        if persona == "administrator":
            assert GONE in seen.text and ASKED[1] not in seen.text
        if wanted == 200:
            policy = seen.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "script-src" not in policy
            assert ("<script" not in seen.text and "may not read" in seen.text) or reads
    assert clients["curator"].get("/shared/" + "A" * 32).status_code == 404
    assert clients["outsider"].get("/shared").text.count(link) == 1
    assert link not in clients["administrator"].get("/shared").text


def test_a_whole_conversation_is_as_it_was_and_each_sees_what_they_may(
    place: Place, clients: dict[str, httpx.Client], answers: dict[str, str]
) -> None:
    link = shared(clients["member"], answers[ASKED[0]], what="conversation", groups="it", people="cem")
    outsider, curator = clients["outsider"].get(link).text, clients["curator"].get(link).text
    assert all(asked in outsider and asked in curator for asked in ASKED)
    assert not [word for word in SECRETS if word in outsider]
    assert "door code is seven" in outsider and all(word in curator for word in ("heronshaw", "ospreyline"))
    with Socket(place.target, place.target.cookies["ayse"], threadId=answers[""]) as socket:
        socket.begin()
        socket.emit("client_message", message("Who is the quetzal?", threadId=answers[""]))
        socket.hear("task_end")
    assert "quetzal" not in clients["curator"].get(link).text


def test_a_briefing_tells_a_stranger_nothing_of_its_document(place: Place, clients: dict[str, httpx.Client]) -> None:
    member, pause, until = clients["member"], threading.Event(), time.monotonic() + 60
    with Socket(place.target, place.target.cookies["ayse"]) as socket:
        socket.begin()
        socket.emit("client_message", message("pay.md", command="Briefing"))
        found: list[dict[str, Any]] = []
        while not found and time.monotonic() < until and not pause.wait(0.1):
            page = member.post("/project/threads", json={"pagination": {"first": 1}, "filter": {}}).json()
            steps = member.get(f"/project/thread/{page['data'][0]['id']}").json()["steps"]
            found = [step for step in steps if (step["metadata"] or {}).get("briefing")]
    (brief,) = found
    assert "Bonuses" in brief["output"]
    for what in ("answer", "conversation"):
        link = shared(clients["member"], brief["id"], what=what, people="ben, cem")
        outsider, curator = clients["outsider"].get(link), clients["curator"].get(link).text
        assert "heronshaw" in curator and outsider.status_code == 200
        # What its owner typed is the owner's to tell.
        page = outsider.text.replace("pay.md", "", 3)
        told = [word for word in (*SECRETS, "Bonuses", "source/passage") if word in page]
        assert told == [], told


def test_rights_of_now_count(place: Place, clients: dict[str, httpx.Client], answers: dict[str, str]) -> None:
    link = shared(clients["member"], answers[ASKED[1]], people="ben", groups="hr")
    file = place.target.home / "tandem.yaml"
    before = file.read_text(encoding="utf-8")
    assert "heronshaw" not in clients["outsider"].get(link).text
    try:
        file.write_text(before.replace("hr: [ayse]", "hr: [ben, dora]"), encoding="utf-8")
        assert "heronshaw" in clients["outsider"].get(link).text
        assert "heronshaw" in clients["administrator"].get(link).text, "she is in the group now"
    finally:
        file.write_text(before, encoding="utf-8")
    assert "heronshaw" not in clients["outsider"].get(link).text
    assert clients["administrator"].get(link).status_code == 404


def test_what_is_ended_is_gone_at_once_and_only_its_owner_ends_it(
    clients: dict[str, httpx.Client], answers: dict[str, str]
) -> None:
    link = shared(clients["member"], answers[ASKED[0]], people="ben")
    number = {"id": link.removeprefix("/shared/")}
    for persona in ("outsider", "administrator"):
        assert clients[persona].post("/shared/revoke", data=number).status_code == 404
    assert clients["outsider"].get(link).status_code == 200
    assert clients["member"].post("/shared/revoke", data=number).status_code == 303
    assert [clients[persona].get(link).status_code for persona in ("outsider", "member")] == [404, 404]


def test_nobody_shares_what_is_not_theirs_or_with_nobody(
    clients: dict[str, httpx.Client], answers: dict[str, str]
) -> None:
    for persona in ("outsider", "administrator", "curator"):
        for answer in (answers[ASKED[0]], answers[""], "../../etc/passwd", "", "x" * 5000):
            assert clients[persona].get("/shared/new", params={"answer": answer[:1500]}).status_code == 404
            made = clients[persona].post("/shared/new", data={"answer": answer, "people": "ben"})
            assert made.status_code == 404
    member = clients["member"]
    for sent, said in (
        ({"people": ""}, "at least one person"),
        ({"people": "ayse"}, "at least one person"),
        ({"people": "ben, nobody here"}, "Nobody here is called nobody here"),
        ({"groups": "no such group"}, "There is no group no such group"),
        ({"people": "zoe"}, "Nobody here is called zoe"),
    ):
        made = member.post("/shared/new", data={"answer": answers[ASKED[0]], **sent})
        assert made.status_code == 400 and said in made.text


def test_pressed_twice_or_reloaded_it_is_shared_once(clients: dict[str, httpx.Client], answers: dict[str, str]) -> None:
    member = clients["member"]
    before = member.get("/shared").text.count("/shared/revoke")
    link = shared(member, answers[ASKED[0]], people="dora")
    assert shared(member, answers[ASKED[0]], people="dora") == link
    assert member.get("/shared").text.count("/shared/revoke") == before + 1
    assert shared(member, answers[ASKED[0]], people="dora, cem") != link
    assert link not in clients["outsider"].get("/shared", params={"made": link.removeprefix("/shared/")}).text


def test_it_goes_with_the_conversation_and_is_in_the_audit_log(
    place: Place, clients: dict[str, httpx.Client], answers: dict[str, str]
) -> None:
    link = shared(clients["member"], answers[ASKED[1]], people="cem")
    assert "heronshaw" in clients["curator"].get(link).text
    gone = clients["member"].request("DELETE", "/project/thread", json={"threadId": answers[""]})
    assert gone.status_code == 200
    assert clients["curator"].get(link).status_code == 404
    with closing(sqlite3.connect(place.target.home / ".tandem" / "people.db")) as db:
        mine = "SELECT count(*) FROM shares WHERE conversation = ?"
        assert db.execute(mine, (answers[""],)).fetchone() == (0,)
        alone = "SELECT count(*) FROM share_readers WHERE share NOT IN (SELECT id FROM shares)"
        assert db.execute(alone).fetchone() == (0,)
    number = link.removeprefix("/shared/")
    pause, until = threading.Event(), time.monotonic() + 60
    while len(entries := logged(place.target.home, number)) < 2 and time.monotonic() < until:
        pause.wait(0.1)
    assert [(one["actor"], one["action"]) for one in entries] == [("ayse", "share.made"), ("cem", "share.opened")]
    assert not [word for word in (*SECRETS, *ASKED) if word in json.dumps(entries)]
    assert NAMES["curator"] == "cem"


def logged(home: Path, number: str) -> list[dict[str, str]]:
    with closing(sqlite3.connect(home / ".tandem" / "audit.db")) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM audit WHERE object = ? ORDER BY number", (number,))]
