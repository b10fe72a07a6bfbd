"""The chat in real Chromium, with real HTTP behind it."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.openai_server import Reply
from tests.ui.conftest import ALSO_GOOD, BAD, GOOD, HOLIDAYS, Chat, Person

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]

# Counts the different lengths that the last answer's text had on the screen.
COUNT_PAINTS = """() => {
  const seen = new Set()
  window.paints = seen
  const look = () => {
    const all = document.querySelectorAll('.ai-message .message-content')
    if (all.length) seen.add(all[all.length - 1].innerText.length)
    requestAnimationFrame(look)
  }
  look()
}"""


def test_a_kept_answer_is_streamed_cited_and_explained(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply(
        [*(f"{word} " for word in f"{GOOD} {ALSO_GOOD}".split()), "![x](http://evil.example/a.png) <b>y</b>"],
        delay_s=0.06,
    )
    person = meet()
    person.page.evaluate(COUNT_PAINTS)
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    assert person.page.evaluate("window.paints.size") >= 4
    assert "25 days of paid holiday" in person.answer()
    assert "<b>y</b>" in person.answer()
    assert person.page.locator(".message-content img, .message-content a[href^=http]").count() == 0

    details = person.page.get_by_test_id("details")
    expect(details).to_be_visible()
    assert {"retrieve", "prepare", "decide"} <= set(person.spans(""))
    assert {"send", "first_token", "last_token", "verify"} <= set(person.spans("draft"))
    assert re.search(r"\d m?s", person.page.locator("[data-span=retrieve]").inner_text())
    expect(person.page.locator("[data-model=phi-4-mini]")).to_contain_text("Answer tokens")
    expect(person.page.get_by_test_id("conversation")).to_contain_text("p50")

    person.tab("decision")
    expect(person.page.get_by_test_id("outcome")).to_have_attribute("data-outcome", "kept")
    expect(person.page.get_by_test_id("signals")).to_contain_text("Confidence of the search")

    person.page.locator(".message-content a[href='#source-1']").first.click()
    source = person.page.locator("[data-source-card='1']")
    expect(source).to_have_class(re.compile("td-source-active"))
    expect(source).to_contain_text("leave.md")
    expect(source).to_contain_text("Holidays")
    expect(source.locator("mark")).to_contain_text("25 days of paid holiday")


def test_an_escalated_answer_and_what_a_reload_brings_back(chat: Chat, meet: Meet) -> None:
    hold = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([BAD])
    chat.models.models["gpt-oss-20b"] = Reply([GOOD], reasoning=["Let me see."], hold=hold)
    person = meet()
    person.ask(HOLIDAYS)
    status = person.page.locator("[data-status]")
    expect(status).to_contain_text("gpt-oss-20b")
    expect(status).to_contain_text("support only 0%")
    assert "green cheese" in person.answer()
    hold.set()
    person.wait_for_answers(1)
    assert "25 days" in person.answer() and "green cheese" not in person.answer()

    def check() -> None:
        person.page.locator(".td-draft-toggle").click()
        expect(person.page.locator(".td-draft-text")).to_contain_text("green cheese")
        expect(person.page.get_by_test_id("written-by")).to_contain_text("gpt-oss-20b")
        person.tab("decision")
        expect(person.page.get_by_test_id("outcome")).to_have_attribute("data-outcome", "refined")
        expect(person.page.get_by_test_id("details")).to_contain_text("support only 0%")
        person.tab("latency")
        assert "last_token" in person.spans("draft") and "last_token" in person.spans("refine")
        person.page.locator(".td-chip[data-source='1']").click()
        expect(person.page.locator("[data-source-card='1'] mark")).to_contain_text("25 days")

    check()
    assert "/thread/" in person.page.url
    person.page.reload()
    person.wait_for_answers(1)
    assert HOLIDAYS in person.page.locator("[data-step-type=user_message]").inner_text()
    check()


def test_stop_keeps_what_was_written(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([f"word{n} " for n in range(500)], delay_s=0.05)
    person = meet()
    person.ask("Please count.")
    expect(person.page.locator(".message-content").last).to_contain_text("word9")
    person.page.click("#stop-button")
    person.wait_for_answers(1)
    assert "word9" in person.answer() and "word400" not in person.answer()
    expect(person.page.locator(".td-note")).to_contain_text("Stopped")
    assert chat.models.wait_for(lambda server: server.left > 0)

    hold = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([GOOD], hold=hold)
    asked = len(chat.models.requests)
    person.ask(HOLIDAYS)
    assert chat.models.wait_for(lambda server: len(server.requests) > asked)
    person.page.click("#stop-button")
    person.wait_for_answers(2)
    expect(person.page.locator(".td-note").last).to_contain_text("before anything was written")
    hold.set()

    person.ask(HOLIDAYS)
    person.wait_for_answers(3)
    assert "25 days" in person.answer()
    person.page.reload()
    person.wait_for_answers(3)
    assert "word9" in person.answer(0)


def test_an_answer_goes_on_in_a_browser_that_was_reloaded(chat: Chat, meet: Meet) -> None:
    hold = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([BAD])
    chat.models.models["gpt-oss-20b"] = Reply([GOOD], hold=hold)
    person = meet()
    person.ask(HOLIDAYS)
    expect(person.page.locator("[data-status]")).to_contain_text("gpt-oss-20b")
    person.page.reload()
    expect(person.page.locator("#stop-button")).to_be_visible()
    assert "green cheese" in person.answer()
    hold.set()
    person.wait_for_answers(1)
    assert "25 days" in person.answer()


def test_settings_change_the_model_and_come_back(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = chat.models.models["other-model"] = Reply([GOOD])
    person = meet()
    page = person.page
    page.click("#chat-settings-open-modal")
    page.click("[role=dialog] #draft")
    page.get_by_role("option", name="other-model · ready").click()
    page.click("[role=dialog] #advanced")
    page.get_by_role("tab", name="Writing").click()
    page.fill("[role=dialog] #seed", "many")
    expect(page.locator("[data-field=seed]")).to_have_text("Write a whole number, 0 or more, or leave it empty.")
    page.fill("[role=dialog] #seed", "11")
    expect(page.locator("[data-field=seed]")).to_have_count(0)
    page.click("#confirm")
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    request = chat.models.requests[-1]
    assert (request["model"], request["seed"]) == ("other-model", 11)
    expect(page.get_by_test_id("written-by")).to_contain_text("other-model")

    page.reload()
    person.wait_for_answers(1)
    page.click("#chat-settings-open-modal")
    expect(page.locator("[role=dialog] #draft")).to_contain_text("other-model")
    page.click("[role=dialog] #draft")
    page.get_by_role("option", name="phi-4-mini · ready").click()
    page.click("[role=dialog] #advanced")
    page.click("#confirm")
    person.ask(HOLIDAYS)
    person.wait_for_answers(2)
    assert chat.models.requests[-1]["model"] == "phi-4-mini"
    assert str(chat.models.requests[-1]["messages"]).count(HOLIDAYS) == 2


def test_what_a_second_is_worth_is_set_applied_and_kept(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet()
    page = person.page
    page.click("#chat-settings-open-modal")
    expect(page.get_by_role("tab")).to_have_count(1)
    page.click("[role=dialog] #advanced")
    expect(page.get_by_role("tab")).to_have_count(4)
    page.get_by_role("button", name="Cancel").click()
    page.click("#chat-settings-open-modal")
    expect(page.get_by_role("tab")).to_have_count(1)
    page.click("[role=dialog] #advanced")
    page.get_by_role("tab", name="When to ask the large model").click()
    expect(page.locator("[role=dialog] #long_draft")).to_be_visible()
    expect(page.locator("[role=dialog] #second_worth")).to_have_count(0)
    page.click("[role=dialog] #policy")
    page.get_by_role("option", name="By weighing gain against time and money").click()
    expect(page.locator("[role=dialog] #long_draft")).to_have_count(0)
    page.fill("[role=dialog] #second_worth", "1000")
    page.click("[role=dialog] #warm")
    page.click("#confirm")
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    person.tab("decision")
    expect(page.locator("#side-view-content")).to_contain_text("it does not pay")
    page.reload()
    person.wait_for_answers(1)
    page.click("#chat-settings-open-modal")
    page.get_by_role("tab", name="When to ask the large model").click()
    expect(page.locator("[role=dialog] #policy")).to_contain_text("By weighing")
    expect(page.locator("[role=dialog] #second_worth")).to_have_value("1000")
    expect(page.locator("[role=dialog] #warm")).to_be_checked()
    page.fill("[role=dialog] #second_worth", "0.01")
    page.click("[role=dialog] #policy")
    page.get_by_role("option", name="By rules").click()
    expect(page.locator("[role=dialog] #long_draft")).to_be_visible()
    page.click("[role=dialog] #warm")
    page.click("#confirm")
    expect(page.get_by_text("Settings saved.")).to_be_visible()


def test_buttons_modes_and_thumbs(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    chat.models.models["gpt-oss-20b"] = Reply(["A year has 25 days of paid holiday for every employee [1]."])
    person = meet(permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    page.click("[data-action=copy]")
    expect(page.locator("[data-action=copy]")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "25 days of paid holiday a year [1]" in copied and "[1] hr/leave.md: Holidays" in copied

    asked = len(chat.models.requests)
    page.click("[data-action=ask_large]")
    expect(page.get_by_test_id("written-by")).to_contain_text("gpt-oss-20b")
    assert [request["model"] for request in chat.models.requests[asked:]] == ["gpt-oss-20b"]
    assert GOOD.split("[")[0] in str(chat.models.requests[-1]["messages"])
    assert "A year has 25 days" in person.answer()

    page.click("[data-action=regenerate]")
    expect(page.get_by_test_id("written-by")).to_contain_text("phi-4-mini")
    expect(page.locator("[data-testid=tandem-answer]")).to_have_count(1)

    hold = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([BAD], hold=hold)
    asked = len(chat.models.requests)
    page.click("[data-action=regenerate]")
    assert chat.models.wait_for(lambda server: len(server.requests) > asked)
    page.click("#stop-button")
    expect(page.locator(".td-note")).to_contain_text("before anything was written")
    assert "25 days" in person.answer(), "an answer asked again stands until something new is written"
    hold.set()
    chat.models.models["phi-4-mini"] = Reply([GOOD])

    page.click("#mode-picker-trigger-mode")
    page.get_by_text("Deep", exact=True).click()
    person.ask(HOLIDAYS)
    person.wait_for_answers(2)
    expect(page.get_by_test_id("written-by").last).to_contain_text("gpt-oss-20b")

    page.locator("button.positive-feedback-off").last.click()
    page.fill("[role=dialog] textarea", "exactly what I needed")
    with page.expect_response("**/feedback") as kept:
        page.click("#submit-feedback")
    assert kept.value.ok
    expect(page.locator("button.positive-feedback-on")).to_have_count(1)
    with closing(sqlite3.connect(chat.home / ".tandem" / "history.db")) as db:
        assert db.execute("SELECT value, comment FROM feedbacks").fetchall() == [(1, "exactly what I needed")]
    page.reload()
    expect(page.locator("button.positive-feedback-on")).to_have_count(1)


def test_a_model_that_fails_is_replaced_and_the_chat_goes_on(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply(["Every employee "], end="reset")
    chat.models.models["gpt-oss-20b"] = Reply(status=500)
    person = meet()
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    expect(person.page.locator(".td-note").first).to_contain_text("phi-4-mini")
    expect(person.page.get_by_test_id("written-by")).to_contain_text("Quoted from the documents")
    assert "25 days" in person.answer()
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person.ask(HOLIDAYS)
    person.wait_for_answers(2)
    expect(person.page.get_by_test_id("written-by").last).to_contain_text("phi-4-mini")


def test_in_turkish_on_a_phone(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply(["Her çalışanın yılda 25 gün ücretli izni vardır [1]."])
    person = meet(
        viewport={"width": 390, "height": 844}, locale="tr-TR", color_scheme="dark", is_mobile=True, has_touch=True
    )
    page = person.page
    expect(page.locator("#mode-picker-trigger-mode")).to_contain_text("Otomatik")
    assert page.evaluate("document.documentElement.classList.contains('dark')")
    person.ask("Her çalışanın yılda kaç gün ücretli izni vardır?")
    person.wait_for_answers(1)
    expect(page.get_by_test_id("details")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("[data-action=details]")
    expect(page.get_by_test_id("details")).to_contain_text("Süre")
    box = page.get_by_test_id("details").bounding_box()
    assert box and box["width"] > 330
    person.tab("sources")
    expect(page.locator("[data-source-card='1']")).to_contain_text("izin.md")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_dropped_file_is_found_here_only_until_it_is_added_to_the_library(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply(["The badger of the canteen is called Ferdinand [1]."])
    question = "What is the badger of the canteen called?"
    person = meet()
    page = person.page
    person.drop(**{"badger.md": b"# Pets\n\nThe badger of the canteen is called Ferdinand.", "old.doc": b"no document"})
    person.ask(question)
    expect(page.locator("[data-file='badger.md']")).to_have_attribute("data-file-state", "indexed")
    expect(page.locator("[data-file='badger.md']")).to_contain_text("Passages: 1")
    expect(page.locator("[data-file='old.doc']")).to_contain_text("check its extension")
    person.wait_for_answers(1)
    expect(page.locator("[data-source='1']")).to_contain_text("badger.md")
    here = page.url
    arrived = [path for path in (chat.home / ".tandem" / "arriving").rglob("*") if path.is_file()]
    assert any(b"Ferdinand" in path.read_bytes() for path in arrived), "nothing leaves the data directory"

    other = meet()
    other.ask(question)
    other.wait_for_answers(1)
    assert "Ferdinand" not in str(chat.models.requests[-1]["messages"])

    page.reload()
    page.click("[data-file='badger.md'] [data-action=promote]")
    expect(page.get_by_test_id("in-library")).to_be_visible()
    other.ask(f"{question} Again.")
    other.wait_for_answers(2)
    assert "Ferdinand" in str(chat.models.requests[-1]["messages"])
    page.goto(here)
    expect(page.get_by_test_id("in-library")).to_be_visible()


def test_a_dropped_file_goes_with_its_conversation(chat: Chat, meet: Meet) -> None:
    person = meet()
    page = person.page
    person.drop(**{"otter.md": b"# Pets\n\nThe otter is called Agathe."})
    page.click("#chat-submit")
    expect(page.locator("[data-file='otter.md']")).to_have_attribute("data-file-state", "indexed")
    expect(page.locator("#thread-history")).to_contain_text("otter.md")
    kept = chat.home / ".tandem" / "library" / "uploads"
    assert [path.name for path in kept.rglob("*.md")] == ["otter.md"]
    thread = page.url.rsplit("/", 1)[-1]
    deleted = page.evaluate(
        """thread => fetch("/project/thread", {
          method: "DELETE", headers: {"content-type": "application/json"}, body: JSON.stringify({threadId: thread})
        }).then(answer => answer.status)""",
        thread,
    )
    assert deleted == 200
    assert list(kept.rglob("*.md")) == []


def test_history_is_listed_searched_and_opened(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet()
    page = person.page
    person.ask("Paid holiday on zeppelins?")
    person.wait_for_answers(1)
    page.goto(chat.address)
    expect(page.locator("#thread-history")).to_contain_text("Paid holiday on zeppelins?")
    page.click("#search-chats-button")
    page.fill("[role=dialog] input", "ZEPPELIN")
    page.get_by_role("option", name="Paid holiday on zeppelins?").click()
    person.wait_for_answers(1)
    expect(page.locator("[data-step-type=user_message]")).to_contain_text("zeppelins")
    expect(page.get_by_test_id("details")).to_contain_text("zeppelins")


def test_nothing_was_asked_of_another_machine(chat: Chat, meet: Meet) -> None:
    person = meet()
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    addresses = [urlsplit(url) for url in chat.asked]
    assert any(address.scheme == "ws" for address in addresses)
    assert {address.hostname for address in addresses if address.scheme not in ("data", "blob")} == {"127.0.0.1"}
