"""What is near in meaning: vectors made in the background, resumed, replaced, and met with what words find."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.labels import PUBLIC, collection
from rag.library import Library
from rag.principal import Principal
from rag.retrieval import neighbours, rerank_features, second_stage
from rag.retrieval import semantics as semantics_module
from rag.retrieval.embedders.base import Vectors, packed
from rag.retrieval.neighbours import Among, Neighbours
from rag.retrieval.query import Query
from rag.retrieval.ranked import Ranked
from rag.retrieval.semantics import VECTORS, Semantics
from rag.settings import RetrievalSettings
from rag.storage.filters import Filters
from tests.rag.library_help import documents_of, library_of
from tests.rag.retrieval.columns_help import columns_of
from tests.support.encoders import WordEncoder
from tests.support.several import within

_TEXTS = {
    "leave.md": "# Rules\n\nEmployees take twenty days of leave.",
    "backup.md": "# Machines\n\nThe nightly copy runs at two.",
    "laptop.md": "# Loss\n\nA stolen laptop is reported within an hour.",
    "de.md": "# Regeln\n\nDie Angestellten bekommen zwanzig Tage Urlaub.",
}


def _opened(directory: Path, encoder: WordEncoder) -> Library:
    return Library.open(directory, RetrievalSettings(), write=True, embedder=encoder)


def _semantics(library: Library) -> Semantics:
    assert library.semantics is not None
    return library.semantics


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    library_of(tmp_path, _TEXTS).close()
    return tmp_path


def test_what_no_word_finds_is_found_by_its_meaning(directory: Path) -> None:
    library = _opened(directory, WordEncoder())
    assert not library.search("vacation").passages
    assert _semantics(library).make() == 4
    assert library.search("vacation").passages[0].document in ("leave.md", "de.md")
    assert library.search("stolen notebook").passages[0].document == "laptop.md"
    library.close()


def test_filters_hold_for_what_is_near_in_meaning(directory: Path) -> None:
    library = _opened(directory, WordEncoder())
    _semantics(library).make()
    found = library.search("vacation", documents=["backup.md", "de.md"]).passages
    assert {p.document for p in found} == {"backup.md", "de.md"}
    assert found[0].document == "de.md"
    assert not library.search('"vacation"', documents=["backup.md"]).passages[1:]
    library.close()


def test_making_goes_on_where_it_was_stopped_and_follows_the_documents(directory: Path) -> None:
    first = WordEncoder()
    library = _opened(directory, first)
    semantics = _semantics(library)
    assert semantics.make(stopped=lambda: len(semantics.near) > 0) == 4  # one batch is all there is
    library.close()
    library = _opened(directory, WordEncoder())
    assert _semantics(library).make() == 0  # but for the pieces
    library.close()
    again = WordEncoder()
    library = _opened(directory, again)
    assert _semantics(library).make() == 0
    assert again.embedded == 0
    gone = next(d for d in library.documents() if d.name == "leave.md")
    library.remove([int(gone.id)])
    assert _semantics(library).make() == 0
    with sqlite3.connect(directory / VECTORS) as connection:
        assert connection.execute("SELECT count(*) FROM vectors").fetchone() == (3,)
    assert "leave.md" not in {p.document for p in library.search("vacation").passages}
    library.close()


def test_another_model_replaces_every_vector(directory: Path) -> None:
    library = _opened(directory, WordEncoder())
    _semantics(library).make()
    library.close()
    other = WordEncoder("another")
    library = _opened(directory, other)
    assert _semantics(library).make() == 4
    assert other.embedded > 4  # the words of the passages too
    library.close()


def test_the_thread_makes_what_is_missing_and_wakes_when_documents_come(directory: Path) -> None:
    library = _opened(directory, WordEncoder())
    made = _semantics(library)
    made.start()
    made.settled(60.0)
    assert made.counts() == (4, 4)
    library.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads of one process have one priority")
def test_who_makes_vectors_takes_a_processor_after_who_answers(directory: Path) -> None:
    class Noting(WordEncoder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            noted.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            return super().embed(texts)

    noted: list[int] = []
    library = _opened(directory, Noting())
    _semantics(library).start()
    assert _semantics(library).settled(60)
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert (noted and all(one > own for one in noted)) or own == 19
    noted.clear()
    assert library.search("vacation").passages
    assert noted and set(noted) == {own}
    library.close()


def test_of_two_processes_on_one_folder_one_makes_vectors_and_the_other_follows(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(semantics_module, "_FOLLOW_SECONDS", 0.05)
    first, other = _opened(directory, WordEncoder()), WordEncoder()
    second = _opened(directory, other)
    _semantics(first).start()
    assert _semantics(first).settled(60)
    _semantics(second).start()
    assert within(60, lambda: len(_semantics(second).near) == 4) and other.embedded == 0
    first.close()
    leave = next(document for document in second.documents() if document.name == "leave.md")
    second.remove([int(leave.id)])  # now it is the one that makes them, and forgets them
    assert within(60, lambda: _kept(directory) == 3)
    second.close()


def _kept(directory: Path) -> int:
    with closing(sqlite3.connect(directory / VECTORS)) as db:
        return int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])


def test_an_encoder_that_fails_leaves_words_alone(directory: Path) -> None:
    encoder = WordEncoder()
    library = _opened(directory, encoder)
    _semantics(library).make()
    encoder.broken = True
    assert library.search("stolen laptop").passages[0].document == "laptop.md"
    assert "mend it" in _semantics(library).problem
    library.close()


def test_a_damaged_file_of_vectors_is_made_anew(directory: Path) -> None:
    (directory / VECTORS).write_bytes(b"no database, but long enough to be taken for one" * 40)
    library = _opened(directory, WordEncoder())
    assert _semantics(library).make() == 4
    library.close()


def test_a_turn_is_found_by_its_own_reading_and_with_the_question_before(directory: Path) -> None:
    library = _opened(directory, WordEncoder())
    _semantics(library).make()
    history = [("How many days of leave do employees take?", "Twenty.")]
    leaning = library.search("in Germany?", history=history)
    assert leaning.resolved.startswith("in Germany?")
    assert "leave" in leaning.resolved
    assert leaning.passages[0].document in ("leave.md", "de.md")
    apart = library.search("Within how many hours is a stolen laptop reported?", history=history)
    assert apart.resolved == "Within how many hours is a stolen laptop reported?"
    assert apart.passages[0].document == "laptop.md"
    library.close()


def test_a_graph_that_was_saved_is_looked_through_as_widely_as_before(tmp_path: Path) -> None:
    rows = packed(np.random.default_rng(4).normal(size=(4_000, 64)).astype(np.float32))
    near, again = Neighbours(1_000), Neighbours(1_000)
    near.add(np.arange(len(rows) - 50), rows[:-50])
    near.save(tmp_path / "graph")
    again.open(tmp_path / "graph")
    assert [again.nearest(one, 30) for one in rows[-50:]] == [near.nearest(one, 30) for one in rows[-50:]]


def test_a_question_alone_has_one_vector_which_is_compared_once(directory: Path) -> None:
    library = _opened(directory, WordEncoder())
    _semantics(library).make()
    alone = _semantics(library).means("Where did my notebook go?")
    assert alone is not None and alone.talk is alone.own
    after = _semantics(library).means("Where did it go?", "Who has my notebook?")
    assert after is not None and after.talk is not after.own
    library.close()


@pytest.mark.parametrize("graph_from", [10_000, 100])
def test_the_nearest_are_the_same_in_a_graph_as_among_all(tmp_path: Path, graph_from: int) -> None:
    rows = np.random.default_rng(2).normal(size=(600, 32)).astype(np.float32)
    near = Neighbours(graph_from)
    near.add(np.arange(1, 301), packed(rows[:300]))
    near.add(np.arange(301, 601), packed(rows[300:]))
    for at in (0, 250, 599):
        asked = packed(rows[at : at + 1])[0]
        cosines = rows @ rows[at] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[at])
        expected = (np.argsort(-cosines)[:10] + 1).tolist()
        assert len(set(near.nearest(asked, 10)) & set(expected)) >= 8
        found = near.cosines(asked, [*expected, 9999])
        assert np.allclose(found[:10], cosines[np.array(expected) - 1], atol=0.02)
        assert np.isnan(found[10])
    near.save(tmp_path / "graph")
    again = Neighbours(graph_from)
    again.open(tmp_path / "graph")
    assert len(again) == (600 if graph_from == 100 else 0)


def test_a_candidate_in_another_language_is_not_held_against_its_words() -> None:
    columns = columns_of(
        4,
        words=np.array([3.0, 1.0, 0.0, 0.0]),
        own=np.array([0.2, 0.3, 0.25, 0.8]),
        talk=np.array([0.2, 0.3, 0.25, 0.8]),
        usual=(0.1, 0.1),
        foreign=np.array([False, False, False, True]),
    )
    weights = {"alone": {"words": 2.0, "own": 1.0}}
    assert second_stage.score(columns, weights).argmax() == 3


def test_what_words_tell_counts_by_itself_but_of_a_candidate_in_another_language() -> None:
    told = np.zeros((3, len(rerank_features.NAMES)))
    told[:, rerank_features.NAMES.index("local")] = 0.0, 2.0, 3.0
    columns = columns_of(
        3,
        words=np.array([2.0, 1.5, 0.0]),
        told=told,
        foreign=np.array([False, False, True]),
        alike_near=np.array([0.9, 0.4, 0.0]),
    )
    weights = {"alone": {"words": 1.0, "local": 1.0}, "talk": {"words": 1.0}}
    assert second_stage.score(columns, weights).argmax() == 1
    assert second_stage.score(replace(columns, in_talk=True), weights).argmax() == 0


@pytest.mark.parametrize(("best", "in_talk", "unsaid"), [(0, False, 0.1), (1, False, 0.6), (1, True, 0.0)])
def test_pieces_count_by_what_the_best_leaves_unsaid_and_not_in_a_conversation(
    best: int, in_talk: bool, unsaid: float
) -> None:
    columns = columns_of(2, in_talk=in_talk, alike_near=np.array([0.9, 0.4]))
    found = rerank_features.Scored(np.zeros((2, len(rerank_features.NAMES))), np.zeros(2), np.zeros(2, np.int64))
    order = np.array([best, 1 - best])
    ranked = Ranked((7, 8), np.array([1.0, 0.0]), found, order, 0, Query("en", (), ()), columns)
    assert ranked.unsaid == pytest.approx(unsaid)


class _OfPersonnel:
    """Rights by which one group reads Personnel."""

    def labels(self, principal: Principal) -> frozenset[str]:
        return PUBLIC | ({collection("Personnel")} if "hr" in principal.groups else set())


def test_what_may_not_be_read_is_near_to_nothing(tmp_path: Path) -> None:
    """What is hidden is neither found by its meaning nor part of what is usual: all is as if it were not there."""
    hidden = {f"h{number}.md": f"# Leave\n\nEmployees take {number} weeks of vacation." for number in range(60)}
    library_of(tmp_path / "open", _TEXTS).close()
    whole = library_of(tmp_path / "whole", _TEXTS)
    whole.add([replace(one, labels=frozenset({collection("Personnel")})) for one in documents_of(hidden)])
    whole.close()
    alone = _opened(tmp_path / "open", WordEncoder())
    whole = Library.open(
        tmp_path / "whole", RetrievalSettings(), write=True, embedder=WordEncoder(), rights=_OfPersonnel()
    )
    for library in (alone, whole):
        _semantics(library).make()
    for question in ("vacation", "stolen notebook", "Urlaub", "how much time off"):
        mine, theirs = whole.search(question), alone.search(question)
        assert [p.document for p in mine.passages] == [p.document for p in theirs.passages]
        assert mine.corrections == theirs.corrections
    read = whole.search("vacation", principal=Principal("ada", frozenset({"hr"})))
    assert any(passage.document in hidden for passage in read.passages)
    alone.close()
    whole.close()


@pytest.mark.parametrize("graph_from", [10_000, 50])
@pytest.mark.parametrize("few", [20_000, 5])
def test_the_nearest_among_some_rows_are_those_of_all_that_are_among_them(
    graph_from: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_FEW", few)
    draw = np.random.default_rng(3)
    rows, vectors = np.arange(1, 201, dtype=np.int64), packed(draw.normal(size=(200, 16)).astype(np.float32))
    near = Neighbours(graph_from)
    near.add(rows, vectors)
    among = rows[::7]
    asked = packed(draw.normal(size=(1, 16)).astype(np.float32))[0]
    found = near.nearest(asked, 5, Among(Filters(), lambda: among))
    best = [row for row in near.nearest(asked, 200) if row in set(among.tolist())][:5]
    assert set(found) <= set(among.tolist()) and len(found) == 5
    assert len(set(found) & set(best)) >= 4  # a graph is not exact
    assert near.nearest(asked, 5, Among(Filters(), lambda: rows[:0])) == []
    assert near.usual(asked, Among(Filters(), lambda: among)) != near.usual(asked)


def test_what_is_expected_is_computed_once_and_finds_the_same(directory: Path) -> None:
    encoder = WordEncoder()
    library = _opened(directory, encoder)
    _semantics(library).make()
    plain = library.search("Where did my notebook go?")
    before = encoder.embedded
    library.expect("Hello! Where did my notebook go? Thanks")
    assert library.search("Where did my notebook go?") == plain
    assert encoder.embedded == before + 1
    for number in range(100):  # which are never searched
        library.expect(f"Where is notebook {number}?")
    assert library.search("Where did my notebook go?") == plain
    library.close()


def test_a_warm_library_has_its_encoder_open(directory: Path) -> None:
    encoder = WordEncoder()
    library = _opened(directory, encoder)
    _semantics(library).make()
    before = encoder.embedded
    library.warm()
    assert encoder.embedded > before
    library.close()


def test_an_encoder_that_cannot_be_warmed_is_asked_again_with_the_first_question(directory: Path) -> None:
    encoder = WordEncoder()
    library = _opened(directory, encoder)
    _semantics(library).make()
    encoder.broken = True
    library.warm()
    encoder.broken = False
    assert library.search("vacation").passages[0].document in ("leave.md", "de.md")
    library.close()
