"""What every store of traces does: keeps them, reads them back, sums them up; never in the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hybrid.runtimes.base import Usage
from hybrid.tracing.revisions import TABLES
from hybrid.tracing.sql_store import SqlTraceStore
from hybrid.tracing.store import TraceStore
from hybrid.tracing.trace import StageRecord, Trace
from tests.contracts.conftest import MakePlace


def trace(question: str = "q", conversation: str = "", total_ms: float | None = None) -> Trace:
    made = Trace.start(question, conversation)
    with made.span("retrieve"):
        pass
    with made.span("last_token", "draft"):
        pass
    made.stages.append(StageRecord("draft", "m", "r", usage=Usage(1, 2), tokens_per_second=50.0, text="Yıllık"))
    made.outcome, made.answer = "finished", "Yıllık"
    made.finish()
    if total_ms is not None:
        made.total_ms = total_ms
    return made


MakeStore = Callable[..., TraceStore]


@pytest.fixture
def make_store(make_place: MakePlace) -> MakeStore:
    """Opens a store on what is there; nothing is, the first time."""
    return lambda **settings: SqlTraceStore(make_place(TABLES), **settings)


@pytest.fixture
def store(make_store: MakeStore) -> TraceStore:
    return make_store()


def test_a_trace_comes_back_as_it_went(store: TraceStore) -> None:
    saved = trace("Kaç gün?", "c")
    store.save(saved)
    assert store.get(saved.id) == saved.as_dict()
    assert store.get("nobody") is None
    store.close()


def test_recent_is_newest_first_and_by_conversation(store: TraceStore) -> None:
    for number in range(6):
        store.save(trace(str(number), "even" if number % 2 == 0 else "odd"))
    assert [found["question"] for found in store.recent("even")] == ["4", "2", "0"]
    assert [found["question"] for found in store.recent(limit=2)] == ["5", "4"]
    store.close()


def test_saving_again_replaces(store: TraceStore) -> None:
    saved = trace()
    store.save(saved)
    saved.answer = "changed"
    store.save(saved)
    assert [found["answer"] for found in store.recent()] == ["changed"]
    store.close()


def test_percentiles_are_refused_where_the_sample_cannot_carry_them(store: TraceStore) -> None:
    assert store.percentiles("c") == {}
    for number in range(19):
        store.save(trace(conversation="c", total_ms=float(number)))
    few = store.percentiles("c")["total_ms"]
    assert (few.count, few.p50, few.p95, few.maximum) == (19, 9.0, None, 18.0)
    store.save(trace(conversation="c", total_ms=19.0))
    enough = store.percentiles("c")
    assert enough["total_ms"].p95 == pytest.approx(18.05)
    assert enough["tokens_per_second"].p50 == 50.0 and "first_content_ms" in enough
    cancelled = trace(conversation="c", total_ms=1e9)
    cancelled.outcome = "cancelled"
    store.save(cancelled)
    assert store.percentiles("c")["total_ms"].count == 20
    store.close()


def test_a_trace_that_cannot_be_kept_holds_up_nobody(store: TraceStore) -> None:
    store.save(trace("half of a pair: \ud83d"))
    store.save(trace("no id has half a pair", conversation="\ud83d"))
    store.save(trace("after it"))
    reading = threading.Thread(target=store.flush, daemon=True)
    reading.start()
    reading.join(60)
    assert not reading.is_alive()
    assert [found["question"] for found in store.recent()] == ["after it", "half of a pair: \ufffd"]
    store.close()


def test_many_threads_lose_nothing(store: TraceStore) -> None:
    threads = [threading.Thread(target=lambda: [store.save(trace()) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.recent(limit=1000)) == 100
    store.close()


def test_what_was_saved_survives_closing(store: TraceStore, make_store: MakeStore) -> None:
    store.save(trace("kept"))
    store.close()
    store.save(trace("late"))
    store.close()
    again = make_store()
    assert [found["question"] for found in again.recent()] == ["kept"]
    again.close()


def test_a_forgotten_conversation_leaves_no_trace(store: TraceStore) -> None:
    kept, gone = trace("kept", "a"), trace("gone", "b")
    store.save(kept)
    store.save(gone)
    store.forget("b")
    assert store.get(gone.id) is None
    assert store.get(kept.id) is not None
    store.close()


def test_old_traces_go_as_new_ones_come(store: TraceStore, make_store: MakeStore) -> None:
    old, young = trace("old"), trace("young")
    old.started = (datetime.now(UTC) - timedelta(days=91)).isoformat(timespec="milliseconds")
    young.started = (datetime.now(UTC) - timedelta(days=89)).isoformat(timespec="milliseconds")
    for one in (old, young):
        store.save(one)
    assert len(store.recent()) == 2
    store.close()
    pruning = make_store(keep_days=90)
    assert len(pruning.recent()) == 2
    pruning.save(trace("new"))
    assert [found["question"] for found in pruning.recent()] == ["new", "young"]
    pruning.close()


def test_pruning_is_done_every_hour_at_most(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    old = trace("old")
    old.started = "2020-01-01T00:00:00.000+00:00"
    pruning = make_store(keep_days=90)
    pruning.save(trace("new"))
    pruning.save(old)
    assert pruning.get(old.id) is not None
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 3601)
    pruning.save(trace("newer"))
    assert pruning.get(old.id) is None
    pruning.close()


def test_what_a_conversation_cost(store: TraceStore) -> None:
    first, second = trace("a \0 in it", "c"), trace("cancelled", "c")
    first.costs, second.costs = {"tokens": {"prompt": 1}}, {"tokens": {"prompt": 2}}
    second.outcome = "cancelled"
    for one in (first, second, trace("of another", "d")):
        store.save(one)
    assert [costs["tokens"]["prompt"] for costs in store.costs("c")] == [1, 2]
    store.close()
