"""Questions asked of an engine whose models are scripted, and what came of them."""

from __future__ import annotations

from hybrid.answering.pipeline import Question, answer
from hybrid.engine import Engine
from hybrid.events import (
    Event,
    Finished,
    Notice,
)
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings

ASK = "How many days of annual leave do employees have?"
GOOD = "Annual leave is 25 days per year for every employee [1]."
BETTER = "Every employee has 25 days of annual leave per year [1]. Unused days may be carried over until March [1]."
INVENTED = "Managers receive forty golden tickets and a yacht each summer. The moon base closes at noon."
NEVER = EscalationSettings(mode=Escalate.NEVER)
ALWAYS = EscalationSettings(mode=Escalate.ALWAYS)


async def events_of(engine: Engine, question: Question | str) -> list[Event]:
    asked = question if isinstance(question, Question) else Question(question)
    await engine.start()
    return [event async for event in answer(asked, engine)]


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def notices(events: list[Event]) -> dict[str, str]:
    return {event.code: event.text for event in events if isinstance(event, Notice)}


def models(draft: Script | str, refine: Script | str = BETTER) -> Scripted:
    scripts = {"phi-4-mini": draft, "gpt-oss-20b": refine}
    return Scripted({name: Script(s) if isinstance(s, str) else s for name, s in scripts.items()})
