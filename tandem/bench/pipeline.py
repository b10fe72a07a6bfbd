"""How long Tandem itself takes before the first token: search, prompt, trace, with a runtime that answers at once.

Knows what to time and how often. Does not know models, nor how a question is answered.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import numpy as np

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Delta, Event
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings

MODEL = "instant"
# A p99 of fewer values than this would rest on two or three of them.
ENOUGH = 500


def runtime() -> Scripted:
    """The runtime whose only model speaks at once."""
    return Scripted({MODEL: Script("It does.")})


async def measure(
    questions: Sequence[str],
    answer: Callable[[Question], AsyncGenerator[Event, None]],
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Ask every question, again and again until the sample carries a p99. Milliseconds from asking to the first token.

    The first round warms caches and is not counted. `progress` hears how many rounds of how many.
    """
    rounds = -(-ENOUGH // len(questions))
    options = Options(draft=MODEL, escalation=EscalationSettings(mode=Escalate.NEVER))
    times: list[float] = []
    for number in range(rounds + 1):
        for text in questions:
            began = time.perf_counter()
            async with aclosing(answer(Question(text, options=options))) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        if number:
                            times.append((time.perf_counter() - began) * 1000.0)
                        break
        progress(number + 1, rounds + 1)
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "questions": len(times)}
