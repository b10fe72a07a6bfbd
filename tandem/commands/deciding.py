"""`tandem evaluate routing`, `grounding`, `citations`, `fit` and `replay`: how good the decisions are.

Knows what each measures on, and what is printed. Does not know how it is measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybrid.policies.fitted import Fitted, shipped
from hybrid.settings import ModelSettings
from hybrid.tracing.cost import Prices
from rag.errors import UserFacingError
from tandem.commands.ending import run
from tandem.commands.evaluating import print_record
from tandem.commands.progress import bar
from tandem.context import AppContext, catalogue
from tandem.evaluate import citations as planting
from tandem.evaluate import grounding as groundedness
from tandem.evaluate import routing as deferral
from tandem.evaluate.corpus import indexed
from tandem.evaluate.questions import QuestionSet, read
from tandem.settings import load


def routing(file: Path, json: bool, fit: Path | None, plot: Path | None) -> None:
    """Print APGR and what else a deferral is measured by. Raises UserFacingError."""
    record, curves = deferral.evaluate(file, fit)
    if plot is not None:
        from tandem.evaluate import picture

        picture.deferral(curves, plot)
    print_record(record, json)


def citations(file: Path, json: bool, seed: int) -> None:
    """Print how many planted faults the citation check marks. Raises UserFacingError."""
    print_record(run(_citations(read(file), seed)), json)


async def _citations(questions: QuestionSet, seed: int) -> dict[str, Any]:
    answerable = [asked for asked in questions.questions if asked.documents]
    if not any(asked.answer for asked in answerable):
        raise UserFacingError("This file has no reference answers to plant faults in; docs_corpus/questions.yaml does.")
    planter = planting.Planter(answerable, seed)
    models = ModelSettings(draft=planting.MODEL, foundry=False)
    with indexed(questions.source, load()) as corpus:
        context = AppContext.open(corpus.settings.model_copy(update={"models": models}), [planter.runtime()])
        try:
            await context.start(index=False)
            with bar("Asking") as advance:
                return await planting.evaluate(planter, context.answer, advance)
        finally:
            await context.close()


def grounding(file: Path, json: bool, fit: Path | None) -> None:
    """Print how well support is told from invention. Raises UserFacingError."""
    print_record(groundedness.evaluate(file, fit), json)


def fit(json: bool) -> None:
    """Fit the policy on this installation's judged answers and report. Raises UserFacingError."""
    from tandem.evaluate import judged

    settings = load()
    print_record(judged.fit(settings, settings.files.policy), json)


def replay(json: bool, thresholds: str, limit: int) -> None:
    """Print what other policies and designs would have made of the stored answers. Raises UserFacingError."""
    from tandem.evaluate import judged
    from tandem.evaluate import replay as again

    settings = load()
    traces = judged.traces_of(settings, limit)
    weights = Fitted(settings.files.policy).weights() or shipped()
    record = again.replay(
        traces,
        judged.judged_of(traces, judged.thumbs_of(settings)),
        again.policies(settings.escalation, settings.retrieval.minimum_confidence, weights, _shares(thresholds)),
        Prices(settings.costs, catalogue().prices()),
        settings.models.draft,
        settings.models.refine,
    )
    print_record(record, json)


def _shares(written: str) -> tuple[float, ...]:
    from tandem.evaluate.replay import THRESHOLDS

    if not written.strip():
        return THRESHOLDS
    try:
        shares = tuple(float(part) for part in written.split(","))
    except ValueError:
        shares = (-1.0,)
    if not all(0.0 <= share <= 1.0 for share in shares):
        raise UserFacingError(f"{written!r} is no list of probabilities; write them like 0.2,0.5,0.8.")
    return shares
