"""The answers of this installation that somebody judged, and a policy fitted on them.

Knows where thumbs and traces are kept and how they belong together: a message names the trace of the answer it shows.
Does not know how labels come about or how a policy is fitted (`hybrid.answering.learning` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from hybrid.answering import learning
from hybrid.policies.fitted import Heads
from hybrid.tracing.sql_store import SqlTraceStore
from rag.errors import UserFacingError
from tandem import databases
from tandem.evaluate import measures
from tandem.history.tables import feedbacks, steps
from tandem.settings import Settings

MOST = 100_000
_ENOUGH_RATED = 10


@dataclass(frozen=True, slots=True)
class Thumb:
    """What a person thought of an answer, and why, where they said so."""

    liked: bool
    comment: str = ""


Thumbs = Mapping[str, Thumb]
"""By the trace's id."""


def traces_of(settings: Settings, limit: int = MOST) -> list[dict[str, Any]]:
    """The stored traces, newest first. Raises UserFacingError where there are none."""
    store = SqlTraceStore(databases.traces(settings))
    try:
        found = store.recent(None, limit)
    finally:
        store.close()
    if not found:
        raise UserFacingError("No question was answered here yet; ask some first.")
    return found


def thumbs_of(settings: Settings) -> Thumbs:
    """What people thought of the answers that their conversations show now. Raises UserFacingError.

    A thumb older than the answer was meant for the one that stood there before, and counts for neither.
    """
    place = databases.history(settings)
    if not place.on_server and not settings.files.history.is_file():
        return {}
    try:
        with place.engine.connect() as db:
            rated = db.execute(select(feedbacks).order_by(feedbacks.c.created)).all()
            threads = {row.thread_id for row in rated}
            shown = [step for thread in threads for step in _answers(db, thread)]
    except SQLAlchemyError as error:
        raise UserFacingError(place.sentence(f"The thumbs in {place.name} cannot be read", error)) from error
    finally:
        place.close()
    # The page rates an answer, or the run that the answer came about in.
    answers = {step["id"]: step["metadata"] for step in shown}
    answers = {step["parentId"]: step["metadata"] for step in shown if step.get("parentId")} | answers
    found: dict[str, Thumb] = {}
    for row in rated:
        answer = answers.get(row.step_id)
        if answer is not None and datetime.fromisoformat(row.created) >= datetime.fromisoformat(answer["started"]):
            found[answer["trace"]] = Thumb(row.value > 0, (row.comment or "").strip())
    return found


def _answers(db: Connection, thread_id: str) -> list[dict[str, Any]]:
    """The messages of a conversation that show an answer, in order."""
    query = select(steps.c.record).where(steps.c.thread_id == thread_id).order_by(steps.c.created)
    kept = [record for record in db.execute(query).scalars() if isinstance(record, dict)]
    return [step for step in kept if isinstance(about := step.get("metadata"), dict) and about.get("trace")]


def judged_of(traces: Sequence[Mapping[str, Any]], thumbs: Thumbs) -> dict[str, learning.Judged]:
    """The labels that the traces carry, by the trace's id."""
    labels = {one["id"]: learning.judge(one, _liked(thumbs, one)) for one in traces}
    return {trace_id: label for trace_id, label in labels.items() if label is not None}


def _liked(thumbs: Thumbs, trace: Mapping[str, Any]) -> bool | None:
    thumb = thumbs.get(trace["id"])
    return None if thumb is None else thumb.liked


def fit(settings: Settings, file: Path) -> dict[str, Any]:
    """Fit on everything judged so far, write the weights to `file`, and report. Raises UserFacingError."""
    traces, thumbs = traces_of(settings), thumbs_of(settings)
    weights, report = learning.fit(list(judged_of(traces, thumbs).values()), _mended(traces, thumbs))
    weights.save(file)
    scores, wrong = report.pop("scores"), report.pop("wrong")
    low, high = measures.interval(measures.auroc, scores, wrong)
    report["auroc"] = round(measures.auroc(scores, wrong), 4)
    report["auroc_interval"] = [round(low, 4), round(high, 4)]
    report["ece"] = round(measures.ece(scores, wrong), 4)
    report["complaints"] = _complaints(traces, thumbs)
    report["loudest"] = _loudest(weights)
    report["file"] = str(file)
    return report


def _mended(traces: Sequence[Mapping[str, Any]], thumbs: Thumbs) -> float | None:
    """The share of rated refinements that people liked, None where fewer than ten were rated."""
    liked = [
        thumb.liked
        for one in traces
        if (thumb := thumbs.get(one["id"])) is not None
        and any(stage["stage"] == "refine" and stage["text"] for stage in one["stages"])
    ]
    return sum(liked) / len(liked) if len(liked) >= _ENOUGH_RATED else None


def _complaints(traces: Sequence[Mapping[str, Any]], thumbs: Thumbs, count: int = 10) -> dict[str, str]:
    """What people wrote beside a thumb down, by question, the latest answers first."""
    said = {
        one["question"]: thumb.comment
        for one in traces
        if (thumb := thumbs.get(one["id"])) is not None and not thumb.liked and thumb.comment
    }
    return dict(list(said.items())[:count])


def _loudest(weights: Heads, count: int = 8) -> dict[str, float]:
    pairs = sorted(zip(weights.plain.names, weights.plain.weights, strict=True), key=lambda pair: -abs(pair[1]))
    return {name: round(weight, 3) for name, weight in pairs[:count]}
