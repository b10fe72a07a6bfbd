"""Conversations in Chromium: pinned and archived in the list, found, tagged, taken along and deleted on their page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from docx import Document
from playwright.sync_api import Page, expect
from pypdfium2 import PdfDocument

from tests.support.axe import faults
from tests.support.openai_server import Reply
from tests.ui.conftest import GOOD, HOLIDAYS, Chat, Person

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True, "has_touch": True}
FIRST, SECOND = HOLIDAYS, "What may a hotel cost?"


def ask_anew(chat: Chat, person: Person, question: str) -> None:
    """In a conversation of its own, begun once the list of the others is there: Chainlit draws whichever of two lists
    arrives last, and the one asked for first may lack what was just begun."""
    with person.page.expect_response("**/project/threads"):
        person.page.goto(chat.address)
    expect(person.page.locator("#mode-picker-trigger-mode")).to_be_visible()
    person.ask(question)
    person.wait_for_answers(1)


def talked(chat: Chat, meet: Meet, **window: object) -> Person:
    """Somebody with two conversations."""
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet(**window)
    for question in (FIRST, SECOND):
        ask_anew(chat, person, question)
    expect(person.page.locator("#thread-history a")).to_have_count(2)
    return person


def menu(page: Page, name: str, item: str) -> None:
    """By keyboard alone."""
    row = page.locator("#thread-history a").filter(has_text=name)
    expect(row.locator("#thread-options")).to_have_attribute("tabindex", "0")
    row.focus()
    page.keyboard.press("Tab")
    expect(row.locator("#thread-options")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#rename-thread")).to_be_focused()
    # One key after the other: on a busy machine the next would be pressed before the first has done anything.
    for _ in range(8):
        here = page.evaluate("document.activeElement.id")
        if f"#{here}" == item:
            break
        page.keyboard.press("ArrowDown")
        page.wait_for_function("(before) => document.activeElement.id !== before", arg=here)
    expect(page.locator(item)).to_be_focused()
    page.keyboard.press("Enter")


def forget(page: Page, address: str) -> None:
    """Delete every conversation, in the archive too."""
    for place in ("", "?place=archive"):
        for _ in range(8):
            page.goto(f"{address}/conversations{place}")
            more = page.locator(".more")
            if not more.count():
                break
            more.first.click()
            page.get_by_role("checkbox").check()
            page.get_by_role("button", name="Delete for good").click()


def test_pinned_and_archived_from_the_list(chat: Chat, meet: Meet) -> None:
    person = talked(chat, meet)
    page = person.page
    rows = page.locator("#thread-history a")
    expect(rows.first).to_contain_text("hotel")
    menu(page, "paid holiday", "#pin-thread")
    expect(rows.first).to_contain_text("paid holiday")
    expect(page.locator("#thread-history")).to_contain_text("Pinned")
    page.reload()
    person.wait_for_answers(1)
    expect(rows.first).to_contain_text("paid holiday")  # the server has it, not this page alone
    menu(page, "hotel", "#archive-thread")
    expect(rows).to_have_count(1)
    page.locator(".td-shelved").get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(2)
    menu(page, "hotel", "#archive-thread")
    expect(rows).to_have_count(1)
    assert not faults(page)
    page.click(".td-all")
    page.get_by_role("link", name="Archive (1)").click()
    expect(page.locator("[data-conversation]")).to_have_count(1)
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("The archive is empty.")).to_be_visible()
    page.goto(chat.address)
    expect(rows).to_have_count(2)
    forget(page, chat.address)


def test_found_tagged_and_taken_along_on_a_phone(chat: Chat, meet: Meet) -> None:
    person = meet(**PHONE)
    page = person.page
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    for question in (FIRST, SECOND):
        ask_anew(chat, person, question)
    page.click("#sidebar-trigger-button")
    page.click("[role=dialog] .td-all")
    expect(page.locator("[data-conversation]")).to_have_count(2)
    assert not faults(page)
    page.get_by_role("searchbox").fill("HOTEL cost")
    page.keyboard.press("Enter")
    expect(page.locator("[data-conversation]")).to_have_count(1)
    page.locator(".more").click()
    page.get_by_label("Tags").fill("Travel, budget 2027")
    page.get_by_role("button", name="Keep tags").click()
    expect(page.get_by_label("Tags")).to_have_value("Travel, budget 2027")
    page.get_by_label("Name").fill("Hotels <b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hotels <b>")
    assert not faults(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = {}
    for kind in ("Markdown", "Word (DOCX)", "PDF", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("link", name=kind).click()
        found[download.value.suggested_filename] = download.value.path()
    assert set(found) == {"Hotels b.md", "Hotels b.docx", "Hotels b.pdf", "Hotels b.json"}
    text = found["Hotels b.md"].read_text("utf-8")
    assert "## What may a hotel cost?" in text and "**Sources**" in text and "travel.md" in text
    assert any("120 euros" in line.text for line in Document(str(found["Hotels b.docx"])).paragraphs)
    with PdfDocument(found["Hotels b.pdf"]) as printed:
        assert "120 euros" in printed[0].get_textpage().get_text_bounded()
    turns = json.loads(found["Hotels b.json"].read_text("utf-8"))["turns"]
    assert [turn["role"] for turn in turns] == ["person", "assistant"] and turns[1]["sources"]
    page.goto(f"{chat.address}/conversations")
    page.get_by_role("navigation", name="Tags").get_by_role("link", name=re.compile("Travel")).click()
    expect(page.locator("[data-conversation]")).to_have_count(1)
    page.goto(f"{chat.address}/conversations/5f2b6c1e-3f0a-4c8e-9a55-6d6f3c9d1a99")
    expect(page.get_by_role("alert")).to_contain_text("This conversation is not here")
    page.get_by_role("link", name="Your conversations").click()
    page.locator(".more").first.click()
    page.evaluate("document.querySelector('[name=sure]').required = false")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted")
    forget(page, chat.address)
    expect(page.get_by_text("The archive is empty.")).to_be_visible()
