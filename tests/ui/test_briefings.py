"""Briefings in real Chromium: the composer's command, the sections, what is copied and downloaded."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from docx import Document
from playwright.sync_api import expect
from pypdfium2 import PdfDocument

from tests.support.axe import faults
from tests.support.openai_server import Reply
from tests.ui.conftest import ALSO_GOOD, BAD, GOOD, Chat, Person

pytestmark = pytest.mark.browser
Meet = Callable[..., Person]


def brief(person: Person, command: str, source: str) -> None:
    """Choose a command as a person does, by typing a slash, and say what the briefing is to be on."""
    person.page.locator("#chat-input").press_sequentially("/")
    person.page.locator(".command-item").get_by_text(command, exact=True).click()
    person.page.locator("#chat-input").press_sequentially(source)
    person.page.click("#chat-submit")


def test_a_document_becomes_a_briefing_to_copy_and_download(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = chat.models.models["gpt-oss-20b"] = Reply([GOOD, ALSO_GOOD, BAD])
    person = meet(permissions=["clipboard-read", "clipboard-write"])
    page = person.page
    brief(person, "Briefing", "hr/leave.md")
    person.wait_for_answers(1)
    expect(page.locator(".message-content h1")).to_have_text("Leave")
    expect(page.locator(".message-content h2")).to_have_text("Holidays")
    assert "25 days of paid holiday" in person.answer() and "green cheese" not in person.answer()
    expect(page.locator("[data-notice=left_out]")).to_contain_text("2")

    page.click("[data-action=copy]")
    expect(page.locator("[data-action=copy]")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("# Leave\n\n## Holidays\n\n- Every employee has 25 days") and "[1]" in copied
    assert "## Sources\n\n1. hr/leave.md" in copied

    with page.expect_download() as download:
        page.click("[data-action=download]")
    assert download.value.suggested_filename == "Leave.docx"
    document = Document(str(download.value.path()))
    words = [paragraph.text for paragraph in document.paragraphs]
    assert words[0] == "Leave" and words[-1] == "hr/leave.md" and document.core_properties.author == "Tandem"
    with page.expect_download() as download:
        page.locator("[data-action=download_pdf]").press("Enter")
    assert download.value.suggested_filename == "Leave.pdf"
    with PdfDocument(download.value.path()) as printed:
        assert "25 days of paid holiday" in printed[0].get_textpage().get_text_bounded()

    assert not faults(page)
    page.locator(".td-chip[data-source='1']").click()
    expect(page.locator("[data-source-card='1']")).to_contain_text("25 days")
    expect(page.locator("[data-tab=latency]")).to_have_count(0)

    page.reload()
    person.wait_for_answers(1)
    assert "25 days of paid holiday" in person.answer()
    with page.expect_download() as again:
        page.click("[data-action=download]")
    assert again.value.suggested_filename == "Leave.docx"


def test_high_priority_progress_and_stop(chat: Chat, meet: Meet) -> None:
    hold = threading.Event()
    chat.models.models["phi-4-mini"] = Reply([GOOD])
    chat.models.models["gpt-oss-20b"] = Reply([GOOD], hold=hold)
    person = meet()
    page = person.page
    asked = len(chat.models.requests)
    brief(person, "Briefing, high priority", "hr")
    expect(page.locator("[data-status=briefing]")).to_contain_text("Writing section 1 of 1: Holidays")
    assert chat.models.wait_for(lambda server: len(server.requests) == asked + 2)
    assert chat.models.requests[-1]["model"] == "gpt-oss-20b"
    page.reload()
    expect(page.locator("[data-status=briefing]")).to_contain_text("Holidays")
    page.click("#stop-button")
    person.wait_for_answers(1)
    expect(page.locator(".td-note")).to_contain_text("before anything was written")
    expect(page.locator("[data-action=download]")).to_have_count(0)
    hold.set()

    brief(person, "Briefing, high priority", "hr")
    person.wait_for_answers(2)
    expect(page.get_by_test_id("written-by")).to_contain_text("gpt-oss-20b")

    person.ask("How many days of holiday?")
    person.wait_for_answers(3)
    expect(page.locator("[data-action=regenerate]")).to_have_count(1)


def test_a_source_that_nothing_is_called_and_in_turkish(chat: Chat, meet: Meet) -> None:
    chat.models.models["phi-4-mini"] = Reply(["Her çalışanın yılda 25 gün ücretli izni vardır [1]."])
    person = meet(viewport={"width": 390, "height": 844}, locale="tr-TR", color_scheme="dark", is_mobile=True)
    brief(person, "Yönetici özeti", "zzyzzxqq")
    person.wait_for_answers(1)
    expect(person.page.get_by_role("alert")).to_contain_text("zzyzzxqq adında bir şey yok")
    brief(person, "Yönetici özeti", "tr/izin.md")
    person.wait_for_answers(2)
    expect(person.page.locator(".message-content h1")).to_have_text("İzin")
    assert "25 gün" in person.answer()
    assert person.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
