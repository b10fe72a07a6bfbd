"""Reading the best passages once more: what a reader says moves the confidence, and is missed by nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.answering.reading import read
from rag.library import Library
from rag.retrieval import rereading
from rag.retrieval.embedders.base import EmbedderError
from rag.retrieval.embedders.paired import Paired
from rag.settings import RetrievalSettings
from rag.types import Passage, SearchResult
from tests.rag.library_help import library_of
from tests.support.encoders import WordEncoder

_TEXTS = {
    "leave.md": "# Leave\n\nEvery employee of the company takes twenty days of paid leave in a year.",
    "office.md": "# Office\n\nThe kitchen of the office is cleaned on the last Friday of every month.",
    "de.md": "# Urlaub\n\nAlle Angestellten bekommen in jedem Jahr zwanzig Tage Urlaub von der Firma.",
}
_ASKED = "How many days of leave does an employee of the company take in a year?"


class _Reader:
    """Says the same of everything, and remembers what it read."""

    def __init__(self, odds: float) -> None:
        self._odds = odds
        self.read: list[tuple[str, str, str]] = []

    def odds(self, question: str, headings: str, text: str, near: tuple[int, int] = (0, 0)) -> float:
        self.read.append((question, headings, text))
        return self._odds


class _Together:
    """Says something only while two are read beside each other."""

    def __init__(self) -> None:
        self._both = Barrier(2, timeout=20.0)
        self.read: list[str] = []

    def odds(self, question: str, headings: str, text: str, near: tuple[int, int] = (0, 0)) -> float:
        self._both.wait()
        self.read.append(question)
        return 3.0


class _Broken:
    def __init__(self) -> None:
        self.asked = 0

    def odds(self, question: str, headings: str, text: str, near: tuple[int, int] = (0, 0)) -> float:
        self.asked += 1
        raise EmbedderError("The reader cannot be used (it is broken); answers go on without it.")


def _library(directory: Path, reader: _Reader | _Together | _Broken) -> Library:
    library_of(directory, _TEXTS).close()
    encoders = Paired(WordEncoder(), WordEncoder("second"), "en", reader)
    library = Library.open(directory, RetrievalSettings(), write=True, embedder=encoders)
    assert library.semantics is not None
    library.semantics.make()
    return library


def _unsure(library: Library, question: str) -> SearchResult:
    return replace(library.search(question), confidence=0.5)


def test_the_best_passages_are_read_with_their_headings_and_count(tmp_path: Path) -> None:
    found = {}
    for odds in (-6.0, 6.0):
        reader = _Reader(odds)
        library = _library(tmp_path / str(odds), reader)
        before = _unsure(library, _ASKED)
        found[odds] = library.readings.reread_later(before)()
        assert found[odds].passages == before.passages
        assert reader.read[0] == (before.query, "Leave", before.passages[0].text)
        library.close()
    assert found[-6.0].confidence < 0.5 < found[6.0].confidence


def test_what_is_in_another_language_is_not_read(tmp_path: Path) -> None:
    reader = _Reader(-6.0)
    library = _library(tmp_path, reader)
    german = _unsure(library, "Wie viele Tage Urlaub bekommen die Angestellten von der Firma in jedem Jahr?")
    assert library.readings.reread_later(german)() == german and not reader.read
    library.close()


def test_what_is_in_other_languages_is_read_by_who_knows_them(tmp_path: Path) -> None:
    english, others = _Reader(6.0), _Reader(-6.0)
    library_of(tmp_path, _TEXTS).close()
    encoders = Paired(WordEncoder(), WordEncoder("second"), "en", english)
    library = Library.open(tmp_path, RetrievalSettings(), write=True, embedder=encoders)
    assert library.semantics is not None
    library.semantics.make()
    german = _unsure(library, "Wie viele Tage Urlaub bekommen die Angestellten von der Firma in jedem Jahr?")
    assert library.readings.reread_later(german)() == german
    library.take_encoder(replace(encoders, others=others))  # it has come meanwhile
    assert library.readings.reread_later(german)().confidence < german.confidence
    assert others.read and not english.read
    library.readings.reread_later(_unsure(library, _ASKED))()
    assert english.read and english.read[0][0] == _ASKED
    library.close()


def test_a_reader_that_fails_is_asked_once_and_changes_nothing(tmp_path: Path) -> None:
    reader = _Broken()
    library = _library(tmp_path, reader)
    before = _unsure(library, _ASKED)
    assert library.readings.reread_later(before)() == library.readings.reread_later(before)() == before
    assert reader.asked == 1
    library.close()


def test_an_answer_is_prepared_from_what_was_read(tmp_path: Path) -> None:
    reader = _Reader(-6.0)
    library = _library(tmp_path, reader)
    found = read(library, _ASKED, conversation="", history=(), limit=None, minimum=0.14).found
    searched = library.search(_ASKED)
    assert found == library.readings.reread_later(searched)()
    library.close()


def test_the_parts_of_a_question_are_read_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = _Together()
    library = _library(tmp_path, reader)
    monkeypatch.setattr(rereading, "worth", lambda found: True)
    both = f"{_ASKED[:-1]}, and when is the kitchen of the office cleaned?"
    found = read(library, both, conversation="", history=(), limit=None, minimum=0.14)
    assert len(reader.read) == 2 and all(part.answerable for part in found.parts)
    library.close()


def test_passages_are_read_side_by_side_each_for_itself_in_their_order(tmp_path: Path) -> None:
    reader = _Together()
    library = _library(tmp_path, reader)
    leave, office = (library.search(asked).passages[0] for asked in (_ASKED, "When is the kitchen cleaned?"))
    german = replace(office, language="de")
    assert library.readings.read(_ASKED, "en", [leave, office]) == [3.0, 3.0]
    assert library.readings.read(_ASKED, "en", [german, german, german]) == [None] * 3 and len(reader.read) == 2
    library.close()
    assert library.readings.read(_ASKED, "en", [leave, office]) == [None, None]


def test_where_nobody_reads_nothing_is_said(tmp_path: Path) -> None:
    library = library_of(tmp_path, _TEXTS)
    passages = library.search(_ASKED).passages
    assert library.readings.read(_ASKED, "en", passages) == [None] * len(passages)
    library.close()


def _found(confidence: float, *texts: str) -> SearchResult:
    passages = tuple(Passage(text, "a.md", text, 0, len(text), language="en") for text in texts)
    return SearchResult(passages, "q", confidence, "en")


@pytest.mark.parametrize("found", [_found(0.5), _found(0.001, "a"), _found(0.9, "a")])
def test_nothing_is_read_where_it_would_change_nothing(found: SearchResult) -> None:
    assert rereading.reread(found, lambda *_: pytest.fail("it was read")) == found


@given(st.floats(0.0, 1.0), st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=4), st.floats(0.0, 1e3))
def test_the_confidence_is_a_chance_that_goes_up_with_the_odds(found: float, odds: list[float], more: float) -> None:
    low, high = rereading.confidence(found, odds), rereading.confidence(found, [one + more for one in odds])
    assert 0.0 <= low <= high <= 1.0


@pytest.mark.parametrize(("odds", "read"), [(-9.0, "a"), (9.0, "a"), (-2.0, "abc")])
def test_more_is_read_only_where_the_first_leaves_a_doubt(odds: float, read: str) -> None:
    texts = list[str]()

    def reads(_: str, __: str, passage: Passage) -> float:
        texts.append(passage.text)
        return odds

    rereading.reread(_found(0.3, *"abcdefgh"), reads)
    assert "".join(texts) == read


def test_the_passages_after_the_first_are_read_side_by_side() -> None:
    both, texts = Barrier(2, timeout=20.0), list[str]()

    def reads(_: str, __: str, passage: Passage) -> float:
        if passage.text != "a":
            both.wait()
        texts.append(passage.text)
        return -2.0

    with ThreadPoolExecutor(1) as beside:
        found = rereading.reread(_found(0.3, *"abcd"), reads, beside)
    assert sorted(texts) == ["a", "b", "c"]
    assert found == rereading.reread(_found(0.3, *"abcd"), lambda *_: -2.0)


def test_what_the_other_passages_say_counts() -> None:
    assert rereading.confidence(0.5, [2.0, -9.0, -9.0]) < rereading.confidence(0.5, [2.0, -9.0, 5.0])
