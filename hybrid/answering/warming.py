"""Lets the large model read the prompt ahead, so that its prefix cache is warm when it is asked.

Knows one call that writes nothing, and that it has to be counted. Does not know when it pays: it is off by default.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType

from hybrid.answering.generation import Written, generate
from hybrid.errors import ModelError
from hybrid.runtimes.base import CHARS_PER_TOKEN, ChatRequest, Runtime, Usage
from hybrid.settings import TimeoutSettings
from hybrid.tracing.trace import StageRecord, Trace

log = logging.getLogger(__name__)


class Warming:
    """At most one reading ahead for one question. Leaving the `async with` block ends it, wherever it is."""

    def __init__(self, trace: Trace, timeouts: TimeoutSettings) -> None:
        self._trace = trace
        self._timeouts = timeouts
        self._task: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        return self._task is not None

    def start(self, runtime: Runtime, request: ChatRequest) -> None:
        """Have the model read the request's messages; a second start does nothing."""
        if self._task is None:
            ahead = replace(request, max_tokens=1, temperature=0.0, stop=())
            self._task = asyncio.create_task(self._read(runtime, ahead), name="read ahead")

    async def done(self) -> None:
        """Wait until the prompt is read: asking before that would have it read twice."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def __aenter__(self) -> Warming:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self, runtime: Runtime, request: ChatRequest) -> None:
        began = self._trace.now()
        stages: Sequence[StageRecord] = self._trace.stages
        try:
            written = Written("warm")
            async with aclosing(generate(written, runtime, request, self._trace, self._timeouts)) as events:
                async for _ in events:
                    pass
        except ModelError as error:
            log.info("Reading ahead failed: %s", error)
        finally:
            record = next(stage for stage in reversed(stages) if stage.stage == "warm")
            if record.usage is None and not record.error:  # cut off while it read: what it had read is not known
                chars = sum(len(message.content) for message in request.messages)
                record.usage = Usage(math.ceil(chars / CHARS_PER_TOKEN), 0, estimated=True)
                record.first_token_ms = self._trace.now() - began
