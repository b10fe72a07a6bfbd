"""Who may do what: every line of the table in tandem/auth/README.md, asked of a running chat."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from tandem.conversations.exports import FORMATS
from tandem.doors import DOORS
from tandem.server import ROUTERS
from tests.security.access_table import METHODS, NAMES, PERSONAS, SCOPED, SECRETS, Place, events, rows, serving
from tests.security.conftest import Socket, message

UI = Path(__file__).parents[2] / "tandem" / "ui"
NOTHING = '"matching": 0', '"matching":0'
"""Of the answer to a search of the list that finds nothing; the list comes by itself too, with what is in it."""
REFUSED = "Only an administrator may change models and the library"
SIGNED_IN = PERSONAS[1:5]
MAY_READ = {"member": "hr", "outsider": "it", "curator": "hr", "administrator": "", **dict.fromkeys(SCOPED[:-1], "hr")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp("place")) as running:
        yield running


@pytest.fixture(scope="module")
def clients(place: Place) -> Iterator[dict[str, httpx.Client]]:
    with ExitStack() as stack:
        yield {persona: stack.enter_context(place.client(persona)) for persona in PERSONAS}


def hidden_from(persona: str) -> list[str]:
    return [word for group, words in SECRETS.items() if group != MAY_READ.get(persona) for word in words]


def test_every_address_answers_as_the_table_says(place: Place, clients: dict[str, httpx.Client]) -> None:
    wrong: list[str] = []
    pairs = 0
    named: dict[str, set[str]] = {}
    for row in rows():
        named.setdefault(row.address, set()).update(row.methods)
    for row in rows():
        others = [method for method in METHODS if method not in named[row.address]]
        named[row.address].update(others)
        for method in (*row.methods, *others):
            for persona in PERSONAS:
                wanted = 405 if method in others else row.statuses[persona]
                leaves = row.address == "/logout" and method == "POST"  # the others go on
                answer = place.ask(clients["nobody" if leaves else persona], method, row.address)
                pairs += 1
                if answer.status_code != wanted:
                    wrong.append(f"{persona}: {method} {row.address} answers {answer.status_code}, not {wanted}")
                if told := [word for word in hidden_from(persona) if word in answer.text]:
                    wrong.append(f"{persona}: {method} {row.address} tells {told}")
    assert wrong == []
    assert pairs >= 1_000


def test_every_door_is_in_the_table() -> None:
    asked = [(method, row.address.partition("?")[0]) for row in rows() for method in row.methods]
    missing = [
        f"{method} {door.path.pattern}"
        for door in DOORS
        for method in door.methods
        if method in METHODS and not any(method == done and door.path.fullmatch(path) for done, path in asked)
    ]
    assert missing == []


def test_every_route_and_every_wish_of_the_page_is_in_the_table() -> None:
    asked = [(method, row.address.partition("?")[0]) for row in rows() for method in row.methods]
    missing = []
    for route in (one for router in ROUTERS for one in router.routes if isinstance(one, APIRoute)):
        path = re.compile(re.sub(r"\{[^}:]*(:path)?\}", lambda part: ".+" if part[1] else "[^/]+", route.path))
        for method in route.methods & set(METHODS):
            if not any(method == done and path.fullmatch(address) for done, address in asked):
                missing.append(f"{method} {route.path}")
    wishes = {
        f"window_message {name}"
        for file in ("library_panel.py", "first_page.py")
        for name in re.findall(r'case "(\w+)":', (UI / file).read_text(encoding="utf-8"))
    }
    actions = re.findall(r'action_callback\("(\w+)"\)', (UI.parents[1] / "app.py").read_text(encoding="utf-8"))
    assert missing == [] and len(wishes) > 10 and len(actions) >= 3
    assert wishes | {f"action {name}" for name in actions} <= events().keys()
    source = (UI / "chainlit_compat.py").read_text(encoding="utf-8")
    heard, silent = (re.findall(rf"^{name} = \((.*?)\)$", source, re.M | re.S)[0] for name in ("EVENTS", "SILENT"))
    # The silent ones, and `stop`, are about the page's own session and carry nothing.
    kinds = set(re.findall(r'"(\w+)"', heard)) - set(re.findall(r'"(\w+)"', silent))
    assert {event.partition(" ")[0] for event in events()} - {"action"} == kinds


def test_an_answer_holds_what_its_asker_may_read(place: Place, clients: dict[str, httpx.Client]) -> None:
    for persona in (*SIGNED_IN, "key"):
        for asked in ("What is the bonus code?", "What is the router code?", "What documents do you have?"):
            body = {"model": "tandem", "messages": [{"role": "user", "content": asked}]}
            said = clients[persona].post("/v1/chat/completions", json=body).text
            found = clients[persona].get("/browser/search", params={"q": asked}).text
            assert not [word for word in hidden_from(persona) if word in said + found], (persona, asked)
            if asked == "What is the bonus code?":
                assert ("heronshaw" in said) == ("heronshaw" in found) == (MAY_READ.get(persona) == "hr"), persona
    chosen = {"model": "tandem", "messages": [{"role": "user", "content": "What is the door code?"}]}
    narrowed = clients["member"].post("/v1/chat/completions", json={**chosen, "tandem": {"collections": ["Network"]}})
    assert narrowed.json()["tandem"]["citations"] == []


def opened(place: Place, persona: str) -> Socket:
    return Socket(place.target, place.target.cookies[NAMES[persona]] if NAMES[persona] else None)


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_socket_opens_for_people_who_are_signed_in(place: Place, persona: str) -> None:
    with opened(place, persona) as socket:
        assert socket.opened == (persona in SIGNED_IN), socket.said


def does(place: Place, persona: str, socket: Socket, event: str) -> bool:
    """Whether somebody has an event of the table done. Each kind is told by what comes back."""
    kind, _, what = event.partition(" ")
    asked = message("What is the door code?", command=what if what == "Briefing" else None)
    match kind:
        case "action":
            payload = {"element_id": socket.session, "message_id": socket.session, "name": "x.md"}
            rest = {"label": "", "tooltip": "", "icon": None, "forId": None}
            body = {"sessionId": socket.session, "action": {"id": "a", "name": what, "payload": payload, **rest}}
            with place.client(persona) as client:
                assert client.post("/project/action", json=body).status_code == 200
        case "window_message":
            socket.emit("window_message", {"tandem": what, "name": "no-such-model"})
        case "chat_settings_change":
            socket.emit("chat_settings_change", {"passages": 4})
            return "chat_settings" in socket.hear("chat_settings")
        case "chat_settings_edit":
            socket.emit("chat_settings_edit", {"passages": 4})
            return "settings_wrong" in socket.hear("settings_wrong")
        case "client_message":
            socket.emit("client_message", asked)
            return "task_end" in socket.hear("task_end")
        case "edit_message":
            if what == "own":
                socket.emit("client_message", asked)
                socket.hear("task_end")
            socket.emit("edit_message", asked)
            socket.emit("window_message", {"tandem": "find", "text": "nothing is called so"})
            done = False
            # All that comes is waited for, or it would be taken for the next event's: in which order, nobody says.
            waiting = {"matching"}
            while waiting:
                heard = socket.hear("task_start", "task_end", *NOTHING)
                assert heard != "closed"
                if "task_start" in heard:
                    done = True
                    waiting.add("task_end")
                waiting -= {"task_end"} if "task_end" in heard else {"matching"} if "matching" in heard else set()
            return done
    # What is refused is refused at once, and before anything else is looked up.
    socket.emit("window_message", {"tandem": "find", "text": "nothing is called so"})
    heard = socket.hear(*NOTHING, REFUSED)
    if REFUSED in heard:
        socket.hear(*NOTHING)
    return REFUSED not in heard


@pytest.mark.parametrize("persona", SIGNED_IN)
def test_every_event_is_done_or_refused_as_the_table_says(place: Place, persona: str) -> None:
    with opened(place, persona) as socket:
        socket.begin()
        wanted = {event: may[persona] for event, may in events().items()}
        assert len(wanted) >= 16
        assert {event: does(place, persona, socket, event) for event in wanted} == wanted


@pytest.mark.parametrize("persona", SIGNED_IN)
def test_the_panel_lists_what_one_may_read(place: Place, persona: str) -> None:
    with opened(place, persona) as socket:
        socket.begin()
        socket.emit("window_message", {"tandem": "find", "text": ""})
        listed = socket.hear('"rows"')
        assert "open.md" in listed
        assert not [word for word in hidden_from(persona) if word in listed]
        assert ("pay.md" in listed) == ("Personnel" in listed) == (MAY_READ[persona] == "hr")
        assert ("net.md" in listed) == (MAY_READ[persona] == "it")


@pytest.mark.parametrize("persona", SIGNED_IN)
def test_the_chat_answers_from_what_one_may_read(place: Place, persona: str) -> None:
    with opened(place, persona) as socket:
        socket.begin()
        said = ""
        for asked, command in (("What is the bonus code?", None), ("pay.md", "Briefing")):
            socket.emit("client_message", message(asked, command=command))
            while "task_end" not in (frame := socket.hear("[")):
                said += frame
        assert ("heronshaw" in said) == (MAY_READ[persona] == "hr")
        assert not [word for word in hidden_from(persona) if word in said.replace("pay.md", "")]


def test_the_panel_offers_the_collections_that_one_may_read(place: Place) -> None:
    for persona in SIGNED_IN:
        with opened(place, persona) as socket:
            socket.emit("connection_successful")
            panel = socket.hear("chat_settings")
            assert ("Personnel" in panel) == (MAY_READ[persona] == "hr"), persona
            assert ("Network" in panel) == (MAY_READ[persona] == "it"), persona


def _kept(client: httpx.Client, words: str) -> str:
    """The conversation in which these words were said, once it is kept: that is done behind the answer."""
    over = threading.Event()
    for _ in range(600):
        listed = client.post("/project/threads", json={"pagination": {"first": 5}, "filter": {}}).json()["data"]
        for thread in listed:
            if words in client.get(f"/conversations/{thread['id']}/export/md").text:
                return str(thread["id"])
        over.wait(0.05)
    raise AssertionError(f"no conversation holds {words!r}")


def test_nobody_opens_somebody_elses_conversation(place: Place, clients: dict[str, httpx.Client]) -> None:
    with opened(place, "member") as socket:
        socket.begin()
        socket.emit("client_message", message("What is the bonus code?"))
        socket.hear("task_end")
    thread = _kept(clients["member"], "bonus code")
    for persona in PERSONAS:
        answer = clients[persona].get(f"/project/thread/{thread}")
        assert (answer.status_code == 200) == (persona == "member"), (persona, answer.text)
        if persona in SIGNED_IN and persona != "member":
            with Socket(place.target, place.target.cookies[NAMES[persona]], threadId=thread) as socket:
                assert not socket.opened, persona
    assert "heronshaw" in json.dumps(clients["member"].get(f"/project/thread/{thread}").json())


def test_a_right_that_is_taken_while_it_runs_counts_at_the_next_question(
    place: Place, clients: dict[str, httpx.Client]
) -> None:
    def told(persona: str) -> bool:
        found = clients[persona].get("/browser/search", params={"q": "What is the bonus code?"})
        document = clients[persona].get(f"/source/document/{place.ids['pay']}")
        assert ("heronshaw" in found.text) == (document.status_code == 200)
        return "heronshaw" in found.text

    file = place.target.home / "tandem.yaml"
    before = file.read_text(encoding="utf-8")
    assert told("member") and not told("outsider")
    try:
        file.write_text(before.replace("hr: [ayse]", "hr: [ben, api]"), encoding="utf-8")
        assert told("outsider") and not told("member")
        said = clients["key"].post("/v1/chat/completions", json=_BONUS).text
        assert "heronshaw" in said, "the key's programs are in a group now"
    finally:
        file.write_text(before, encoding="utf-8")
    assert told("member") and not told("outsider")


_BONUS = {"model": "tandem", "messages": [{"role": "user", "content": "What is the bonus code?"}]}


def test_a_conversation_is_its_owners_alone(place: Place, clients: dict[str, httpx.Client]) -> None:
    with opened(place, "member") as socket:
        socket.begin()
        socket.emit("client_message", message("Where does the capercaillie nest?"))
        socket.hear("task_start")
        socket.hear("task_end")
    member = clients["member"]
    here = f"/conversations/{_kept(member, 'capercaillie')}"
    assert member.get(here).status_code == 200
    for persona in ("outsider", "curator", "administrator"):
        client = clients[persona]
        for kind in FORMATS:
            assert client.get(f"{here}/export/{kind}").status_code == 404
        for deed in ("pin", "archive", "tags", "rename", "delete"):
            sent = {"tags": "mine", "name": "mine", "sure": "yes"}
            assert client.post(f"{here}/{deed}", data=sent).status_code == 404
        assert client.get(here).status_code == 404 and here not in client.get("/conversations").text
    assert "mine" not in member.get("/conversations").text and "capercaillie" in member.get("/conversations").text
    away = member.post(f"{here}/pin", data={"back": "https://elsewhere.example/conversations"})
    assert away.headers["location"] == here
    assert member.post(f"{here}/delete", data={"sure": "yes"}).headers["location"] == "/conversations"
    assert member.get(here).status_code == 404
