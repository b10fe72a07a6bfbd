from pathlib import Path

from tandem.bench import pipeline
from tandem.context import AppContext
from tandem.settings import load


async def test_the_time_to_the_first_token_is_measured_often_enough_for_its_percentiles(home: Path) -> None:
    context = AppContext.open(load(env={}), [pipeline.runtime()])
    await context.start()
    await context.indexed()
    heard: list[tuple[int, int]] = []
    questions = ["How many days of holiday does an employee have?", "How much may a hotel cost?"] * 25
    measured = await pipeline.measure(questions, context.answer, lambda done, total: heard.append((done, total)))
    await context.close()
    assert measured["questions"] == pipeline.ENOUGH
    assert 0 < measured["p50_ms"] <= measured["p99_ms"]
    assert heard[-1] == (11, 11)
