"""How good answers are: expected aspects of the benchmark's prompts, and grounded answers to questions on documents.

Knows how to count. Does not know how a model is run, nor a judge. Wording alone decides: an aspect or a key fact counts
when one of its accepted wordings stands in the answer, whatever the case and the white space.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Event, Failed, Finished, Retrieved
from hybrid.settings import Escalate, EscalationSettings, GenerationSettings
from rag.grounding import citations
from rag.principal import LOCAL
from rag.text import sentences
from rag.types import Passage, Support
from tandem.bench import stats
from tandem.bench.plan import BenchPrompt, PlanError
from tandem.bench.schema import Estimate, Grounded, Judged, Request, Rubric
from tandem.evaluate.answers import contains
from tandem.evaluate.questions import Asked

ASPECTS = ("coherence", "factuality", "brevity")
SCORE_COLUMNS = ("model", "prompt", *ASPECTS, "notes", "answer")
_CITED = re.compile(r"\[(\d{1,3})\]")
Answerer = Callable[[Question], AsyncGenerator[Event, None]]


def rubrics(prompts: Sequence[BenchPrompt], requests: Sequence[Request]) -> list[Rubric]:
    """The share of each prompt's aspects that its answers hold; prompts without aspects or answers are left out."""
    found = []
    for prompt in prompts:
        answers = [r.text for r in requests if r.prompt == prompt.id and r.failure is None]
        if not prompt.aspects or not answers:
            continue
        hits = [[contains(answer, aspect) for aspect in prompt.aspects] for answer in answers]
        score = sum(map(sum, hits)) / (len(answers) * len(prompt.aspects))
        missing = [aspect[0] for place, aspect in enumerate(prompt.aspects) if not all(row[place] for row in hits)]
        found.append(Rubric(prompt=prompt.id, score=round(score, 4), missing=missing))
    return found


def rubric(found: Sequence[Rubric]) -> Estimate | None:
    """The mean over prompts; they are what is sampled, so the interval rests on them and not on the rounds."""
    return stats.mean([one.score for one in found])


@dataclass(frozen=True, slots=True)
class Grounding:
    """What became of one question: `citations` counts the sentences that cite, and those whose citation holds."""

    asked: Asked
    failed: bool = False
    refused: bool = False
    complete: bool = False
    cited: int = 0
    held: int = 0
    total_ms: float | None = None


async def ask_grounded(asked: Asked, model: str, answer: Answerer, generation: GenerationSettings) -> Grounding:
    """Have `model` answer one question from the passages found; another model's answer in its stead is a failure."""
    never = EscalationSettings(mode=Escalate.NEVER)
    # The model is measured, not what is shown in its place.
    options = Options(draft=model, refine=model, escalation=never, generation=generation, accept_all=True)
    passages: tuple[Passage, ...] = ()
    async with aclosing(answer(Question(asked.question, principal=LOCAL, options=options))) as events:
        async for event in events:
            if isinstance(event, Retrieved):
                passages = event.result.passages
            elif isinstance(event, Failed):
                return Grounding(asked, failed=True)
            elif isinstance(event, Finished):
                stage = event.trace.stages[-1]
                if stage.error or len(event.trace.stages) > 1 or not stage.text.strip():
                    return Grounding(asked, failed=True)
                cited, held = _citations(stage.text, passages)
                return Grounding(
                    asked,
                    refused=event.answer.refused,
                    complete=all(contains(stage.text, wordings) for wordings in asked.facts),
                    cited=cited,
                    held=held,
                    total_ms=event.trace.total_ms,
                )
    return Grounding(asked, failed=True)


def _citations(text: str, passages: Sequence[Passage]) -> tuple[int, int]:
    """Of the sentences in which the model itself cites: how many, and how many the cited passages support."""
    cited = held = 0
    for start, end in sentences.split(text):
        numbers = [int(number) for number in _CITED.findall(text[start:end])]
        if not numbers:
            continue
        cited += 1
        named = [passages[number - 1] for number in numbers if 1 <= number <= len(passages)]
        claim = _CITED.sub("", text[start:end]).strip()
        if named and claim:
            verdicts = {s.support for s in citations.check(claim, named).sentences}
            held += Support.SUPPORTED in verdicts
    return cited, held


def grounded(outcomes: Sequence[Grounding]) -> Grounded | None:
    """The shares, each with its interval. A question that the model did not answer counts as missed everywhere."""
    if not outcomes:
        return None
    answerable = [o for o in outcomes if o.asked.documents]
    unanswerable = [o for o in outcomes if not o.asked.documents]
    return Grounded(
        questions=len(outcomes),
        failed=sum(o.failed for o in outcomes),
        key_facts=stats.share(sum(o.complete for o in answerable), len(answerable)),
        citation_precision=stats.share(sum(o.held for o in outcomes), sum(o.cited for o in outcomes)),
        abstention=stats.share(sum(o.refused for o in unanswerable), len(unanswerable)),
        false_refusals=stats.share(sum(o.refused for o in answerable), len(answerable)),
        total_ms=stats.distribution([o.total_ms for o in outcomes if o.total_ms is not None], "ms"),
    )


@dataclass(frozen=True, slots=True)
class Score:
    """What somebody gave one answer, 1 to 5 for each of ASPECTS; None where nothing was given."""

    model: str
    prompt: str
    values: Mapping[str, int | None]
    notes: str = ""


def read_scores(file: Path) -> list[Score]:
    """Manual scores from a CSV with the columns of SCORE_COLUMNS; rows without any score are left out.

    Raises PlanError.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as error:
        raise PlanError(f"{file} cannot be read ({error.strerror}); check the path.") from None
    except (UnicodeDecodeError, csv.Error):
        raise PlanError(f"{file.name} is no CSV in UTF-8; start from the scores.csv that a run writes.") from None
    scores = []
    for number, row in enumerate(rows, 2):
        if not row.get("model") or not row.get("prompt"):
            raise PlanError(f"{file.name}, line {number}: model and prompt are needed in every row.")
        values = {aspect: _points(row.get(aspect), aspect, number, file.name) for aspect in ASPECTS}
        if any(value is not None for value in values.values()):
            scores.append(Score(row["model"].strip(), row["prompt"].strip(), values, (row.get("notes") or "").strip()))
    return scores


def write_scores(file: Path, answers: Mapping[tuple[str, str], str]) -> None:
    """A sheet to score by hand: one row for each (model, prompt), its points empty. Never overwrites one."""
    try:
        with file.open("x", encoding="utf-8-sig", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(SCORE_COLUMNS)
            for (model, prompt), answer in answers.items():
                shown = f"'{answer}" if answer[:1] in ("=", "+", "-", "@", "\t") else answer
                writer.writerow([model, prompt, *("" for _ in ASPECTS), "", shown])
    except FileExistsError:
        pass


def mean_scores(scores: Sequence[Score], model: str) -> Judged | None:
    """The mean of one model's scores, aspect by aspect and over all."""
    given: dict[str, list[float]] = defaultdict(list)
    own = [score for score in scores if score.model == model]
    for score in own:
        points = [float(value) for value in score.values.values() if value is not None]
        for aspect, value in score.values.items():
            if value is not None:
                given[aspect].append(float(value))
        if points:
            given["overall"].append(sum(points) / len(points))
    if not own:
        return None
    return Judged(answers=len(own), **{aspect: stats.mean(values) for aspect, values in given.items()})


def _points(text: str | None, aspect: str, number: int, name: str) -> int | None:
    if text is None or not text.strip():
        return None
    if text.strip() not in ("1", "2", "3", "4", "5"):
        raise PlanError(f"{name}, line {number}: {aspect} is {text.strip()!r}; write 1 to 5, or leave it empty.")
    return int(text)
