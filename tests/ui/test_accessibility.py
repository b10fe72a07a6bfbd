"""The chat for people who do not see it, do not use a mouse, magnify it, or want nothing to move."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import faults
from tests.support.openai_server import Reply
from tests.ui.conftest import ALSO_GOOD, GOOD, HOLIDAYS, Chat, Person

Meet = Callable[..., Person]
DESK = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True}


def focused(page: Page) -> str:
    return str(page.evaluate("`${document.activeElement.tagName} ${document.activeElement.id}`").strip())


@pytest.mark.browser
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(chat: Chat, meet: Meet, window: dict[str, object]) -> None:
    phone = window is PHONE
    person = meet(**window, reduced_motion="reduce")
    page = person.page
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        if said := faults(page):
            found[state] = said

    def leave() -> None:
        if phone:
            page.keyboard.press("Escape")
            expect(page.locator("#side-view-content")).to_have_count(0)

    page.wait_for_selector("#starters button")
    page.wait_for_selector("#upload-button[aria-label]:not([role])")  # named within a moment
    look("first page")
    person.drop(**{"garage.txt": b"The parking garage opens at seven in the morning."})
    look("a file is dropped")
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    look("answer and attachment")
    page.locator(".message-content a[href='#source-1']").first.click()
    look("sources")
    for tab in ("latency", "decision"):
        person.tab(tab)
        look(tab)
    document = page.locator("[data-open]")
    person.tab("sources")
    address = document.first.get_attribute("href")
    leave()
    page.locator("a[href$='#library']").first.click()
    page.get_by_test_id("library").wait_for()
    look("library")
    page.get_by_test_id("library").get_by_role("tab").nth(1).click()
    look("models")
    leave()
    page.click("#chat-settings-open-modal")
    tabs = page.locator("[role=dialog] [role=tab]")
    expect(tabs.first).to_be_visible()
    look("settings")
    page.click("#advanced")
    expect(tabs).to_have_count(4)
    for place in (1, 3) if phone else range(tabs.count()):
        tabs.nth(place).click()
        look(f"settings {place}")
    page.keyboard.press("Escape")
    page.click("#mode-picker-trigger-mode")
    look("modes")
    page.keyboard.press("Escape")
    if phone:
        page.click("#sidebar-trigger-button")
        page.wait_for_selector("#thread-history a")
        look("history")
    assert address
    page.goto(chat.address + address)
    page.wait_for_load_state("networkidle")
    look("viewer")
    page.goto(f"{chat.address}/browser")
    look("in this browser")
    assert not found, json.dumps(found, indent=1)


@pytest.mark.browser
def test_everything_by_keyboard(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD + ALSO_GOOD])
    person = meet(**DESK)
    page = person.page
    expect(page.locator("#mode-picker-trigger-mode")).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    assert focused(page) == "TEXTAREA chat-input"
    page.keyboard.type("or?")  # in the question this is a sign like any other
    assert page.input_value("#chat-input") == "or?"
    page.fill("#chat-input", HOLIDAYS)
    page.keyboard.press("Enter")
    person.wait_for_answers(1)
    said = page.locator("#td-head [role=status]")
    expect(said).to_contain_text("Answer: Every employee has 25 days of paid holiday a year")

    # From a citation to its source and back.
    citation = page.locator(".message-content a[href='#source-1']").first
    expect(citation).to_have_attribute("aria-label", "Source 1")
    citation.focus()
    page.keyboard.press("Enter")
    source = page.locator("[data-source-card='1']")
    expect(source).to_be_focused()
    page.keyboard.press("Escape")
    expect(citation).to_be_focused()

    # Closing the panel from within leads back too.
    page.keyboard.press("Enter")
    expect(source).to_be_focused()
    page.locator("#side-view-title button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#side-view-content")).to_have_count(0)
    expect(citation).to_be_focused()

    # The list of shortcuts, and its switch.
    page.keyboard.press("?")
    keys = page.locator("#td-keys")
    expect(keys).to_contain_text("Keyboard shortcuts")
    assert not faults(page)
    keys.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(citation).to_be_focused()
    page.keyboard.press("?")
    expect(keys).to_have_count(0)
    page.keyboard.press("Control+/")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")

    # Asking again disables and replaces what was pressed; the focus is not lost.
    again = page.locator("[data-action=regenerate]")
    again.focus()
    page.keyboard.press("Enter")
    person.wait_for_answers(1)
    expect(page.locator("[data-action=regenerate]")).to_be_enabled()
    expect(page.locator("body:focus")).to_have_count(0)

    # A conversation is renamed from the list.
    row = page.locator("#thread-history a").first
    row.focus()
    page.keyboard.press("Tab")
    expect(row.locator("#thread-options")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#rename-thread")).to_be_visible()
    page.keyboard.press("Enter")
    name = page.locator("[role=dialog] input#name")
    expect(name).to_be_focused()
    page.keyboard.type("Days off")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Days off")


@pytest.mark.browser
def test_magnified_and_still(meet: Meet) -> None:
    # 1280 pixels at 200 and at 400 per cent
    for width, height in ((640, 400), (320, 256)):
        person = meet(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page = person.page
        person.ask(HOLIDAYS)
        person.wait_for_answers(1)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for place in ("#chat-input", "#chat-submit", "[data-action=details]"):
            page.locator(place).last.scroll_into_view_if_needed()
            box = page.locator(place).last.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, place
        moving = "document.getAnimations().filter(a => a.effect.getComputedTiming().duration > 1).length"
        assert page.evaluate(moving) == 0
