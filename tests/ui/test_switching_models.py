"""Two real models in the real runtime, one of them slow, and a person who switches between them in mid-conversation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tandem import shipped
from tests.support.foundry_models import make_model
from tests.support.openai_server import OpenAIServer
from tests.ui.conftest import HOLIDAYS, Chat, Person, serving

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]

SETTINGS = """
documents: papers
models: {draft: quick, refine: thorough}
escalation: {mode: never}
"""
REGISTER = """
import asyncio, sys
from pathlib import Path
from hybrid.runtimes.foundry import Foundry

async def register(home):
    runtime = Foundry(home / ".tandem" / "foundry")
    await runtime.register(home / "one", "quick")
    await runtime.register(home / "two", "thorough")
    await runtime.close()

asyncio.run(register(Path(sys.argv[1])))
"""
QUICK = "Every employee has 25 days of paid holiday a year [1]."
THOROUGH = "Every employee has 25 days of paid holiday a year, and unused days expire at the end of March [1]. "
LONG = THOROUGH + " ".join(f"w{number}" for number in range(600))


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A chat with two registered models in Foundry Local, and no server behind it."""
    home = tmp_path_factory.mktemp("home")
    make_model(home / "one", QUICK)
    make_model(home / "two", LONG, work=10)
    # In a process of its own, as the runtime is there once only; in one, as it is long in coming.
    registering = [sys.executable, "-c", REGISTER, str(home)]
    subprocess.run(registering, cwd=shipped.root(), check=True, timeout=120)
    with serving(home, SETTINGS) as address:
        # A question that comes before the runtime does is answered without it.
        assert httpx.get(f"{address}/v1/models/quick", timeout=60).status_code == 200
        yield Chat(address, home, OpenAIServer())


def switch(page: Page, model: str) -> None:
    """Choose the model that drafts, in the settings."""
    page.click("#chat-settings-open-modal")
    page.click("[role=dialog] #draft")
    page.get_by_role("option", name=f"{model} · ready").click()
    page.click("#confirm")
    expect(page.locator("#confirm")).to_have_count(0)


def test_a_person_switches_models_in_mid_conversation(chat: Chat, meet: Meet) -> None:
    person = meet()
    page = person.page
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    assert person.answer().startswith("Every employee has 25 days of paid holiday a year")
    expect(page.get_by_test_id("written-by").last).to_contain_text("quick")

    switch(page, "thorough")
    person.ask(HOLIDAYS)
    switch(page, "quick")
    person.wait_for_answers(2)
    # What it recites rests on no document, so that a quotation stands in its place; the note says whose it was.
    note = page.locator("[data-testid=tandem-answer]").last
    expect(note).to_contain_text("thorough")
    expect(page.locator("[data-action=ask_large]")).to_have_count(
        1
    )  # of the first answer: this one is the large model's

    person.ask(HOLIDAYS)
    person.wait_for_answers(3)
    expect(page.get_by_test_id("written-by").last).to_contain_text("quick")
    assert "w0" not in person.answer()
    page.reload()
    person.wait_for_answers(3)
    page.click("#chat-settings-open-modal")
    expect(page.locator("[role=dialog] #draft")).to_contain_text("quick · ready")
