"""Opens what a measurement needs, runs it, and lets go of it: the same for the terminal and for a notebook.

Knows the rooms: library, engine, runtimes. Does not know what is measured. Nothing else of the installation runs
meanwhile: no watcher, no warming up, no unloading of idle models.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from hybrid.answering.pipeline import answer
from hybrid.engine import Engine
from rag.errors import UserFacingError
from rag.principal import LOCAL
from tandem.bench.plan import Plan
from tandem.bench.quality import Score
from tandem.bench.run import Bench, Progress
from tandem.bench.schema import Report
from tandem.bench.state import State
from tandem.context import assemble, keys
from tandem.documents import open_library
from tandem.evaluate.corpus import indexed
from tandem.evaluate.questions import QuestionSet, read
from tandem.settings import Settings

MODELS_SECONDS = 30.0


@asynccontextmanager
async def engine_for(
    settings: Settings, questions: QuestionSet | None = None, *, filled: bool = False
) -> AsyncIterator[Engine]:
    """An engine whose models have been looked up. It answers from the questions' own documents, in a library made for
    them, or from the installation's, which must hold some where it has to be `filled`. Raises UserFacingError.
    """
    with ExitStack() as stack:
        place = stack.enter_context(indexed(questions.source, settings)).settings if questions is not None else settings
        library = open_library(place)
        stack.callback(library.close)
        if filled and not library.documents(principal=LOCAL):
            raise UserFacingError("Nothing is indexed yet; run `tandem index` first.")
        engine = assemble(settings, library)
        try:
            engine.models.start()
            await engine.models.wait_ready(MODELS_SECONDS)
            yield engine
        finally:
            await engine.close()


async def measure_models(
    plan: Plan,
    settings: Settings,
    out: Path,
    *,
    scores: Sequence[Score] = (),
    progress: Progress = lambda done, total, current: None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Report:
    """Carry out the plan; what it finishes is kept under `out` until it is complete. Raises UserFacingError."""
    questions = read(plan.questions) if plan.questions is not None else None
    state = State(out, plan.fingerprint())
    async with engine_for(settings, questions) as engine:
        report = await Bench(
            plan,
            engine.models,
            engine.catalog,
            settings.models,
            keys(settings),
            state,
            answer=lambda question: answer(question, engine),
            questions=questions.questions if questions is not None else (),
            scores=scores,
            progress=progress,
            tell=tell,
        ).run()
    if report.complete:
        state.finished()
    return report
