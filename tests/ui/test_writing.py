"""An answer while it is written, what stays of it when it is stopped, and the formulas in it; in Chromium."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.openai_server import Reply
from tests.ui.conftest import GOOD, HOLIDAYS, Chat, Person

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
WHO, SETTINGS = re.compile("/user$"), re.compile("/project/settings")


def test_what_nobody_has_checked_looks_so_and_time_is_seen_as_it_goes(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD, *(f"word{n} " for n in range(600))], delay_s=0.1)
    person = meet()
    page = person.page
    person.ask(HOLIDAYS)
    citation = page.locator(".message-content a[href='#source-1']")
    expect(citation).to_be_visible()
    answer = page.get_by_test_id("tandem-answer")
    expect(answer).to_have_attribute("data-state", "running")
    expect(answer).to_have_attribute("data-unchecked", "true")
    citation.click()
    expect(page.locator("[data-source-card='1']")).to_contain_text("not checked")
    person.tab("latency")
    live = page.get_by_test_id("live")
    expect(live.locator("[data-span=last_token][data-stage=draft]")).to_be_visible()
    before = live.locator("[data-span=last_token] .td-span-ms").inner_text()
    expect(live.locator("[data-span=last_token] .td-span-ms")).not_to_have_text(before)
    page.click("#stop-button")
    person.wait_for_answers(1)
    expect(live).to_have_count(0)
    expect(page.locator(".td-note")).to_contain_text("was not checked against the documents")
    page.reload()
    person.wait_for_answers(1)
    expect(answer).to_have_attribute("data-unchecked", "true")
    expect(citation).to_be_visible()

    chat.models.models["phi-4-mini"] = Reply([GOOD])
    page.locator("[data-action=regenerate]").click()
    expect(page.get_by_test_id("written-by")).to_contain_text("phi-4-mini")
    expect(page.locator("[data-unchecked]")).to_have_count(0)


def test_formulas_are_typeset_here_and_money_stays_money(chat: Chat, meet: Meet) -> None:
    said = r"The price of a garage is \(d_1 = 25\) a day, not $5 and $10"
    chat.models.models["phi-4-mini"] = chat.models.models["gpt-oss-20b"] = Reply([f"{said} [1]."])
    person = meet()
    person.drop(**{"garage.txt": f"{said}.".encode()})
    person.ask("What is the price of a garage a day?")
    person.wait_for_answers(1)
    shown = person.page.locator(".message-content").last
    expect(shown).to_contain_text("not $5 and $10")
    expect(shown.locator("math msub"), shown.inner_html()).to_have_count(1)
    assert all(address.split("//")[1].startswith("127.0.0.1") for address in chat.asked if "//" in address)


def test_what_is_typed_while_the_page_is_put_together_stays(chat: Chat, meet: Meet) -> None:
    """Chainlit takes its field away once it knows who is there, and draws it anew once it has read its settings."""
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet()
    page = person.page
    field = page.locator("#chat-input")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    for address in (WHO, SETTINGS):
        page.route(address, hold)
    page.goto(chat.address)
    field.press_sequentially("How many dayz")
    held.pop().continue_()
    expect(field).to_have_count(0)
    page.wait_for_function("document.activeElement === document.body")
    page.keyboard.press("Backspace")
    page.keyboard.type("s of paid")
    while not held:
        page.wait_for_timeout(10)
    held.pop().continue_()
    expect(field).to_have_value("How many days of paid")
    page.keyboard.type(HOLIDAYS.removeprefix("How many days of paid"))
    expect(page.locator("#chat-submit")).to_be_enabled()
    page.click("#chat-submit")
    expect(page.locator('[data-step-type="user_message"]')).to_have_text(HOLIDAYS)
    person.wait_for_answers(1)
    expect(field).to_have_value("")


def test_a_question_is_changed_by_keyboard_and_asked_again(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet()
    page = person.page
    person.ask("How many hours?")
    person.wait_for_answers(1)
    # Whether it helped stands in the answer's one row.
    row, thumb = (page.locator(where).bounding_box() for where in ("[data-action=copy]", ".positive-feedback-off"))
    assert row and thumb and abs(row["y"] + row["height"] / 2 - thumb["y"] - thumb["height"] / 2) < 1
    question = page.locator("[data-step-type=user_message]")
    question.hover()
    page.click(".edit-message")
    page.fill("#edit-chat-input", "nothing")
    page.keyboard.press("Escape")
    expect(question).to_have_text("How many hours?")
    asked = len(chat.models.requests)
    page.click(".edit-message")
    page.fill("#edit-chat-input", HOLIDAYS)
    page.keyboard.press("Enter")
    assert chat.models.wait_for(lambda server: len(server.requests) > asked)
    person.wait_for_answers(1)
    expect(question).to_have_text(HOLIDAYS)
    assert HOLIDAYS in str(chat.models.requests[-1]) and "How many hours?" not in str(chat.models.requests[-1])

    # Escape stops what is written; with Ctrl, Shift and O begins another conversation.
    hold = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([GOOD], hold=hold)
    person.ask("And now?")
    page.wait_for_selector("#stop-button")
    page.keyboard.press("Escape")
    expect(page.locator(".td-note")).to_contain_text("before anything was written")
    hold.set()
    page.keyboard.press("Control+Shift+O")
    expect(question).to_have_count(0)


def test_enter_begins_a_line_on_a_phone_and_a_greeting_opens_no_panel(chat: Chat, meet: Meet) -> None:
    page = meet(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True).page
    page.locator("#mode-picker-trigger-mode").wait_for()
    page.focus("#chat-input")
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    assert page.input_value("#chat-input") == "one\ntwo"
    person = meet()
    person.ask("Hello!")
    person.wait_for_answers(1)
    expect(person.page.get_by_test_id("details")).to_have_count(0)
