"""`tandem bench ...`. Knows what each benchmark runs on; does not know how it measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hybrid.settings import ModelSettings
from rag.errors import UserFacingError
from tandem import shipped
from tandem.bench import chat as chat_bench
from tandem.bench import latency as latency_bench
from tandem.bench import pipeline as pipeline_bench
from tandem.bench.metronome import run_fast
from tandem.commands.ending import run
from tandem.commands.evaluating import print_record
from tandem.commands.progress import bar
from tandem.context import AppContext
from tandem.evaluate.corpus import indexed
from tandem.evaluate.questions import QuestionSet, read
from tandem.settings import load


def pipeline(json: bool) -> None:
    """Time Tandem's own work on the shipped documents and questions. Raises UserFacingError."""
    questions = read(shipped.corpus() / "questions.yaml")
    with indexed(questions.source, load()) as corpus, bar("Timing") as advance:
        asked = [question.question for question in questions.questions]
        record = pipeline_bench.measure(corpus.settings, asked, advance)
    print_record(record, json)


def latency(json: bool) -> None:
    """Time every design with scripted models, and compute it. Raises UserFacingError."""
    print_record(run(_latency(read(shipped.corpus() / "questions.yaml"))), json)


async def _latency(questions: QuestionSet) -> dict[str, Any]:
    runtime = latency_bench.runtime()
    with indexed(questions.source, load()) as corpus:
        models = ModelSettings(draft=latency_bench.SMALL, refine=latency_bench.LARGE, foundry=False)
        context = AppContext.open(corpus.settings.model_copy(update={"models": models}), [runtime])
        try:
            await context.start(index=False)
            await context.indexed()
            with bar("Timing") as advance:
                asked = [question.question for question in questions.questions if question.documents]
                return await latency_bench.measure(asked, runtime, context.answer, advance)
        finally:
            await context.close()


def chat(
    json: bool,
    clients: int,
    rate: float,
    seconds: float,
    paint: bool,
    instant_model: bool,
    api: bool,
    workers: int,
    database: str,
) -> None:
    """Let many clients chat at once, or time how fast a browser paints. Raises UserFacingError."""
    if paint:
        from tandem.bench import render_time as paint_bench

        print_record(run(paint_bench.measure(rate)), json)
    else:
        if workers > 1:
            _check_database(database)
        several = chat_bench.Several(workers, database) if database else None
        work = chat_bench.measure(clients, rate, seconds, instant=instant_model, api=api, several=several)
        print_record(run_fast(work), json)


def held(json: bool, most: int, rate: float, seconds: float, workers: int, database: str, lag_ms: float) -> None:
    """Look for how many streams one process and several hold. Raises UserFacingError."""
    from tandem.bench import held as held_bench

    if workers < 2:
        raise UserFacingError("One process is compared with several; say how many with --workers.")
    _check_database(database)
    said = Console(stderr=True, highlight=False).print
    print_record(run_fast(held_bench.measure(workers, database, rate, seconds, lag_ms, most, said)), json)


def _check_database(database: str) -> None:
    if not database:
        raise UserFacingError("Several workers need an empty PostgreSQL database; name one with --database.")


def runtime(json: bool) -> None:
    """Time the runtime adapters against what they stand on. Raises UserFacingError."""
    from tandem.bench import runtime as runtime_bench

    with bar("Timing") as advance:
        record = run(runtime_bench.measure(progress=advance))
    print_record(record, json)


def reading(folder: Path, json: bool) -> None:
    """Time the readers on a folder of documents and pictures. Raises UserFacingError."""
    from tandem.bench import reading as reading_bench

    with bar("Reading") as advance:
        record = reading_bench.measure(folder, advance)
    print_record(record, json)


def retrieval(passages: str, json: bool) -> None:
    """Measure the search at every size named in `passages`. Raises UserFacingError."""
    from tandem.bench import retrieval as retrieval_bench

    try:
        sizes = [int(size) for size in passages.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise UserFacingError(f"--passages is {passages!r}; write it like 10000,100000.")
    errors, index = Console(stderr=True), load().index
    with errors.status("Making corpora") as status:
        report = retrieval_bench.measure(sizes, status.update, index if index.engine == "opensearch" else None)
    if json:
        print_record(report, json)
        return
    for size, engines in report["sizes"].items():
        table = Table(title=f"{int(size):,} passages", title_justify="left", box=None, pad_edge=False)
        names = [name for name, figures in engines.items() if isinstance(figures, dict)]
        for heading in ("", *names):
            table.add_column(heading, justify="right" if heading else "left")
        for figure in engines["tandem"]:
            table.add_row(figure, *(str(engines[name].get(figure, "")) for name in names))
        Console(highlight=False).print(table)
    for sentence in report["left_out"]:
        print(sentence)


def size(people: int, passages: int, per_hour: float, figures: Path | None, json: bool) -> None:
    """Say what so many people and passages need. Raises UserFacingError."""
    from tandem.bench import sizing

    asked = sizing.Asked(people=people, passages=passages, per_hour=per_hour)
    print_record(sizing.size(asked, sizing.measured(figures)), json)
