"""A data directory of version 0.1 opens with its conversations, and they go on."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.support.terminal import start
from tests.tandem.test_upgrade import ASKED, home
from tests.ui.conftest import Person, answering

__all__ = ["home"]


def test_conversations_are_there_and_go_on(home: Path, meet: Callable[..., Person]) -> None:
    with answering(start(home, "serve", "--port", "0")) as address:
        person = meet(address)
        person.page.locator("#thread-history").get_by_text(ASKED[0]).click()
        person.wait_for_answers(2)
        assert "25 days" in person.answer(0)
        person.ask("How many of the part PPR-9087 are in stock?")
        person.wait_for_answers(3)
        expect(person.page.locator(".ai-message .message-content").last).to_contain_text("14")
