"""The index ranks as BM25 does, and filters and deletes what it should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tantivy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from rag.errors import LibraryError
from rag.labels import PUBLIC, thread
from rag.storage.filters import Filters
from rag.storage.records import Entry
from rag.storage.tantivy_index import Index

_ALL = Filters(labels=None)


def entry(row: int, terms: list[str], document: int = 0, labels: frozenset[str] = PUBLIC) -> Entry:
    return Entry(
        row=row, document=document, name=f"{document}.md", folders=("hr",), kind="md", modified=1_700_000_000.0,
        labels=labels, terms=" ".join(terms), title="", surfaces=" ".join(terms),
    )  # fmt: skip


def index_of(directory: Path, passages: list[list[str]]) -> Index:
    index = Index(directory)
    with index.writer() as writer:
        for row, terms in enumerate(passages):
            writer.add(entry(row, terms, document=row))
        writer.commit()
    return index


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000))
def test_the_top_ten_are_those_of_rank_bm25(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    draw = np.random.default_rng(seed)
    words = [f"w{number}" for number in range(400)]
    chances = 1.0 / (np.arange(400) + 2.7)
    chances /= chances.sum()
    passages = [draw.choice(words, int(draw.integers(20, 60)), p=chances).tolist() for _ in range(300)]
    index = index_of(tmp_path_factory.mktemp("index"), passages)
    # The oracle with tantivy's k1 and b and its idf, which rank-bm25 lets one set.
    oracle = BM25Okapi(passages, k1=1.2, b=0.75)
    count = len(passages)
    for word, holders in index_counts(passages).items():
        oracle.idf[word] = np.log(1.0 + (count - holders + 0.5) / (holders + 0.5))
    overlaps = []
    for _ in range(10):
        asked = draw.choice(words[20:], 4, replace=False).tolist()
        scores = oracle.get_scores(asked)
        found = index.search([("terms", word, 1.0) for word in asked], _ALL, 10)
        # Among equals any choice is right: a found passage counts when the oracle scores it like its own tenth.
        tenth = np.sort(scores)[-10]
        wanted = min(10, int((scores > 0).sum()))
        overlaps.append(sum(scores[row] >= tenth * 0.99 for row, _ in found) / wanted if wanted else 1.0)
    assert np.mean(overlaps) >= 0.95


def index_counts(passages: list[list[str]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for passage in passages:
        for word in set(passage):
            counts[word] = counts.get(word, 0) + 1
    return counts


def test_a_deleted_document_is_gone_with_all_its_passages(tmp_path: Path) -> None:
    index = Index(tmp_path)
    with index.writer() as writer:
        for row in range(6):
            writer.add(entry(row, ["leave"], document=row // 3))
        writer.commit()
        writer.delete(0)
        writer.commit()
    assert index.count == 3
    assert sorted(row for row, _ in index.search([("terms", "leave", 1.0)], _ALL, 10)) == [3, 4, 5]


def test_what_is_not_committed_is_not_there(tmp_path: Path) -> None:
    index = Index(tmp_path)
    with index.writer() as writer:
        writer.add(entry(0, ["leave"]))
    assert Index(tmp_path).count == 0


def test_an_index_of_another_version_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("words")
    tantivy.Index(builder.build(), path=str(tmp_path))
    with pytest.raises(LibraryError, match="another version of Tandem; run `tandem index`"):
        Index(tmp_path)


def test_only_one_writer_at_a_time(tmp_path: Path) -> None:
    index = Index(tmp_path)
    with index.writer(), pytest.raises(LibraryError, match="indexing"):
        Index(tmp_path).writer()


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        (Filters(), [0]),
        (Filters(labels=PUBLIC | {thread("talk")}), [0, 1]),
        (Filters(labels=None, documents=("1.md",)), [1]),
        (Filters(labels=None, documents=()), []),
        (Filters(labels=None, folders=("it",)), []),
        (Filters(labels=None, excluded=("sick",)), [0]),
        (Filters(labels=None, required=(("sick", "ill"),)), [1]),
        (Filters(labels=None, after=1_800_000_000.0), []),
        (Filters(labels=None, before=1_800_000_000.0), [0, 1]),
    ],
)
def test_filters(tmp_path: Path, filters: Filters, rows: list[int]) -> None:
    index = Index(tmp_path)
    with index.writer() as writer:
        writer.add(entry(0, ["leave", "annual"], document=0))
        writer.add(entry(1, ["leave", "sick"], document=1, labels=frozenset({thread("talk")})))
        writer.commit()
    assert sorted(row for row, _ in index.search([("terms", "leave", 1.0)], filters, 10)) == rows
