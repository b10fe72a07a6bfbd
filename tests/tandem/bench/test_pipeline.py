from pathlib import Path

import pytest

from tandem.bench import pipeline
from tandem.context import AppContext
from tandem.settings import load


async def _index() -> None:
    context = AppContext.open(load(env={}))
    await context.start()
    await context.indexed()
    await context.close()


async def test_a_question_is_asked_once_in_a_run_and_runs_are_as_many_as_the_percentiles_need(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _index()
    monkeypatch.setattr(pipeline, "ENOUGH", 4)
    heard: list[tuple[int, int]] = []
    questions = ["How many days of holiday does an employee have?", "How much may a hotel cost?"]
    measured = pipeline.measure(load(env={}), questions * 25, lambda done, total: heard.append((done, total)))
    assert (measured["questions"], measured["runs"]) == (4, 2)
    assert 0 < measured["p50_ms"] <= measured["p99_ms"]
    assert heard == [(1, 2), (2, 2)]


async def test_every_question_of_a_run_is_timed_to_its_first_token(home: Path) -> None:
    context = AppContext.open(load(env={}), [pipeline.runtime()])
    await context.start()
    await context.indexed()
    times = await pipeline.timed(
        ["How much may a hotel cost?", "Who won the cup?", "How long is leave?"], context.answer
    )
    await context.close()
    assert len(times) == 3 and min(times) > 0
