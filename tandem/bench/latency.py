"""How long answers take in each design, measured and computed, and what of it is Tandem's own.

Knows scripted models of known speed and what is timed. Does not know how a question is answered. The designs: the draft
alone; draft, then refinement (sequential); a hopeless draft cut off (early abort); the prompt read ahead (warmed).
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Delta, Event, Finished
from hybrid.policies.early_exit import Watch
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings
from rag.types import SearchResult
from tandem.evaluate.timeline import Timeline

SMALL, LARGE, INSTANT = "small", "large", "instant"
ROUNDS = 3
ENOUGH = 500
DRAFT_SPEED, LARGE_SPEED = 150.0, 100.0
DRAFT_READING, LARGE_READING = 4000.0, 800.0

Answer = Callable[[Question], AsyncGenerator[Event, None]]

# Nothing of this stands in any corpus: a draft that a watch cuts off and a rule escalates.
INVENTED = (
    "Purple whales migrate across seventeen frozen oceans every winter, singing ancient lullabies beneath emerald "
    "glaciers. Nobody remembers their melodies except wandering astronomers who polish copper telescopes at dawn. "
) * 5


def runtime() -> Scripted:
    """A small model that invents at length, a large one that quotes, and one that speaks at once."""
    return Scripted(
        {
            SMALL: Script(INVENTED, tokens_per_second=DRAFT_SPEED, prefill_per_second=DRAFT_READING),
            LARGE: Script(_quoted, tokens_per_second=LARGE_SPEED, prefill_per_second=LARGE_READING),
            INSTANT: Script("It does."),
        }
    )


def _quoted(request: ChatRequest) -> str:
    return " ".join(" ".join(passage.text.split()[:25]) + " [1]." for passage in request.passages[:2])


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: milliseconds until the first visible word and until the end, and the end itself."""

    first_ms: float
    total_ms: float
    finished: Finished


async def measure(
    questions: Sequence[str], models: Scripted, answer: Answer, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Ask in every design, a few questions each; medians in milliseconds. `progress` hears how many of how many.

    `models` is what `runtime` gave and `answer` uses; every question finds its caches cold.
    """
    asked = list(questions)[:ROUNDS]
    designs = {
        "draft_only": EscalationSettings(mode=Escalate.NEVER),
        "sequential": EscalationSettings(early_abort=False),
        "early_abort": EscalationSettings(early_abort=True),
        "warmed": EscalationSettings(early_abort=False, warm=True),
    }
    timed: dict[str, list[Timed]] = {name: [] for name in designs}
    for number, text in enumerate(asked):
        for name, escalation in designs.items():
            models.forget()
            timed[name].append(await _ask(answer, text, Options(draft=SMALL, refine=LARGE, escalation=escalation)))
        progress(number + 1, len(asked) + 1)
    own = await _orchestration(questions, answer)
    progress(len(asked) + 1, len(asked) + 1)
    computed = [_computed(one) for one in timed["sequential"]]
    alone = _median([one.first_ms for one in timed["draft_only"]])
    record: dict[str, Any] = {}
    for name, ones in timed.items():
        record[name] = {
            "first_visible_ms": _median([one.first_ms for one in ones]),
            "measured_ms": _median([one.total_ms for one in ones]),
        }
        record[name]["first_visible_ratio"] = round(record[name]["first_visible_ms"] / alone, 4)
        if name != "draft_only":
            replayed = _median([one[name] for one in computed])
            record[name]["replayed_ms"] = replayed
            record[name]["gap"] = round(abs(replayed / record[name]["measured_ms"] - 1.0), 4)
    return {**record, **own}


async def _ask(answer: Answer, text: str, options: Options) -> Timed:
    began = time.perf_counter()
    first = 0.0
    async with aclosing(answer(Question(text, options=options))) as events:
        async for event in events:
            if isinstance(event, Delta) and event.text and not first:
                first = (time.perf_counter() - began) * 1000.0
            if isinstance(event, Finished):
                return Timed(first, (time.perf_counter() - began) * 1000.0, event)
    raise RuntimeError("a scripted question was not answered")


def _computed(one: Timed) -> dict[str, float]:
    """What the trace of a sequential answer says about every design."""
    trace = one.finished.trace
    timeline = Timeline.of(trace.as_dict())
    if timeline is None:
        raise RuntimeError("a scripted draft was not escalated")
    found = SearchResult(one.finished.answer.passages, "", trace.retrieval["confidence"], trace.retrieval["language"])
    cut, likely = watched(trace.question, trace.stages[0].text, found)
    return {
        "sequential": timeline.total,
        "early_abort": timeline.aborted(cut),
        "warmed": timeline.warmed(likely),
    }


def watched(question: str, draft: str, found: SearchResult, confidence: float = 0.0) -> tuple[float, float]:
    """At which share of a draft's text a watch cuts it off, and finds an escalation likely; 1 where it never does."""
    watch = Watch(question, found, confidence)
    cut = likely = 1.0
    words = draft.split(" ")
    length = 0
    for number, word in enumerate(words):
        piece = word if number == 0 else f" {word}"
        length += len(piece)
        hopeless = watch.add(piece)
        if watch.likely and likely == 1.0:
            likely = length / len(draft)
        if hopeless is not None:
            cut = length / len(draft)
            break
    return cut, likely


async def _orchestration(questions: Sequence[str], answer: Answer) -> dict[str, float]:
    """Tandem's own work around a model that answers at once: all of an answer but search and citation check."""
    options = Options(draft=INSTANT, refine=INSTANT, escalation=EscalationSettings())
    times: list[float] = []
    rounds = -(-ENOUGH // len(questions))
    for number in range(rounds + 1):
        for text in questions:
            done = (await _ask(answer, text, options)).finished.trace
            elsewhere = sum(s.duration_ms or 0.0 for s in done.spans if s.name in ("retrieve", "verify"))
            if number:
                times.append((done.total_ms or 0.0) - elsewhere)
    p50, p99 = np.percentile(times, [50, 99])
    return {"orchestration_p50_ms": round(float(p50), 3), "orchestration_p99_ms": round(float(p99), 3)}


def _median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 2)
