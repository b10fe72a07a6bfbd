"""The figures against known times, on a virtual clock: what is left is arithmetic, and it must be exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, Phase, Usage
from hybrid.settings import TimeoutSettings
from rag.types import Message
from tandem.bench.level import level
from tandem.bench.load import run
from tandem.bench.measure import Job, Sample, measure
from tandem.bench.schema import Level, Limits, Load, Request
from tests.support import virtual_time
from tests.support.timed_server import Timing

REQUEST = ChatRequest("known", (Message("user", "Say something."),), max_tokens=4096)


class Known:
    """Writes at the times that `timing` draws, and remembers them."""

    def __init__(self, timing: Timing, queue_s: float = 0.0) -> None:
        self.timing = timing
        self.queue_s = queue_s
        self.drawn: list[list[float]] = []
        self.number = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        loop = asyncio.get_running_loop()
        number, self.number = self.number, self.number + 1
        if self.queue_s:
            yield Chunk(phase=Phase.QUEUE, position=1)
            await asyncio.sleep(self.queue_s)
        yield Chunk(phase=Phase.SEND)
        zero = loop.time()
        due = self.timing.draw(number, self.timing.tokens)
        fails = bool(self.timing.fail_every) and number % self.timing.fail_every == 0
        if not fails:
            self.drawn.append(due)
        for place, moment in enumerate(due):
            await asyncio.sleep(zero + moment - loop.time())
            if fails and place == len(due) // 2:
                raise ModelError("It broke off.", kind="reset")
            thinks = place < self.timing.reasoning
            yield Chunk(reasoning="hm") if thinks else Chunk(text=f" w{place}")
        yield Chunk(finish_reason="stop", usage=Usage(3, len(due), self.timing.reasoning))


async def taken(source: Known, load: Load, count: int, limits: Limits | None = None) -> tuple[Level, list[Request]]:
    clock = asyncio.get_running_loop().time

    async def ask(job: Job, due: float | None) -> Sample:
        return await measure(source, job, TimeoutSettings(), due=due, clock=clock)

    found = await run(load, (Job("p", n, REQUEST) for n in range(count)), count, ask, clock=clock)
    return level(found, limits, client=False)


@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_every_figure_is_the_truth(concurrency: int) -> None:
    source = Known(Timing(0.2, 0.01, 50, reasoning=5, jitter=0.3, fail_every=10))
    count = 320

    found, _ = virtual_time.run(taken(source, Load(concurrency=concurrency), count))

    times = np.array(source.drawn) * 1000.0
    truths = {
        "first_token_ms": times[:, 0],
        "first_content_ms": times[:, 5],
        "total_ms": times[:, -1],
        "itl_ms": np.diff(times).ravel(),
        "tpot_ms": (times[:, -1] - times[:, 0]) / 49,
        "request_tokens_per_s": 50 / times[:, -1] * 1000.0,
    }
    assert found.failed == count // 10
    assert found.failures[0].reason == "It broke off."
    for name, truth in truths.items():
        part = getattr(found, name)
        assert part.n == truth.size
        assert part.mean.value == pytest.approx(truth.mean(), rel=1e-3)
        for percentile in (50, 90, 95):
            assert getattr(part, f"p{percentile}").value == pytest.approx(np.percentile(truth, percentile), rel=1e-3)
    assert found.completion_tokens == 50 * len(times)
    assert found.reasoning_tokens == 5 * len(times)
    assert not found.estimated


@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_throughput_is_that_of_the_full_load(concurrency: int) -> None:
    source = Known(Timing(0.2, 0.01, 50, jitter=0.2))

    found, _ = virtual_time.run(taken(source, Load(concurrency=concurrency), 20 * concurrency))

    times = np.array(source.drawn)
    assert found.tokens_per_s is not None
    assert found.tokens_per_s.value == pytest.approx(concurrency * 50 / times[:, -1].mean(), rel=0.02)


def test_under_a_given_rate_times_count_from_when_a_request_was_due() -> None:
    source = Known(Timing(0.5, 0.02, 20))

    found, requests = virtual_time.run(taken(source, Load(kind="open", rate_per_s=4.0), 400))

    due = [request.started_ms for request in requests]
    assert found.completed == 400
    assert 400 / (due[-1] / 1000.0) == pytest.approx(4.0, rel=0.15)
    assert np.std(np.diff(due)) == pytest.approx(np.mean(np.diff(due)), rel=0.2)
    assert all(request.first_token_ms == pytest.approx(500.0, abs=0.01) for request in requests)


def test_the_queue_is_told_apart() -> None:
    found, _ = virtual_time.run(taken(Known(Timing(0.1, 0.01, 10), queue_s=0.3), Load(concurrency=1), 8))

    assert found.queue_ms is not None and found.queue_ms.p50 is not None
    assert found.queue_ms.p50.value == pytest.approx(300.0)
    assert found.first_token_ms is not None and found.first_token_ms.p50 is not None
    assert found.first_token_ms.p50.value == pytest.approx(400.0)


def test_goodput_counts_what_keeps_every_limit() -> None:
    source = Known(Timing(0.2, 0.01, 20, jitter=0.5, fail_every=7))
    limits = Limits(ttft_ms=220.0, total_ms=420.0)

    found, requests = virtual_time.run(taken(source, Load(concurrency=4), 100, limits))

    good = sum(r.failure is None and r.first_token_ms <= 220.0 and r.total_ms <= 420.0 for r in requests)  # type: ignore
    assert found.goodput is not None
    assert 0 < good < found.completed
    assert found.goodput.share.value == good / 100
    assert found.goodput.per_s == pytest.approx(good / found.duration_s, rel=1e-3)


def test_a_server_that_counts_nothing_is_estimated_and_labelled() -> None:
    class Silent(Known):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
            yield Chunk(text="one two")
            yield Chunk(text=" three")
            yield Chunk(finish_reason="stop")

    found, requests = virtual_time.run(taken(Silent(Timing()), Load(concurrency=1), 2))

    assert found.estimated
    assert [request.completion_tokens for request in requests] == [2, 2]


def test_silence_is_a_failure_with_its_reason() -> None:
    class Stuck(Known):
        async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
            yield Chunk(text="one")
            await asyncio.sleep(3600)

    found, _ = virtual_time.run(taken(Stuck(Timing()), Load(concurrency=1), 1))

    assert found.failed == 1
    assert found.failures[0].kind == "silence"


def test_what_finished_before_an_interruption_is_kept() -> None:
    async def work() -> tuple[Level, list[Request]]:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(1.0, task.cancel)
        return await taken(Known(Timing(0.1, 0.01, 10)), Load(concurrency=2), 1000)

    found, requests = virtual_time.run(work())

    assert found.interrupted
    assert found.completed == len(requests) == 10
