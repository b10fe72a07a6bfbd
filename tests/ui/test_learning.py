"""From a thumb in the history to a label that `tandem evaluate fit` reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chainlit.context import init_http_context
from chainlit.types import Feedback

from hybrid.tracing.sql_store import SqlTraceStore
from hybrid.tracing.store import TraceStore
from hybrid.tracing.trace import StageRecord, Trace
from tandem.evaluate import judged
from tandem.history.data_layer import SqlHistory
from tandem.settings import Settings


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[TraceStore]:
    store = SqlTraceStore(tmp_path / "traces.db")
    yield store
    store.close()


def answered(traces: TraceStore, number: int, support: float, refined: str = "") -> Trace:
    trace = Trace.start(f"question {number}", "t1")
    trace.signals = {"support": support, "chars": 100.0 + number}
    if refined:
        trace.stages.append(StageRecord("refine", "large", "r", text=refined))
    trace.outcome, trace.answer = "finished", "the same words"
    traces.save(trace.finish())
    return trace


async def show(history: SqlHistory, message: str, trace: Trace, run: str | None = None) -> None:
    metadata = {"answer": trace.answer, "trace": trace.id, "started": trace.started}
    step = {
        "id": message,
        "threadId": "t1",
        "type": "assistant_message",
        "name": "",
        "output": "",
        "metadata": metadata,
    }
    step["parentId"] = run  # type: ignore[assignment]
    await history.create_step({"id": run, "threadId": "t1", "type": "run"} if run else step)
    await history.create_step(step)


async def test_a_thumb_down_becomes_a_label_that_fit_reads(tmp_path: Path, traces: TraceStore) -> None:
    init_http_context()
    history = SqlHistory.open(tmp_path / "history.db", lambda: None)
    for number in range(48):
        bad = number % 3 == 0
        await show(history, f"m{number}", answered(traces, number, 0.1 if bad else 0.9), f"run{number}")
        comment = "wrong year" if number == 0 else "thanks" if number == 1 else None
        rated = f"run{number}" if number % 2 else f"m{number}"
        await history.upsert_feedback(Feedback(forId=rated, value=0 if bad else 1, comment=comment))
    await history.close()
    traces.flush()
    report = judged.fit(Settings(data_dir=tmp_path), tmp_path / "policy.json")
    assert (report["labels"], report["thumbs"], report["bad"]) == (48, 48, 16)
    assert report["auroc"] > 0.95
    assert report["complaints"] == {"question 0": "wrong year"}
    assert (tmp_path / "policy.json").is_file()


async def test_which_answer_a_thumb_is_for(tmp_path: Path, traces: TraceStore) -> None:
    init_http_context()
    history = SqlHistory.open(tmp_path / "history.db", lambda: None)
    first, other, refined = answered(traces, 1, 0.5), answered(traces, 1, 0.5), answered(traces, 2, 0.5, "better")
    await show(history, "m1", first)
    await show(history, "m2", other)
    await show(history, "m3", refined)
    await history.upsert_feedback(Feedback(forId="m1", value=0))
    await history.upsert_feedback(Feedback(forId="m3", value=0))
    settings = Settings(data_dir=tmp_path)
    labels = judged.judged_of(judged.traces_of(settings), judged.thumbs_of(settings))
    assert labels.keys() == {first.id}, "nor the answer of the same words, nor a draft that nobody saw"
    assert labels[first.id].bad

    again = answered(traces, 1, 0.5)
    again.started = "2999-01-01T00:00:00.000+00:00"
    await show(history, "m1", again)
    assert judged.thumbs_of(settings).keys() == {refined.id}, "the thumb was for what stood there before"
    await history.upsert_feedback(Feedback(forId="m2", value=1, comment=" good "))
    assert judged.thumbs_of(settings)[other.id] == judged.Thumb(True, "good")
    await history.close()
