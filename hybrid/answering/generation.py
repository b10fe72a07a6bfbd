"""One model call: a runtime's chunks become events, measured, with time limits.

Knows phases, spans, limits and what a call wrote. Does not know prompts, policies, or what is tried when a call fails.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from hybrid.answering.numbering import Renumbering
from hybrid.errors import ModelError
from hybrid.events import Delta, Event, Progress, Reason, Stage, StageBegan, StageEnded
from hybrid.runtimes.base import CHARS_PER_TOKEN, ChatRequest, Chunk, Phase, Runtime, Usage
from hybrid.runtimes.stream_timeout import Patience
from hybrid.settings import TimeoutSettings
from hybrid.tracing.trace import Span, StageRecord, Trace
from rag.text.sentences import is_closed
from rag.text.unicode import Joiner
from rag.types import CheckedAnswer

log = logging.getLogger(__name__)

_RUNAWAY = 2
_TURN = 32


@dataclass(slots=True)
class Written:
    """What a stage has written so far, and by whom. A new call of the same stage starts it over."""

    stage: Stage
    alias: str = ""
    model: str = ""
    runtime: str = ""
    finish_reason: str = ""
    usage: Usage | None = None
    logprobs: list[float] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    abandoned: Reason | None = None
    checked: CheckedAnswer | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def begin(self, alias: str, model: str, runtime: str) -> None:
        self.alias, self.model, self.runtime = alias, model, runtime
        self.finish_reason, self.usage, self.abandoned, self.checked = "", None, None, None
        self.logprobs.clear()
        self.pieces.clear()


async def generate(
    written: Written,
    runtime: Runtime,
    request: ChatRequest,
    trace: Trace,
    timeouts: TimeoutSettings,
    watch: Callable[[str], Reason | None] | None = None,
) -> AsyncGenerator[Event, None]:
    """Run one call; what it writes lands in `written`, what it takes in `trace`.

    `watch` hears every piece of text; a reason that it gives ends the call (`written.abandoned`, finish reason
    "aborted"). Raises ModelError, also for anything unforeseen in the runtime. Closing the iterator ends the call.
    """
    stage = written.stage
    clock = _Clock(trace, stage, request, runtime.name, timeouts)
    numbers = Renumbering(request.numbers)
    taken = 0
    yield StageBegan(stage, request.model, runtime.name)
    try:
        async with aclosing(_guarded(runtime, request)) as stream:
            while (chunk := await clock.next(stream, written)) is not None:
                taken += 1
                if taken % _TURN == 0:
                    # A runtime that has much ready never waits; the others' words and timers must come in between.
                    await asyncio.sleep(0)
                if chunk.phase is not None:
                    clock.phase(chunk.phase)
                    yield Progress(stage, chunk.phase, chunk.position)
                elif chunk.text or chunk.reasoning:
                    clock.token(chunk)
                    text = numbers.feed(chunk.text)
                    written.pieces.append(text)
                    written.logprobs.extend(chunk.logprobs)
                    if text or chunk.reasoning:
                        yield Delta(stage, text, chunk.reasoning)
                    if watch is not None and text and (hopeless := watch(text)) is not None:
                        written.abandoned, written.finish_reason = hopeless, "aborted"
                        break
                else:
                    clock.accepted()
                written.usage = chunk.usage or written.usage
                written.checked = chunk.checked or written.checked
                if chunk.finish_reason is not None:
                    written.finish_reason = chunk.finish_reason
                if clock.runaway:
                    written.finish_reason = "length"
                    break
        if rest := numbers.end():
            written.pieces.append(rest)
            yield Delta(stage, rest)
    except ModelError as error:
        clock.record.error = str(error)
        raise
    except (asyncio.CancelledError, GeneratorExit):
        written.finish_reason = "cancelled"
        raise
    finally:
        written.finish_reason = written.finish_reason or "other"
        clock.finish(written)
    yield StageEnded(stage, written.finish_reason, written.usage)


async def _guarded(runtime: Runtime, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
    answer, thinking = Joiner(), Joiner()
    try:
        async with aclosing(runtime.stream(request)) as stream:
            async for chunk in stream:
                text, reasoning = answer.feed(chunk.text), thinking.feed(chunk.reasoning)
                if text != chunk.text or reasoning != chunk.reasoning:
                    chunk = replace(chunk, text=text, reasoning=reasoning)
                yield chunk
    except ModelError:
        raise
    except Exception as error:
        log.exception("The runtime %s failed in a way it should not", runtime.name)
        raise ModelError(
            f"{runtime.name} stopped with an unforeseen error ({type(error).__name__}); see the log.",
            kind="unavailable",
        ) from error


class _Clock:
    """Opens and closes a call's spans as its chunks arrive, and knows how long the next chunk may take."""

    def __init__(
        self, trace: Trace, stage: Stage, request: ChatRequest, runtime: str, timeouts: TimeoutSettings
    ) -> None:
        self.trace = trace
        self.stage = stage
        self.request = request
        self.timeouts = timeouts
        self.record = StageRecord(stage, request.model, runtime)
        self.runaway = False
        trace.stages.append(self.record)
        self._zero = trace.now()
        self._span: Span | None = None
        self._current: Phase | None = None
        self._first: float | None = None
        self._first_content: float | None = None
        self._last: float | None = None
        self._queued_ms = 0.0
        self._chunks = 0
        self._chars = 0
        self._patience = Patience()

    async def next(self, stream: AsyncIterator[Chunk], written: Written) -> Chunk | None:
        """The next chunk, or None at the end. Raises ModelError when it takes too long.

        Some servers say neither that they have finished nor that they close: silence after a closed sentence is an end.
        """
        limit, why = self._limit()
        try:
            return await self._patience.next(stream, limit)
        except StopAsyncIteration:
            return None
        except TimeoutError:
            if why == "silence" and is_closed(written.text):
                return None
            raise self._late(why) from None

    def _limit(self) -> tuple[float | None, str]:
        if self._current is Phase.QUEUE and self._first is None:
            return None, ""
        spent = (self.trace.now() - self._zero - self._queued_ms) / 1000.0
        left = self.timeouts.total - spent
        if self._first is None:
            first = self.timeouts.first_token - spent
            return (max(first, 0.001), "first_token") if first < left else (max(left, 0.001), "total")
        return (self.timeouts.silence, "silence") if self.timeouts.silence < left else (max(left, 0.001), "total")

    def _late(self, why: str) -> ModelError:
        model, limits = self.request.model, self.timeouts
        if why == "first_token":
            doing = "had not finished loading" if self._current is Phase.LOAD else "had not written a word"
            return ModelError(
                f"{model} {doing} after {limits.first_token:g} s; give it longer (timeouts.first_token) or check it.",
                kind="timeout",
                retriable=True,
            )
        if why == "silence":
            return ModelError(
                f"{model} fell silent for {limits.silence:g} s amid the answer; ask again, or check the server.",
                kind="silence",
                retriable=True,
            )
        return ModelError(
            f"{model} took more than {limits.total:g} s in all; ask for less or give it longer (timeouts.total).",
            kind="timeout",
        )

    def phase(self, phase: Phase) -> None:
        """A phase begins; the same phase again (a new queue position) goes on."""
        if phase is not self._current:
            self._close()
            self._current = phase
            self._span = self.trace.begin(phase.value, self.stage)

    def accepted(self) -> None:
        """The request was taken on: from here it is the model that takes time."""
        if self._first is None and (self._span is None or self._span.name != "first_token"):
            self._close()
            self._span = self.trace.begin("first_token", self.stage)

    def token(self, chunk: Chunk) -> None:
        now = self.trace.now()
        if self._first is None:
            self.accepted()
            self._close()
            self._first = now
            self._span = self.trace.begin("first_content", self.stage)
            self.record.first_token_ms = now - self._zero
        if chunk.text and self._first_content is None:
            self._close()
            self._first_content = now
            self._span = self.trace.begin("last_token", self.stage)
            self.record.first_content_ms = now - self._zero
        self._last = now
        self._chunks += 1
        self._chars += len(chunk.text) + len(chunk.reasoning)
        limit = self.request.max_tokens * _RUNAWAY
        self.runaway = self._chunks > limit or self._chars > limit * 4 * CHARS_PER_TOKEN

    def _close(self) -> None:
        if self._span is not None:
            self.trace.end(self._span)
            if self._span.name == Phase.QUEUE.value:
                self._queued_ms += self._span.duration_ms or 0.0
            self._span = None

    def finish(self, written: Written) -> None:
        """Close what is open and complete the record; tokens the runtime did not count are estimated."""
        self._close()
        self._patience.close()
        record = self.record
        record.text = written.text
        record.finish_reason = written.finish_reason
        if written.usage is None and self._first is not None:
            prompt = sum(len(message.content) for message in self.request.messages)
            written.usage = Usage(
                math.ceil(prompt / CHARS_PER_TOKEN), math.ceil(self._chars / CHARS_PER_TOKEN), estimated=True
            )
        record.usage = written.usage
        if self._first is not None and self._last is not None:
            record.generation_ms = self._last - self._first
            if written.usage is not None and written.usage.completion_tokens > 1 and record.generation_ms > 0:
                record.tokens_per_second = (written.usage.completion_tokens - 1) / record.generation_ms * 1000.0
