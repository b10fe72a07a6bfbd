"""A data directory of version 0.1 opens with its library, its conversations and its traces."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tandem.context import House
from tandem.settings import load
from tests.support.terminal import start
from tests.ui.conftest import Person, answering

FIXTURE = Path(__file__).parents[1] / "fixtures" / "tandem_0_1.zip"
ASKED = ["How many days of paid holiday does an employee have?", "How many days may be carried over?"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with zipfile.ZipFile(FIXTURE) as kept:
        kept.extractall(tmp_path)
    (tmp_path / "tandem.yaml").write_text("documents: papers\nmodels: {foundry: false}\n", encoding="utf-8")
    return tmp_path


def test_conversations_are_there_and_go_on(home: Path, meet: Callable[..., Person]) -> None:
    with answering(start(home, "serve", "--port", "0")) as address:
        person = meet(address)
        person.page.locator("#thread-history").get_by_text(ASKED[0]).click()
        person.wait_for_answers(2)
        assert "25 days" in person.answer(0)
        person.ask("How many of the part PPR-9087 are in stock?")
        person.wait_for_answers(3)
        expect(person.page.locator(".ai-message .message-content").last).to_contain_text("14")


async def test_the_library_and_the_traces_are_there_before_anything_is_indexed(home: Path) -> None:
    house = House.open(load(home / "tandem.yaml", {}))
    assert [trace["question"] for trace in house.traces.recent(limit=5)] == ASKED[::-1]
    assert {record.name for record in house.library.documents()} == {"leave.md", "izin.md", "parts.csv"}
    await house.close()
    search = start(home, "search", "How many days of paid holiday?", "--json")
    assert "25 days" in json.loads(search.communicate(timeout=60)[0])["passages"][0]["text"]
