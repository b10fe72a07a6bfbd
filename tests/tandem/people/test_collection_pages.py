"""The pages on which collections are made, changed and deleted, in a running chat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.security.access_table import Place, serving
from tests.security.conftest import Socket, message
from tests.support.terminal import start
from tests.support.waiting import within
from tests.tandem.sharing.test_routes import shared

HERE = "/administration/collections"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp("place")) as running:
        yield running


def marks(page: str) -> dict[str, str]:
    """By the name of each folder that may be ticked, what is sent for it."""
    found = re.findall(r'name="folder" value="(\w+)"(?: checked| disabled)?> <span>([^<]+?) <small>', page)
    return {unescape(name): mark for mark, name in found}


def hidden(page: str) -> dict[str, list[str]]:
    """What the last form of a page sends without being asked, by name."""
    sent: dict[str, list[str]] = {}
    last = page[page.rindex("<form") :]
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', last):
        sent.setdefault(name, []).append(unescape(value))
    return sent


def sees(place: Place, persona: str, document: str) -> bool:
    with place.client(persona) as client:
        return client.get(f"/source/document/{place.ids[document]}").status_code == 200


def made(chief: httpx.Client, **fields: object) -> str:
    """Have one made; its key."""
    folders = marks(chief.get(f"{HERE}/new").text)
    sent = {"key": "", "version": "0", "open": "groups", **fields, "folder": folders["papers"]}
    answer = chief.post(f"{HERE}/save", data=sent)
    if answer.status_code == 200:
        answer = chief.post(f"{HERE}/save", data=hidden(answer.text))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("kept=")[2]


def deleted(chief: httpx.Client, key: str) -> str:
    """Delete one; what was said before."""
    asked = chief.post(f"{HERE}/delete", data={"key": key})
    assert asked.status_code == 200
    done = chief.post(f"{HERE}/delete", data=hidden(asked.text))
    assert done.status_code == 200 and "is deleted" in done.text
    return asked.text


def test_one_is_made_changed_and_deleted(place: Place) -> None:
    assert sees(place, "member", "open") and sees(place, "outsider", "open")
    with place.client("administrator") as chief:
        form = chief.get(f"{HERE}/new").text
        assert set(marks(form)) == {"papers", "hr", "it"} and form.count("disabled") == 2, "of the settings, these stay"
        name = 'House & <script>alert("x")</script>'
        key = made(chief, name=name, reader="it", people="cem")
        shown = chief.get(f"{HERE}?kept={key}").text
        assert "<script>" not in shown and "House &amp; &lt;script&gt;" in shown and "is saved" in shown
        assert "in the settings file" in shown and "papers/hr" in shown
        assert sees(place, "outsider", "open") and sees(place, "curator", "open")
        assert not sees(place, "member", "open") and not sees(place, "administrator", "open")
        with place.client("curator") as cem, place.client("member") as ayse:
            assert "House &amp; &lt;script&gt;" in cem.get("/account").text
            assert "House" not in ayse.get("/account").text
            assert (
                cem.get(f"{HERE}/edit?key={key}").status_code == 403 == ayse.get(f"{HERE}/edit?key={key}").status_code
            )
            for bold in (cem, ayse):
                assert bold.post(f"{HERE}/delete", data={"key": key}).status_code == 403
                assert bold.post(f"{HERE}/save", data={"key": key, "open": "everybody"}).status_code == 403
        kept = chief.get(f"{HERE}/edit?key={key}").text
        assert 'value="cem"' in kept and re.search('name="reader" value="it" checked', kept)
        # Whom it opens for is said before, and only that is agreed to.
        again = {
            **hidden(kept),
            "name": "House",
            "open": "groups",
            "reader": "it",
            "readers": "hr, new ones",
            "people": "",
            "folder": marks(kept)["papers"],
        }
        asked = chief.post(f"{HERE}/save", data=again)
        assert asked.status_code == 200 and "more people may read documents: 1" in asked.text and "hr" in asked.text
        assert "closed to somebody who may read them now: 1" in asked.text and not sees(place, "member", "open")
        wrong = chief.post(f"{HERE}/save", data={**hidden(asked.text), "sure": "yes"})
        assert wrong.status_code == 200 and not sees(place, "member", "open")
        assert chief.post(f"{HERE}/save", data=hidden(asked.text)).status_code == 303
        assert sees(place, "member", "open") and not sees(place, "curator", "open")
        said = deleted(chief, key)
        assert "everybody who signs in may read documents that only some may read now: 1" in said
        assert sees(place, "administrator", "open") and not sees(place, "outsider", "pay")
    out, _ = start(place.target.home, "audit", "export").communicate(timeout=60)
    noted = [one for line in out.splitlines() if (one := json.loads(line))["action"].startswith("collection.")]
    assert [(one["action"], one["actor"]) for one in noted[-3:]] == [
        ("collection.made", "dora"),
        ("collection.changed", "dora"),
        ("collection.deleted", "dora"),
    ]
    changed, gone = (json.loads(one["details"]) for one in noted[-2:])
    assert changed["readers"] == ["+ hr", "+ new ones"] and changed["curators"] == ["- cem"]
    assert gone["folders"] == ["- papers"] and gone["documents"] == 1


def test_of_two_administrators_at_once_the_second_looks_again(place: Place) -> None:
    with place.client("administrator") as one, place.client("administrator") as other:
        key = made(one, name="Both", reader="hr")
        forms = [hidden(client.get(f"{HERE}/edit?key={key}").text) for client in (one, other)]
        folder = marks(one.get(f"{HERE}/edit?key={key}").text)["papers"]
        first = {**forms[0], "name": "First", "open": "groups", "reader": "hr", "folder": folder}
        assert one.post(f"{HERE}/save", data=first).status_code == 303
        late = other.post(f"{HERE}/save", data={**first, **forms[1], "name": "Second"})
        assert late.status_code == 400 and "Somebody else has changed" in late.text and 'value="Second"' in late.text
        # One who was made curator meanwhile counts too.
        before = hidden(other.get(f"{HERE}/edit?key={key}").text)
        assert one.post("/administration/role", data={"name": "ben", "role": f"curator {key}"}).status_code == 303
        assert other.post(f"{HERE}/save", data={**first, **before}).status_code == 400
        asked = other.post(f"{HERE}/delete", data={"key": key})
        assert one.post("/administration/role", data={"name": "ben", "role": "member"}).status_code == 303
        assert "Delete First?" in other.post(f"{HERE}/delete", data=hidden(asked.text)).text, "asked once more"
        deleted(one, key)
        gone = other.post(f"{HERE}/delete", data=hidden(asked.text))
        assert gone.status_code == 400 and "not there any more" in gone.text
        assert other.post(f"{HERE}/save", data={**first, **before}).status_code == 400
        assert one.post("/administration/role", data={"name": "ben", "role": f"curator {key}"}).status_code == 400


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "1 to 60 characters"),
        ({"name": "a, b"}, "1 to 60 characters"),
        ({"name": "personnel"}, "already"),
        ({"folder": ""}, "at least one folder"),
        ({"folder": "../../etc"}, "not among the indexed ones"),
        ({"folder": "/etc"}, "not among the indexed ones"),
        ({"folder": "papers/hr"}, "not among the indexed ones"),
        ({"people": "zoe, cem"}, "Nobody here is called zoe"),
        ({"readers": "a/b"}, "1 to 100 characters"),
        ({"key": "-0011223344556677"}, "not there any more"),
        ({"key": "Personnel"}, "not there any more"),
    ],
)
def test_what_cannot_be_is_told_and_what_was_written_stays(place: Place, fields: dict[str, str], said: str) -> None:
    with place.client("administrator") as chief:
        folder = marks(chief.get(f"{HERE}/new").text)["papers"]
        sent = {"key": "", "version": "0", "name": "Kept words", "open": "groups", "reader": "hr", "folder": folder}
        answer = chief.post(f"{HERE}/save", data={**sent, **fields})
        assert answer.status_code == 400 and said in answer.text
        assert 'name="reader" value="hr" checked' in answer.text, "nothing has to be written anew"
        assert "Kept words" in answer.text or "name" in fields
        assert "Kept words" not in chief.get(HERE).text


def test_a_folder_that_the_settings_give_to_another_is_not_taken(place: Place) -> None:
    with place.client("administrator") as chief:
        folder = marks(chief.get(f"{HERE}/new").text)["hr"]
        sent = {"name": "Pay", "open": "everybody", "folder": folder}
        assert chief.post(f"{HERE}/save", data=sent).status_code == 400
        assert not sees(place, "outsider", "pay")


def test_a_question_finds_nothing_of_it_and_the_index_follows(place: Place) -> None:
    body = {"model": "tandem", "messages": [{"role": "user", "content": "What is the door code?"}]}

    def answered(persona: str, **more: object) -> str:
        with place.client(persona) as client:
            return client.post("/v1/chat/completions", json={**body, **more}).text

    with place.client("administrator") as chief:
        key = made(chief, name="House", reader="hr")
        assert "seven" in answered("member") and "seven" not in answered("outsider")
        assert within(60, lambda: "seven" in answered("member", tandem={"collections": ["House"]})), (
            "once the index follows"
        )
        assert "seven" not in answered("outsider", tandem={"collections": ["House"]})
        assert "seven" not in answered("outsider", tandem={"collections": [key]})
        users = {"TANDEM_SERVER__USERS": "ben:bens-words"}
        role = ("people", "role", "ben", "curator", "--collection", "House")
        out, _ = start(place.target.home, *role, **users).communicate(timeout=60)
        assert "ben is curator of House now." in out
        assert within(60, lambda: "seven" in answered("outsider"))
        deleted(chief, key)
    assert within(60, lambda: "seven" in answered("outsider"))


def test_what_was_shared_before_tells_nothing_of_what_was_closed_since(place: Place) -> None:
    with Socket(place.target, place.target.cookies["ayse"]) as socket:
        socket.begin()
        socket.emit("client_message", message("What documents do you have?"))
        socket.hear('"state":"done"')
        socket.hear("task_end")
    with place.client("administrator") as chief, place.client("member") as ayse, place.client("outsider") as ben:
        page = ayse.post("/project/threads", json={"pagination": {"first": 1}, "filter": {}}).json()
        steps = ayse.get(f"/project/thread/{page['data'][0]['id']}").json()["steps"]
        answer = next(step["id"] for step in steps if (step["metadata"] or {}).get("question"))
        # Both of them may read all that it tells of.
        key = made(chief, name="House", open="everybody")
        assert chief.post("/administration/join", data={"name": "ben", "group": "hr"}).status_code == 303
        address = shared(ayse, answer, people="ben")
        assert "House rules" in ben.get(address).text
        form = chief.get(f"{HERE}/edit?key={key}").text
        closed = {**hidden(form), "name": "House", "open": "groups", "readers": "some", "folder": marks(form)["papers"]}
        assert chief.post(f"{HERE}/save", data=closed).status_code == 303
        told = ben.get(address)
        assert told.status_code == 200 and "House rules" not in told.text
        deleted(chief, key)
        assert "House rules" not in ben.get(address).text, "who may read what is told by other rights now"
        assert chief.post("/administration/leave", data={"name": "ben", "group": "hr"}).status_code == 303


def test_it_can_be_picked_in_the_chat_by_who_may_read_it(place: Place) -> None:
    def offered(who: str) -> str:
        with Socket(place.target, place.target.cookies[who]) as socket:
            socket.emit("connection_successful")
            return socket.hear("chat_settings")

    with place.client("administrator") as chief:
        key = made(chief, name="House & <i>", reader="hr")
        (told,) = [
            one for tab in json.loads(offered("ayse")[2:])[1] for one in tab["inputs"] if one["id"] == "collections"
        ]
        assert {"label": "House & <i>", "value": key} in told["items"] and key not in offered("ben")
        deleted(chief, key)
        assert key not in offered("ayse")


def test_what_only_a_file_says_is_shown_and_not_changed(place: Place) -> None:
    with place.client("administrator") as chief:
        shown = chief.get(HERE).text
        assert "Personnel" in shown and "in the settings file" in shown and "edit?key" not in shown
        assert chief.get(f"{HERE}/edit?key=Personnel").status_code == 404
        assert chief.post(f"{HERE}/delete", data={"key": "Personnel"}).status_code == 400
    settings = Path(place.target.home / "tandem.yaml").read_text(encoding="utf-8")
    assert "House" not in settings
