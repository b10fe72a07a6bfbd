"""Sharing in Chromium: from the button under an answer to the page that somebody else reads, without a script there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.axe import faults
from tests.ui.conftest import HOLIDAYS, PATIENCE_MS, Person, serving

SETTINGS = """
documents: papers
models: {foundry: false, draft: extractive}
collections: [{name: People, folders: [papers/hr], readers: [hr]}]
groups: {hr: [ada, cem]}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    people = {"TANDEM_SERVER__USERS": "ada:a,bob:b,cem:c", "TANDEM_SERVER__ADMINISTRATORS": "cem"}
    with serving(tmp_path_factory.mktemp("home"), SETTINGS, **people) as address:
        yield address


@contextmanager
def signed_in(browser: Browser, address: str, name: str, **window: object) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800}, **window)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{address}/login")
    page.fill("#email", name)
    page.fill("#password", name[0])
    page.click("button[type=submit]")
    page.wait_for_url(f"{address}/")
    yield page
    context.close()


def test_an_answer_is_shared_from_the_chat_and_read_by_who_is_named(browser: Browser, address: str) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    with signed_in(browser, address, "ada") as page:
        person = Person(page)
        page.wait_for_selector("#chat-input")
        person.ask(HOLIDAYS)
        person.wait_for_answers(1)
        with page.expect_popup() as opened:
            page.click("[data-action=share]")
        form = opened.value
        expect(form.get_by_text(HOLIDAYS)).to_be_visible()
        assert faults(form) == []
        form.get_by_label("People").fill("bob, cem")
        form.get_by_role("button", name="Share").click()
        link = form.locator(".said").inner_text().rsplit(" ", 1)[-1]
    with signed_in(browser, address, "cem", java_script_enabled=False) as page:
        page.goto(link)
        expect(page.get_by_role("heading", name=HOLIDAYS).last).to_be_visible()
        expect(page.locator(".answer")).to_contain_text("25 days")
        page.locator("ol a").first.click()
        expect(page.locator("mark").first).to_contain_text("25 days")
    with signed_in(browser, address, "bob") as page:
        page.goto(link)
        expect(page.locator(".withheld")).to_be_visible()
        expect(page.get_by_text("25 days")).to_have_count(0)
        assert faults(page) == []
        # On a phone, the browsers in which one is signed in have names, and nothing lies beside the screen.
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{address}/account")
        expect(page.locator("td[data-head=Browser]").first).to_contain_text("Chrome,")
        assert page.evaluate("[...document.querySelectorAll('.wide')].every(box => box.scrollWidth <= box.clientWidth)")
        assert faults(page) == []


def test_what_an_administrator_announces_stands_above_the_chat_until_it_is_closed(
    browser: Browser, address: str
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    text = "The index is made <b>anew</b> tonight."
    with signed_in(browser, address, "cem") as chief, signed_in(browser, address, "ada") as page:
        page.wait_for_selector("#chat-input")
        expect(page.locator("#td-announcements")).to_have_count(0)
        chief.goto(f"{address}/administration/announcements")
        chief.get_by_label("Announcement").fill(text)
        chief.get_by_role("button", name="Tell everybody").click()
        expect(chief.locator("td", has_text=text)).to_be_visible()
        assert faults(chief) == []
        page.reload()
        line = page.locator("#td-announcements p")
        expect(line).to_have_text(text)
        assert faults(page) == []
        page.locator("#td-announcements button").click()
        expect(line).to_have_count(0)
        page.reload()
        page.wait_for_selector("#chat-input")
        page.wait_for_function("window.tandemWords && window.tandemWords.announcements.length === 1")
        expect(line).to_have_count(0)
        chief.get_by_role("button", name="Take back").click()
        expect(chief.locator("td", has_text=text)).to_have_count(0)
