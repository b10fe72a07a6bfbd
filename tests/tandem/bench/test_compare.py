"""Three columns: asked alike, told apart, and a verdict only where the sample carries one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hybrid.answering.pipeline import answer
from hybrid.engine import Engine
from hybrid.errors import ModelError
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings, GenerationSettings, ModelSettings
from rag.library import Library
from rag.settings import RetrievalSettings
from tandem.bench import stats
from tandem.bench.compare import Cell, Column, ColumnName, Comparison, charge, compare, verdict
from tandem.bench.plan import BenchPrompt
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.terminal import Tandem

GOOD = "Every employee has 25 days of paid holiday a year [1]."
PROMPTS = [BenchPrompt("days", "How many days of paid holiday are there a year?", aspects=(("25 days",), ("year",)))]


async def compared(
    corpus: Path, folder: Path, mode: Escalate, small: Script, large: Script, ended_after: int = 0
) -> Comparison:
    """The comparison, ended as by a signal after so many answers."""
    library = Library.open(folder / "library", RetrievalSettings(), write=True)
    library.sync([corpus])
    escalation = EscalationSettings(mode=mode)
    engine = Engine(
        library,
        models=ModelSettings(foundry=False),
        generation=GenerationSettings(),
        escalation=escalation,
        minimum_confidence=0.1,
        runtimes=[Scripted({"small": small, "large": large})],
    )
    engine.models.start()
    await engine.models.wait_ready(10)

    def progress(done: int, total: int, current: str) -> None:
        task = asyncio.current_task()
        if done == ended_after and task is not None:
            task.cancel()

    found = await compare(
        "small", "large", PROMPTS, lambda q: answer(q, engine), escalation, rounds=2, progress=progress
    )
    await engine.close()
    library.close()
    return found


async def test_every_column_is_asked_and_counted(corpus: Path, tmp_path: Path) -> None:
    found = await compared(corpus, tmp_path, Escalate.ALWAYS, Script("There are 25 days."), Script(GOOD))

    draft, refine, hybrid = found.columns
    assert [len(column.cells) for column in found.columns] == [2, 2, 2]
    assert (draft.cells[0].model, refine.cells[0].model, hybrid.cells[0].model) == ("small", "large", "large")
    assert (draft.escalated, refine.escalated, hybrid.escalated) == (0.0, 0.0, 1.0)
    assert [column.quality.value for column in found.columns if column.quality] == [0.5, 1.0, 1.0]
    assert hybrid.completion_tokens is not None and draft.completion_tokens is not None
    assert hybrid.completion_tokens.value > draft.completion_tokens.value


async def test_what_was_finished_is_told_where_it_is_ended_before(corpus: Path, tmp_path: Path) -> None:
    found = await compared(corpus, tmp_path, Escalate.ALWAYS, Script("There are 25 days."), Script(GOOD), ended_after=4)

    assert not found.complete and "ended before everything" in found.reasons[-1]
    assert [len(column.cells) for column in found.columns] == [2, 1, 1]
    assert found.columns[2].quality is not None and found.columns[2].quality.value == 1.0


async def test_a_pair_that_answers_worse_than_the_quote_does_not_pay(corpus: Path, tmp_path: Path) -> None:
    found = await compared(corpus, tmp_path, Escalate.NEVER, Script("Every year."), Script("Once a year."))

    assert found.quoted is not None and found.quoted.value == 1.0
    assert found.pays is False and "worse than quoting the documents (1.00)" in found.reasons[-1]


async def test_a_model_that_fails_is_told_apart_from_what_answered_instead(corpus: Path, tmp_path: Path) -> None:
    down = Script(error=ModelError("It is down.", kind="refused"))

    found = await compared(corpus, tmp_path, Escalate.AUTO, Script(GOOD), down)

    assert found.columns[1].failed == 2
    assert found.columns[1].cells[0].failure == "It is down."
    assert found.pays is None
    assert "refine gave no answer (It is down.)" in found.reasons[0]


def column(name: ColumnName, times: list[float], qualities: list[float]) -> Column:
    cells = [
        Cell(prompt=f"p{n}", total_ms=time, quality=quality)
        for n, (time, quality) in enumerate(zip(times, qualities, strict=True))
    ]
    return Column(name=name, models=[name], cells=cells)


@pytest.mark.parametrize(
    ("hybrid", "quality", "pays"),
    [(300.0, 0.9, True), (1500.0, 0.9, False), (300.0, 0.5, None), (300.0, 0.0, False)],
)
def test_the_verdict_weighs_time_and_quality(hybrid: float, quality: float, pays: bool | None) -> None:
    spread = [0.98, 1.0, 1.02, 0.99, 1.01, 1.0, 0.97, 1.03]
    columns = [
        column(name, [time * s for s in spread], [worth * s for s in spread])  # type: ignore[arg-type]
        for name, time, worth in (("draft", 200.0, 0.5), ("refine", 1000.0, 0.9), ("hybrid", hybrid, quality))
    ]

    for one in columns:
        one.quality = stats.mean([cell.quality for cell in one.cells if cell.quality is not None])
    assert verdict(*columns)[0] is pays


def test_the_command_prints_three_columns_and_a_verdict(
    tandem: Tandem, home: Path, openai_server: OpenAIServer
) -> None:
    openai_server.models.update(small=Reply(["It is", " 25 days."]), large=Reply([GOOD]))
    endpoint = f"[{{name: x, base_url: '{openai_server.base_url}'}}]"
    settings = f"documents: papers\nmodels: {{foundry: false, endpoints: {endpoint}}}\n"
    (home / "tandem.yaml").write_text(settings, encoding="utf-8")
    unread = tandem("compare", "--draft", "small", "--refine", "large", "--prompt", "How many days of holiday?")
    assert unread.exit_code == 1 and "Nothing is indexed yet; run `tandem index` first." in str(unread.exception)
    assert tandem("index").exit_code == 0

    result = tandem("compare", "--draft", "small", "--refine", "large", "--prompt", "How many days of holiday?")

    assert result.exit_code == 0, result.output
    assert "hybrid" in result.output and "25 days" in result.output
    assert "of the questions went to large." in result.output
    nothing = tandem("compare", "--draft", "small", "--refine", "small", "--prompt", "?")
    assert nothing.exit_code == 1 and "name two" in str(nothing.exception)


def test_the_pair_pays_for_what_the_columns_before_have_read() -> None:
    alone = [
        Cell(prompt="p", total_ms=900.0, read_ms={"small": 400.0}),
        Cell(prompt="p", total_ms=3000.0, read_ms={"large": 1500.0}),
    ]
    pair = Cell(prompt="p", first_token_ms=50.0, total_ms=2000.0, read_ms={"small": 20.0, "large": 200.0})
    charge(pair, alone)
    assert (pair.charged_ms, pair.first_token_ms, pair.total_ms) == (1680.0, 430.0, 3680.0)
    slower = Cell(prompt="p", first_token_ms=500.0, total_ms=1000.0, read_ms={"small": 450.0})
    charge(slower, alone)
    assert (slower.charged_ms, slower.total_ms) == (0.0, 1000.0)
