"""From an answer to the sentence in the document itself: in Chromium, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import documents
from tests.support.openai_server import OpenAIServer
from tests.tandem.viewer.conftest import SITE, mail, sheet, word
from tests.ui.conftest import PATIENCE_MS, Chat, Person, serving

Meet = Callable[..., Person]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PRESSURE = "The boiler valve opens at four bar of pressure."
SENTENCES = {
    "plant/pump/index.md": ("When is the pump filter changed?", "The pump filter is changed every ninety days."),
    "plant/boiler.pdf": ("At which pressure does the boiler valve open?", PRESSURE),
    "canteen.docx": ("When is cake free in the canteen?", "Cake is free on Fridays."),
    "zones.xlsx": ("What is the surcharge of zone Bravo?", "14.9"),
    "site.html": ("Where do bicycles stand?", "Bicycles stand in the yard."),
    "parking.eml": ("When does the garage close?", "The garage closes at ten in the evening."),
}


def lay_out(folder: Path) -> None:
    for name in ("pump", "crane"):
        (folder / "plant" / name).mkdir(parents=True)
        sentence = f"The {name} filter is changed every {'ninety' if name == 'pump' else 'forty'} days."
        text = f"# The {name}\n\n## Upkeep\n\n{sentence} <script>alert(1)</script> ![x](https://evil.example/x.png)\n"
        (folder / "plant" / name / "index.md").write_text(text, encoding="utf-8")
    report = documents.report("Boiler", [("Start", ["Fill the tank."], []), ("Valve", [f"{PRESSURE} It is loud."], [])])
    (folder / "plant" / "boiler.pdf").write_bytes(report)
    for name, data in (("canteen.docx", word()), ("zones.xlsx", sheet()), ("parking.eml", mail())):
        (folder / name).write_bytes(data)
    (folder / "site.html").write_text(SITE, encoding="utf-8")


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A chat that quotes, over documents of three formats."""
    home = tmp_path_factory.mktemp("home")
    lay_out(home / "papers")
    with serving(home, "documents: papers\nmodels: {foundry: false}\n") as address:
        yield Chat(address, home, OpenAIServer())


def opened(person: Person, document: str) -> Page:
    """The document in its own tab, from the first source of the last answer that is of it."""
    page = person.page
    chip = page.locator(".td-chip[data-source]").filter(has_text=document.rsplit("/", 1)[-1]).last
    chip.click()
    card = page.locator("[data-source-card]").filter(has_text=document.rsplit("/", 1)[-1]).first
    with page.context.expect_page() as tab:
        card.locator("[data-open]").click()
    tab.value.wait_for_load_state("load")
    return tab.value


@pytest.mark.browser
def test_from_the_answer_to_the_sentence(chat: Chat, meet: Meet) -> None:
    person = meet()
    problems: list[str] = []
    for number, (document, (question, sentence)) in enumerate(SENTENCES.items(), 1):
        person.ask(question)
        person.wait_for_answers(number)
        tab = opened(person, document)
        tab.on("pageerror", lambda error: problems.append(str(error)))
        there = tab.locator("#sentence")
        expect(there).to_be_in_viewport(timeout=PATIENCE_MS)
        if document.endswith(".pdf"):
            expect(tab.locator("[data-step=page] .count")).to_have_text("Page 2 of 2")
            assert tab.locator("figure img").evaluate("image => image.complete && image.naturalWidth > 500")
            with tab.expect_navigation():
                tab.keyboard.press("ArrowLeft")
            expect(tab.locator("[data-step=page] .count")).to_have_text("Page 1 of 2")
            with tab.expect_navigation():
                tab.keyboard.press("ArrowRight")
            expect(tab.locator("#sentence rect").first).to_be_visible()
        else:
            expect(tab.locator("article mark").filter(has_text=sentence)).to_be_in_viewport()
        with tab.expect_download() as download:
            tab.click("#download")
        assert download.value.suggested_filename == document.rsplit("/", 1)[-1]
        tab.close()
    assert problems == []
    assert [
        url for url in chat.asked if not url.startswith((chat.address, chat.address.replace("http", "ws"), "data:"))
    ] == []


@pytest.mark.browser
def test_on_a_phone_the_page_is_as_wide_as_the_screen(chat: Chat, meet: Meet) -> None:
    person = meet(**PHONE)
    person.ask(SENTENCES["plant/boiler.pdf"][0])
    person.wait_for_answers(1)
    tab = opened(person, "plant/boiler.pdf")
    expect(tab.locator("#sentence")).to_be_in_viewport(timeout=PATIENCE_MS)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.browser
def test_the_library_opens_documents_and_lists_tell_them_apart(chat: Chat, meet: Meet) -> None:
    person = meet()
    person.ask("How often is the filter of the pump and the filter of the crane changed?")
    person.wait_for_answers(1)
    chips = person.page.locator(".td-chip[data-source] .td-chip-name")
    expect(chips.first).to_be_visible()  # the chips are drawn a moment after the answer has ended
    names = chips.all_inner_texts()
    assert names and len(set(names)) == len(names) and "index.md" not in names
    person.page.click("a[href$='#library']")
    with person.page.context.expect_page() as tab:
        person.page.locator("[data-document='plant/crane/index.md'] [data-open]").click()
    expect(tab.value.locator("article")).to_contain_text("The crane filter is changed every forty days.")
