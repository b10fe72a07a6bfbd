"""Vectors on a cluster whose nodes have the real k-NN plugin, which asks readers' filters inside its search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import httpx
import numpy as np
import pytest
import yaml

from rag.errors import LibraryError
from rag.labels import PUBLIC, collection
from rag.library import Library
from rag.principal import Principal
from rag.retrieval.embedders.base import Vectors
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.neighbours import Among, Neighbours
from rag.retrieval.remote_neighbours import RemoteNeighbours
from rag.settings import IndexSettings, RetrievalSettings
from rag.storage.filters import Filters
from rag.storage.opening import Engines
from rag.storage.opensearch import cluster
from rag.storage.opensearch.index import OpenSearchIndex
from rag.storage.protocols import VectorIndex
from rag.storage.records import Entry
from rag.storage.relabelling import number_of, relabel
from tests.rag.library_help import documents_of
from tests.support.encoders import WordEncoder
from tests.support.opensearch_nodes import ROOT, new_name, running

pytestmark = pytest.mark.services
CORPUS = ROOT / "docs_corpus"
PERSONNEL = frozenset({collection("Personnel")})
TEXTS = {
    "leave.md": "# Rules\n\nEmployees take twenty days of leave.",
    "backup.md": "# Machines\n\nThe nightly copy runs at two.",
    "laptop.md": "# Loss\n\nA stolen laptop is reported within an hour.",
}


class _OfPersonnel:
    """Rights by which one group reads Personnel."""

    def labels(self, principal: Principal) -> frozenset[str]:
        return PUBLIC | (PERSONNEL if "hr" in principal.groups else frozenset())


HR = Principal("ada", frozenset({"hr"}))
Open = Callable[..., Library]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Library] = []
    folders = count()

    def open_(
        engine: IndexSettings, encoder: WordEncoder | Paired | None = None, folder: Path | None = None
    ) -> Library:
        made.append(
            Library.open(
                folder or tmp_path / f"library{next(folders)}", RetrievalSettings(), write=True,
                embedder=encoder or WordEncoder(), engines=Engines(engine), rights=_OfPersonnel(),
            )
        )  # fmt: skip
        return made[-1]

    yield open_
    for library in made:
        library.close()


def over(address: str, **more: object) -> IndexSettings:
    return IndexSettings.model_validate(
        {"engine": "opensearch", "addresses": (address,), "name": new_name(), "replicas": 0} | more
    )


def made(library: Library) -> int:
    assert library.semantics is not None
    return library.semantics.make()


def remote(library: Library) -> bool:
    assert library.semantics is not None
    return isinstance(library.semantics.near, RemoteNeighbours)


def found(library: Library, question: str, principal: Principal | None = None) -> list[str]:
    more = {} if principal is None else {"principal": principal}
    return [passage.document for passage in library.search(question, **more).passages]


def near(library: Library, question: str, labels: frozenset[str] = PUBLIC) -> list[int]:
    """Every row that a reader of these labels is shown as near."""
    assert library.semantics is not None
    meaning = library.semantics.means(question)
    assert meaning is not None
    return library.semantics.near.nearest(meaning.own, 200, Among(Filters(labels=labels), lambda: None))


def indices(address: str, engine: IndexSettings) -> list[str]:
    return sorted(httpx.get(f"{address}/{engine.name}-vectors-*/_mapping").raise_for_status().json())


def held(address: str, engine: IndexSettings) -> int:
    httpx.post(f"{address}/{engine.name}-vectors-*/_refresh").raise_for_status()
    return int(httpx.get(f"{address}/{engine.name}-vectors-*/_count").raise_for_status().json()["count"])


def lose(address: str, engine: IndexSettings) -> None:
    """Delete the vectors, as somebody else would."""
    for name in indices(address, engine):
        httpx.delete(f"{address}/{name}").raise_for_status()


@pytest.fixture
def vectors(opensearch: str) -> Iterator[VectorIndex]:
    index = OpenSearchIndex(over(opensearch, shards=2), "a library")
    found = index.vectors("a model")
    assert found is not None
    yield found
    index.close()


def entry(row: int, labels: frozenset[str] = PUBLIC, **more: object) -> Entry:
    own = Entry(row, row, f"docs/{row}.md", ("docs",), "md", 1_700_000_000.0, labels, "", "", "")
    return replace(own, **more)  # type: ignore[arg-type]


def test_the_nearest_that_a_reader_may_see_are_found_behind_any_number_of_others(vectors: VectorIndex) -> None:
    draw = np.random.default_rng(5)
    numbers = draw.integers(-127, 128, (600, 32)).astype(np.int8)
    seen = set(range(0, 600, 50))
    vectors.put([entry(row, PUBLIC if row in seen else PERSONNEL) for row in range(600)], numbers)
    vectors.reload()
    asked = draw.integers(-127, 128, 32).astype(np.int8)
    cosines = numbers.astype(float) @ asked.astype(float) / np.linalg.norm(numbers.astype(float), axis=1)
    order = np.argsort(-cosines).tolist()
    assert vectors.nearest(asked, 12, Filters()) == [row for row in order if row in seen]
    assert len(set(vectors.nearest(asked, 20, Filters(labels=None))) & set(order[:20])) >= 19  # a graph is not exact
    assert vectors.nearest(asked, 20, Filters(documents=("docs/7.md",))) == []
    assert vectors.nearest(asked, 20, Filters(labels=PERSONNEL, documents=("docs/7.md", "docs/50.md"))) == [7]
    assert set(vectors.some(5, Filters())) < seen and len(vectors.some(5, Filters())) == 5


def test_what_is_put_twice_is_there_once_and_what_has_no_direction_is_near_to_nothing(vectors: VectorIndex) -> None:
    assert vectors.count == 0 and vectors.nearest(np.ones(4, np.int8), 5, Filters()) == []
    vectors.remove([1])
    nothing = np.array([[1, 2, 3, 4], [0, 0, 0, 0]], np.int8)
    for _ in range(2):
        vectors.put([entry(1), entry(2)], nothing)
    vectors.reload()
    assert vectors.count == 2 and vectors.nearest(nothing[0], 5, Filters()) == [1]
    assert vectors.nearest(nothing[1], 5, Filters()) == []
    vectors.put([entry(1, PERSONNEL)], nothing[:1])
    vectors.remove([2])
    vectors.reload()
    assert vectors.count == 1 and vectors.nearest(nothing[0], 5, Filters()) == []
    vectors.discard()
    assert vectors.count == 0
    vectors.put([entry(3)], np.ones((1, 7), np.int8))
    vectors.reload()
    assert vectors.nearest(np.ones(7, np.int8), 5, Filters()) == [3]


@pytest.mark.parametrize("encoder", [WordEncoder(), Paired(WordEncoder(), WordEncoder("second"), "en")])
def test_the_ten_best_passages_are_those_of_vectors_in_memory(
    opensearch: str, opened: Open, encoder: WordEncoder | Paired
) -> None:
    known = yaml.safe_load((CORPUS / "questions.yaml").read_text(encoding="utf-8"))["questions"]
    asked = [one["question"] for one in known]
    both = [opened(engine, encoder) for engine in (IndexSettings(), over(opensearch, shards=2))]
    for library in both:
        library.sync([CORPUS])
        made(library)
    assert [remote(library) for library in both] == [False, True]

    def ten(library: Library, question: str) -> set[tuple[str, int]]:
        return {(one.document, one.start) for one in library.search(question, limit=10).passages}

    same = [ten(both[0], one) == ten(both[1], one) for one in asked]
    assert len(same) > 80 and sum(same) >= 0.95 * len(same)


def test_who_may_read_a_passage_is_known_there_once_it_changed(opensearch: str, opened: Open) -> None:
    engine = over(opensearch)
    library = opened(engine)
    library.add(documents_of(TEXTS))
    hidden = {f"h{number}.md": f"# Leave\n\nEmployees take {number} weeks of vacation." for number in range(120)}
    library.add([replace(one, labels=PERSONNEL) for one in documents_of(hidden)])
    made(library)
    assert found(library, "holiday")[0] == "leave.md" and not set(found(library, "holiday")) & set(hidden)
    assert set(found(library, "holiday", HR)) & set(hidden)
    leave = next(int(document.id) for document in library.documents() if document.name == "leave.md")
    (row,) = library.store.passage_rows(leave)
    for labels in (PERSONNEL, PUBLIC):
        with library.store.transaction():
            relabel(library.store, lambda labels=labels: {leave: labels}, number_of(library.store))  # type: ignore[misc]
        assert "leave.md" not in found(library, "holiday")  # the store has the last word, and the cluster is behind
        made(library)
        assert ("leave.md" in found(library, "holiday")) == (labels == PUBLIC)
        assert (row in near(library, "holiday")) == (labels == PUBLIC)
        assert (row in near(library, "holiday", PERSONNEL)) == (labels == PERSONNEL)
    library.remove([leave])
    made(library)
    assert held(opensearch, engine) == 122


def test_vectors_move_to_a_cluster_and_are_sent_again_where_they_were_lost(
    opensearch: str, opened: Open, tmp_path: Path
) -> None:
    encoder, engine = WordEncoder(), over(opensearch)
    here = opened(IndexSettings(), encoder, tmp_path / "one")
    here.add(documents_of(TEXTS))
    assert made(here) == 3
    here.close()
    before = encoder.embedded
    library = opened(engine, encoder, tmp_path / "one")
    library.add(documents_of({}))
    for _ in range(2):
        assert made(library) == 0 and held(opensearch, engine) == 3
        assert found(library, "stolen notebook")[0] == "laptop.md"
        lose(opensearch, engine)
        assert found(library, "stolen laptop")[0] == "laptop.md"  # by its words
    library.add(documents_of({"new.md": "# Trips\n\nTravel is paid back within a month."}))
    assert made(library) == 1 and held(opensearch, engine) == 4
    assert encoder.embedded - before < 60  # questions and words, no passage but the new one


def test_another_models_vectors_are_deleted_there(opensearch: str, opened: Open, tmp_path: Path) -> None:
    engine = over(opensearch)
    kept: list[str] = []
    for name in ("one", "another"):
        library = opened(engine, WordEncoder(name), tmp_path / "library")
        library.add(documents_of(TEXTS))
        assert made(library) == 3
        assert len(indices(opensearch, engine)) == 1 and indices(opensearch, engine) != kept
        kept = indices(opensearch, engine)
        library.close()


class _LosesOnce(WordEncoder):
    """Takes the cluster's vectors away under the one who makes them."""

    def __init__(self, address: str, engine: IndexSettings) -> None:
        super().__init__()
        self._lose: Callable[[], None] | None = lambda: lose(address, engine)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self._lose is not None and any("copy runs" in text for text in texts):
            self._lose()
            self._lose = None
        return super().embed(texts)


def test_the_thread_goes_on_where_the_cluster_lost_what_it_was_to_take(
    opensearch: str, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "WRITE_PATIENCE", 0.0)
    monkeypatch.setattr("rag.retrieval.semantics._FOLLOW_SECONDS", 0.05)
    engine = over(opensearch)
    library = opened(engine, _LosesOnce(opensearch, engine))
    library.add(documents_of({"laptop.md": TEXTS["laptop.md"]}))
    made(library)
    library.add(documents_of(TEXTS))
    semantics = library.semantics
    assert semantics is not None
    semantics.start()
    assert semantics.settled(60) and semantics.problem == ""
    assert held(opensearch, engine) == 3 and found(library, "stolen notebook")[0] == "laptop.md"


def test_nodes_without_the_plugin_leave_the_vectors_in_memory(opened: Open) -> None:
    with running(vectors=False) as (node,):
        library = opened(over(node.address))
        library.add(documents_of(TEXTS))
        assert made(library) == 3
        assert isinstance(library.semantics and library.semantics.near, Neighbours)
        assert found(library, "stolen notebook")[0] == "laptop.md"
        library.close()


def test_a_question_while_the_cluster_is_away_is_answered_with_a_sentence(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running() as (node,):
        library = opened(over(node.address))
        library.add(documents_of(TEXTS))
        made(library)
        node.kill()
        monkeypatch.setattr(cluster, "READ_PATIENCE", 0.0)
        with pytest.raises(LibraryError, match="does not answer; start OpenSearch there"):
            library.search("stolen notebook")
        library.close()
