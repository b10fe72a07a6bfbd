"""The panel of documents and models, and the card that offers models: in Chromium, before a runtime that downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from rag.ingest.accounting import Account, Outcome
from rag.types import FileReceipt
from tandem.ui.library_rows import ADDED, MOST_ROWS, Wish, documents, key
from tests.support import store_chat
from tests.support.axe import faults
from tests.support.openai_server import OpenAIServer
from tests.ui.conftest import HOLIDAYS, Chat, Person, serving_store

Meet = Callable[..., Person]


def receipt(path: str, state: str = "indexed", reason: str = "") -> FileReceipt:
    return FileReceipt("/somewhere/private", path, state, reason, 2, 3, 400, 0.5, 10, 20, "digest")


def test_failed_documents_come_first_and_folders_stay_private() -> None:
    known = [receipt("b.md"), receipt("A.md"), receipt("z.pdf", "failed", "It is encrypted.")]
    found = documents(known)
    assert [row["path"] for row in found["rows"]] == ["z.pdf", "A.md", "b.md"]
    assert found["counts"] == {"": 3, "failed": 1, "indexed": 2, "other": 0}
    assert found["rows"][0]["reason"] == "It is encrypted." and found["rows"][1]["pages"] == 2
    assert "private" not in str(found)
    assert len({key(one) for one in known}) == 3


def test_documents_are_searched_by_name_and_reason_and_filtered_by_state() -> None:
    known = [receipt("İzin.md"), receipt("z.pdf", "failed", "It is encrypted."), receipt("encrypted.md")]
    assert [row["path"] for row in documents(known, Wish(" ENCRYPTED "))["rows"]] == ["z.pdf", "encrypted.md"]
    assert [row["path"] for row in documents(known, Wish("encrypted", "indexed"))["rows"]] == ["encrypted.md"]
    assert documents(known, Wish("no such file"))["rows"] == []
    known.append(FileReceipt("/r", "new.md", "indexed", "", 0, 1, 10, 0.1, 10, 99, "digest"))
    assert documents(known, Wish(order="newest"))["rows"][0]["path"] == "new.md"


def test_files_of_no_kind_that_is_read_are_named_last_and_count() -> None:
    beside = [
        Account("/somewhere/private", "plan.dwg", Outcome.OTHER, "Files of type .dwg are not read."),
        Account("/somewhere/private", ".git/", Outcome.OTHER, "A program's own files.", 12),
        Account("/somewhere/private", "b.md", Outcome.READ, receipt=receipt("b.md")),
    ]
    found = documents([receipt("b.md")], beside=beside)
    assert found["counts"] == {"": 14, "failed": 0, "indexed": 1, "other": 13}
    assert [(row["path"], row["state"]) for row in found["rows"]] == [
        ("b.md", "indexed"), (".git/", "other"), ("plan.dwg", "other"),
    ]  # fmt: skip
    assert found["rows"][2]["reason"] == "Files of type .dwg are not read." and "private" not in str(found)


def test_only_so_many_documents_are_sent() -> None:
    found = documents([receipt(f"{number}.md") for number in range(MOST_ROWS + 7)])
    assert len(found["rows"]) == MOST_ROWS and found["matching"] == MOST_ROWS + 7


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """A chat whose draft model is to be downloaded."""
    home = tmp_path_factory.mktemp("home")
    with serving_store(home) as address:
        yield Chat(address, home, OpenAIServer())


def test_documents_stand_in_groups_by_folder() -> None:
    own = FileReceipt("/own", "zebra.md", "indexed", "", 0, 1, 10, 0.1, 10, 1_764_201_600_000_000_000, "digest")
    known = [receipt("hr/leave.md"), receipt("hr/deep/er.md", "failed"), receipt("top.md"), own]
    found = documents(known, added="/own")
    assert [(group["folder"], group["files"], group["failed"]) for group in found["groups"]] == [
        (ADDED, 1, 0), ("", 1, 0), ("hr", 2, 1),
    ]  # fmt: skip
    assert [row["changed"] for row in found["rows"] if row["folder"] == ADDED] == ["2025-11-27"]
    assert [row["path"] for row in documents(known, Wish(folder="hr"))["rows"]] == ["hr/deep/er.md", "hr/leave.md"]
    assert [row["path"] for row in documents(known, Wish(folder=ADDED), added="/own")["rows"]] == ["zebra.md"]
    assert [row["path"] for row in documents(known, Wish(folder=""))["rows"]] == ["top.md", "zebra.md"]


def open_panel(page: Page) -> None:
    expect(page.locator("#mode-picker-trigger-mode")).to_be_visible()
    page.click("a[href$='#library']")


@pytest.mark.browser
def test_a_file_that_failed_is_found_and_read_again(chat: Chat, meet: Meet) -> None:
    page = meet().page
    open_panel(page)
    broken = page.locator("[data-document='broken.pdf']")
    expect(broken).to_contain_text("damaged")
    expect(page.locator("[data-document]")).to_have_count(4)
    page.fill("[data-testid=documents] input[type=search]", "LEAVE")
    expect(page.locator("[data-document]")).to_have_count(1)
    expect(page.locator("[data-document='hr/leave.md']")).to_contain_text("Passages: 1")
    page.fill("[data-testid=documents] input[type=search]", "")
    page.click("[data-filter=failed]")
    expect(page.locator("[data-document]")).to_have_count(1)
    page.click("[data-action=retry]")
    expect(page.locator("[data-action=retry]")).to_be_enabled()
    expect(broken).to_contain_text("damaged")
    (chat.home / "papers" / "broken.pdf").unlink()
    page.click("[data-filter=all]")
    expect(page.locator("[data-document='travel.md']")).to_be_visible()
    assert "/thread/" not in page.url, "looking makes no conversation"


@pytest.mark.browser
def test_a_document_is_added_found_and_removed_again(chat: Chat, meet: Meet) -> None:
    person = meet(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, color_scheme="dark")
    page = person.page
    open_panel(page)
    chosen = [
        {"name": "garage.md", "mimeType": "text/markdown", "buffer": b"# Garage\n\nThe parking garage opens at seven."},
        {"name": "hr.md", "mimeType": "text/markdown", "buffer": b" "},
    ]
    page.locator("[data-testid=adding] input").set_input_files(chosen)  # type: ignore[arg-type]
    expect(page.locator("[data-added='garage.md']")).to_have_attribute("data-added-state", "indexed")
    expect(page.locator("[data-added='hr.md']")).to_contain_text("empty")
    row = page.locator("[data-group=':added'] [data-document='garage.md']")
    expect(row).to_be_visible()
    assert (chat.home / ".tandem" / "library" / "added" / "garage.md").is_file()
    assert not faults(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    row.locator("[data-action=remove]").click()
    row.locator("[data-action=remove-sure]").click()
    expect(page.locator("[data-document='garage.md']")).to_have_count(0)
    assert not (chat.home / ".tandem" / "library" / "added" / "garage.md").exists()
    expect(page.locator("[data-document='travel.md']")).to_be_visible()
    expect(page.locator("[data-document='travel.md'] [data-action=remove]")).to_have_count(0)

    # A folder alone, and all of it read again.
    page.locator("[data-group=hr] > button").click()
    expect(page.locator("[data-document]")).to_have_count(1)
    page.click("[data-action=retry-folder]")
    expect(page.locator("[data-action=retry-folder]")).to_be_enabled()
    page.click("[data-action=all-folders]")
    expect(page.locator("[data-document='travel.md']")).to_be_visible()


@pytest.mark.browser
def test_a_missing_model_is_offered_downloaded_and_used_by_the_next_question(chat: Chat, meet: Meet) -> None:
    person = meet(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = person.page
    card = page.get_by_test_id("offer")
    expect(card).to_contain_text("3.6 GB")
    expect(card).to_contain_text("Licence: MIT")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    card.locator("[data-action=download]").click()
    expect(card).to_contain_text("40%")
    expect(card).to_contain_text("MB/s")
    expect(card).to_contain_text("Left")
    card.locator("[data-action=cancel]").click()
    card.locator("[data-action=download]").click()
    expect(card).to_contain_text("40%")
    person.ask(HOLIDAYS)
    person.wait_for_answers(1)
    expect(page.get_by_test_id("written-by")).to_contain_text("Quoted from the documents")
    (chat.home / store_chat.GO).touch()
    expect(page.get_by_text("phi-4-mini drafts in about 1 s; it answers from the passages")).to_be_visible()
    # The card is no part of the conversation: it may be gone by now. The model is there within a question or two.
    written_by = page.get_by_test_id("written-by").last
    for answers in range(2, 7):
        person.ask(HOLIDAYS)
        person.wait_for_answers(answers)
        if "phi-4-mini" in written_by.inner_text():
            break
    expect(written_by).to_contain_text("phi-4-mini")


@pytest.mark.browser
def test_models_are_loaded_and_a_refused_unload_says_why(chat: Chat, meet: Meet) -> None:
    page = meet().page
    open_panel(page)
    page.click("[data-tab=models]")
    stubborn = page.locator("[data-testid=library] [data-model-row=stubborn]")
    stubborn.locator("[data-action=load]").click()
    stubborn.locator("[data-action=unload]").click()
    expect(stubborn).to_contain_text("stubborn is answering a question")
