"""What every index of passages keeps: candidates and counts are of those passages whose labels are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import LibraryError
from rag.labels import EVERYBODY, PUBLIC, collection, thread
from rag.settings import IndexSettings
from rag.storage.filters import Filters
from rag.storage.opensearch.index import OpenSearchIndex
from rag.storage.protocols import CandidateIndex
from rag.storage.records import Entry
from rag.storage.tantivy_index import Index
from tests.support.opensearch_nodes import new_name

Make = Callable[[Path], CandidateIndex]
HR, IT, TALK = collection("hr"), collection("it"), thread("talk")
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["tantivy", pytest.param("opensearch", marks=pytest.mark.services)])
def make(request: pytest.FixtureRequest) -> Make:
    return Index if request.param == "tantivy" else request.getfixturevalue("on_cluster")


@pytest.fixture
def on_cluster(opensearch: str) -> Iterator[Make]:
    made: list[OpenSearchIndex] = []

    def make(directory: Path) -> CandidateIndex:
        own = IndexSettings(engine="opensearch", addresses=(opensearch,), name=new_name(), replicas=0)
        made.append(OpenSearchIndex(own, "a library"))
        return made[-1]

    yield make
    for index in made:
        index.close()


def entry(row: int, words: str, labels: frozenset[str] = PUBLIC, name: str = "a.md", title: str = "") -> Entry:
    return Entry(
        row=row, document=row, name=name, folders=("docs",), kind="md", modified=1_700_000_000.0, labels=labels,
        terms=words, title=title, surfaces=words,
    )  # fmt: skip


def filled(index: CandidateIndex, entries: Sequence[Entry]) -> CandidateIndex:
    with index.writer() as writer:
        for one in entries:
            writer.add(one)
        writer.commit()
    index.reload()
    return index


def rows(index: CandidateIndex, word: str, labels: frozenset[str] | None) -> list[int]:
    return sorted(row for row, _ in index.search([("terms", word, 1.0)], Filters(labels=labels), 100))


def test_a_passage_is_found_by_whoever_may_read_one_of_its_labels(make: Make, tmp_path: Path) -> None:
    index = filled(
        make(tmp_path),
        [
            entry(1, "leave"),
            entry(2, "leave", frozenset({HR})),
            entry(3, "leave", frozenset({HR, IT})),
            entry(4, "leave", frozenset({TALK})),
        ],
    )
    assert rows(index, "leave", PUBLIC) == [1]
    assert rows(index, "leave", PUBLIC | {HR}) == [1, 2, 3]
    assert rows(index, "leave", frozenset({IT})) == [3]
    assert rows(index, "leave", PUBLIC | {TALK}) == [1, 4]
    assert rows(index, "leave", frozenset()) == []
    assert rows(index, "leave", None) == [1, 2, 3, 4]
    assert index.count == 4 and sorted(index.rows()) == [1, 2, 3, 4]


def test_what_may_not_be_read_counts_in_no_frequency_and_no_list_of_words(make: Make, tmp_path: Path) -> None:
    index = filled(
        make(tmp_path),
        [entry(1, "leave days"), entry(2, "leave heron heronry", frozenset({HR})), entry(3, "days", title="heron")],
    )
    assert index.frequencies("terms", ["leave", "days", "heron", "none"], PUBLIC) == [1, 2, 0, 0]
    assert index.frequencies("terms", ["leave", "days", "heron", "none"], PUBLIC | {HR}) == [2, 2, 1, 0]
    assert index.frequencies("terms", ["leave", "days", "heron", "none"]) == [2, 2, 1, 0]
    assert index.frequency("title", "heron", PUBLIC) == 1
    assert index.frequency("title", "heron", frozenset({HR})) == 0
    assert index.beginning("terms", "heron", 5, PUBLIC) == []
    assert sorted(index.beginning("terms", "heron", 5, frozenset({HR}))) == [("heron", 1), ("heronry", 1)]


def test_what_may_not_be_read_takes_no_place_in_a_list_of_words(make: Make, tmp_path: Path) -> None:
    hidden = [entry(number, "heron heronry", frozenset({HR})) for number in range(20)]
    index = filled(make(tmp_path), [*hidden, entry(99, "heronshaw")])
    assert index.beginning("terms", "heron", 1, PUBLIC) == [("heronshaw", 1)]


words = st.lists(st.sampled_from(["alder", "birch", "cedar", "dogwood", "elm", "fir"]), min_size=1, max_size=6)
label_sets = st.sets(st.sampled_from([EVERYBODY, HR, IT, TALK]), min_size=1).map(frozenset)


some = given(
    passages=st.lists(st.tuples(words, label_sets), min_size=1, max_size=12),
    readable=st.sets(st.sampled_from([EVERYBODY, HR, IT, TALK])).map(frozenset),
    asked=words,
)


@settings(SHARED, max_examples=15)
@some
def test_an_index_tells_as_much_as_one_that_holds_only_what_may_be_read(
    tmp_path_factory: pytest.TempPathFactory, **asked: Any
) -> None:
    tells_as_much(Index, tmp_path_factory, **asked)


@pytest.mark.services
@settings(SHARED, max_examples=5)  # each makes two indices on the cluster
@some
def test_so_does_a_cluster(on_cluster: Make, tmp_path_factory: pytest.TempPathFactory, **asked: Any) -> None:
    tells_as_much(on_cluster, tmp_path_factory, **asked)


def tells_as_much(
    make: Make,
    tmp_path_factory: pytest.TempPathFactory,
    passages: list[tuple[list[str], frozenset[str]]],
    readable: frozenset[str],
    asked: list[str],
) -> None:
    every = [entry(row, " ".join(own), labels) for row, (own, labels) in enumerate(passages)]
    seen = [one for one in every if not one.labels.isdisjoint(readable)]
    whole = filled(make(tmp_path_factory.mktemp("whole")), every)
    part = filled(make(tmp_path_factory.mktemp("part")), seen)
    counted = Counter(word for one in seen for word in set(one.terms.split()))
    names = sorted({word for one in every for word in one.terms.split()})
    assert whole.frequencies("terms", names, readable) == [counted[word] for word in names]
    assert whole.frequencies("terms", names, readable) == part.frequencies("terms", names)
    clauses = [("terms", word, 1.0) for word in dict.fromkeys(asked)]
    found = whole.search(clauses, Filters(labels=readable), 100)
    assert {row for row, _ in found} == {row for row, _ in part.search(clauses, Filters(labels=None), 100)}
    assert {row for row, _ in found} <= {one.row for one in seen}


def test_other_filters_hold_beside_the_labels(make: Make, tmp_path: Path) -> None:
    index = filled(make(tmp_path), [entry(1, "leave", name="a.md"), entry(2, "leave", frozenset({HR}), name="b.md")])
    search = [("terms", "leave", 1.0)]
    assert index.search(search, Filters(documents=("b.md",)), 10) == []
    assert [row for row, _ in index.search(search, Filters(labels=frozenset({HR}), documents=("b.md",)), 10)] == [2]
    assert [row for row, _ in index.search([], Filters(labels=frozenset({HR}), kinds=("md",)), 10)] == [2]


def test_weights_and_clauses_add_up(make: Make, tmp_path: Path) -> None:
    index = filled(make(tmp_path), [entry(1, "alder birch"), entry(2, "alder"), entry(3, "birch"), entry(4, "cedar")])
    once = dict(index.search([("terms", "alder", 1.0)], Filters(), 10))
    both = dict(index.search([("terms", "alder", 2.0), ("terms", "birch", 1.0)], Filters(), 10))
    assert both[2] == pytest.approx(2 * once[2], rel=1e-4)
    assert max(both, key=lambda row: both[row]) == 1


def test_nothing_is_there_before_the_commit_and_nothing_after_the_deletion(make: Make, tmp_path: Path) -> None:
    index = make(tmp_path)
    with index.writer() as writer:
        writer.add(entry(1, "leave"))
        assert rows(index, "leave", PUBLIC) == []
        writer.commit()
        assert rows(index, "leave", PUBLIC) == [1]
        writer.delete(1)
        writer.commit()
    assert rows(index, "leave", PUBLIC) == [] and index.count == 0
    assert index.frequency("terms", "leave", PUBLIC) == 0


def test_there_is_one_writer(make: Make, tmp_path: Path) -> None:
    index = make(tmp_path)
    with index.writer(), pytest.raises(LibraryError):
        index.writer().__enter__()


def test_what_is_added_after_a_clearing_takes_the_place_of_everything(make: Make, tmp_path: Path) -> None:
    index = filled(make(tmp_path), [entry(1, "leave"), entry(2, "days")])
    with index.writer() as writer:
        writer.clear()
        writer.add(entry(3, "leave"))
        writer.commit(partial=True)
        writer.delete(3)
        writer.add(entry(3, "leave heron"))
        writer.add(entry(4, "days"))
        writer.commit()
        writer.add(entry(5, "days"))
        writer.commit()
    index.reload()
    assert sorted(index.rows()) == [3, 4, 5] and index.count == 3
    assert rows(index, "heron", PUBLIC) == [3] and index.frequency("terms", "days") == 2


def test_a_document_is_replaced_before_and_after_it_is_seen(make: Make, tmp_path: Path) -> None:
    index = make(tmp_path)
    with index.writer() as writer:
        for words in ("alder", "birch", "cedar"):
            writer.delete(1)
            writer.add(entry(1, words))
        writer.commit()
        assert [rows(index, word, PUBLIC) for word in ("alder", "birch", "cedar")] == [[], [], [1]]
        writer.delete(1)
        writer.add(replace(entry(2, "dogwood"), document=1))
        writer.commit()
    index.reload()
    assert index.rows() == [2]


def test_words_with_signs_of_a_pattern_are_words(make: Make, tmp_path: Path) -> None:
    index = filled(make(tmp_path), [entry(1, "c++ c+- a.b.c a.b #1 çay"), entry(2, "caab")])
    assert index.frequencies("terms", ["c++", "a.b", "#1", "c", "çay"]) == [1, 1, 1, 0, 1]
    assert sorted(index.beginning("terms", "c+", 5)) == [("c++", 1), ("c+-", 1)]
    assert sorted(index.beginning("terms", "a.", 5)) == [("a.b", 1), ("a.b.c", 1)]
    assert index.beginning("surface", "#", 5) == [("#1", 1)]


def test_a_list_of_a_thousand_words_is_counted_in_its_order(make: Make, tmp_path: Path) -> None:
    index = filled(make(tmp_path), [entry(row, f"w{row} w{row + 1}") for row in range(20)])
    asked = [f"w{number}" for number in range(1_500)]
    assert index.frequencies("terms", asked) == [1] + [2] * 19 + [1] + [0] * 1_479


def test_times_folders_and_words_narrow_what_is_found(make: Make, tmp_path: Path) -> None:
    early = replace(entry(1, "leave days"), modified=1000.0, folders=("a", "a/b"), kind="pdf")
    late = replace(entry(2, "leave heron"), modified=2000.0, folders=("a",))
    index = filled(make(tmp_path), [early, late])

    def found(**narrow: Any) -> list[int]:
        return sorted(row for row, _ in index.search([("terms", "leave", 1.0)], Filters(**narrow), 10))

    assert found(after=1000.0) == [1, 2] and found(after=1001.0) == [2] and found(before=2000.0) == [1]
    assert found(folders=("a/b",)) == [1] and found(kinds=("pdf",)) == [1] and found(documents=()) == []
    assert found(required=(("heron", "crane"),)) == [2] and found(excluded=("heron",)) == [1]
    assert [row for row, _ in index.search([], Filters(required=(("days",),)), 10)] == [1]
