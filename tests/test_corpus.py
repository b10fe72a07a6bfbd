"""The documents that ship, and the questions about them: complete, loadable, and true to each other."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rag.formats.extracted import Extracted
from rag.ingest.loader import load

CORPUS = Path(__file__).parent.parent / "docs_corpus"
DOCUMENTS = sorted(
    path.relative_to(CORPUS).as_posix()
    for path in CORPUS.rglob("*")
    if path.suffix in {".md", ".txt", ".html", ".pdf", ".docx"}
)
QUESTIONS: list[dict[str, Any]] = yaml.safe_load((CORPUS / "questions.yaml").read_text(encoding="utf-8"))["questions"]
ANSWERABLE = [question for question in QUESTIONS if question["documents"]]
UNANSWERABLE = [question for question in QUESTIONS if not question["documents"]]

# An address somebody could fetch from, or a place on one person's machine, does not belong in a document that is
# shipped, indexed and quoted.
FORBIDDEN = re.compile(
    r"https?://|www\.|\bftp:|git@|/(?:home|work|root|tmp|Users)/|[A-Z]:\\|\b\w+\.(?:com|org|net|io|dev)\b"
)


@cache
def extracted(document: str) -> Extracted:
    return load(CORPUS / document)


def squeezed(text: str) -> str:
    return " ".join(text.split()).casefold()


def test_there_are_enough_documents_of_each_kind() -> None:
    kinds = Counter(Path(document).suffix for document in DOCUMENTS)
    assert len(DOCUMENTS) >= 34
    assert kinds[".md"] >= 25
    assert min(kinds[".pdf"], kinds[".docx"], kinds[".html"]) >= 3
    assert sum(document.startswith("tr/") for document in DOCUMENTS) >= 6


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_document_loads_with_a_title_and_enough_text(document: str) -> None:
    loaded = extracted(document)
    assert loaded.title
    assert loaded.headings or document.endswith(".pdf")
    assert 390 <= len(loaded.text.split()) <= 1200
    assert not FORBIDDEN.search(loaded.text), FORBIDDEN.search(loaded.text)
    assert "\ufffd" not in loaded.text


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document.endswith(".pdf")])
def test_pdf_documents_have_several_pages(document: str) -> None:
    assert len(extracted(document).pages) >= 3


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document.endswith(".html")])
def test_pages_lose_their_menus_and_scripts(document: str) -> None:
    noise = (
        "analyticsQueue",
        "console.log",
        "menuAc",
        "ziyaret = ",
        "cookie-notice",
        "We value your privacy",
        "Yemek listesi",
        "bicycle shed",
        "Sayfayı yazdır",
        "Popular pages",
        "Search the intranet",
    )
    assert not [word for word in noise if word in extracted(document).text]


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if document.startswith("tr/")])
def test_turkish_documents_keep_their_letters(document: str) -> None:
    text = extracted(document).text
    assert all(letter in text for letter in "çğıöşüİ")


def test_questions_are_many_in_both_languages_and_some_have_no_answer() -> None:
    answerable = Counter(question["language"] for question in ANSWERABLE)
    unanswerable = Counter(question["language"] for question in UNANSWERABLE)
    assert answerable["en"] >= 64
    assert answerable["tr"] >= 20
    assert unanswerable["en"] >= 16
    assert unanswerable["tr"] >= 8
    assert len(UNANSWERABLE) >= 20
    assert set(answerable) | set(unanswerable) == {"en", "tr"}


def test_questions_are_well_formed_and_unique() -> None:
    fields = {"id", "language", "question", "documents", "answer", "key_facts"}
    assert all(fields <= set(question) <= fields | {"kind", "history"} for question in QUESTIONS)
    assert all(re.fullmatch(r"[a-z0-9-]+", question["id"]) for question in QUESTIONS)
    assert max(Counter(question["id"] for question in QUESTIONS).values()) == 1
    assert max(Counter(squeezed(question["question"]) for question in QUESTIONS).values()) == 1


def test_every_document_is_asked_about() -> None:
    asked = {document for question in ANSWERABLE for document in question["documents"]}
    assert asked == set(DOCUMENTS)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_the_named_documents_hold_the_key_facts(question: dict[str, Any]) -> None:
    assert question["answer"]
    assert question["key_facts"]
    assert set(question["documents"]) <= set(DOCUMENTS)
    texts = {document: _searchable(document) for document in question["documents"]}
    if question.get("kind") == "compound":  # each part may be answered by another document
        texts = {"all of them": " ".join(texts.values())}
    for document, text in texts.items():
        for fact in question["key_facts"]:
            alternatives = [fact] if isinstance(fact, str) else fact
            assert any(squeezed(alternative) in text for alternative in alternatives), (document, fact)


def _searchable(document: str) -> str:
    """The text with title and name: an answer about a whole document names it."""
    return squeezed(f"{document} {extracted(document).title} {extracted(document).text}")


def test_natural_questions_are_of_every_kind() -> None:
    kinds = Counter(question.get("kind", "plain") for question in QUESTIONS)
    assert kinds["plain"] >= 120
    assert kinds["unanswerable"] >= 40
    natural = (
        "paraphrased",
        "list",
        "table",
        "document",
        "compound",
        "vague",
        "misspelt",
        "cross-language",
        "follow-up",
    )
    assert sum(kinds[kind] for kind in natural) >= 80
    assert all(kinds[kind] >= 4 for kind in natural)
    assert all(question["history"] for question in QUESTIONS if question.get("kind") == "follow-up")


@pytest.mark.parametrize("question", UNANSWERABLE, ids=lambda question: question["id"])
def test_questions_without_an_answer_promise_none(question: dict[str, Any]) -> None:
    assert (question["answer"], question["key_facts"]) == ("", [])
