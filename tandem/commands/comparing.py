"""`tandem compare`: three columns side by side. Knows what to print; does not know how they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hybrid.answering.pipeline import answer
from rag.errors import UserFacingError
from tandem.bench import plan
from tandem.bench.compare import Column, Comparison
from tandem.bench.compare import compare as compare_models
from tandem.bench.plots import number
from tandem.bench.recommend import typical
from tandem.bench.session import engine_for
from tandem.commands.ending import run
from tandem.commands.progress import bar
from tandem.settings import Settings, bench_variables, load

LONGEST_ANSWER = 400


def compare(
    draft: str | None, refine: str | None, prompt: str | None, prompts: Path | None, rounds: int, json: bool
) -> None:
    """Ask, print, and say whether the pair pays. Raises UserFacingError, and KeyboardInterrupt after Ctrl-C or SIGTERM,
    once what was finished is printed.
    """
    settings, env = load(), bench_variables()
    if prompts is not None and prompt is not None:
        raise UserFacingError("--prompt and --prompts exclude each other; choose one.")
    text = prompt or env.get("COMPARE_PROMPT", "")
    if prompts is not None:
        asked = plan.read_prompts(prompts)
    elif text:
        asked = plan.one_prompt(text)
    else:
        raise UserFacingError("There is nothing to ask; give --prompt, --prompts or COMPARE_PROMPT.")
    small = draft or env.get("SLM_ALIAS") or settings.models.draft
    large = refine or env.get("LLM_ALIAS") or settings.models.refine
    if small == large:
        raise UserFacingError(f"Both models are {small}; name two with --draft and --refine.")
    found = run(_compare(settings, small, large, asked, rounds))
    if json:
        print(found.model_dump_json(indent=1))
    else:
        _print(found)
    if not found.complete:
        raise KeyboardInterrupt


async def _compare(
    settings: Settings, draft: str, refine: str, prompts: Sequence[plan.BenchPrompt], rounds: int
) -> Comparison:
    async with engine_for(settings, filled=True) as engine:
        for name in (draft, refine):
            engine.models.resolve(name)
        with bar("Comparing") as advance:
            return await compare_models(
                draft,
                refine,
                prompts,
                lambda question: answer(question, engine),
                settings.escalation,
                rounds=rounds,
                progress=advance,
                tell=advance.tell,
            )


def _print(found: Comparison) -> None:
    console = Console(highlight=False)
    names = [f"{column.name}\n{' + '.join(column.models)}" for column in found.columns]
    if all(len(column.cells) == 1 for column in found.columns):
        answers = Table(*map(escape, names), show_lines=True)
        answers.add_row(*(escape(_shown(column)) for column in found.columns))
        console.print(answers)
    figures = Table("", *map(escape, names))
    for label, values in (
        ("first token ms", [typical(column.first_token_ms) for column in found.columns]),
        ("answer ms", [typical(column.total_ms) for column in found.columns]),
        ("completion tokens", [c.completion_tokens.value if c.completion_tokens else None for c in found.columns]),
        ("quality 0 to 1", [c.quality.value if c.quality else None for c in found.columns]),
        ("failed", [float(column.failed) for column in found.columns]),
    ):
        figures.add_row(label, *("-" if value is None else number(value) for value in values))
    console.print(figures)
    if found.quoted is not None:
        console.print(f"Quoting the documents, without a model: {number(found.quoted.value)} in quality.")
    for reason in found.reasons:
        console.print(reason, markup=False, soft_wrap=True)


def _shown(column: Column) -> str:
    cell = column.cells[0]
    text = cell.failure or cell.text
    return text if len(text) <= LONGEST_ANSWER else f"{text[:LONGEST_ANSWER]}…"
