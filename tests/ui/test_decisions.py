"""What the Decision tab tells of drafts, refinements and cost, and how a refusal looks, in real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import expect

from hybrid.tracing.sql_store import SqlTraceStore
from tandem.evaluate import judged
from tandem.settings import Settings
from tests.support.openai_server import Reply
from tests.support.waiting import within
from tests.ui.conftest import ALSO_GOOD, BAD, GOOD, HOLIDAYS, Chat, Person

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]


def test_what_a_refinement_changed_and_what_it_cost(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([ALSO_GOOD, BAD])
    chat.models.models["gpt-oss-20b"] = Reply([GOOD, ALSO_GOOD])
    person = meet()
    page = person.page
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    person.tab("decision")
    changes = page.get_by_test_id("changes")
    expect(changes.locator("[data-change=dropped]").first).to_contain_text("green cheese")
    expect(changes.locator("[data-change=dropped]").first).to_contain_text("not supported")
    expect(changes.locator("[data-change=added]")).to_contain_text("25 days")
    expect(changes.locator("[data-change=added] .td-verdict")).to_have_text("supported")
    expect(changes).to_contain_text("1 sentence stayed as it was")
    costs = page.get_by_test_id("costs")
    assert costs.locator("[data-cost=always_large] td").count() == 2
    expect(costs.locator("[data-tokens=completion] td").first).not_to_have_text("0")
    expect(costs.locator("[data-cost=escalated] td")).to_have_text(["1 / 1", "1 / 1"])

    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person.ask("How many days of paid holiday are there in a year?")
    person.wait_for_answers(2)
    expect(costs.locator("[data-cost=escalated] td")).to_have_text(["0 / 1", "1 / 2"])

    page.locator("button.negative-feedback-off").last.click()
    page.fill("[role=dialog] textarea", "it says nothing of March")
    with page.expect_response("**/feedback") as kept:
        page.click("#submit-feedback")
    assert kept.value.ok
    expect(page.locator("button.negative-feedback-on")).to_have_count(1)
    data, here = chat.home / ".tandem", page.url.rsplit("/", 1)[-1]
    with closing(SqlTraceStore(data / "traces.db")) as traces:
        assert within(30, lambda: len(traces.recent(here)) == 2), "a trace is written beside the answer"
        latest = traces.recent(here, limit=1)
    thumbs = judged.thumbs_of(Settings(data_dir=data))
    assert thumbs == {latest[0]["id"]: judged.Thumb(False, "it says nothing of March")}
    assert judged.judged_of(latest, thumbs)[latest[0]["id"]].bad


def test_a_refinement_that_is_not_shown_says_why(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD, ALSO_GOOD, "The canteen opens at noon. "])
    chat.models.models["gpt-oss-20b"] = Reply([BAD])
    person = meet()
    page = person.page
    page.click("#mode-picker-trigger-mode")
    page.get_by_text("Deep", exact=True).click()
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    person.tab("decision")
    expect(page.get_by_test_id("outcome")).to_have_attribute("data-outcome", "draft_stands")
    expect(page.get_by_test_id("not-shown")).to_contain_text("The draft stands")
    expect(page.get_by_test_id("details")).to_contain_text("would have changed")
    expect(page.get_by_test_id("changes")).to_contain_text("green cheese")


@pytest.mark.parametrize(
    ("locale", "question", "refusal", "near", "hint"),
    [
        ("en-US", "How many days of paternity holiday?", "I could not find an answer.", "nearest", "Try the words"),
        ("tr-TR", "Babalık izni kaç gün ücretli?", "Belgelerde bu bilgi yok.", "En yakın", "sözcüklerle sorun"),
    ],
)
def test_a_refusal_names_what_is_nearest(
    chat: Chat, meet: Meet, locale: str, question: str, refusal: str, near: str, hint: str
) -> None:
    chat.models.models["phi-4-mini"] = chat.models.models["gpt-oss-20b"] = Reply([refusal])
    person = meet(locale=locale)
    page = person.page
    person.ask(question)
    person.wait_for_answers(1)
    expect(page.locator(".td-near")).to_contain_text(near)
    expect(page.get_by_test_id("suggestion")).to_contain_text(hint)
    page.locator(".td-chip").first.click()
    expect(page.locator("[data-source-card='1']")).to_be_visible()
