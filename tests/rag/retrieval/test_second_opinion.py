"""A second encoder of one language: it weighs what was found, its vectors are resumed, and it is missed by nobody."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag.library import Library
from rag.retrieval import rerank_features, second_stage
from rag.retrieval.embedders.base import Vectors
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.second_opinion import SECOND_VECTORS
from rag.retrieval.semantics import VECTORS, Semantics
from rag.settings import RetrievalSettings
from rag.types import Nearness
from tests.rag.library_help import documents_of, library_of
from tests.support.encoders import WordEncoder

_DAY = "Everybody comes to the office on one day of the week, and the desks are shared among those who come."
_TEXTS = {
    "a.md": f"# Office\n\n{_DAY} The kitchen is cleaned on Friday.",
    "b.md": f"# Office\n\n{_DAY} The vacation is asked for in writing.",
    "de.md": "# Büro\n\nDie Küche wird jeden Freitag von denen geputzt, die an diesem Tag im Büro gewesen sind.",
}


def _opened(directory: Path, second: WordEncoder) -> Library:
    encoders = Paired(WordEncoder(), second, "en")
    return Library.open(directory, RetrievalSettings(), write=True, embedder=encoders)


def _made(library: Library) -> int:
    assert library.semantics is not None
    return library.semantics.make()


def _kept(directory: Path) -> int:
    with closing(sqlite3.connect(directory / SECOND_VECTORS)) as db:
        return int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])


def _said(library: Library, question: str) -> np.ndarray | None:
    columns = library.searcher.rank(question).columns
    assert columns is not None
    return columns.second


def test_its_cosines_are_those_of_the_passages_in_its_language(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    library = _opened(tmp_path, WordEncoder("second"))
    assert _made(library) == 5  # three of the first encoder, and two of the second
    assert _kept(tmp_path) == 2
    said = _said(library, "When must the leave in the office be asked for?")
    assert said is not None
    best = library.searcher.rank("When must the leave in the office be asked for?")
    documents = [library.store.passages([row])[row].document for row in best.rows]
    by_row = dict(zip(documents, said[best.order], strict=True))
    assert by_row["b.md"] > by_row["a.md"]
    library.close()


def _pieces(directory: Path, file: str = SECOND_VECTORS) -> int:
    with closing(sqlite3.connect(directory / file)) as db:
        return int(db.execute("SELECT count(*) FROM pieces").fetchone()[0])


def test_passages_that_are_found_come_with_how_near_their_pieces_are(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    library = _opened(tmp_path, WordEncoder("second"))
    _made(library)
    assert _pieces(tmp_path) == 2
    found = {one.document: one for one in library.search("When must the leave in the office be asked for?").passages}
    near = found["b.md"].near
    assert near is not None
    text = found["b.md"].text
    said = {text[start:end]: cosine for start, end, cosine in near.pieces}
    assert max(said, key=lambda one: said[one]) == "The vacation is asked for in writing."
    other = found["a.md"].near
    assert other is not None and near.whole > other.whole
    library.close()


def test_a_question_in_another_language_is_none_of_its_business(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    second = WordEncoder("second")
    library = _opened(tmp_path, second)
    _made(library)
    before = second.embedded
    german = library.search("Wann wird die Küche im Büro von den Angestellten geputzt?").passages
    assert {"a.md", "de.md"} <= {one.document for one in german}
    assert {one.document: one.near and one.near.second for one in german} == {
        "a.md": None,
        "b.md": None,
        "de.md": False,
    }
    assert second.embedded == before
    library.close()


def test_the_first_says_how_near_pieces_are_that_the_second_cannot_read(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    library = _opened(tmp_path, WordEncoder("second"))
    _made(library)
    assert (_pieces(tmp_path, VECTORS), _pieces(tmp_path)) == (1, 2)
    library.close()
    alone = Library.open(tmp_path, RetrievalSettings(), write=True, embedder=WordEncoder())
    assert _made(alone) == 0
    assert _pieces(tmp_path, VECTORS) == 3  # without a second, all are read by the first
    found = alone.search("When must the leave in the office be asked for?").passages[0]
    assert found.near is not None and not found.near.second
    said = {found.text[start:end]: cosine for start, end, cosine in found.near.pieces}
    assert max(said, key=lambda one: said[one]) == "The vacation is asked for in writing."
    alone.close()


def test_the_passage_with_the_nearest_piece_comes_first_where_the_best_leaves_much_unsaid() -> None:
    near = {1: Nearness(0.5, ((0, 5, 0.3),)), 2: Nearness(0.3, ((0, 5, 0.2), (5, 9, 0.8))), 4: Nearness(0.4, ())}
    scores = {1: 2.0, 2: 1.9, 3: 1.8, 4: 1.7}
    assert second_stage.by_pieces([1, 2, 3, 4], dict(scores), near, 0.0) == [1, 2, 3, 4]
    assert second_stage.by_pieces([1, 2, 3, 4], scores, near, 0.5)[0] == 2
    assert scores[2] > scores[1] >= 2.0
    assert all(scores[row] >= 1.7 for row in (1, 2, 3, 4))
    assert second_stage.by_pieces([3, 1], {3: 2.0, 1: 1.0}, {}, 0.5) == [3, 1]
    assert second_stage.by_pieces([], {}, {}, 0.5) == []
    first = {row: replace(one, second=False) for row, one in near.items()}
    assert second_stage.by_pieces([1, 2, 3, 4], {1: 2.0, 2: 1.9, 3: 1.8, 4: 1.7}, first, 0.5) == [1, 2, 3, 4]


def test_a_passage_that_holds_the_quoted_words_stays_before_those_with_nearer_pieces(tmp_path: Path) -> None:
    others = {f"{at}.md": f"# Leave\n\nThe vacation of team {at} is asked for in writing." for at in range(6)}
    library_of(tmp_path, {"held.md": "# Sheet\n\nA yellow sheet lies in the box of every desk.", **others}).close()
    library = _opened(tmp_path, WordEncoder("second"))
    _made(library)
    found = library.search('Is the leave of the office asked for in writing on a "yellow sheet"?').passages
    assert found[0].document == "held.md"
    assert len(found) > 1
    library.close()


def test_pieces_go_with_their_passage_and_are_made_where_only_the_passage_was(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    library = _opened(tmp_path, WordEncoder("second"))
    _made(library)
    library.remove([int(next(d for d in library.documents() if d.name == "a.md").id)])
    _made(library)
    assert _pieces(tmp_path) == 1
    library.close()
    with closing(sqlite3.connect(tmp_path / SECOND_VECTORS)) as db, db:
        db.execute("DROP TABLE pieces")  # as a folder of an earlier version has it
    library = _opened(tmp_path, WordEncoder("second"))
    assert _made(library) == 0
    assert _pieces(tmp_path) == 1
    library.close()


def test_what_it_alone_holds_near_is_found(tmp_path: Path) -> None:
    many = {f"{at}.md": f"# Notes\n\nThe office has room {at}, with a table and a chair for {at}." for at in range(60)}
    library_of(tmp_path, many | {"last.md": "# Trips\n\nTravel is paid back within a month of its end."}).close()
    question = "The office has a wage?"
    library = Library.open(tmp_path, RetrievalSettings(), write=True, embedder=Paired(_Blind(), _Knowing(), "en"))
    _made(library)
    rows = library.searcher.rank(question).rows
    assert "last.md" in {library.store.passages([row])[row].document for row in rows}
    library.close()


def test_a_model_that_comes_back_after_another_is_begun_anew(tmp_path: Path) -> None:
    many = {
        f"{at}.md": f"# Room {at}\n\nThe office has room {at}, with a table for the people of it." for at in range(8)
    }
    library_of(tmp_path, many).close()
    store = Library.open(tmp_path, RetrievalSettings(), write=True)
    for name in ("one", "other", "one"):
        encoders = Paired(WordEncoder(name), WordEncoder(f"second {name}"), "en")
        semantics = Semantics(store.store, tmp_path, encoders, graph_from=4)
        assert semantics.make() == 16
        assert semantics.counts() == (8, 8)
        semantics.close()
    store.close()


class _Blind(WordEncoder):
    """To this one all texts with an office are the same, and those without have nothing to do with them."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([np.eye(2, dtype=np.float32)[int("office" not in text)] for text in texts])


class _Knowing(WordEncoder):
    """This one knows that a wage is what is paid."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return np.stack([np.eye(2, dtype=np.float32)[int("paid" in text or "wage" in text)] for text in texts])


def test_it_says_nothing_of_questions_in_other_languages_or_before_it_has_read(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    first = Library.open(tmp_path, RetrievalSettings(), write=True, embedder=WordEncoder())
    _made(first)
    first.close()
    library = _opened(tmp_path, WordEncoder("second"))
    assert _said(library, "Who cleans the kitchen in the office?") is None
    assert _made(library) == 2
    assert _said(library, "Who cleans the kitchen in the office?") is not None
    assert _said(library, "Wann wird die Küche im Büro von den Angestellten geputzt?") is None
    library.close()


def test_making_goes_on_where_it_was_stopped_and_follows_documents_and_model(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    library = _opened(tmp_path, WordEncoder("second"))
    _made(library)
    library.close()
    again = WordEncoder("second")
    library = _opened(tmp_path, again)
    assert _made(library) == 0
    assert again.embedded == 0
    library.remove([int(next(d for d in library.documents() if d.name == "a.md").id)])
    assert _made(library) == 0
    assert _kept(tmp_path) == 1
    library.close()
    library = _opened(tmp_path, WordEncoder("another"))
    assert _made(library) == 1
    library.close()


def test_one_that_fails_leaves_the_first_one(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    second = WordEncoder("second")
    library = _opened(tmp_path, second)
    _made(library)
    second.broken = True
    assert _said(library, "Who cleans the kitchen in the office?") is None
    assert library.search("Who cleans the kitchen in the office?").passages[0].document == "a.md"
    assert _made(library) == 0
    library.close()


def test_a_question_in_a_conversation_has_its_vector_too(tmp_path: Path) -> None:
    library_of(tmp_path, _TEXTS).close()
    library = _opened(tmp_path, WordEncoder("second"))
    _made(library)
    columns = library.searcher.rank(
        "And who does it?", history=[("Who cleans the kitchen?", "Those who come.")]
    ).columns
    assert columns is not None and columns.in_talk
    assert columns.second is not None
    library.close()


def test_what_it_says_counts_beside_what_words_and_the_first_say() -> None:
    zeros = np.zeros(3)
    columns = second_stage.Columns(
        np.array([2.0, 1.0, 0.0]), np.zeros((3, len(rerank_features.NAMES))), zeros, zeros, (0.0, 0.1),
        np.zeros(3, bool), False, zeros, zeros, zeros, zeros, np.array([0.1, 0.2, 0.9]),
    )  # fmt: skip
    weights = {"alone": {"words": 1.0, "second": 3.0}, "talk": {"words": 1.0, "second": 0.1}}
    assert second_stage.score(columns, weights).argmax() == 2
    assert second_stage.score(replace(columns, in_talk=True), weights).argmax() == 0
    assert second_stage.score(replace(columns, second=None), weights).argmax() == 0
    assert second_stage.score(columns, {"alone": {"words": 1.0}}).argmax() == 0


def test_batches_beside_each_other_make_what_one_after_the_other_makes(tmp_path: Path) -> None:
    many = {f"{at}.md": f"# Room {at}\n\nRoom {at} has a table. The office pays for {at} chairs." for at in range(90)}
    kept = []
    for at_once in (1, 3):
        folder = tmp_path / str(at_once)
        library_of(folder, many).close()
        library = _opened(folder, WordEncoder("second"))
        assert library.semantics is not None
        told: list[tuple[int, int]] = []
        stopping = library.semantics.make(
            progress=lambda *said, told=told: told.append(said),
            stopped=lambda told=told: len(told) > 1,
            at_once=at_once,
        )
        assert 0 < stopping < 180
        assert library.semantics.make(at_once=at_once) == 180 - stopping
        library.close()
        with closing(sqlite3.connect(folder / SECOND_VECTORS)) as db:
            kept.append(db.execute("SELECT * FROM vectors JOIN pieces USING (passage) ORDER BY passage").fetchall())
    assert len(kept[0]) == 90
    assert kept[0] == kept[1]


def test_how_far_vectors_are_is_told_step_by_step_and_a_second_encoder_may_come_later(tmp_path: Path) -> None:
    seen: list[tuple[int, int] | None] = []

    class Watched(WordEncoder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            going = library.semantics.progress if library.semantics is not None else None
            seen.append((going.step, going.steps) if going is not None else None)
            return super().embed(texts)

    library_of(tmp_path, _TEXTS).close()
    first = Watched("first")
    library = Library.open(tmp_path, RetrievalSettings(), write=True)
    library.take_encoder(first)
    assert library.semantics is not None
    library.semantics.start()
    assert library.semantics.settled(60)
    assert list(dict.fromkeys(seen)) == [None, (1, 3), (2, 3)]
    seen.clear()
    library.take_encoder(Paired(first, Watched("second"), "en"))
    library.add(documents_of({"new.md": "# News\n\nThe canteen opens at noon on every working day."}))
    assert library.semantics.settled(60)
    assert (1, 5) in seen and (4, 5) in seen and library.semantics.progress is None
    library.close()
