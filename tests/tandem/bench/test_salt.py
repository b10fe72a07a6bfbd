"""Prompts that no cache knows, what a cache saves, and how a run's length is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from hybrid.runtimes.base import ChatRequest, Chunk, Usage
from hybrid.settings import TimeoutSettings
from rag.types import Message
from tandem.bench.cost import significant
from tandem.bench.duration import foretold
from tandem.bench.measure import Job, Sample, measure
from tandem.bench.salt import PAIRS, Salt, prefix_cache, told

REQUEST = ChatRequest("m", (Message("system", "Be brief."), Message("user", "How many days?")))


def test_no_request_begins_like_another() -> None:
    openings = [Salt().new(REQUEST).messages[0].content[:18] for _ in range(3)]
    one = Salt()
    openings += [one.new(REQUEST).messages[0].content[:18] for _ in range(3)]
    assert len(set(openings)) == 6
    assert one.new(REQUEST).messages[1] == REQUEST.messages[1]


class Caching:
    """Remembers the prompts it has read, and says so."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        text = "".join(message.content for message in request.messages)
        cached = 500 if text in self.read else 0
        self.read.append(text)
        yield Chunk(text="25")
        yield Chunk(finish_reason="stop", usage=Usage(501, 1, cached_tokens=cached))


async def test_a_prompt_is_asked_anew_and_again() -> None:
    source = Caching()

    async def ask(job: Job) -> Sample:
        return await measure(source, job, TimeoutSettings())

    found = await prefix_cache(REQUEST, Salt(), ask)
    assert found is not None and (found.prompt_tokens, found.cached_tokens) == (501, 500)
    assert len(source.read) == 2 * PAIRS and len(set(source.read)) == PAIRS
    assert all(len(text) > 2000 for text in source.read)
    assert "500 of 501 tokens came from the cache" in told("m", found)


def test_a_long_run_is_foretold_with_what_to_leave_out() -> None:
    assert foretold("phi", 5.0, 3, 4.0) == ""
    told = foretold("phi", 600.0, 130, 5200.0)
    assert "about 1.6 h, 87 min of it for 130 questions" in told and "--questions none" in told
    assert "questions" not in foretold("phi", 600.0, 0, 0.0)


def test_costs_have_no_more_figures_than_they_mean() -> None:
    assert [significant(value) for value in (0.0, 0.123456, 12.3456, 1234.5)] == [0.0, 0.12, 12.0, 1200.0]
