"""`tandem evaluate ...`. Knows how figures are printed; does not know how they are measured."""

from __future__ import annotations

import json as jsonlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from hybrid.answering.pipeline import Options
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate, ModelSettings
from rag.training.evaluation_files import evaluate_file
from tandem import encoder
from tandem.commands.ending import run
from tandem.commands.progress import bar
from tandem.context import AppContext
from tandem.evaluate import answers as measures
from tandem.evaluate.corpus import indexed
from tandem.evaluate.questions import QuestionSet, read
from tandem.settings import Settings, load

MODELS_SECONDS = 15.0


def answers(
    file: Path,
    json: bool,
    documents: Path | None,
    draft: str | None,
    refine: str | None,
    kinds: tuple[str, ...],
    show: bool,
    semantic: bool,
    accept_all: bool = False,
    limit: int = 0,
) -> None:
    """Ask every question of `file`, or those of `kinds`, and print the measures; with `show`, every answer before them.

    With `accept_all` nothing that a model wrote is withheld; `limit` asks so many questions, evenly spread.

    Raises UserFacingError.
    """
    questions = read(file).of_kinds(kinds)
    if documents is not None:
        questions = questions.asked_elsewhere(read(documents))
    if limit:
        questions = replace(
            questions, questions=questions.questions[:: max(1, len(questions.questions) // limit)][:limit]
        )
    settings = load()
    if not semantic:
        words = settings.retrieval.model_copy(update={"semantic": False})
        settings = settings.model_copy(update={"retrieval": words})
    outcomes = run(_ask_all(questions, settings, _options(settings, draft, refine, accept_all)))
    record = measures.report(outcomes)
    if show:
        told = [measures.told(outcome) for outcome in outcomes]
        record = {"answers": told, **record} if json else record
        if not json:
            print("\n".join(f"{one['id']} [{one['kind']}] {one['question']}\n{one['answer']}\n" for one in told))
    if file.suffix == ".json":
        record["contains_answer"] = record.pop("key_facts")
    print_record(record, json)


def retrieval(file: Path, json: bool, typos: int, seed: int, semantic: bool) -> None:
    """Search for every question of `file` and print the ranking measures, those of words alone where `semantic` is
    false or there is no encoder. Raises UserFacingError.
    """
    embedder = encoder.embedder(load()) if semantic else None
    measured = evaluate_file(file, typos=typos, seed=seed, embedder=embedder)
    print_record({**measured, "semantic": embedder is not None}, json)


def _options(settings: Settings, draft: str | None, refine: str | None, accept_all: bool) -> Options:
    """Quoting alone, unless a model was named."""
    if draft is None and refine is None:
        never = settings.escalation.model_copy(update={"mode": Escalate.NEVER})
        return Options(draft=EXTRACTIVE, escalation=never)
    return Options(draft=draft, refine=refine, accept_all=accept_all)


async def _ask_all(questions: QuestionSet, settings: Settings, options: Options) -> list[measures.Outcome]:
    quoting = options.draft == EXTRACTIVE and options.refine is None
    models = ModelSettings(foundry=False) if quoting else settings.models
    with indexed(questions.source, settings) as corpus:
        # The models stay where they are: only the library is made for the questions.
        context = AppContext.open(corpus.settings.model_copy(update={"models": models}), foundry=settings.files.foundry)
        try:
            await context.start(index=False)
            await context.indexed()
            await context.engine.models.wait_ready(MODELS_SECONDS)
            with bar("Asking") as advance:
                return await measures.ask_all(questions.questions, context.answer, options, corpus.document_of, advance)
        finally:
            await context.close()


def print_record(record: dict[str, Any], json: bool) -> None:
    """One object, or one line a figure; a section's figures, or its lists, stand behind one another."""
    if json:
        print(jsonlib.dumps(record, ensure_ascii=False, indent=2))
        return
    width = max(map(len, record))
    for name, value in record.items():
        print(f"{name:<{width}}  {_in_words(value)}")


def _in_words(value: Any) -> str:
    """A figure, a list of them, or one inside the other, on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_in_words(inner) or 'none'}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return str(value)
