"""One request, measured on a monotonic clock while it streams.

Knows when each piece of text arrived, and what that comes to. Does not know how requests are spread over time, or what
is made of many of them. Any source will do: a runtime of `hybrid.runtimes`, or the lean client of
`tandem.bench.client`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from hybrid.errors import ModelError
from hybrid.runtimes.base import CHARS_PER_TOKEN, ChatRequest, Chunk, Phase, Usage
from hybrid.settings import TimeoutSettings
from tandem.bench.schema import Request

log = logging.getLogger(__name__)

Clock = Callable[[], float]


class Source(Protocol):
    """Whoever generates; every Runtime is one."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]: ...


@dataclass(frozen=True, slots=True)
class Stamped(Chunk):
    """Text with the moment it was read, on the clock of time.perf_counter, from sources that know it."""

    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask: the prompt's id and round, for the report, and the request itself."""

    prompt: str
    round: int
    request: ChatRequest


@dataclass(slots=True)
class Sample:
    """One request as it went. All times in seconds on the same clock; `arrivals` has one entry per piece of text."""

    job: Job
    due: float
    sent: float
    arrivals: list[float] = field(default_factory=list)
    first_content: float | None = None
    end: float = 0.0
    queue_s: float = 0.0
    load_s: float = 0.0
    usage: Usage | None = None
    finish_reason: str | None = None
    failure: ModelError | None = None
    pieces: list[str] = field(default_factory=list)
    streamed: bool = True

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def last(self) -> float:
        """When the last text came; the end of the request where none did, or where all of it came at once."""
        return self.arrivals[-1] if self.arrivals and self.streamed else self.end

    @property
    def gaps_ms(self) -> list[float]:
        """Between each arrival and the next."""
        return [(b - a) * 1000.0 for a, b in zip(self.arrivals, self.arrivals[1:], strict=False)]

    def record(self, zero: float) -> Request:
        """The request as the report has it; `zero` is the start of its level."""
        usage, failure = self.usage, self.failure
        record = Request(
            prompt=self.job.prompt,
            round=self.job.round,
            started_ms=_ms(self.due - zero),
            late_ms=_ms(self.sent - self.due),
            queue_ms=_ms(self.queue_s),
            load_ms=_ms(self.load_s),
            finish_reason=self.finish_reason,
            text=self.text,
        )
        if usage is not None:
            record.prompt_tokens = usage.prompt_tokens
            record.completion_tokens = usage.completion_tokens
            record.reasoning_tokens = usage.reasoning_tokens
            record.cached_tokens = None if usage.estimated else usage.cached_tokens
            record.estimated = usage.estimated
        if self.arrivals and self.streamed:
            record.first_token_ms = _ms(self.arrivals[0] - self.due)
            span = self.arrivals[-1] - self.arrivals[0]
            if len(self.arrivals) > 1:
                record.itl_mean_ms = _ms(span / (len(self.arrivals) - 1))
            if usage is not None and usage.completion_tokens > 1 and span > 0:
                record.tpot_ms = _ms(span / (usage.completion_tokens - 1))
        if self.first_content is not None and self.streamed:
            record.first_content_ms = _ms(self.first_content - self.due)
        if failure is None:
            record.total_ms = _ms(self.last - self.due)
        else:
            record.failure, record.failure_kind = str(failure), failure.kind
            record.failure_status = getattr(failure, "status", None)
        return record


def _ms(seconds: float) -> float:
    return round(seconds * 1000.0, 3)


async def measure(
    source: Source,
    job: Job,
    timeouts: TimeoutSettings,
    *,
    due: float | None = None,
    streamed: bool = True,
    clock: Clock = time.perf_counter,
) -> Sample:
    """Ask once, drain the answer, and keep when what came. A failure is part of the sample, never an exception.

    `due` is when the request should have been sent, where that is not now; all times count from it, so a client that
    runs late does not flatter the server.
    """
    sent = clock()
    sample = Sample(job, sent if due is None else due, sent, streamed=streamed)
    try:
        async with asyncio.timeout(min(timeouts.first_token, timeouts.total)) as limit:
            await _drain(source, sample, limit, timeouts, clock)
        if sample.usage is None or not sample.arrivals:
            _estimate(sample)
        if not sample.arrivals:
            sample.failure = ModelError("The answer was empty.", kind="empty")
    except TimeoutError:
        sample.failure = _late(sample, timeouts)
    except ModelError as error:
        sample.failure = error
    except Exception as error:
        log.exception("A runtime failed in a way it should not")
        sample.failure = ModelError(f"The runtime failed ({type(error).__name__}); see the log.", kind="unavailable")
    sample.end = clock()
    return sample


async def _drain(
    source: Source, sample: Sample, limit: asyncio.Timeout, timeouts: TimeoutSettings, clock: Clock
) -> None:
    now_on_loop = asyncio.get_running_loop().time
    latest = now_on_loop() + timeouts.total
    phase: Phase | None = None
    since = sample.sent
    async with aclosing(source.stream(sample.job.request)) as stream:
        async for chunk in stream:
            if chunk.text or chunk.reasoning:
                now = chunk.at if isinstance(chunk, Stamped) else clock()
                if not sample.arrivals and phase is not None:
                    _close(sample, phase, now - since)
                sample.arrivals.append(now)
                limit.reschedule(min(latest, now_on_loop() + timeouts.silence))
                if chunk.text:
                    sample.pieces.append(chunk.text)
                    if sample.first_content is None:
                        sample.first_content = now
            elif chunk.phase is not None and chunk.phase is not phase:
                now = clock()
                if phase is not None:
                    _close(sample, phase, now - since)
                if phase is Phase.QUEUE:
                    limit.reschedule(min(latest, now_on_loop() + timeouts.first_token))
                phase, since = chunk.phase, now
                if phase is Phase.QUEUE:
                    limit.reschedule(None)
            sample.usage = chunk.usage or sample.usage
            sample.finish_reason = chunk.finish_reason or sample.finish_reason


def _close(sample: Sample, phase: Phase, seconds: float) -> None:
    if phase is Phase.QUEUE:
        sample.queue_s += seconds
    elif phase is Phase.LOAD:
        sample.load_s += seconds


def _estimate(sample: Sample) -> None:
    """Servers that count no tokens mostly send them one by one; a whole answer is counted by its letters."""
    prompt = sum(len(message.content) for message in sample.job.request.messages)
    completion = len(sample.arrivals) if sample.streamed else math.ceil(len(sample.text) / CHARS_PER_TOKEN)
    sample.usage = Usage(math.ceil(prompt / CHARS_PER_TOKEN), completion, estimated=True)


def _late(sample: Sample, timeouts: TimeoutSettings) -> ModelError:
    if sample.arrivals:
        return ModelError(f"It fell silent for {timeouts.silence:g} s, or wrote too long.", kind="silence")
    return ModelError(f"It had not written a word after {timeouts.first_token:g} s.", kind="timeout")
