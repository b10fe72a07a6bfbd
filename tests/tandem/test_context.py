import logging
from pathlib import Path

import pytest

from hybrid.answering.pipeline import Question
from hybrid.events import Finished
from hybrid.runtimes.foundry import Foundry
from hybrid.runtimes.scripted import Script, Scripted
from tandem.context import AppContext
from tandem.settings import Settings, load

QUESTION = Question("How many days of holiday does an employee have?")


async def ask(context: AppContext) -> Finished:
    events = [event async for event in context.answer(QUESTION)]
    assert isinstance(events[-1], Finished)
    return events[-1]


@pytest.fixture
def settings(home: Path) -> Settings:
    return load(env={})


async def test_documents_are_taken_in_beside_the_first_question(settings: Settings) -> None:
    context = AppContext.open(settings)
    await context.start()
    await context.start()
    await context.indexed()
    assert not context.engine.reading()
    assert {record.name for record in context.library.documents()} == {"leave.md", "travel.md", "tr/izin.md"}
    finished = await ask(context)
    assert "25 days" in finished.answer.text
    assert [trace["id"] for trace in context.traces.recent(limit=5)] == [finished.trace.id]
    await context.close()
    await context.close()


async def test_a_folder_that_is_not_there_loses_nothing(
    settings: Settings, corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        context = AppContext.open(settings)
        await context.start()
        with caplog.at_level(logging.WARNING):
            await context.indexed()
        assert len(context.library.documents()) == 3
        await context.close()
        if corpus.exists():
            corpus.rename(corpus.with_name("away"))
    assert f"There is no folder {corpus}" in caplog.text


async def test_models_may_lie_elsewhere_than_the_library(settings: Settings, tmp_path: Path) -> None:
    settings = settings.model_copy(update={"models": settings.models.model_copy(update={"foundry": True})})
    for place, wanted in ((None, settings.files.foundry), (tmp_path / "models", tmp_path / "models")):
        context = AppContext.open(settings, foundry=place)
        assert [one.data_dir for one in context.engine.models.runtimes if isinstance(one, Foundry)] == [wanted]
        await context.close()


async def test_other_runtimes_may_be_handed_in(settings: Settings) -> None:
    runtime = Scripted({"phi-4-mini": Script("Every employee has 25 days of paid holiday a year [1].")})
    context = AppContext.open(settings, [runtime])
    await context.start()
    await context.indexed()
    finished = await ask(context)
    assert finished.answer.model == "phi-4-mini"
    await context.close()
