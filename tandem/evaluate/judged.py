"""The answers of this installation that somebody judged, and a policy fitted on them.

Knows where thumbs and traces are kept and how they belong together: the same conversation and the same text. Does not
know how labels come about or how a policy is fitted (`hybrid.learning` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from hybrid import learning
from hybrid.policies.fitted import Weights
from hybrid.trace_store import TraceStore
from rag.errors import UserFacingError
from tandem.evaluate import measures
from tandem.settings import Settings
from tandem.ui.history_tables import feedbacks, steps

MOST = 100_000
_ENOUGH_RATED = 10

Thumbs = Mapping[tuple[str, str], bool]


def traces_of(settings: Settings, limit: int = MOST) -> list[dict[str, Any]]:
    """The stored traces, newest first. Raises UserFacingError where there are none."""
    store = TraceStore(settings.data_dir / "traces.db")
    try:
        found = store.recent(None, limit)
    finally:
        store.close()
    if not found:
        raise UserFacingError("No question was answered here yet; ask some first.")
    return found


def thumbs_of(settings: Settings) -> Thumbs:
    """What people thought of answers, by (conversation, text). Raises UserFacingError."""
    file = settings.data_dir / "history.db"
    if not file.is_file():
        return {}
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as db:
            rows = db.execute(
                select(feedbacks.c.thread_id, feedbacks.c.value, steps.c.record).join(
                    steps, steps.c.id == feedbacks.c.step_id
                )
            ).all()
    except SQLAlchemyError as error:
        raise UserFacingError(f"The thumbs in {file} cannot be read ({type(error).__name__}).") from error
    finally:
        engine.dispose()
    return {(row.thread_id, _answer(row.record)): row.value > 0 for row in rows}


def _answer(record: Mapping[str, Any]) -> str:
    return str((record.get("metadata") or {}).get("answer", ""))


def judged_of(traces: Sequence[Mapping[str, Any]], thumbs: Thumbs) -> list[learning.Judged]:
    """The labels that the traces carry."""
    labels = (learning.judge(one, thumbs.get((one["conversation"], one["answer"]))) for one in traces)
    return [label for label in labels if label is not None]


def fit(settings: Settings, file: Path) -> dict[str, Any]:
    """Fit on everything judged so far, write the weights to `file`, and report. Raises UserFacingError."""
    traces, thumbs = traces_of(settings), thumbs_of(settings)
    weights, report = learning.fit(judged_of(traces, thumbs), _mended(traces, thumbs))
    weights.save(file)
    scores, wrong = report.pop("scores"), report.pop("wrong")
    low, high = measures.interval(measures.auroc, scores, wrong)
    report["auroc"] = round(measures.auroc(scores, wrong), 4)
    report["auroc_interval"] = [round(low, 4), round(high, 4)]
    report["ece"] = round(measures.ece(scores, wrong), 4)
    report["loudest"] = _loudest(weights)
    report["file"] = str(file)
    return report


def _mended(traces: Sequence[Mapping[str, Any]], thumbs: Thumbs) -> float | None:
    """The share of rated refinements that people liked, None where fewer than ten were rated."""
    liked = [
        thumb
        for one in traces
        if (thumb := thumbs.get((one["conversation"], one["answer"]))) is not None
        and any(stage["stage"] == "refine" and stage["text"] for stage in one["stages"])
    ]
    return sum(liked) / len(liked) if len(liked) >= _ENOUGH_RATED else None


def _loudest(weights: Weights, count: int = 8) -> dict[str, float]:
    pairs = sorted(zip(weights.plain.names, weights.plain.weights, strict=True), key=lambda pair: -abs(pair[1]))
    return {name: round(weight, 3) for name, weight in pairs[:count]}
