"""Words of the library that mean much the same as a question's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.library import Library
from rag.retrieval import confidence, matching, rerank_features
from rag.retrieval.embedders.base import Packed, Vectors, packed
from rag.retrieval.likeness import LikeWords, words_of
from rag.retrieval.query import Query
from rag.retrieval.ranked import Ranked
from rag.settings import RetrievalSettings
from rag.storage.passage_terms import analyse, unpack
from tests.rag.retrieval.columns_help import columns_of
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
    assert words.likes(["vacation"], _all) == {"vacation": ()}
    assert not len(words)


def test_the_likest_that_passages_hold_are_found_however_many_likelier_ones_are_hidden() -> None:
    names = [f"w{number}" for number in range(1_500)]  # the later, the less it is like the first
    words = LikeWords(_Fan(names))
    words.add([(name, "") for name in names], words.embed(names))

    def likest(least: int) -> list[int]:
        found = words.likes(["w0"], lambda stems: [int(stem[1:]) >= least for stem in stems])["w0"]
        assert [how for _, how in found] == sorted((how for _, how in found), reverse=True)
        return [int(stem[1:]) for stem, _ in found]

    first = likest(0)
    assert len(first) == 12 and max(first) < 60  # in a byte a number, neighbours change places
    hidden = likest(1_400)
    assert len(hidden) == 12 and min(hidden) >= 1_400 and max(hidden) < 1_460
    assert sorted(likest(1_495)) == [1_495, 1_496, 1_497, 1_498, 1_499]
    assert likest(0) == first


def test_what_is_like_the_librarys_own_words_is_known_beforehand_and_with_words_that_come_later(
    tmp_path: Path,
) -> None:
    names = [f"w{number}" for number in range(1_500)]
    encoder = _Fan(names)
    words = LikeWords(encoder)
    words.add([(name, "") for name in names], words.embed(names))
    asked = names[700:730]
    plain = words.likes(asked, _all)
    assert words.make_lists(lambda: False) and not words.make_lists(lambda: False)
    words.save(tmp_path / "words.usearch")

    def kept(known: int) -> tuple[list[tuple[str, str]], Packed]:
        return [(name, "") for name in names], packed(encoder.embed(names[known:]))

    again = LikeWords(encoder)
    again.open(kept, tmp_path / "words.usearch")
    before = encoder.embedded
    assert again.known(asked) and again.likes(asked, _all) == plain
    assert encoder.embedded == before
    again.add([("x700", ""), ("x1400", "")], again.embed(["x700", "x1400"]))  # each the same as the other of its number
    later = again.likes(asked, _all)
    assert dict(later["w700"])["x700"] == 1.0 and len(later["w700"]) == 12
    assert later | {"w700": plain["w700"]} == plain

    (tmp_path / "words.npz").write_bytes(b"half a file")
    broken = LikeWords(encoder)
    broken.open(kept, tmp_path / "words.usearch")
    assert not broken.known(asked) and broken.likes(asked, _all) == plain
    assert not LikeWords(encoder).make_lists(lambda: False)


def test_lists_that_are_stopped_or_of_other_words_are_none(tmp_path: Path) -> None:
    names = [f"w{number}" for number in range(1_500)]
    words = LikeWords(_Fan(names))
    words.add([(name, "") for name in names], words.embed(names))
    assert not words.make_lists(lambda: True) and not words.known(["w1"])
    assert words.make_lists(lambda: False) and words.known(["w1"])
    words.save(tmp_path / "words.usearch")
    turned = names[::-1]
    other = LikeWords(_Fan(names))
    (tmp_path / "words.usearch").unlink()
    other.open(lambda known: ([(name, "") for name in turned], other.embed(turned[known:])), tmp_path / "words.usearch")
    assert not other.known(["w1"]) and other.likes(["w1"], _all)["w1"]


def _all(stems: Sequence[str]) -> list[int]:
    return [1] * len(stems)


class _Fan:
    """An encoder of some words, each a little farther from the first."""

    name = "fan"

    def __init__(self, words: Sequence[str]) -> None:
        self._apart = dict(zip(words, np.linspace(0.0, 0.8, len(words)).tolist(), strict=True))
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += len(texts)
        rows = np.zeros((len(texts), 64), np.float32)
        for row, text in zip(rows, texts, strict=True):
            away = np.random.default_rng(int(text[1:])).normal(size=63)
            apart = self._apart[f"w{text[1:]}"]
            row[0] = np.cos(apart)
            row[1:] = np.sin(apart) * away / np.linalg.norm(away)
        return rows


def test_words_that_say_nothing_have_no_vector() -> None:
    assert words_of("The leave, of 20 days at XY-12 だから", "en") == {"leave", "days"}


def test_the_likest_word_of_a_sentence_counts(folder: Path, tmp_path: Path) -> None:
    library = _opened(folder, tmp_path / "data")
    asked = library.searcher.analyse("vacation year")
    read = analyse("Take leave. It ends with the year.", (), "Title", "en")
    batch = unpack([(read.packed_tokens, read.packed_grams)])
    found = matching.likeness(batch, matching.alike(asked.content, {"vacation": (("leav", 0.8), ("end", 0.3))}))
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
    both = np.array([cosine, 0.0])
    columns = columns_of(
        2,
        own=both,
        talk=both,
        usual=(0.1, 0.1),
        foreign=np.array([foreign, False]),
        alike=np.array([near, 0.0]),
        alike_near=np.array([near, 0.0]),
    )
    found = rerank_features.Scored(np.zeros((2, len(rerank_features.NAMES))), np.zeros(2), np.zeros(2, np.int64))
    asked = Query("en", (), ())
    ranked = Ranked((7, 8), np.array([1.0, 0.0]), found, np.array([0, 1]), 0, asked, columns)
    assert confidence.across_languages(ranked) is may


def test_words_that_were_asked_before_are_not_embedded_again(folder: Path, tmp_path: Path) -> None:
    encoder = _Counting()
    library = Library.open(tmp_path / "data", RetrievalSettings(), write=True, embedder=encoder)
    library.sync([folder])
    assert library.semantics is not None
    library.semantics.make()
    first = library.search("How much Vacation in summertime?")
    encoder.heard.clear()
    again = library.search("Summertime and vacation?")
    assert encoder.heard == ["Summertime and vacation?"]  # of the new question, not of its words
    assert again.likes["vacation"] == first.likes["vacation"] and again.likes["vacation"]
    library.close()


class _Counting(WordEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.heard += texts
        return super().embed(texts)
