"""The offer of the encoders in the library's panel: in Chromium, before an index of packages on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import encoder_chat
from tests.support.axe import faults
from tests.support.encoder_index import EncoderIndex, serving
from tests.ui import conftest as chats
from tests.ui.test_administrators import sign_in

PEOPLE = {"TANDEM_SERVER__USERS": "ada:a,bob:b", "TANDEM_SERVER__ADMINISTRATORS": "ada"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EncoderIndex]:
    with serving(tmp_path_factory.mktemp("index")) as made:
        yield made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def chat(home: Path, index: EncoderIndex) -> Iterator[str]:
    """A chat without encoders, in which ada is an administrator and bob is not."""
    chats.write_documents(home, chats.DOCUMENTS)
    settings = "documents: papers\nserver: {port: 0}\nmodels: {foundry: false, draft: extractive}\n"
    (home / "tandem.yaml").write_text(settings, encoding="utf-8")
    chats.index(home, **PEOPLE)
    given = {**PEOPLE, **index.environment}
    with chats.running(home, encoder_chat.__file__, str(index.manifest), **given) as address:
        yield address


def models_of(page: Page) -> None:
    page.click("a[href$='#library']")
    page.click("[data-testid=library] [data-tab=models]")


@pytest.mark.browser
def test_administrators_fetch_encoders_and_nobody_else_does(
    chat: str, browser: Browser, index: EncoderIndex, home: Path
) -> None:
    bob = sign_in(browser, chat, "bob", "b")
    models_of(bob.page)
    expect(bob.page.get_by_test_id("library")).to_be_visible()
    expect(bob.page.get_by_test_id("encoders")).to_have_count(0)
    for wish in ("fetch_encoders", "cancel_encoders"):
        with bob.is_told():
            bob.send(wish)
    assert index.asked == []
    bob.page.close()

    ada = sign_in(browser, chat, "ada", "a")
    page = ada.page
    models_of(page)
    card = page.get_by_test_id("encoders")
    expect(card.locator("[data-encoder]")).to_have_count(3)
    expect(card).to_contain_text("in other words or in another language")
    expect(card).to_contain_text("Licence: Apache-2.0")
    expect(card.locator("[data-action=fetch-encoders]")).to_contain_text("MB")
    assert not faults(page)

    index.hold()
    card.locator("[data-action=fetch-encoders]").click()
    expect(card).to_have_attribute("data-encoders-state", "downloading")
    expect(card).to_contain_text("Left: ")
    # Who comes back sees how far it is; and is answered meanwhile.
    page.reload()
    page.wait_for_selector("#chat-input")
    ada.ask(chats.HOLIDAYS)
    ada.wait_for_answers(1)
    models_of(page)
    expect(card).to_have_attribute("data-encoders-state", "downloading")
    card.locator("[data-action=cancel-encoders]").click()
    expect(card.locator("[data-action=fetch-encoders]")).to_be_enabled()
    expect(card.locator("[role=alert]")).to_have_count(0)

    archives = dict(index.archives)
    index.go()
    for which in ("all", "english"):
        index.spoil(which, index.manifest.parent)
    card.locator("[data-action=fetch-encoders]").click()
    expect(card.locator("[role=alert]")).to_contain_text("is not the file that was tested, so it is not used; check")
    index.archives.update(archives)
    card.locator("[data-action=fetch-encoders]").click()
    expect(card).to_have_attribute("data-encoders-state", "ready")
    assert len([file for file in (home / ".tandem" / "encoder").iterdir() if not file.name.startswith(".")]) == 4
    # What words do not find is found by meaning, in the process that runs: the vectors of the passages are there.
    vectors = home / ".tandem" / "library" / "vectors.sqlite"
    page.wait_for_function("() => !document.querySelector('[data-testid=vectors]')")
    assert vectors.is_file()
    models_of(page)
    expect(card).to_have_count(0)
    page.close()
    log = (json.loads(line) for line in _log(home))
    done = [(one["actor"], one["action"]) for one in log if one["action"].startswith("encoder")]
    assert done[0] == ("ada", "encoder.fetch") and ("ada", "encoder.cancel") in done and len(done) == 4


def _log(home: Path) -> list[str]:
    """The audit log, as the terminal exports it."""
    process = chats.start(home, "audit", "export", **PEOPLE)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return said.splitlines()
