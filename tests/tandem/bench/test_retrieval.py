"""The retrieval benchmark on a small corpus."""

from __future__ import annotations

from tandem.bench import retrieval


def test_the_made_up_corpus_is_repeatable_and_of_its_size() -> None:
    once, again = (list(retrieval.Corpus(130).documents()) for _ in range(2))
    assert once == again
    assert sum(len(passages) for _, passages in once) == 130
    assert list(retrieval.Corpus(130).documents(40, 60)) == once[2:5]
    assert len(retrieval.Corpus(130).questions(7)) == 7


def test_every_engine_is_measured() -> None:
    heard: list[str] = []
    report = retrieval.measure([400], heard.append)
    row = report["sizes"]["400"]
    assert {"tandem", "rank-bm25", "sqlite-fts5"} <= set(row)
    assert all(row[name]["p50_ms"] > 0 for name in ("tandem", "rank-bm25", "sqlite-fts5"))
    assert row["tandem"]["cold_first_query_ms"] > 0
    assert row["tandem"]["add_100_ms"] > 0
    assert row["tandem"]["analyse_100_ms"] > 0
    assert row["times_rank_bm25_whole_question"] > row["times_rank_bm25"] / 2
    assert heard[0].startswith("tandem")
