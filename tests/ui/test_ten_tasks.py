"""What somebody does on a working day without a terminal, one thing after another: at a desk and on a phone."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.axe import faults
from tests.support.openai_server import Reply
from tests.ui.conftest import BAD, DOCUMENTS, GOOD, HOLIDAYS, Chat, Person

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
DESK: dict[str, object] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, object] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SECONDS = 15.0
"""Within so long a model that is there again is found, by whoever asks."""
GARAGE = "The parking garage opens at seven in the morning."

# A file as a hand lets it fall: every event that a browser sends, on what lies there.
LET_FALL = """([place, name, text]) => {
  const held = new DataTransfer()
  held.items.add(new File([text], name, { type: "text/plain" }))
  for (const what of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(what, { bubbles: true, cancelable: true, dataTransfer: held })
    document.querySelector(place).dispatchEvent(event)
  }
}"""


def leave(page: Page, phone: bool) -> None:
    """Back to the chat, from a panel that lies over it on a phone."""
    if phone and page.locator("#side-view-content").count():
        page.keyboard.press("Escape")
        expect(page.locator("#side-view-content")).to_have_count(0)


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_ten_things_without_a_terminal(chat: Chat, meet: Meet, window: dict[str, object]) -> None:
    phone = window is PHONE
    for model in ("phi-4-mini", "gpt-oss-20b", "other-model"):
        chat.models.models[model] = Reply([GOOD])
    person = meet(permissions=["clipboard-read", "clipboard-write"], **window)
    page = person.page

    # An answer is found, and the page that it stands on opened.
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    assert "25 days" in person.answer()
    page.locator(".message-content a[href='#source-1']").first.click()
    with page.context.expect_page() as opening:
        page.locator("[data-source-card='1'] [data-open]").click()
    opened = opening.value
    expect(opened.locator("#sentence")).to_contain_text("25 days")
    fits(opened)
    opened.close()
    leave(page, phone)

    # Why it was escalated.
    chat.models.models["phi-4-mini"] = Reply([BAD])
    person.ask(HOLIDAYS)
    person.wait_for_answers(2)
    page.locator("[data-action=details]").last.click()
    person.tab("decision")
    expect(page.get_by_test_id("details")).to_contain_text("The documents support only 0% of the draft's sentences.")
    fits(page)
    leave(page, phone)

    # A file is let fall on the conversation, and summed up.
    chat.models.models["phi-4-mini"] = Reply([f"{GARAGE[:-1]} [1]."])
    page.evaluate(LET_FALL, ["#chat-input", "garage.txt", GARAGE])
    expect(page.get_by_text("garage.txt")).to_be_visible()
    expect(page.locator("#chat-submit")).to_be_enabled()
    person.ask("When does the garage open?")
    person.wait_for_answers(3)
    page.click("[data-file='garage.txt'] [data-action=summarise]")
    person.wait_for_answers(4)
    assert "seven" in person.answer()

    # Another model.
    chat.models.models["other-model"] = Reply([GOOD])
    page.click("#chat-settings-open-modal")
    page.click("[role=dialog] #draft")
    page.get_by_role("option", name="other-model · ready").click()
    page.click("#confirm")
    expect(page.locator("#confirm")).to_have_count(0)
    person.ask(HOLIDAYS)
    person.wait_for_answers(5)
    expect(page.get_by_test_id("written-by").last).to_contain_text("other-model")

    # Nobody listens where the models were, which is said; then they are there again.
    with chat.models.away():
        person.ask(HOLIDAYS)
        person.wait_for_answers(6)
        last = page.locator("[data-testid=tandem-answer]").last
        expect(last.locator(".td-note").first).to_contain_text("other-model")
        assert "25 days" in person.answer()
        fits(page)
    # They are looked for again within seconds, by whoever asks: as often as there is time for.
    written_by = page.get_by_test_id("written-by").last
    answers, latest = 6, time.monotonic() + SECONDS
    while "other-model" not in written_by.inner_text() and time.monotonic() < latest:
        answers += 1
        person.ask(HOLIDAYS)
        person.wait_for_answers(answers)
    expect(written_by).to_contain_text("other-model")

    # How a folder is doing, shown to somebody else.
    leave(page, phone)
    page.locator("a[href$='#library']").first.click()
    page.locator("[data-group=hr] button.td-folder").click()
    expect(page.locator("[data-folder=hr]")).to_be_visible()
    expect(page.locator("[data-document='hr/leave.md']")).to_contain_text("Indexed")
    for button in ("[data-filter=indexed]", "[data-order=newest]", "[data-action=copy-link]"):
        if phone:
            page.tap(button)
        else:  # by keyboard alone
            page.locator(button).press("Enter")
    expect(page.get_by_text("The link is in the clipboard")).to_be_visible()
    assert not faults(page)
    fits(page)
    link = page.evaluate("navigator.clipboard.readText()")
    other = meet(link, **window).page
    expect(other.locator("[data-folder=hr]")).to_be_visible()
    expect(other.locator("[data-document]")).to_have_count(1)
    for chosen in ("[data-filter=indexed]", "[data-order=newest]"):
        expect(other.locator(chosen)).to_have_attribute("aria-pressed", "true")
    assert other.url == f"{chat.address}/", "a reload shows the chat"
    other.click("[data-action=all-folders]")
    expect(other.locator("[data-document]")).to_have_count(len(DOCUMENTS))
    other.context.close()
    leave(page, phone)

    # Another language.
    page.click("#chat-settings-open-modal")
    page.click("[role=dialog] #language")
    page.get_by_role("option", name="Deutsch").click()
    page.click("#confirm")
    expect(page.get_by_test_id("written-by").last).to_contain_text("Geschrieben von other-model")

    # The conversation is taken along.
    page.goto(f"{chat.address}/conversations")
    page.locator(".more").first.click()
    fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Markdown").click()
    assert "25 days" in download.value.path().read_text("utf-8")

    # A choice is kept for whoever made it, until it is made anew.
    page.goto(chat.address)
    page.click("#chat-settings-open-modal")
    for field, value in (("draft", "phi-4-mini · bereit"), ("language", "Wie der Browser")):
        page.click(f"[role=dialog] #{field}")
        page.get_by_role("option", name=value).click()
    page.click("#confirm")
    expect(page.locator("#confirm")).to_have_count(0)
    expect(page.locator("a[href$='#library']").first).to_have_accessible_name("Library")
