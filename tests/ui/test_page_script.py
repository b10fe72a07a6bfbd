"""The changes to the script of Chainlit's page, and a long answer that is drawn block by block."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tandem.ui.page_script import CHANGES, changed, shipped
from tests.support.openai_server import Reply
from tests.ui.conftest import ALSO_GOOD, GOOD, HOLIDAYS, Chat, Person

Meet = Callable[..., Person]


def test_every_change_has_its_one_place() -> None:
    script = shipped().read_text(encoding="utf-8")
    assert [len(change.pattern.findall(script)) for change in CHANGES] == [1] * len(CHANGES)
    new = changed(script)
    assert all(not change.pattern.search(new) for change in CHANGES)


def test_a_script_that_says_something_else_is_left_alone() -> None:
    assert changed("let page = 1") == "let page = 1"


PARTED = (
    r"""text => import("/public/blocks.js").then(({ parted, runs }) => [parted(text), runs(text).join(" ") === text])"""
)


@pytest.mark.browser
def test_what_is_written_is_not_drawn_again(chat: Chat, meet: Meet) -> None:
    parts = [GOOD, "\n\n", *(f"{word} " for word in ALSO_GOOD.split())]
    chat.models.models["phi-4-mini"] = Reply(parts, delay_s=0.2)
    person = meet()
    page = person.page
    person.ask(HOLIDAYS)
    first = page.locator(".ai-message .message-content [role=article]").first
    expect(first).to_contain_text("a year")
    expect(page.locator(".ai-message .message-content")).to_contain_text("Unused days")
    first.evaluate("node => { node.drawn = 'once' }")
    expect(page.locator(".ai-message .message-content")).to_contain_text("the end of")
    assert first.evaluate("node => node.drawn") == "once"
    person.wait_for_answers(1)

    blocks, _ = page.evaluate(PARTED, "a\nb\n\n1. c\n\n2. d\n\n```\ne\n\nf\n```\n\ng [1]\n\n[1]: #source-1")
    assert blocks[0] == "a\nb\n\n1. c\n\n2. d\n"
    assert blocks[1] == "```\ne\n\nf\n```\n"
    assert blocks[2].startswith("g [1]\n") and blocks[2].endswith("[1]: #source-1")
    assert page.evaluate(PARTED, "```\na\n``` [1][2].\n\nb")[0] == ["```\na\n```", "[1][2].\n", "b"]
    assert page.evaluate(PARTED, "````\n``` [1]\nb\n````")[0] == ["````\n``` [1]\nb\n````"]
    sentences = " ".join(f"Sentence {n} has *some* emphasis and a `code` here [1]." for n in range(100))
    assert page.evaluate(PARTED, sentences)[1]


@pytest.mark.browser
def test_a_card_at_a_citation(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    person = meet()
    page = person.page
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    page.locator(".message-content a[href='#source-1']").first.hover()
    card = page.locator(".td-peek")
    expect(card).to_contain_text("leave.md")
    expect(card).to_contain_text("Every employee has 25 days of paid holiday a year.")
    expect(card.get_by_role("link")).to_have_attribute("href", re.compile(r"/source/.*#sentence$"))
    card.hover()  # it stays while one reads it
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
