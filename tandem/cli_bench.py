"""The terminal front door of the benchmarks: names, arguments and help of `tandem bench` and `tandem compare`.

Knows how they are called. Does not know what they do: each one calls a room, imported only when it is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

bench = typer.Typer(help="Measure models, and how fast things are.", invoke_without_command=True)

OUT = Path("bench-report")


@bench.callback()
def bench_models(
    context: typer.Context,
    models: Annotated[str | None, typer.Option(help="Models, with commas (BENCH_MODELS, else models.json).")] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="JSON file of prompts (BENCH_PROMPT, else prompts.json).")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="Times every prompt is asked (BENCH_ROUNDS, else 5).", min=1, max=10_000)
    ] = None,
    stream: Annotated[
        bool | None, typer.Option("--stream/--no-stream", help="Stream the answers (BENCH_STREAM, else yes).")
    ] = None,
    concurrency: Annotated[str | None, typer.Option(help="People at once, one load each, like 1,2,4,8.")] = None,
    rate: Annotated[float | None, typer.Option(help="Instead: requests a second, at random times.")] = None,
    sweep: Annotated[bool, typer.Option("--sweep", help="Instead: ever more people until it brings no more.")] = False,
    warmup: Annotated[int, typer.Option(help="Requests before the measured ones.", min=0, max=1000)] = 1,
    max_tokens: Annotated[
        int | None, typer.Option(help="Longest answer (BENCH_MAX_TOKENS, else 256).", min=1, max=32_768)
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="0 is greedy (BENCH_TEMPERATURE, else 0).", min=0.0, max=2.0)
    ] = None,
    seed: Annotated[int, typer.Option(help="For the models and for random arrival times.", min=0)] = 0,
    slo: Annotated[
        str | None, typer.Option(help="What a request must keep, like ttft=1s,tpot=100ms,total=20s.")
    ] = None,
    questions: Annotated[
        str | None,
        typer.Option(
            help="Questions with known answers for grounded quality; none: leave it out "
            "(else the questions.yaml that lies with the documents)."
        ),
    ] = None,
    judge: Annotated[str | None, typer.Option(help="Model that scores the answers, 1 to 5, blind.")] = None,
    scores: Annotated[Path | None, typer.Option(help="The scores.csv of an earlier run, filled in by people.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="report.json of an earlier run; a significant regression ends with exit code 1.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report; an interrupted run goes on from it.")] = OUT,
) -> None:
    """Measure models: speed, memory, quality, cost; compare them and recommend. Or one of the commands below."""
    if context.invoked_subcommand is not None:
        return
    from tandem.commands import bench_models as command

    choices = command.Choices(
        models=models,
        prompts=prompts,
        rounds=rounds,
        stream=stream,
        concurrency=concurrency,
        rate=rate,
        sweep=sweep,
        warmup=warmup,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        slo=slo,
        questions=questions,
        judge=judge,
        scores=scores,
        baseline=baseline,
        out=out,
    )
    if not command.bench(choices):
        raise typer.Exit(1)


@bench.command("size")
def bench_size(
    people: Annotated[int, typer.Option(help="People who may ask.", min=1, max=10_000_000)] = 10_000,
    passages: Annotated[int, typer.Option(help="Passages of all documents.", min=1, max=10**11)] = 100_000_000,
    per_hour: Annotated[float, typer.Option(help="What each asks in the busiest hour.", min=0.01, max=1000.0)] = 4.0,
    figures: Annotated[
        Path | None, typer.Option(help="JSON file of what was measured, as tandem/bench/sizing.json.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compute what so many people and passages need of each engine, from measured figures; an hour is simulated."""
    from tandem.commands import benching

    benching.size(people, passages, per_hour, figures, json)


def compare(
    draft: Annotated[str | None, typer.Option(help="Small model (SLM_ALIAS, else the draft of tandem.yaml).")] = None,
    refine: Annotated[str | None, typer.Option(help="Large model (LLM_ALIAS, else the refine of tandem.yaml).")] = None,
    prompt: Annotated[str | None, typer.Option(help="One question (COMPARE_PROMPT).")] = None,
    prompts: Annotated[Path | None, typer.Option(help="JSON file of prompts, instead of one.")] = None,
    rounds: Annotated[int, typer.Option(help="Times every prompt is asked.", min=1, max=1000)] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask the small model, the large one and both together the same questions; say whether both together pay."""
    from tandem.commands import comparing

    comparing.compare(draft, refine, prompt, prompts, rounds, json)
