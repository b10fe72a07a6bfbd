"""What every store of passages keeps: all or nothing, generations, and labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import labels
from rag.formats.extracted import Extracted
from rag.ingest.document_builder import build
from rag.labels import EVERYBODY, PUBLIC, collection, thread
from rag.storage.filters import Filters
from rag.storage.postgres_store import PostgresStore
from rag.storage.protocols import PassageStore
from rag.storage.records import NewDocument
from rag.storage.server_connections import Server
from rag.storage.sqlite_store import Store
from tests.support.postgres import Server as PostgresServer

HR, IT, TALK = collection("hr"), collection("it"), thread("talk")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PassageStore]:
    if request.param == "sqlite":
        made = Store(tmp_path / "library.sqlite")
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        made = PostgresStore(Server(postgres.new_database()), tmp_path / "library.sqlite")
    yield made
    made.close()


def document(name: str, text: str, own: frozenset[str] = PUBLIC) -> NewDocument:
    made = build(Extracted(text), name=name, kind="md", modified=1_700_000_000.0, passage_chars=900)
    return NewDocument(
        made.name, made.title, made.kind, made.language, made.modified, made.text, made.pages, made.token_count,
        made.passages, labels=own,
    )  # fmt: skip


def put(store: PassageStore, *documents: NewDocument) -> list[int]:
    with store.transaction():
        generation = store.next_generation()
        return [store.put(one, generation) for one in documents]


def test_a_document_comes_back_as_it_was(store: PassageStore) -> None:
    (identity,) = put(store, document("leave.md", "Everybody has 25 days of leave.", frozenset({HR, IT})))
    record = store.document(identity)
    assert record is not None and (record.name, record.labels) == ("leave.md", {HR, IT})
    assert store.text(identity) == "Everybody has 25 days of leave."
    (row,) = store.passage_rows(identity)
    assert store.passages([row], {row: 0.5})[row].score == 0.5
    assert [found[:2] for found in store.features([row])] == [(row, identity)]
    assert store.all_rows() == {row}


def test_only_what_has_one_of_the_labels_is_given(store: PassageStore) -> None:
    ids = put(
        store,
        document("all.md", "Everybody has leave."),
        document("hr.md", "Managers have more leave.", frozenset({HR})),
        document("both.md", "Engineers have leave too.", frozenset({HR, IT})),
        document("mine.md", "I have no leave left.", frozenset({TALK})),
    )
    rows = [row for identity in ids for row in store.passage_rows(identity)]

    def names(own: frozenset[str] | None) -> list[str]:
        return [record.name for record in store.documents(own)]

    assert sorted(names(None)) == ["all.md", "both.md", "hr.md", "mine.md"]
    assert names(PUBLIC) == ["all.md"] and names(frozenset()) == []
    assert names(PUBLIC | {HR}) == ["all.md", "both.md", "hr.md"]
    assert names(frozenset({IT})) == ["both.md"] and names(frozenset({TALK})) == ["mine.md"]
    assert [one.document for one in store.passages(rows, labels=frozenset({IT})).values()] == ["both.md"]
    assert store.allowed(rows, Filters(labels=frozenset({TALK}))) == set(store.passage_rows(ids[3]))
    sizes = store.sizes()
    assert sizes.of(PUBLIC | {HR}).documents == 3 and sizes.of(frozenset({IT})).passages == 1
    assert sizes.of(None) == store.totals() and store.totals().documents == 4
    assert sizes.covers(frozenset({EVERYBODY, HR, TALK})) and not sizes.covers(frozenset({EVERYBODY, IT, TALK}))


def test_what_a_search_and_a_list_ask_besides_is_told(store: PassageStore) -> None:
    text = "Everybody has 25 days of leave."
    first, second = put(store, document("hr/Leave.md", text), document("it/net.md", "Das Netz.", frozenset({HR})))
    assert store.names_like(["leave"]) == ["hr/Leave.md"] and store.names_like(["none"]) == []
    assert store.rows_of(PUBLIC) == store.passage_rows(first)
    assert store.rows_of(PUBLIC | {HR}) == sorted((*store.passage_rows(first), *store.passage_rows(second)))
    assert store.rows_of(frozenset({TALK})) == []
    assert store.languages_of(store.passage_rows(first)) == {store.passage_rows(first)[0]: "en"}
    assert store.headings(first) == [] and store.data_version() == store.data_version()


def test_documents_of_one_name_lie_beside_each_other_under_other_labels(store: PassageStore) -> None:
    put(store, document("menu.md", "Soup."), document("menu.md", "Cake.", frozenset({TALK})))
    put(store, document("menu.md", "Fish."))
    first, own = store.find("menu.md"), store.find("menu.md", frozenset({TALK}))
    assert first is not None and store.text(first) == "Fish."
    assert own is not None and store.text(own) == "Cake."
    assert store.find("menu.md", frozenset({HR})) is None


def test_a_batch_that_fails_leaves_nothing(store: PassageStore) -> None:
    put(store, document("a.md", "Alder."))
    before = store.generation
    with pytest.raises(RuntimeError), store.transaction():
        store.put(document("b.md", "Birch."), store.next_generation())
        raise RuntimeError
    assert store.generation == before
    assert [record.name for record in store.documents()] == ["a.md"]


def test_changes_are_told_since_a_generation(store: PassageStore) -> None:
    first, second = put(store, document("a.md", "Alder."), document("b.md", "Birch."))
    since = store.generation
    (third,) = put(store, document("c.md", "Cedar."))
    with store.transaction():
        store.remove(first, store.next_generation())
    assert store.changes_since(since) == ([third], [first])
    assert store.document(first) is None and store.document(second) is not None


@given(st.sets(st.one_of(st.just(EVERYBODY), st.text().map(thread), st.text(min_size=1).map(collection)), min_size=1))
def test_labels_are_read_as_they_were_written(own: set[str]) -> None:
    assert labels.read(labels.written(own)) == own


@given(st.text(), st.text())
def test_no_conversation_is_called_so_that_its_files_are_anybody_elses(conversation: str, name: str) -> None:
    private = thread(conversation)
    assert private not in PUBLIC and private != collection(name)
    assert labels.tag(private) not in (labels.tag(EVERYBODY), labels.tag(collection(name)))
    assert labels.read(labels.written({private})).isdisjoint({EVERYBODY, collection(name)})


def test_what_was_written_before_there_were_labels_means_what_it_meant() -> None:
    assert labels.read("") == PUBLIC and labels.written(PUBLIC) == ""
    assert labels.read("4f0c") == {thread("4f0c")} and labels.written({thread("4f0c")}) == "4f0c"
    assert labels.thread_of(labels.read("4f0c")) == "4f0c" and labels.thread_of(PUBLIC) == ""
