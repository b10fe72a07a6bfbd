"""The chat in a language that is nothing but a catalogue, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import HOLIDAYS, PATIENCE_MS, Chat, Person

Meet = Callable[..., Person]
ENGLISH = re.compile(
    r"\b(?:Sources|Latency|Decision|Written by|Ask|Library|In this browser|Toggle|Close|Draft|First word|Why|Cost|"
    r"Documents|Models|Indexed|Search in|Settings|Language)\b"
)


@pytest.mark.browser
def test_a_german_chat_is_german_throughout(chat: Chat, meet: Meet) -> None:
    person = meet(locale="de-DE")
    page = person.page
    expect(page.locator("a[href$='#library']")).to_have_text("Bibliothek")
    expect(page.locator("#chat-input")).to_have_attribute("placeholder", "Fragen Sie nach Ihren Dokumenten...")
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    expect(page.get_by_test_id("written-by")).to_have_text("Geschrieben von phi-4-mini")
    for tab, heading in (("latency", "Erstes Wort"), ("decision", "Entwurf behalten"), ("sources", "zitiert")):
        person.tab(tab)
        panel = page.get_by_test_id("details")
        expect(panel).to_contain_text(heading)
        assert not ENGLISH.findall(panel.inner_text())
    page.click("a[href$='#library']")
    context = page.get_by_test_id("library")
    expect(context).to_contain_text("Aufgenommen")
    shown = page.evaluate("document.querySelector('#root').textContent")
    assert not ENGLISH.findall(shown)
    named = (
        "[...document.querySelectorAll('[aria-label], [title]')].map(e => `${e.ariaLabel ?? ''} ${e.title}`).join(' ')"
    )
    assert not ENGLISH.findall(page.evaluate(named))
    assert page.evaluate("document.documentElement.lang") == "de"

    # What was said before is in the words of whoever looks at it.
    page.reload()
    person.wait_for_answers(1)
    expect(page.get_by_test_id("written-by")).to_have_text("Geschrieben von phi-4-mini")

    # The settings list every catalogue, and a choice holds at once.
    page.click("#chat-settings-open-modal")
    page.locator("#language").click()
    expect(page.get_by_role("option")).to_have_text(["Wie der Browser", "English", "Deutsch", "Türkçe"])
    page.get_by_role("option", name="Türkçe").click()
    page.locator("#confirm").click()
    expect(page.locator("a[href$='#library']")).to_have_text("Kitaplık")
    expect(page.get_by_test_id("written-by")).to_have_text("Yazan: phi-4-mini")


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["de-DE", "tr-TR", "en-US"])
def test_the_button_that_sends_is_on_every_phone_in_every_language(meet: Meet, locale: str) -> None:
    page = meet(locale=locale, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True).page
    expect(page.locator("#mode-picker-trigger-mode")).to_be_visible()
    for width in (390, 360, 320):
        page.set_viewport_size({"width": width, "height": 780})
        room, send, tools, mode = (
            page.locator(one).bounding_box()
            for one in ("#message-composer", "#chat-submit", "#command-button svg", "#mode-picker-trigger-mode")
        )
        assert room and send and tools and mode
        assert send["x"] + send["width"] <= room["x"] + room["width"], width
        assert tools["x"] + tools["width"] <= send["x"] and mode["x"] + mode["width"] <= send["x"], width
    page.set_viewport_size({"width": 360, "height": 780})
    page.click("#command-button")
    page.get_by_role("option").first.click()
    page.fill("#chat-input", "leave.md")
    page.click("#chat-submit", timeout=PATIENCE_MS)
    expect(page.locator("[data-step-type=user_message]")).to_contain_text("leave.md")


@pytest.mark.browser
def test_tools_keep_their_name_where_only_their_sign_is_seen(meet: Meet) -> None:
    page = meet(viewport={"width": 360, "height": 780}).page
    expect(page.get_by_role("button", name="Tools")).to_be_visible()
