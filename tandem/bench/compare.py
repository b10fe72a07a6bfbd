"""The small model, the large one and both together on the same questions: what each column costs and is worth.

Knows how the three are asked (through the same pipeline, so that all see the same passages) and when the pair pays.
Does not know how an answer comes about. Quality is the share of expected aspects where the prompts name some, else the
share of sentences that the passages support.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Literal

from pydantic import Field

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Failed, Finished
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate, EscalationSettings
from rag.principal import LOCAL
from rag.text import phrases
from tandem.bench import duration, stats
from tandem.bench.plan import BenchPrompt
from tandem.bench.quality import Answerer
from tandem.bench.schema import Distribution, Estimate, Part
from tandem.evaluate.answers import contains

ColumnName = Literal["draft", "refine", "hybrid"]
COLUMNS: tuple[ColumnName, ...] = ("draft", "refine", "hybrid")
Progress = Callable[[int, int, str], None]


class Cell(Part):
    """One answer. Times in ms from the question; `quality` in [0, 1], null where nothing could be counted."""

    prompt: str
    round: int = 0
    text: str = ""
    model: str = ""
    escalated: bool = False
    first_token_ms: float | None = None
    total_ms: float | None = None
    read_ms: dict[str, float] = Field(default_factory=dict, description="Model -> from its call to its first token.")
    charged_ms: float = Field(0.0, description="Added to the times: reading that the columns before had saved it.")
    completion_tokens: int = 0
    quality: float | None = None
    failure: str | None = None


class Column(Part):
    """One way of answering."""

    name: ColumnName
    models: list[str]
    cells: list[Cell] = Field(default_factory=list)
    failed: int = 0
    total_ms: Distribution | None = None
    first_token_ms: Distribution | None = None
    completion_tokens: Estimate | None = None
    quality: Estimate | None = None
    escalated: float | None = None


class Comparison(Part):
    """The three columns and whether the pair pays; `pays` is null where the sample does not tell."""

    draft: str
    refine: str
    columns: list[Column]
    quoted: Estimate | None = Field(None, description="Quality of quoting, without a model; null without aspects.")
    pays: bool | None = None
    reasons: list[str] = Field(default_factory=list)
    complete: bool = Field(True, description="False where it was ended before everything was asked.")


async def compare(
    draft: str,
    refine: str,
    prompts: Sequence[BenchPrompt],
    answer: Answerer,
    escalation: EscalationSettings,
    *,
    rounds: int = 1,
    progress: Progress = lambda done, total, current: None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> Comparison:
    """Ask everything, column by column in turn, so that slow drifts of the machine meet all three alike. `tell` hears
    after the first question how long the rest will take. Cancelled, it gives what is finished.
    """
    asking = _Asking(draft, refine, answer, escalation)
    found = Comparison(draft=draft, refine=refine, columns=list(asking.columns.values()))
    try:
        found.quoted = await asking.quoted(prompts)
        await asking.ask(prompts, rounds, progress, tell)
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None:
            current.uncancel()
        found.complete = False
    for column in found.columns:
        _sum_up(column)
    small, large, pair = found.columns
    if pair.cells:
        found.pays, found.reasons = verdict(small, large, pair, found.quoted)
    if not found.complete:
        found.reasons.append("It was ended before everything was asked: this is what was finished.")
    return found


class _Asking:
    """The three columns while they fill."""

    def __init__(self, draft: str, refine: str, answer: Answerer, escalation: EscalationSettings) -> None:
        self.answer = answer
        self.options = {
            "draft": _alone(draft, escalation),
            "refine": _alone(refine, escalation),
            "hybrid": Options(draft=draft, refine=refine, escalation=escalation),
        }
        self.quoting = _alone(EXTRACTIVE, escalation)
        models = {"draft": {draft}, "refine": {refine}, "hybrid": {draft, refine}}
        self.columns = {name: Column(name=name, models=sorted(models[name])) for name in COLUMNS}

    async def quoted(self, prompts: Sequence[BenchPrompt]) -> Estimate | None:
        """How good quotations are, where the prompts say what an answer holds."""
        cells = [await _ask(prompt, 0, self.quoting, self.answer, "hybrid") for prompt in prompts if prompt.aspects]
        return stats.mean([cell.quality for cell in cells if cell.quality is not None])

    async def ask(
        self, prompts: Sequence[BenchPrompt], rounds: int, progress: Progress, tell: Callable[[str], None]
    ) -> None:
        """Fill them, a question at a time."""
        done, total, began = 0, rounds * len(prompts) * len(COLUMNS), time.monotonic()
        for number in range(rounds):
            for prompt in prompts:
                asked: list[Cell] = []
                for name, column in self.columns.items():
                    cell = await _ask(prompt, number, self.options[name], self.answer, name)
                    if name == "hybrid":
                        charge(cell, asked)
                    asked.append(cell)
                    column.cells.append(cell)
                    done += 1
                    progress(done, total, f"{name}: {prompt.id}")
                if done == len(COLUMNS):
                    rest = (time.monotonic() - began) * (total - done) / done
                    if rest >= duration.TOLD_S:
                        tell(f"The rest takes about {duration.spoken(rest)}; fewer prompts or rounds make it shorter.")


def _alone(model: str, escalation: EscalationSettings) -> Options:
    return Options(draft=model, refine=model, escalation=escalation.model_copy(update={"mode": Escalate.NEVER}))


async def _ask(prompt: BenchPrompt, number: int, options: Options, answer: Answerer, column: str) -> Cell:
    cell = Cell(prompt=prompt.id, round=number)
    # What the models write is compared, whatever would be shown in its place.
    asked = Question(prompt.text, principal=LOCAL, options=replace(options, accept_all=True))
    async with aclosing(answer(asked)) as events:
        async for event in events:
            if isinstance(event, Failed):
                cell.failure = event.message
            elif isinstance(event, Finished):
                trace = event.trace
                firsts = [s for s in trace.stages if s.first_token_ms is not None]
                cell.text, cell.model, cell.escalated = event.answer.text, event.answer.model, event.answer.escalated
                cell.total_ms = trace.total_ms
                cell.read_ms = {s.model: s.first_token_ms for s in trace.stages if s.first_token_ms is not None}
                begun = [span.start_ms for span in trace.spans if span.name == "first_content"]
                cell.first_token_ms = round(begun[0], 3) if begun and firsts else None
                cell.completion_tokens = sum(s.usage.completion_tokens for s in trace.stages if s.usage is not None)
                cell.quality = _quality(prompt, event)
                errors = [stage.error for stage in trace.stages if stage.error]
                instead = column != "hybrid" and event.answer.runtime == "extractive"
                if errors and (instead or column != "hybrid"):
                    cell.failure = errors[0]
                elif instead:
                    cell.failure = f"{options.draft} was not there to answer; the documents were quoted instead."
    return cell


def charge(cell: Cell, before: Sequence[Cell]) -> None:
    """The models have just read this prompt for the columns before, and a server's prefix cache still holds it. Asked
    on their own, both would have had to read it: what that took is added.
    """
    if cell.failure is not None or cell.total_ms is None:
        return
    for place, (model, took) in enumerate(cell.read_ms.items()):
        saved = max([0.0, *(other.read_ms[model] - took for other in before if model in other.read_ms)])
        cell.charged_ms = round(cell.charged_ms + saved, 3)
        if place == 0 and cell.first_token_ms is not None:
            cell.first_token_ms = round(cell.first_token_ms + saved, 3)
    cell.total_ms = round(cell.total_ms + cell.charged_ms, 3)


def _quality(prompt: BenchPrompt, event: Finished) -> float | None:
    if prompt.aspects:
        return sum(contains(event.answer.text, aspect) for aspect in prompt.aspects) / len(prompt.aspects)
    if phrases.is_refusal(event.answer.text):
        return None
    return event.answer.checked.supported_share


def _sum_up(column: Column) -> None:
    good = [cell for cell in column.cells if cell.failure is None]
    column.failed = len(column.cells) - len(good)
    column.total_ms = stats.distribution([c.total_ms for c in good if c.total_ms is not None], "ms")
    column.first_token_ms = stats.distribution([c.first_token_ms for c in good if c.first_token_ms is not None], "ms")
    column.completion_tokens = stats.mean([float(c.completion_tokens) for c in good])
    column.quality = stats.mean([c.quality for c in good if c.quality is not None])
    column.escalated = round(sum(c.escalated for c in good) / len(good), 4) if good else None


def verdict(
    draft: Column, refine: Column, hybrid: Column, quoted: Estimate | None = None
) -> tuple[bool | None, list[str]]:
    """Whether the pair pays: as good as the large model or better than the small one, in less time than the large one,
    and not worse than quoting, which takes no model.

    Differences are paired by prompt and round, with a bootstrap interval; None where they cannot be told from zero.
    """
    if any(column.failed == len(column.cells) for column in (draft, refine, hybrid)):
        dead = next(c for c in (draft, refine, hybrid) if c.failed == len(c.cells))
        return None, [f"Nothing to compare: {dead.name} gave no answer ({dead.cells[0].failure})."]
    saved = _difference(refine, hybrid, lambda cell: cell.total_ms)
    gained = _difference(hybrid, draft, lambda cell: cell.quality)
    lost = _difference(refine, hybrid, lambda cell: cell.quality)
    share = f"{hybrid.escalated or 0:.0%} of the questions went to {refine.models[0]}."
    reasons = [share, _said(saved, "Both together save {} ms an answer against the large model alone", 0)]
    reasons.append(_said(gained, "they gain {} in quality over the small model", 2))
    reasons.append(_said(lost, "and are {} below the large model's quality", 2))
    if hybrid.quality is not None and hybrid.quality.value <= 0:
        return False, [*reasons, "It does not pay: none of their answers holds anything that was expected."]
    if quoted is not None and hybrid.quality is not None and hybrid.quality.value < quoted.value:
        told = f"their answers ({hybrid.quality.value:.2f}) are worse than quoting the documents ({quoted.value:.2f})"
        return False, [*reasons, f"It does not pay: {told}, which takes no model (models.draft: extractive)."]
    if saved is None or saved.low is None or saved.high is None:
        return None, [*reasons, "More prompts or rounds are needed to tell."]
    faster, slower = saved.low > 0, saved.high < 0
    better = gained is not None and gained.low is not None and gained.low > 0
    worse = lost is not None and lost.low is not None and lost.low > 0
    if slower:
        return False, [*reasons, "It does not pay: asking the large model at once is quicker."]
    if faster and better:
        return True, [*reasons, "It pays: better than the small model, quicker than the large one."]
    if faster and not worse:
        return True, [*reasons, "It pays: quicker than the large model, and not measurably worse."]
    if faster:
        return None, [
            *reasons,
            "It is quicker but worse than the large model, and no better than the small one is proven.",
        ]
    return None, [*reasons, "The sample does not tell whether it pays; ask more prompts or more rounds."]


def _difference(a: Column, b: Column, value: Callable[[Cell], float | None]) -> Estimate | None:
    """Mean of a - b over the cells that both have."""
    others = {(c.prompt, c.round): value(c) for c in b.cells if c.failure is None}
    pairs = [(value(c), others.get((c.prompt, c.round))) for c in a.cells if c.failure is None]
    return stats.mean([one - other for one, other in pairs if one is not None and other is not None])


def _said(found: Estimate | None, sentence: str, digits: int) -> str:
    if found is None:
        return sentence.format("an unknown amount") + "."
    value = f"{found.value:.{digits}f}"
    if found.low is not None and found.high is not None:
        value += f" ({found.low:.{digits}f} to {found.high:.{digits}f})"
    return sentence[0].upper() + sentence[1:].format(value) + "."
