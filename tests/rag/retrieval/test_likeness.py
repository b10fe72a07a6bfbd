"""Words of the library that mean much the same as a question's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.library import Library
from rag.retrieval import confidence, matching, rerank_features, second_stage
from rag.retrieval.likeness import LikeWords, words_of
from rag.retrieval.query import Query
from rag.retrieval.ranked import Ranked
from rag.settings import RetrievalSettings
from rag.storage.passage_terms import analyse, unpack
from tests.support.encoders import WordEncoder


def _opened(folder: Path, data: Path) -> Library:
    library = Library.open(data, RetrievalSettings(), write=True, embedder=WordEncoder())
    library.sync([folder])
    assert library.semantics is not None
    library.semantics.make()
    return library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nEmployees take twenty days of leave a year.\n", encoding="utf-8")
    (folder / "izin.md").write_text("# İzin\n\nÇalışanlar yılda yirmi gün izin kullanır.\n", encoding="utf-8")
    return folder


def test_a_word_of_another_language_is_like_the_librarys_own(folder: Path, tmp_path: Path) -> None:
    library = _opened(folder, tmp_path / "data")
    likes = library.search("How much vacation?").likes
    assert {stem for stem, _ in likes["vacation"]} >= {"leav", "izin"}
    assert all(0.0 < how <= 1.0 for _, how in likes["vacation"])
    library.close()


def test_words_are_kept_and_those_of_new_passages_come_later(folder: Path, tmp_path: Path) -> None:
    _opened(folder, tmp_path / "data").close()
    (folder / "urlaub.md").write_text("# Urlaub\n\nDer Urlaub dauert zwanzig Tage im Jahr.\n", encoding="utf-8")
    library = _opened(folder, tmp_path / "data")
    assert "urlaub" in {stem for stem, _ in library.search("How much vacation?").likes["vacation"]}
    library.close()


def test_without_words_nothing_is_like_anything() -> None:
    words = LikeWords(WordEncoder())
    assert words.likes(["vacation"]) == {"vacation": ()}
    assert not len(words)


def test_words_that_say_nothing_have_no_vector() -> None:
    assert words_of("The leave, of 20 days at XY-12 だから", "en") == {"leave", "days"}


def test_the_likest_word_of_a_sentence_counts(folder: Path, tmp_path: Path) -> None:
    library = _opened(folder, tmp_path / "data")
    asked = library.searcher.analyse("vacation year")
    read = analyse("Take leave. It ends with the year.", (), "Title", "en")
    batch = unpack([(read.packed_tokens, read.packed_grams)])
    found = matching.likeness(batch, asked.content, {"vacation": (("leav", 0.8), ("end", 0.3))})
    number = [term.word for term in asked.content].index("vacation")
    assert np.allclose(found[:2, number], [0.8, 0.3])
    assert np.allclose(found[:2, 1 - number], [0.0, 1.0])
    library.close()


@pytest.mark.parametrize(
    ("foreign", "near", "cosine", "may"),
    [
        (True, 0.5, 0.4, True),
        (False, 0.5, 0.4, False),
        (True, 0.3, 0.4, False),
        (True, 0.5, 0.2, False),
    ],
)
def test_a_passage_in_another_language_may_answer(foreign: bool, near: float, cosine: float, may: bool) -> None:
    both, none = np.array([cosine, 0.0]), np.zeros(2)
    columns = second_stage.Columns(
        words=none,
        own=both,
        talk=both,
        usual=(0.1, 0.1),
        foreign=np.array([foreign, False]),
        in_talk=False,
        alike=np.array([near, 0.0]),
        alike_near=np.array([near, 0.0]),
        gap=none,
        has=none,
    )
    found = rerank_features.Scored(np.zeros((2, len(rerank_features.NAMES))), none, np.zeros(2, np.int64))
    asked = Query("en", (), ())
    ranked = Ranked((7, 8), np.array([1.0, 0.0]), found, np.array([0, 1]), 0, asked, columns)
    assert confidence.across_languages(ranked) is may


def test_what_was_asked_before_is_known_without_computing(folder: Path, tmp_path: Path) -> None:
    encoder = WordEncoder()
    library = Library.open(tmp_path / "data", RetrievalSettings(), write=True, embedder=encoder)
    library.sync([folder])
    assert library.semantics is not None
    library.semantics.make()
    first = library.semantics.likes_later(["Vacation", "days"])()
    assert first == library.semantics.likes_later(["vacation", "Days"])() and first["vacation"]
    library.close()
