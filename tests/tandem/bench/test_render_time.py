"""What a frame costs, from a trace of the browser."""

from __future__ import annotations

from typing import Any

import pytest

from tandem.bench.chat_people import BenchError
from tandem.bench.render_time import frame_work

PAGE, OTHER, COMPOSITOR = (1, 1), (2, 1), (1, 2)


def named(thread: tuple[int, int], name: str) -> dict[str, Any]:
    return {"pid": thread[0], "tid": thread[1], "name": "thread_name", "args": {"name": name}}


def event(thread: tuple[int, int], name: str, at_ms: float, for_ms: float) -> dict[str, Any]:
    times = {"ts": at_ms * 1000, "dur": for_ms * 1000, "tdur": for_ms * 500}
    return {"pid": thread[0], "tid": thread[1], "name": name, **times}


def test_a_frame_costs_what_was_done_since_the_one_before() -> None:
    threads = [named(PAGE, "CrRendererMain"), named(OTHER, "CrRendererMain"), named(COMPOSITOR, "Compositor")]
    done = [event(PAGE, "RunTask", at, 2) for at in (1, 4, 10, 101, 301)]
    # The frame is handed on within the last of its tasks.
    shown = [event(PAGE, "Commit", at, 0.5) for at in (11, 102)]
    elsewhere = [event(COMPOSITOR, "RunTask", 5, 90), event(OTHER, "RunTask", 5, 90), event(OTHER, "Commit", 6, 1)]
    assert frame_work([*threads, *done, *shown, *elsewhere]) == {
        "frames_shown": 2,
        "frame_work_p50_ms": 4.0,
        "frame_work_p95_ms": 5.8,
        "frame_work_cpu_p50_ms": 2.0,
        "frame_work_cpu_p95_ms": 2.9,
    }


def test_a_trace_without_frames_is_said() -> None:
    with pytest.raises(BenchError, match="no frames"):
        frame_work([named(PAGE, "CrRendererMain"), event(PAGE, "RunTask", 1, 2)])
