"""`tandem bench`: measures models, compares with a baseline, and writes the report.

Knows where each choice comes from (command line, environment, files, settings) and what to print. Does not know how
anything is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tandem.bench import baseline, export, plan
from tandem.bench.plan import Plan, PlanError
from tandem.bench.plots import number
from tandem.bench.quality import read_scores, write_scores
from tandem.bench.schema import Report
from tandem.bench.session import measure_models
from tandem.commands.ending import run
from tandem.commands.progress import bar
from tandem.settings import Settings, bench_variables, load

MODELS_FILE, PROMPTS_FILE = Path("models.json"), Path("prompts.json")
QUESTIONS = "questions.yaml"
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Choices:
    """The command line; None where it says nothing."""

    models: str | None
    prompts: Path | None
    rounds: int | None
    stream: bool | None
    concurrency: str | None
    rate: float | None
    sweep: bool
    warmup: int
    max_tokens: int | None
    temperature: float | None
    seed: int
    slo: str | None
    questions: str | None
    judge: str | None
    scores: Path | None
    baseline: Path | None
    out: Path


def bench(choices: Choices) -> bool:
    """Measure, write the four formats, print the verdict. Whether the run is good: something was measured, and nothing
    regressed. Raises UserFacingError, and KeyboardInterrupt after Ctrl-C, once all that was finished is written.
    """
    settings = load()
    made = make_plan(choices, settings, bench_variables())
    before = export.read(choices.baseline) if choices.baseline is not None else None
    scores = read_scores(choices.scores) if choices.scores is not None else []
    with bar("Measuring") as advance:
        work = measure_models(made, settings, choices.out, scores=scores, progress=advance, tell=advance.tell)
        report = run(work)
    if before is not None and choices.baseline is not None:
        report.baseline = baseline.compare(report, before, choices.baseline.name)
    answers = {(m.name, r.prompt): r.text for m in report.models for r in reversed(m.requests) if r.failure is None}
    files = export.write(report, choices.out)
    write_scores(choices.out / "scores.csv", answers)
    _print(report, files)
    if not report.complete:
        raise KeyboardInterrupt
    measured = any(model.status != "failed" for model in report.models)
    return measured and not (report.baseline is not None and report.baseline.regressed)


def make_plan(choices: Choices, settings: Settings, env: dict[str, str]) -> Plan:
    """The command line before the environment, that before files, files before settings. Raises PlanError."""
    if sum((choices.concurrency is not None, choices.rate is not None, choices.sweep)) > 1:
        raise PlanError("--concurrency, --rate and --sweep exclude each other; choose one.")
    loads = plan.closed_loads(choices.concurrency or "1")
    if choices.rate is not None:
        loads = plan.open_load(choices.rate)
    return Plan(
        models=_models(choices, settings, env),
        prompts=_prompts(choices, env),
        rounds=_whole(choices.rounds, env, "BENCH_ROUNDS", 5, 1, 10_000),
        loads=loads,
        sweep=choices.sweep,
        warmup=choices.warmup,
        max_tokens=_whole(choices.max_tokens, env, "BENCH_MAX_TOKENS", 256, 1, 32_768),
        temperature=_temperature(choices.temperature, env),
        seed=choices.seed,
        stream=_stream(choices.stream, env),
        limits=plan.limits(choices.slo) if choices.slo is not None else None,
        questions=_questions(choices.questions, settings),
        judge=choices.judge or "",
        prices={name: (price.prompt, price.completion) for name, price in settings.costs.cloud.items()},
    )


def _models(choices: Choices, settings: Settings, env: dict[str, str]) -> tuple[str, ...]:
    named = choices.models or env.get("BENCH_MODELS")
    if named:
        return plan.names(named)
    if MODELS_FILE.is_file():
        return plan.read_models(MODELS_FILE)
    return tuple(dict.fromkeys((settings.models.draft, settings.models.refine)))


def _prompts(choices: Choices, env: dict[str, str]) -> tuple[plan.BenchPrompt, ...]:
    if choices.prompts is not None:
        return plan.read_prompts(choices.prompts)
    if "BENCH_PROMPT" in env:
        return plan.one_prompt(env["BENCH_PROMPT"])
    return plan.read_prompts(PROMPTS_FILE if PROMPTS_FILE.is_file() else plan.SHIPPED_PROMPTS)


def _whole(given: int | None, env: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    if given is not None:
        return given
    text = env.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise PlanError(f"{name} is {text!r}; write a whole number from {low} to {high}.")
    return int(text)


def _temperature(given: float | None, env: dict[str, str]) -> float:
    if given is not None:
        return given
    text = env.get("BENCH_TEMPERATURE", "0")
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0.0 <= found <= 2.0:
        raise PlanError(f"BENCH_TEMPERATURE is {text!r}; write a number from 0 to 2.")
    return found


def _stream(given: bool | None, env: dict[str, str]) -> bool:
    if given is not None:
        return given
    text = env.get("BENCH_STREAM", "1").lower()
    if text not in (*_TRUE, *_FALSE):
        raise PlanError(f"BENCH_STREAM is {text!r}; write 1 or 0.")
    return text in _TRUE


def _questions(given: str | None, settings: Settings) -> Path | None:
    """The file named, none if "none" was, else the one that lies with the documents, where there is one."""
    if given is not None:
        return None if given == "none" else Path(given)
    return next((file for folder in settings.documents if (file := folder / QUESTIONS).is_file()), None)


def _print(report: Report, files: list[Path]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(report))
    for model in report.models:
        if model.reason:
            console.print(f"{model.name}: {model.status}. {model.reason}", markup=False)
    found = report.recommendation
    if found is not None:
        for label, name, reasons in (
            ("Draft", found.draft or "none", found.draft_reasons),
            ("Refine", found.refine or "none", found.pair_reasons),
        ):
            console.print(f"\n{label}: {name}", style="bold", markup=False)
            for reason in reasons:
                console.print(f"  {reason}", markup=False)
        for sentence in found.capacity:
            console.print(sentence, markup=False)
    if report.baseline is not None:
        console.print(f"\nAgainst {report.baseline.file}:", style="bold", markup=False)
        shown = [change for change in report.baseline.changes if change.verdict != "same"]
        for change in shown:
            before, now = (("-" if value is None else number(value)) for value in (change.before, change.now))
            console.print(
                f"  {change.verdict}: {change.model} {change.load} {change.metric} {before} -> {now}", markup=False
            )
        if not shown:
            console.print("  Nothing changed significantly.")
    if not report.complete:
        console.print("\nInterrupted: what was finished is in the report; the same command goes on from there.")
    console.print(f"\nWritten: {', '.join(map(str, files))}", markup=False)


def _table(report: Report) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("model", style="bold", overflow="fold")
    for heading in ("first token ms", "answer ms", "tokens/s", "most tokens/s", "memory MB", "quality"):
        table.add_column(heading, justify="right")
    table.add_column("status")
    for row in report.selection:
        figures = (row.first_token_ms, row.total_ms, row.tokens_per_s, row.most_tokens_per_s, row.memory_mb)
        cells = ["-" if value is None else number(value) for value in figures]
        quality = "-" if row.quality is None else f"{row.quality:.2f}"
        table.add_row(escape(row.name), *cells, quality, row.status)
    return table
