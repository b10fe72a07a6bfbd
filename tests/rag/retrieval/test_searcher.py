"""Searching: what is found, filtered, corrected and noted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.library import Library
from rag.settings import RetrievalSettings
from tests.rag.library_help import library_of

_TEXTS = {
    "hr/leave.md": (
        "# Annual leave\n\n## Employees\n\nEmployees get 25 days of annual leave a year.\n\n"
        "## Contractors\n\nContractors get 12 days of unpaid leave a year, agreed with the project lead."
    ),
    "hr/sick.md": "# Sick leave\n\nCall your manager before nine when you are ill. A doctor's note is due on day four.",
    "it/backup.md": "# Backups\n\nThe nightly backup runs at half past two and is kept for ninety days in Tartu.",
    "it/laptops.md": "# Laptops\n\nA stolen laptop is reported to the help desk within an hour. Disks are encrypted.",
    "it/gpu.md": "# Servers\n\nThe server Emajõgi has two graphics cards with 48 GB of memory each.",
    "tr/izin.md": (
        "# Yıllık izin\n\nÇalışanlar yılda yirmi beş gün izin kullanır. Yükleniciler on iki gün ücretsiz izin alır.\n\n"
        "## Hastalık\n\nHastalanan çalışan saat dokuzdan önce yöneticisini arar."
    ),
    "de/urlaub.md": "# Urlaub\n\nDie Angestellten bekommen im Jahr dreißig Tage Urlaub, die nicht übertragen werden.",
    "zh/backup.md": "# 备份\n\n夜间备份在凌晨两点半运行，并在塔尔图保存九十天。",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    opened = library_of(tmp_path_factory.mktemp("library"), _TEXTS)
    opened.warm(60)
    yield opened
    opened.close()


def first(library: Library, question: str) -> str:
    return library.search(question).passages[0].document


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("How many days of annual leave do employees get?", "hr/leave.md"),
        ("When does the nightly backup run?", "it/backup.md"),
        ("My notebook was stolen, whom do I tell?", "it/laptops.md"),
        ("Çalışanlar kaç gün izin kullanır?", "tr/izin.md"),
        ("Wie viele Tage Urlaub bekommen Angestellte?", "de/urlaub.md"),
        ("夜间备份什么时候运行？", "zh/backup.md"),
        ("How much memory do the cards of Emajogi have?", "it/gpu.md"),
    ],
)
def test_the_passage_that_answers_comes_first(library: Library, question: str, document: str) -> None:
    assert first(library, question) == document


def test_headings_are_searched_and_come_with_the_passage(library: Library) -> None:
    found = library.search("leave of contractors").passages[0]
    assert found.headings == ("Annual leave", "Contractors")
    text = library.store.text(library.store.find("hr/leave.md") or 0)
    assert text[found.start : found.end] == found.text


@pytest.mark.parametrize(
    "question",
    [
        "Yükleniciler kaç gün ücretsiz izin alır?",
        "YÜKLENİCİLER KAÇ GÜN ÜCRETSİZ İZİN ALIR?",
        "yukleniciler kac gun ucretsiz izin alir",
    ],
)
def test_turkish_finds_the_same_passage_in_any_case_with_and_without_diacritics(
    library: Library, question: str
) -> None:
    found = library.search(question).passages
    assert "Yükleniciler on iki gün" in found[0].text


def test_a_misspelt_word_is_corrected_and_the_result_says_so(library: Library) -> None:
    result = library.search("When does the nightly bakcup run?")
    assert result.passages[0].document == "it/backup.md"
    assert result.corrections == (("bakcup", "backup"),)


def test_a_quoted_phrase_must_stand_in_the_passage(library: Library) -> None:
    assert {p.document for p in library.search('"unpaid leave"').passages} == {"hr/leave.md"}
    loose = library.search('"leave unpaid"')
    assert loose.passages
    assert any("quoted" in note for note in loose.notes)


def test_a_quoted_passage_is_found_though_many_hold_more_of_the_other_words(tmp_path: Path) -> None:
    texts = {f"{number}.md": "# Tide\n\nThe tide in the harbour at the mole and the berth." for number in range(15)}
    texts["closed.md"] = "# Other\n\n" + "Nobody knew of any of this. " * 20 + "The harbour mole was closed."
    library = library_of(tmp_path, texts, RetrievalSettings(candidates=10))
    found = library.search('Which tide and which berth "harbour mole was"?').passages
    assert found[0].document == "closed.md"
    assert len(found) == 5
    library.close()


def test_an_excluded_word_keeps_its_passages_out(library: Library) -> None:
    assert "hr/sick.md" in {p.document for p in library.search("leave").passages}
    assert "hr/sick.md" not in {p.document for p in library.search("leave -doctor").passages}


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("leave folder:hr", {"hr/leave.md", "hr/sick.md"}),
        ('leave document:"sick leave"', {"hr/sick.md"}),
        ("leave document:sick.md", {"hr/sick.md"}),
        ("leave type:pdf", set()),
        ("leave type:md after:2030", set()),
        ("leave folder:hr before:2030-01-01 after:2020", {"hr/leave.md", "hr/sick.md"}),
    ],
)
def test_filters_restrict_the_search(library: Library, question: str, documents: set[str]) -> None:
    assert {p.document for p in library.search(question).passages} == documents


def test_documents_given_by_the_caller_restrict_the_search(library: Library) -> None:
    found = library.search("leave", documents={"tr/izin.md", "hr/sick.md"}).passages
    assert {p.document for p in found} <= {"tr/izin.md", "hr/sick.md"}
    assert not library.search("leave", documents=[]).passages


def test_a_filter_that_cannot_be_read_is_noted(library: Library) -> None:
    assert any("after:soon" in note for note in library.search("leave after:soon").notes)


def test_a_follow_up_uses_the_conversation(library: Library) -> None:
    history = [("How many days of annual leave do employees get?", "They get 25 days.")]
    found = library.search("and contractors?", history=history)
    assert found.passages[0].headings[-1] == "Contractors"
    assert "leave" in found.query


def test_confidence_is_high_where_the_answer_is_and_low_where_it_is_not(library: Library) -> None:
    known = library.search("When does the nightly backup run?").confidence
    unknown = library.search("Which restaurant near the harbour serves vegetarian lunch?").confidence
    assert 0.0 <= unknown < known <= 1.0


@pytest.mark.parametrize("question", ["", "   ", "?!", "the of and", '"', "-", "folder:", "\x00", "😀", "a" * 100_000])
def test_odd_questions_get_an_answer_without_an_error(library: Library, question: str) -> None:
    result = library.search(question)
    assert 0.0 <= result.confidence <= 1.0


@given(st.text(max_size=300))
def test_any_text_can_be_asked(library: Library, question: str) -> None:
    result = library.search(question, limit=3)
    assert len(result.passages) <= 3
    scores = [p.score for p in result.passages]
    assert scores == sorted(scores, reverse=True)


def test_threads_search_at_the_same_time(library: Library) -> None:
    expected = [p.id for p in library.search("nightly backup").passages]
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append([p.id for p in library.search("nightly backup").passages]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_an_empty_library_finds_nothing(tmp_path: Path) -> None:
    library = library_of(tmp_path, {})
    result = library.search("anything at all")
    assert result.passages == ()
    assert result.confidence == 0.0
    library.close()


@pytest.mark.parametrize("question", ["How many days of leave do employees get?", "Kaç gün izin var?", '"sick"?'])
def test_a_question_that_is_only_read_is_read_as_one_that_is_searched(library: Library, question: str) -> None:
    read, searched = library.search(question, limit=0), library.search(question)
    assert read.passages == () and searched.passages
    assert (read.query, read.resolved, read.language) == (searched.query, searched.resolved, searched.language)
    assert read.notes == searched.notes
