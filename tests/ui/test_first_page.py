"""The first page: what there is to ask about, and the card by which an administrator gets a model; in Chromium, before
real servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support import first_chat
from tests.support.axe import faults
from tests.support.openai_server import OpenAIServer, Reply
from tests.ui.conftest import DOCUMENTS, GOOD, HOLIDAYS, Chat, Person, index, running, write_documents

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]
MORE = 300
SETTINGS = "documents: papers\n# a comment\nmodels: {foundry: false}\nserver: {port: 0}\n"


@contextmanager
def serving(home: Path, *ports: int, **variables: str) -> Iterator[str]:
    """The chat, which looks for model servers on `ports`."""
    with running(home, first_chat.__file__, *map(str, ports), **variables) as address:
        yield address


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A chat without any model, a server with three on a usual port, and one that wants a key elsewhere."""
    home = tmp_path_factory.mktemp("home")
    write_documents(home, {**DOCUMENTS, "broken.pdf": "%PDF-1.4 broken"})
    (home / "tandem.yaml").write_text(SETTINGS, encoding="utf-8")
    index(home)
    with OpenAIServer() as models:
        for model in ("llama-3.2", "qwen-3", "nomic-embed-text"):
            models.models[model] = Reply([GOOD])
        with serving(home, models.port, 1, MODELS_API_KEY="right") as address:
            yield Chat(address, home, models)


def test_the_first_page_says_what_there_is_to_ask_about(chat: Chat, meet: Meet) -> None:
    page = meet(locale="de-DE").page
    line = page.locator(".td-first-library")
    expect(line).to_contain_text("3 Dokumente stehen für Fragen bereit")
    expect(line).to_contain_text("1 Datei konnte nicht gelesen werden")
    expect(page.get_by_test_id("offer")).to_contain_text("Noch antwortet kein Modell")
    expect(page.locator("#starters button").first).to_be_visible()
    line.locator("button").click()
    expect(page.get_by_test_id("library")).to_be_visible()


@pytest.mark.parametrize(
    "window",
    [{"color_scheme": "light"}, {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True}],
    ids=["desk", "phone"],
)
def test_axe_finds_nothing_on_the_first_card(chat: Chat, meet: Meet, window: dict[str, object]) -> None:
    page = meet(**window, reduced_motion="reduce").page
    expect(page.get_by_test_id("offer")).to_be_visible()
    page.wait_for_selector("#upload-button[aria-label]:not([role])")
    assert not faults(page)
    page.locator("[data-way=endpoint] summary").click()
    page.fill("[name=address]", "127.0.0.1:1")
    page.click("[data-action=try]")
    expect(page.locator("[data-way=endpoint] [role=alert]")).to_contain_text("Nothing answers")
    page.locator("[data-way=detect] button").first.click()
    expect(page.locator("[data-way=detect] select").first).to_be_visible()
    assert not faults(page)


def test_an_address_is_tried_and_what_is_amiss_is_one_sentence(chat: Chat, meet: Meet) -> None:
    page = meet().page
    page.locator("[data-way=endpoint] summary").click()
    alert = page.locator("[data-way=endpoint] [role=alert]")
    with OpenAIServer(api_key="right") as locked:
        locked.models["mistral"] = Reply([GOOD])
        for address, variable, said in (
            ("127.0.0.1:1", "", "Nothing answers at http://127.0.0.1:1/v1"),
            ("ftp://models", "", "write it like http://127.0.0.1:11434/v1"),
            ("http://169.254.169.254/latest", "", "No model answers at this address"),
            (locked.base_url, "", "rejected the key"),
            (locked.base_url, "PATH", "is no name for an endpoint's key"),
            (locked.base_url, "TANDEM_SERVER__API_KEY", "is no name for an endpoint's key"),
            (locked.base_url, "OTHER_API_KEY", "No variable OTHER_API_KEY is set"),
        ):
            page.fill("[name=address]", address)
            page.fill("[name=key_variable]", variable)
            page.click("[data-action=try]")
            expect(alert).to_contain_text(said)
        page.fill("[name=key_variable]", "MODELS_API_KEY")
        page.click("[data-action=try]")
        expect(page.locator("[data-way=endpoint] option")).to_have_text(["mistral"])
    assert not (chat.home / ".tandem" / "chosen_models.json").exists()


def test_a_server_found_here_answers_at_once_and_is_kept(chat: Chat, meet: Meet) -> None:
    person = meet(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = person.page
    page.click("[data-action=detect]")
    form = page.locator("[data-server]")
    expect(form).to_have_count(1)
    expect(form.locator("select").first.locator("option")).to_have_text(["llama-3.2", "qwen-3"])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    form.locator("select").first.select_option("qwen-3")
    form.locator("[data-action=use]").click()
    expect(page.locator("[data-chosen=qwen-3]")).to_be_visible()
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    expect(page.get_by_test_id("written-by")).to_contain_text("qwen-3")
    expect(page.locator("[data-notice]")).to_have_count(0)
    kept = json.loads((chat.home / ".tandem" / "chosen_models.json").read_text(encoding="utf-8"))
    assert (kept["draft"], kept["refine"], kept["instead_of"]) == ("qwen-3", "qwen-3", ["phi-4-mini", "gpt-oss-20b"])
    assert (chat.home / "tandem.yaml").read_text(encoding="utf-8") == SETTINGS


def test_what_was_chosen_answers_after_a_restart_and_the_count_follows(tmp_path: Path, chat: Chat, meet: Meet) -> None:
    write_documents(tmp_path, DOCUMENTS)
    (tmp_path / "tandem.yaml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / ".tandem").mkdir()
    kept = {
        "endpoint": {"name": "here", "base_url": chat.models.base_url, "api_key_env": ""},
        "draft": "llama-3.2",
        "refine": "llama-3.2",
        "instead_of": ["phi-4-mini", "gpt-oss-20b"],
    }
    (tmp_path / ".tandem" / "chosen_models.json").write_text(json.dumps(kept), encoding="utf-8")
    index(tmp_path)
    write_documents(tmp_path, {f"more/{number}.md": f"# Note {number}\n\nSomething." for number in range(MORE)})
    with serving(tmp_path) as address:
        person = meet(address)
        # They are read while the page is there already, and counted as they come.
        line = person.page.locator(".td-first-library")
        expect(line).to_have_attribute("data-documents", str(len(DOCUMENTS) + MORE))
        person.ask(HOLIDAYS)
        person.wait_for_answers(1)
        expect(person.page.get_by_test_id("written-by")).to_contain_text("llama-3.2")
        expect(person.page.get_by_test_id("offer")).to_have_count(0)
