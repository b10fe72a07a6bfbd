"""What is amiss with the models is said once in a conversation; in Chromium, without any model."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.support.openai_server import OpenAIServer
from tests.ui.conftest import HOLIDAYS, Chat, Person, serving

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
SETTINGS = "documents: papers\nmodels: {foundry: false}\n"


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    home = tmp_path_factory.mktemp("home")
    with serving(home, SETTINGS) as address:
        yield Chat(address, home, OpenAIServer())


def test_that_a_model_is_missing_is_said_once(chat: Chat, meet: Meet) -> None:
    person = meet()
    page = person.page
    notes = page.locator("[data-notice=model_missing]")
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    expect(notes).to_have_count(1)
    expect(notes).to_contain_text("phi-4-mini cannot answer")
    person.ask(HOLIDAYS)
    person.wait_for_answers(2)
    expect(page.get_by_test_id("written-by").last).to_contain_text("Quoted from the documents")
    expect(notes).to_have_count(1)

    page.locator("[data-action=regenerate]").first.click()
    person.wait_for_answers(2)
    expect(page.locator("[data-testid=tandem-answer]").first.locator("[data-notice=model_missing]")).to_be_visible()


def test_what_is_missing_is_said_in_turkish(chat: Chat, meet: Meet) -> None:
    person = meet(locale="tr-TR")
    person.ask("Her çalışanın kaç gün ücretli izni var?")
    person.wait_for_answers(1)
    note = person.page.locator("[data-notice=model_missing]")
    expect(note).to_contain_text("phi-4-mini yanıt veremiyor")
    expect(note).not_to_contain_text("known")
