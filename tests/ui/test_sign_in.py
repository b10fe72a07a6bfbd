"""People with passwords, each with conversations of their own: over HTTP, and in the browser."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Literal

import chainlit as cl
import httpx
import pytest
from chainlit.context import init_http_context
from chainlit.types import Feedback
from playwright.sync_api import Browser, expect

from tandem.auth.passwords import hashed
from tandem.history.data_layer import SqlHistory
from tests.support.axe import faults
from tests.ui.conftest import PATIENCE_MS, Person, serving

THREAD = "5f2b6c1e-3f0a-4c8e-9a55-6d6f3c9d1a01"
STEP = "5f2b6c1e-3f0a-4c8e-9a55-6d6f3c9d1a02"
SETTINGS = "documents: papers\nmodels: {foundry: false}\n"


async def write_conversation_of_ada(home: Path) -> str:
    """A conversation with one rated message; returns the id of the rating."""
    init_http_context()
    history = SqlHistory.open(home / ".tandem" / "history.db", lambda: "ada")
    ada = await history.create_user(cl.User(identifier="ada"))
    assert ada is not None
    await history.update_thread(THREAD, name="Ada's question", user_id=ada.id)
    step = {"id": STEP, "threadId": THREAD, "type": "user_message", "name": "ada", "output": "secret plans"}
    await history.create_step(step)  # type: ignore[arg-type]
    mark = await history.upsert_feedback(Feedback(forId=STEP, value=1))
    await history.close()
    return mark


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a chat with two users, and the id of a rating of ada's."""
    home = tmp_path_factory.mktemp("home")
    with ThreadPoolExecutor(1) as beside:  # in this thread, the browser's event loop may run
        mark = beside.submit(asyncio.run, write_conversation_of_ada(home)).result()
    with serving(home, SETTINGS, TANDEM_SERVER__USERS="ada:şifre,bob:b") as address:
        yield address, mark


def sign_in(address: str, name: str, password: str) -> httpx.Client:
    client = httpx.Client(base_url=address, timeout=60)
    reply = client.post("/login", data={"username": name, "password": password})
    assert reply.status_code == 200, reply.text
    return client


def threads(client: httpx.Client) -> list[str]:
    reply = client.post("/project/threads", json={"pagination": {"first": 10}, "filter": {}})
    return [thread["name"] for thread in reply.json()["data"]]


def test_nobody_comes_in_without_the_password(served: tuple[str, str]) -> None:
    address, _ = served
    with httpx.Client(base_url=address, timeout=60) as client:
        for name, password in (("ada", "wrong"), ("eve", "şifre"), ("ada", "")):
            assert client.post("/login", data={"username": name, "password": password}).status_code in (401, 422)
        assert client.post("/auth/header").status_code == 400
        assert client.get("/user").status_code == 401
        assert client.get("/", headers={"accept": "text/html"}).headers.get("set-cookie") is None
        assert client.get(f"/project/thread/{THREAD}").status_code == 401


def test_everybody_sees_their_own_conversations_only(served: tuple[str, str]) -> None:
    address, mark = served
    with closing(sign_in(address, "ada", "şifre")) as ada, closing(sign_in(address, "bob", "b")) as bob:
        assert threads(ada) == ["Ada's question"]
        assert threads(bob) == []
        assert "secret plans" in ada.get(f"/project/thread/{THREAD}").text
        assert bob.get(f"/project/thread/{THREAD}").status_code == 401
        assert bob.get(f"/project/thread/{THREAD}/element/{STEP}").status_code == 401
        assert bob.put("/project/thread", json={"threadId": THREAD, "name": "mine"}).status_code == 401
        assert bob.request("DELETE", "/project/thread", json={"threadId": THREAD}).status_code == 401
        rating = {"feedback": {"forId": STEP, "value": 0, "comment": "spam"}, "sessionId": STEP}
        assert bob.put("/feedback", json=rating).status_code >= 400
        refused = bob.request("DELETE", "/feedback", json={"feedbackId": mark})
        assert (refused.status_code, refused.json()["detail"]) == (
            403,
            "This conversation belongs to somebody else; start one of your own.",
        )
        (step,) = ada.get(f"/project/thread/{THREAD}").json()["steps"]
        assert step["feedback"]["value"] == 1
        assert ada.put("/feedback", json=rating).json()["success"]
        (step,) = ada.get(f"/project/thread/{THREAD}").json()["steps"]
        assert (step["feedback"]["value"], step["feedback"]["comment"]) == (0, "spam")


@pytest.mark.browser
def test_signing_in_with_a_browser(served: tuple[str, str], browser: Browser) -> None:
    address, _ = served
    page = browser.new_page(locale="en-US")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?library&folder=hr")
    page.fill("#email", "ada")
    page.fill("#password", "şifre")
    page.click("button[type=submit]")
    # What the link names is shown once one has signed in.
    expect(page.locator("[data-folder=hr]")).to_be_visible()
    page.get_by_text("Ada's question").click()
    expect(page.locator("[data-step-type=user_message]")).to_contain_text("secret plans")
    person = Person(page)
    person.ask("How many days of paid holiday does every employee have?")
    person.wait_for_answers(1)
    assert "25 days" in person.answer()
    page.close()


@pytest.mark.browser
def test_who_guesses_too_often_is_told_when_to_try_again(served: tuple[str, str], browser: Browser) -> None:
    address, _ = served
    page = browser.new_page(locale="tr-TR")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.fill("#email", "bob")
    page.fill("#password", "b")
    with httpx.Client(base_url=address, timeout=60) as client:
        guess = {"username": "bob", "password": "guess"}
        assert [client.post("/login", data=guess).status_code for _ in range(6)] == [401] * 5 + [429]
    page.click("button[type=submit]")
    expect(page.get_by_text("Çok fazla başarısız deneme;")).to_be_visible()
    page.close()


def test_a_password_may_be_given_as_its_hash(tmp_path: Path) -> None:
    with serving(tmp_path, SETTINGS, TANDEM_SERVER__USERS=f"ada:{hashed('a:b,c')}") as address:
        sign_in(address, "ada", "a:b,c").close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_where_people_sign_in(
    served: tuple[str, str], browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, locale="de-DE")
    page = context.new_page()
    page.goto(f"{served[0]}/login")
    page.wait_for_selector("#password")
    assert not faults(page)
    context.close()
