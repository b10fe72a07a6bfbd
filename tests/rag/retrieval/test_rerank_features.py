"""What is known of candidates against a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.retrieval.rerank_features import NAMES
from rag.training.evaluation_files import Benchmark, open_library

Column = Callable[[str, str], list[float]]


@pytest.fixture
def column(tmp_path: Path) -> Iterator[Column]:
    """Asks a question of three passages and gives one feature of each, in their order."""
    texts = (
        "The harbour has forty berths. The keeper lives there.",
        "The berths of the harbour were dredged in spring.",
        "A chapel of the harbour burnt down.",
    )
    documents = tuple((str(at), "Port", text) for at, text in enumerate(texts))
    library, owner = open_library(Benchmark(documents, ()), tmp_path)

    def ask(question: str, name: str) -> list[float]:
        ranked = library.searcher.rank(question)
        values = ranked.found.features[ranked.order, NAMES.index(name)]
        found = {owner[str(row)]: float(value) for row, value in zip(ranked.rows, values, strict=True)}
        return [found[identity] for identity in sorted(found)]

    yield ask
    library.close()


def test_a_number_before_what_is_counted_is_seen(column: Column) -> None:
    assert column("How many berths has the harbour?", "counted") == [1.0, 0.0, 0.0]
    assert column("Where are the berths of the harbour?", "counted") == [0.0, 0.0, 0.0]


def test_a_word_that_few_candidates_hold_weighs_more(column: Column) -> None:
    with_berths, dredged, chapel = column("harbour chapel", "rare")
    assert chapel > 0.9
    assert max(with_berths, dredged) < 0.5


def test_lacking_a_plain_word_is_told_from_lacking_a_name(column: Column) -> None:
    assert column("Was the harbour dredged?", "missing_other")[1] == 0.0
    assert column("Was the harbour dredged?", "missing_other")[0] > 0.0
    assert column("Did the harbour belong to Zwettl?", "missing_other")[0] < 0.5


def test_what_the_passage_before_adds_is_seen(column: Column) -> None:
    first, second, third = column("the keeper of the dredged harbour", "before")
    assert first == 0.0
    assert second > 0.2  # the keeper
    assert third > 0.2  # dredged
    assert column("the harbour", "before") == [0.0, 0.0, 0.0]


def test_only_candidates_that_may_win_are_described(tmp_path: Path) -> None:
    documents = [(str(at), "", f"The harbour has a shed, number {at}.") for at in range(40)]
    documents.append(("all", "", "The pilot boat of the harbour lies at the crane."))
    library, owner = open_library(Benchmark(tuple(documents), ()), tmp_path)
    ranked = library.searcher.rank("Which pilot boat lies at the crane of the harbour?")
    assert owner[str(ranked.rows[0])] == "all"
    assert (len(ranked.rows), ranked.dropped) == (20, 21)
    assert library.searcher.rank("harbour").dropped == 0
    library.close()
