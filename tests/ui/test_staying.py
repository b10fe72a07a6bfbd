"""A reload comes back to the conversation, however soon after the question it comes."""

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.openai_server import Reply
from tests.ui.conftest import GOOD, HOLIDAYS, Chat, Person

Meet = Callable[..., Person]
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.mark.browser
@pytest.mark.parametrize(("window", "after_ms"), [(DESK, 0), (PHONE, 100), (DESK, 500), (PHONE, 1000), (DESK, 3000)])
def test_a_reload_in_mid_answer(chat: Chat, meet: Meet, window: dict[str, int], after_ms: int) -> None:
    written = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([GOOD], hold=written)
    person = meet(viewport=window)
    page = person.page
    page.wait_for_function("window.tandemWords !== undefined")
    person.ask(HOLIDAYS)
    page.wait_for_selector('[data-step-type="user_message"]')
    page.wait_for_timeout(after_ms)
    page.reload()
    expect(page.locator('[data-step-type="user_message"]')).to_have_text(HOLIDAYS)
    written.set()
    person.wait_for_answers(1)
    assert "25 days of paid holiday" in person.answer()
    if window is PHONE:  # the list of conversations opens, and stays open
        page.click("#sidebar-trigger-button")
        expect(page.locator("#thread-history a").first).to_contain_text(HOLIDAYS[:20])


@pytest.mark.browser
def test_a_conversation_opens_whichever_of_its_requests_is_answered_first(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet(viewport=DESK)
    page = person.page
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    page.wait_for_url("**/thread/*")

    connecting = "**/set-session-cookie"
    held: list[Route] = []
    page.route(connecting, lambda route: route.continue_() if held else held.append(route))
    with page.expect_response(connecting):  # the second, which knows of the conversation
        page.goto(page.url)
    expect(page.locator("#chat-input")).to_be_visible()
    with page.expect_response(connecting):
        held[0].continue_()
    person.ask("When do unused days expire?")
    person.wait_for_answers(2)


@pytest.mark.browser
def test_a_conversation_that_is_not_there(chat: Chat, meet: Meet) -> None:
    person = meet(f"{chat.address}/thread/5f2b6c1e-3f0a-4c8e-9a55-6d6f3c9d1a99", viewport=PHONE)
    page = person.page
    expect(page.get_by_role("alert")).to_contain_text("This conversation is not here")
    expect(page.locator("#user-nav-button")).to_be_hidden()  # nobody signs in here, so nobody signs out
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    expect(page.locator(".td-unknown")).to_have_count(0)
    page.locator("#command-button").click()
    box = page.locator("#command-popover").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390


@pytest.mark.browser
def test_two_tabs_follow_one_conversation(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    first = meet(viewport=DESK)
    first.ask(HOLIDAYS)
    first.wait_for_answers(1)
    first.page.wait_for_url("**/thread/*")
    second = Person(first.page.context.new_page())
    second.open(first.page.url)
    second.wait_for_answers(1)
    questions = '[data-step-type="user_message"]'

    # Asked in one and read in both, while it is written and afterwards.
    written = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([GOOD], hold=written)
    first.ask("And when do unused days expire?")
    for tab in (first, second):
        expect(tab.page.locator(questions)).to_have_count(2)
        expect(tab.page.locator("#stop-button")).to_be_visible()
    written.set()
    for tab in (first, second):
        tab.wait_for_answers(2)
    assert first.answer() == second.answer()

    # What was asked in the first is what the second goes on from; the first sees it, and stops it.
    held = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([GOOD], hold=held)
    second.ask("How many of them are there?")
    expect(first.page.locator(questions)).to_have_count(3)
    assert chat.models.wait_for(lambda server: "unused days expire" in str(server.requests[-1]["messages"]))
    first.page.click("#stop-button")
    for tab in (first, second):
        tab.wait_for_answers(3)
        expect(tab.page.locator(".td-note").last).to_contain_text("Stopped")
    held.set()
