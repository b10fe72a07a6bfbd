"""How long Tandem itself takes before the first token: search, prompt, trace, with a runtime that answers at once.

Knows what to time and how often. Does not know models, nor how a question is answered. People ask a question once, so
here too each is asked once in a run, and every run is a process of its own: nothing that was kept of a question answers
it again.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from typing import Any

import numpy as np

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Delta, Event
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings, ModelSettings
from tandem.context import AppContext
from tandem.settings import Settings

MODEL = "instant"
# A p99 of fewer values than this would rest on two or three of them.
ENOUGH = 500


def runtime() -> Scripted:
    """The runtime whose only model speaks at once."""
    return Scripted({MODEL: Script("It does.")})


def measure(settings: Settings, questions: Sequence[str], progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Milliseconds from asking to the first token, of questions that were never asked before. Of a library that is
    indexed: each run opens it, waits until it is ready and asks every question once, in as many `runs` as it takes for
    a p99. `progress` hears how many runs of how many.
    """
    questions = list(dict.fromkeys(questions))
    runs = -(-ENOUGH // len(questions))
    times: list[float] = []
    for number in range(runs):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            times += fresh.submit(_run, settings, questions).result()
        progress(number + 1, runs)
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "questions": len(times), "runs": runs}


def _run(settings: Settings, questions: Sequence[str]) -> list[float]:
    from tandem.server import THREAD_TURN_SECONDS

    sys.setswitchinterval(THREAD_TURN_SECONDS)  # threads take turns as they do while it serves
    return asyncio.run(_opened(settings, questions))


async def _opened(settings: Settings, questions: Sequence[str]) -> list[float]:
    models = ModelSettings(draft=MODEL, foundry=False)
    context = AppContext.open(settings.model_copy(update={"models": models}), [runtime()])
    try:
        await context.start(index=False)
        await context.indexed()
        gc.collect()
        gc.freeze()  # as where it serves
        return await timed(questions, context.answer)
    finally:
        await context.close()


async def timed(questions: Sequence[str], answer: Callable[[Question], AsyncGenerator[Event, None]]) -> list[float]:
    """Ask every question once, one after another; the milliseconds to each one's first token."""
    options = Options(draft=MODEL, escalation=EscalationSettings(mode=Escalate.NEVER))
    times: list[float] = []
    for text in questions:
        began = time.perf_counter()
        async with aclosing(answer(Question(text, options=options))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    times.append((time.perf_counter() - began) * 1000.0)
                    break
    return times
