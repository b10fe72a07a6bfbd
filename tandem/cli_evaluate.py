"""The terminal front door of the evaluations: names, arguments and help of `tandem evaluate`.

Knows how they are called. Does not know what they measure: each one calls a room, imported only when it is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

evaluate = typer.Typer(help="Measure how good retrieval, answers and decisions are.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Semantic = Annotated[bool, typer.Option("--semantic/--no-semantic", help="Find what is near in meaning too.")]


@evaluate.command("answers")
def evaluate_answers(
    file: Annotated[Path, typer.Argument(help="questions.yaml beside its documents, or a JSON file that holds both.")],
    json: Json = False,
    documents: Annotated[Path | None, typer.Option(help="Ask this other file's documents instead.")] = None,
    draft: Annotated[str | None, typer.Option(help="Model that drafts; without one, the documents are quoted.")] = None,
    refine: Annotated[str | None, typer.Option(help="Model asked where the draft is likely wrong.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only questions of this kind; may be repeated.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print every question with its answer, to be read.")] = False,
    semantic: Semantic = True,
    accept_all: Annotated[
        bool, typer.Option("--accept-all", help="Show whatever the models write: what is acceptance worth?")
    ] = False,
    limit: Annotated[int, typer.Option(help="Ask so many questions, evenly spread; 0: all.", min=0)] = 0,
) -> None:
    """Ask every question of a file; count what was found, answered and refused."""
    from tandem.commands import evaluating

    evaluating.answers(file, json, documents, draft, refine, tuple(kind or ()), show, semantic, accept_all, limit)


@evaluate.command("retrieval")
def evaluate_retrieval(
    file: Annotated[Path, typer.Argument(help="JSON file of documents, questions and which documents are relevant.")],
    json: Json = False,
    typos: Annotated[int, typer.Option(help="Letters to misspell in every question.", min=0, max=20)] = 0,
    seed: Annotated[int, typer.Option(help="The same seed misspells the same letters.")] = 0,
    semantic: Semantic = True,
) -> None:
    """Search for every question of a file and measure the ranking."""
    from tandem.commands import evaluating

    evaluating.retrieval(file, json, typos, seed, semantic)


@evaluate.command("routing")
def evaluate_routing(
    file: Annotated[Path, typer.Argument(help="JSON lines: a question, and a small and a large model's answers.")],
    json: Json = False,
    fit: Annotated[Path | None, typer.Option(help="Fit on this file; without it, nested cross-validation.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the deferral curve into this PNG.")] = None,
) -> None:
    """Measure how well a fitted policy knows which drafts the large model would mend."""
    from tandem.commands import deciding

    deciding.routing(file, json, fit, plot)


@evaluate.command("grounding")
def evaluate_grounding(
    file: Annotated[Path, typer.Argument(help="JSON lines: context, answer, and whether it rests on the context.")],
    json: Json = False,
    fit: Annotated[Path | None, typer.Option(help="Fit on this file; without it, nested cross-validation.")] = None,
) -> None:
    """Measure how well answers that rest on their context are told from inventions."""
    from tandem.commands import deciding

    deciding.grounding(file, json, fit)


@evaluate.command("citations")
def evaluate_citations(
    file: Annotated[Path, typer.Argument(help="questions.yaml beside its documents, with reference answers.")],
    json: Json = False,
    seed: Annotated[int, typer.Option(help="The same seed plants the same faults.")] = 0,
) -> None:
    """Plant unsupported sentences and wrong citations in good answers; count which are marked."""
    from tandem.commands import deciding

    deciding.citations(file, json, seed)


@evaluate.command("leaks")
def evaluate_leaks(
    json: Json = False,
    questions: Annotated[int, typer.Option(help="Questions to ask.", min=1, max=1_000_000)] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed plants and asks the same.")] = 0,
) -> None:
    """Plant secrets in collections and have people who may not read them pry; count what leaks."""
    from tandem.commands import leaking

    leaking.leaks(json, questions, seed)


@evaluate.command("fit")
def evaluate_fit(json: Json = False) -> None:
    """Fit the escalation policy on the answers that were judged in this installation, and report how good it is."""
    from tandem.commands import deciding

    deciding.fit(json)


@evaluate.command("replay")
def evaluate_replay(
    json: Json = False,
    thresholds: Annotated[str, typer.Option(help="Probabilities from which to escalate, with commas.")] = "",
    limit: Annotated[int, typer.Option(help="Newest answers to look at.", min=1, max=100_000)] = 2000,
) -> None:
    """Ask of the stored answers: what if another threshold, policy or design had decided?"""
    from tandem.commands import deciding

    deciding.replay(json, thresholds, limit)
