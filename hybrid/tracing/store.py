"""Traces on disk: one row a question, in SQLite.

Knows how traces are kept and counted. Does not know what a trace's parts mean beyond the figures it sums up.

All methods are safe to call from any thread. `save` never waits: a thread of its own writes, and deletes what is too
old. The readers wait for what was saved before, and touch the disk: from an event loop, call them through
`asyncio.to_thread`.
"""

from __future__ import annotations

import json
import logging
import queue
import sqlite3
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hybrid.tracing.trace import Trace
from rag.errors import LibraryError
from rag.text.unicode import whole

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS traces (
    id TEXT PRIMARY KEY,
    conversation TEXT NOT NULL,
    started TEXT NOT NULL,
    outcome TEXT NOT NULL,
    total_ms REAL,
    first_content_ms REAL,
    tokens_per_second REAL,
    record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS traces_by_conversation ON traces (conversation, started);
CREATE INDEX IF NOT EXISTS traces_by_time ON traces (started);
"""
_WAITING = 10_000
_PRUNE_SECONDS = 3600.0
_ENOUGH_FOR_P95 = 20


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of `count` values: median, 95th percentile (None below 20 values: too few to carry one) and the largest."""

    count: int
    p50: float
    p95: float | None
    maximum: float


class TraceStore:
    """The traces of one data directory. Those older than `keep_days` are deleted as new ones come; 0 keeps them all."""

    def __init__(self, path: Path, keep_days: float = 0) -> None:
        self.path = path
        self._keep_days = keep_days
        self._prune_at = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as db:
                db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise LibraryError(
                f"The traces at {path} cannot be opened ({error}); check the disk and the rights, or remove the file."
            ) from error
        self._waiting: queue.Queue[tuple[Any, ...] | None] = queue.Queue(_WAITING)
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="trace-writer", daemon=True)
        self._writer.start()

    def save(self, trace: Trace) -> None:
        """Keep a finished trace; a second save of the same id replaces the first.

        Never waits; after `close` it does nothing.
        """
        if self._closed:
            return
        last = trace.stages[-1] if trace.stages else None
        row = (
            trace.id,
            trace.conversation,
            trace.started,
            trace.outcome,
            trace.total_ms,
            _first_content(trace),
            last.tokens_per_second if last else None,
            trace.as_dict(),
        )
        try:
            self._waiting.put_nowait(row)
        except queue.Full:
            log.warning("The disk is too slow for the traces; the trace of %s is lost", trace.id)

    def get(self, trace_id: str) -> dict[str, Any] | None:
        """One trace as a dictionary (see `Trace.as_dict`), or None."""
        rows = self._read("SELECT record FROM traces WHERE id = ?", (trace_id,))
        return json.loads(rows[0][0]) if rows else None

    def recent(self, conversation: str | None = None, limit: int = 50, since: str = "") -> list[dict[str, Any]]:
        """The latest traces, newest first, of one conversation or of all; `since` (ISO 8601, UTC) leaves out older."""
        where, values = _where(conversation)
        if since:
            where, values = f"{where} {'AND' if where else 'WHERE'} started >= ?", (*values, since)
        rows = self._read(
            f"SELECT record FROM traces {where} ORDER BY started DESC, rowid DESC LIMIT ?", (*values, limit)
        )
        return [json.loads(row[0]) for row in rows]

    def percentiles(self, conversation: str | None = None) -> dict[str, Percentiles]:
        """Figures over the finished questions of one conversation or of all: `total_ms`, `first_content_ms` (from the
        question's arrival) and `tokens_per_second`. A figure nobody measured is missing."""
        where, values = _where(conversation)
        columns = ("total_ms", "first_content_ms", "tokens_per_second")
        rows = self._read(
            f"SELECT {', '.join(columns)} FROM traces {where} {'AND' if where else 'WHERE'} outcome = 'finished'",
            values,
        )
        figures = {name: sorted(row[i] for row in rows if row[i] is not None) for i, name in enumerate(columns)}
        return {name: _percentiles(found) for name, found in figures.items() if found}

    def costs(self, conversation: str) -> list[dict[str, Any]]:
        """What each question of a conversation cost (`Trace.costs`), oldest first; what was cancelled counts too."""
        rows = self._read(
            "SELECT json_extract(record, '$.costs') FROM traces WHERE conversation = ? ORDER BY started, rowid",
            (conversation,),
        )
        return [costs for row in rows if row[0] and (costs := json.loads(row[0]))]

    def forget(self, conversation: str) -> None:
        """Delete the traces of one conversation, those that wait to be written too."""
        self.flush()
        with closing(self._connect()) as db, db:
            db.execute("DELETE FROM traces WHERE conversation = ?", (conversation,))

    def flush(self) -> None:
        """Wait until everything saved so far is on disk."""
        self._waiting.join()

    def close(self) -> None:
        """Write what waits, and stop."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            self._writer.join()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=30)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        return db

    def _read(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        self.flush()
        with closing(self._connect()) as db:
            return db.execute(sql, values).fetchall()

    def _write(self) -> None:
        with closing(self._connect()) as db:
            while (row := self._waiting.get()) is not None:
                try:
                    with db:
                        record = whole(json.dumps(row[-1], ensure_ascii=False, default=str))
                        db.execute("INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row[:-1], record))
                        self._prune(db)
                except Exception:  # whoever reads waits for this thread: it must outlive any trace
                    log.exception("A trace could not be written to %s", self.path)
                finally:
                    self._waiting.task_done()
            self._waiting.task_done()

    def _prune(self, db: sqlite3.Connection) -> None:
        if self._keep_days and time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + _PRUNE_SECONDS
            oldest = datetime.now(UTC) - timedelta(days=self._keep_days)
            db.execute("DELETE FROM traces WHERE started < ?", (oldest.isoformat(timespec="milliseconds"),))


def _first_content(trace: Trace) -> float | None:
    """When the first word of an answer stood on the screen, in ms from the question's arrival."""
    starts = [span.start_ms for span in trace.spans if span.name == "last_token"]
    return min(starts) if starts else None


def _where(conversation: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if conversation is None else ("WHERE conversation = ?", (conversation,))


def _percentiles(values: Sequence[float]) -> Percentiles:
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) >= _ENOUGH_FOR_P95 else None
    return Percentiles(len(values), statistics.median(values), p95, max(values))
