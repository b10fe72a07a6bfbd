"""Traces on disk: kept, read back, summed up; never in the way."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybrid.runtimes.base import Usage
from hybrid.tracing.store import TraceStore
from hybrid.tracing.trace import StageRecord, Trace


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


@pytest.fixture
def store(tmp_path: Path) -> TraceStore:
    return TraceStore(tmp_path / "deep" / "traces.db")


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
    reading.join(20)
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


def test_what_was_saved_survives_closing(store: TraceStore) -> None:
    store.save(trace("kept"))
    store.close()
    store.save(trace("late"))
    store.close()
    again = TraceStore(store.path)
    assert [found["question"] for found in again.recent()] == ["kept"]
    again.close()


@pytest.mark.parametrize("wrong", ["no database", "folder", "truncated"])
def test_what_is_no_database_is_set_aside(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "traces.db"
    if wrong == "folder":
        (file / "inside").mkdir(parents=True)
    elif wrong == "no database":
        file.write_bytes(b"this is no database at all, " * 100)
    else:
        store = TraceStore(file)
        store.save(trace())
        store.close()
        file.write_bytes(file.read_bytes()[:5000])
    store = TraceStore(file)
    store.save(trace("kept"))
    assert [found["question"] for found in store.recent()] == ["kept"]
    assert store.problem == ""
    store.close()
    assert len(list(tmp_path.glob("traces.damaged-*.db"))) == 1


def test_pages_that_break_while_the_file_is_open_cost_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "traces.db"
    store = TraceStore(file)
    for number in range(200):
        store.save(trace(str(number)))
    store.close()
    data = bytearray(file.read_bytes())
    store = TraceStore(file)
    middle = len(data) // 4096 // 2 * 4096
    data[middle : middle + 4096] = bytes(4096)
    file.write_bytes(data)
    store.save(trace("after"))
    found = [record["question"] for record in store.recent(limit=500)]
    assert "after" in found
    assert len(found) > 50
    store.close()


def test_where_no_file_can_be_the_latest_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = TraceStore(tmp_path / "file" / "traces.db")
    store.save(trace("seen"))
    assert [found["question"] for found in store.recent()] == ["seen"]
    assert store.problem
    store.close()


def test_a_forgotten_conversation_leaves_no_trace(store: TraceStore) -> None:
    kept, gone = trace("kept", "a"), trace("gone", "b")
    store.save(kept)
    store.save(gone)
    store.forget("b")
    assert store.get(gone.id) is None
    assert store.get(kept.id) is not None
    store.close()


def test_old_traces_go_as_new_ones_come(store: TraceStore) -> None:
    old, young = trace("old"), trace("young")
    old.started = (datetime.now(UTC) - timedelta(days=91)).isoformat(timespec="milliseconds")
    young.started = (datetime.now(UTC) - timedelta(days=89)).isoformat(timespec="milliseconds")
    for one in (old, young):
        store.save(one)
    assert len(store.recent()) == 2
    store.close()
    pruning = TraceStore(store.path, keep_days=90)
    assert len(pruning.recent()) == 2
    pruning.save(trace("new"))
    assert [found["question"] for found in pruning.recent()] == ["new", "young"]
    pruning.close()


def test_pruning_is_done_every_hour_at_most(store: TraceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    old = trace("old")
    old.started = "2020-01-01T00:00:00.000+00:00"
    pruning = TraceStore(store.path, keep_days=90)
    pruning.save(trace("new"))
    pruning.save(old)
    assert pruning.get(old.id) is not None
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 3601)
    pruning.save(trace("newer"))
    assert pruning.get(old.id) is None
    pruning.close()
    store.close()
