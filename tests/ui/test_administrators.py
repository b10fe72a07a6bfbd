"""Who may change models and the library where people sign in: in Chromium, with the buttons and without them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, WebSocket, expect

from tests.ui.conftest import PATIENCE_MS, Person, serving_store

REFUSED = "Only an administrator may change models and the library; ask one of them."


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A chat in which ada is an administrator and bob is not, with a model to download and a file that failed."""
    people = {"TANDEM_SERVER__USERS": "ada:a,bob:b", "TANDEM_SERVER__ADMINISTRATORS": "ada"}
    with serving_store(tmp_path_factory.mktemp("home"), **people) as address:
        yield address


class SignedIn(Person):
    """Somebody at the browser with a name, whose session and socket the test knows."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.sockets: list[WebSocket] = []
        self.session = ""
        page.on("websocket", self._hear)
        page.on("request", self._note)

    def _hear(self, socket: WebSocket) -> None:
        self.sockets.append(socket)

    def _note(self, request: Request) -> None:
        self.session = parse_qs(urlsplit(request.url).query).get("session_id", [self.session])[0]

    def is_told(self) -> AbstractContextManager[object]:
        """A block in which the person must be told that this is for administrators."""
        return self.sockets[-1].expect_event("framereceived", lambda frame: REFUSED in str(frame), timeout=PATIENCE_MS)

    def send(self, wish: str, **values: str) -> None:
        """What a button of the panel sends, without the button."""
        self.page.evaluate("wish => window.postMessage(wish, window.location.origin)", {"tandem": wish, **values})

    def act(self, action_name: str, **payload: str) -> int:
        """What a button under a message sends, without the button; the status of the reply."""
        action = {
            "id": "a",
            "name": action_name,
            "payload": payload,
            "label": "",
            "tooltip": "",
            "icon": None,
            "forId": None,
        }
        status = self.page.evaluate(
            """body => fetch("/project/action", {
                method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body),
            }).then(reply => reply.status)""",
            {"sessionId": self.session, "action": action},
        )
        return int(status)


def sign_in(browser: Browser, address: str, name: str, password: str) -> SignedIn:
    page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    person = SignedIn(page)
    page.goto(address)
    page.fill("#email", name)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_selector("#chat-input")
    expect(page.locator("#mode-picker-trigger-mode")).to_be_visible()
    return person


@pytest.mark.browser
def test_only_administrators_change_models_and_documents(chat: str, browser: Browser) -> None:
    bob = sign_in(browser, chat, "bob", "b")
    page = bob.page
    page.click("a[href$='#library']")
    expect(page.locator("[data-document='broken.pdf']")).to_contain_text("damaged")
    page.click("[data-testid=library] [data-tab=models]")
    expect(page.locator("[data-model-row=stubborn]")).to_have_attribute("data-model-state", "cached")
    expect(page.locator("[data-testid=library] [data-action]:not([data-action=sign-out-everywhere])")).to_have_count(0)
    expect(page.get_by_test_id("offer")).to_have_count(0)
    wishes = (("load", "stubborn"), ("unload", "stubborn"), ("download", "phi-4-mini"), ("cancel", "x"), ("add", "x"))
    for wish, name in (*wishes, ("remove", "x")):
        with bob.is_told():
            bob.send(wish, name=name)
    with bob.is_told():
        bob.send("retry", name="")
    expect(page.locator("[data-model-row=stubborn]")).to_have_attribute("data-model-state", "cached")
    expect(page.locator("[data-model-row=phi-4-mini]")).to_have_attribute("data-model-state", "downloadable")
    page.close()

    ada = sign_in(browser, chat, "ada", "a")
    page = ada.page
    expect(page.get_by_test_id("offer").locator("[data-action=download]")).to_be_enabled()
    page.click("a[href$='#library']")
    expect(page.locator("[data-document='broken.pdf'] [data-action=retry]")).to_be_enabled()
    page.click("[data-testid=library] [data-tab=models]")
    page.click("[data-testid=library] [data-model-row=stubborn] [data-action=load]")
    expect(page.locator("[data-testid=library] [data-model-row=stubborn] [data-action=unload]")).to_be_enabled()
    page.close()


@pytest.mark.browser
def test_signing_out_everywhere_ends_the_other_browser(chat: str, browser: Browser) -> None:
    here, there = (sign_in(browser, chat, "ada", "a") for _ in range(2))
    bob = sign_in(browser, chat, "bob", "b")
    there.ask("How many days of paid holiday does every employee have?")
    there.wait_for_answers(1)
    here.page.click("a[href$='#library']")
    with there.sockets[-1].expect_event("close", timeout=PATIENCE_MS):
        here.page.click("[data-action=sign-out-everywhere]")
    expect(there.page.get_by_text("You are signed out; sign in again to go on.")).to_be_visible()
    # Its next action leads to the door, as does every other.
    assert there.act("promote", element_id="x", name="x") == 401
    there.page.reload()
    for page in (here.page, there.page):
        expect(page.locator("#email")).to_be_visible()
    bob.ask("How many days of paid holiday does every employee have?")
    bob.wait_for_answers(1)
    for person in (here, there, bob):
        person.page.close()


@pytest.mark.browser
def test_only_administrators_add_files_to_the_library(chat: str, browser: Browser) -> None:
    bob = sign_in(browser, chat, "bob", "b")
    bob.drop(**{"badger.md": b"# Pets\n\nThe badger is called Ferdinand."})
    bob.page.click("#chat-submit")
    file = bob.page.locator("[data-file='badger.md']")
    expect(file).to_have_attribute("data-file-state", "indexed")
    expect(file.locator("[data-action=promote]")).to_have_count(0)
    thread = bob.page.evaluate("fetch(`/project${location.pathname}`).then(reply => reply.json())")
    (element,) = [one["id"] for one in thread["elements"] if one["name"] == "Uploads"]
    with bob.is_told():
        assert bob.act("promote", element_id=element, name="badger.md") == 200
    bob.page.close()

    ada = sign_in(browser, chat, "ada", "a")
    ada.drop(**{"otter.md": b"# Pets\n\nThe otter is called Agathe."})
    ada.page.click("#chat-submit")
    ada.page.click("[data-file='otter.md'] [data-action=promote]")
    expect(ada.page.get_by_test_id("in-library")).to_be_visible()
    ada.page.click("a[href$='#library']")
    expect(ada.page.get_by_test_id("documents")).to_contain_text("otter.md")
    expect(ada.page.get_by_test_id("documents")).not_to_contain_text("badger.md")
    ada.page.close()
