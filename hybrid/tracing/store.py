"""Traces on disk: one row a question, in SQLite.

Knows how traces are kept and counted. Does not know what a trace's parts mean beyond the figures it sums up.

All methods are safe to call from any thread. `save` never waits: a thread of its own writes, and deletes what is too
old. The readers wait for what was saved before, and touch the disk: from an event loop, call them through
`asyncio.to_thread`. Traces are side data: a file that is damaged is set aside and begun anew, one that cannot be used
is done without, and neither ever stops an answer.
"""

from __future__ import annotations

import json
import logging
import queue
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hybrid.tracing.trace import Trace
from rag.database import sqlite_file
from rag.errors import LibraryError
from rag.faults import Fault, fault_of, sentence
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
_FLUSH_SECONDS = 5.0
_BUSY_SECONDS = 5.0
_IN_MEMORY = 500
"""So many traces are kept where there is no file."""


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
        self.problem = ""
        """What is amiss, in a sentence that names no place; "" where nothing is."""
        self._keep_days = keep_days
        self._prune_at = 0.0
        self._lock = threading.Lock()
        self._memory: sqlite3.Connection | None = None
        self._db: sqlite3.Connection | None = None
        self._renewed = self._db_of = 0
        self._open()
        self._waiting: queue.Queue[tuple[Any, ...] | None] = queue.Queue(_WAITING)
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="trace-writer", daemon=True)
        self._writer.start()

    def _open(self) -> None:
        try:
            sqlite_file.open_or_begin_anew(self.path, _make)
        except (OSError, sqlite3.Error) as error:
            self._do_without(error)

    def _do_without(self, error: Exception) -> None:
        """Keep the latest traces in memory until the process ends."""
        self.problem = f"Traces are not kept: {sqlite_file.reason(error, self.path)}."
        log.warning("%s", sentence(f"The traces at {self.path} are kept in memory only", error, self.path))
        self._memory = sqlite3.connect(f"file:traces-{id(self)}?mode=memory&cache=shared", uri=True)
        self._memory.executescript(_SCHEMA)

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
        return next(_records(rows), None)

    def recent(self, conversation: str | None = None, limit: int = 50, since: str = "") -> list[dict[str, Any]]:
        """The latest traces, newest first, of one conversation or of all; `since` (ISO 8601, UTC) leaves out older."""
        where, values = _where(conversation)
        if since:
            where, values = f"{where} {'AND' if where else 'WHERE'} started >= ?", (*values, since)
        rows = self._read(
            f"SELECT record FROM traces {where} ORDER BY started DESC, rowid DESC LIMIT ?", (*values, limit)
        )
        return list(_records(rows))

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
            "SELECT json_extract(record, '$.costs') FROM traces "
            "WHERE conversation = ? AND json_valid(record) ORDER BY started, rowid",
            (conversation,),
        )
        return [costs for costs in _records(rows) if costs]

    def forget(self, conversation: str) -> None:
        """Delete the traces of one conversation, those that wait to be written too. Raises LibraryError."""
        self.flush()
        try:
            with closing(self._connect()) as db, db:
                db.execute("DELETE FROM traces WHERE conversation = ?", (conversation,))
        except sqlite3.Error as error:
            if not self._begin_anew(error):
                raise LibraryError(sentence("The conversation's traces cannot be deleted", error, self.path)) from error

    def flush(self) -> None:
        """Wait until everything saved so far is on disk, or for a few seconds: a slow disk holds up no answer."""
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, _FLUSH_SECONDS)

    def close(self) -> None:
        """Write what waits, and stop."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
            self._writer.join()
            if self._memory is not None:
                self._memory.close()

    def _connect(self) -> sqlite3.Connection:
        if self._memory is not None:
            return sqlite3.connect(f"file:traces-{id(self)}?mode=memory&cache=shared", uri=True)
        db = sqlite_file.connect(self.path, busy_seconds=_BUSY_SECONDS)
        db.text_factory = sqlite_file.replacing
        return db

    def _read(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows, none where the file cannot be read: a damaged one is begun anew, with what can be read of it."""
        self.flush()
        try:
            return self._rows(sql, values)
        except sqlite3.Error as error:
            if self._begin_anew(error):
                with suppress(sqlite3.Error):
                    return self._rows(sql, values)
            else:
                self._tell(error, "read")
        return []

    def _rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with closing(self._connect()) as db:
            return db.execute(sql, values).fetchall()

    def _begin_anew(self, error: sqlite3.Error) -> bool:
        """Whether the file was damaged, and a new one is there."""
        if fault_of(error, self.path) not in (Fault.DAMAGED, Fault.NO_FILE, Fault.OTHER):
            return False
        with self._lock:
            try:
                said = sqlite_file.renew(self.path, _make, error)
                self._renewed += bool(said)
                return bool(said)
            except (OSError, sqlite3.Error) as failed:
                self._tell(failed, "begun anew")
                return False

    def _tell(self, error: Exception, done: str) -> None:
        """Once in a row: a full disk does not fill the log too."""
        said = f"Traces are not kept: {sqlite_file.reason(error, self.path)}."
        if said != self.problem:
            log.warning("%s", sentence(f"The traces at {self.path} cannot be {done}", error, self.path))
        self.problem = said

    def _write(self) -> None:
        while (row := self._waiting.get()) is not None:
            try:
                record = whole(json.dumps(row[-1], ensure_ascii=False, default=str))
                self._put((*row[:-1], record))
                if self._memory is None:
                    self.problem = ""
            except sqlite3.Error as error:
                if self._begin_anew(error):
                    with suppress(sqlite3.Error):
                        self._put((*row[:-1], record))
                else:
                    self._tell(error, "written")
            except Exception:  # whoever reads waits for this thread: it must outlive any trace
                log.exception("A trace could not be written to %s", self.path)
            finally:
                self._waiting.task_done()
        if self._db is not None:
            self._db.close()
            self._db = None
        self._waiting.task_done()

    def _put(self, row: tuple[Any, ...]) -> None:
        if self._db is None or self._db_of != self._renewed:
            if self._db is not None:
                self._db.close()
            self._db_of = self._renewed
            self._db = self._connect()
        try:
            with self._db as db:
                db.execute("INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
                self._prune(db)
        except sqlite3.Error:
            self._db.close()
            self._db = None
            raise

    def _prune(self, db: sqlite3.Connection) -> None:
        if self._keep_days and time.monotonic() >= self._prune_at:
            self._prune_at = time.monotonic() + _PRUNE_SECONDS
            oldest = datetime.now(UTC) - timedelta(days=self._keep_days)
            db.execute("DELETE FROM traces WHERE started < ?", (oldest.isoformat(timespec="milliseconds"),))
        if self._memory is not None:
            db.execute(
                "DELETE FROM traces WHERE rowid NOT IN (SELECT rowid FROM traces ORDER BY rowid DESC LIMIT ?)",
                (_IN_MEMORY,),
            )


def _make(db: sqlite3.Connection) -> None:
    db.executescript(_SCHEMA)


def _records(rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """What each row's first column holds, without those that a flipped byte made unreadable."""
    for row in rows:
        with suppress(ValueError, TypeError):
            if isinstance(record := json.loads(row[0]), dict):
                yield record


def _first_content(trace: Trace) -> float | None:
    """When the first word of an answer stood on the screen, in ms from the question's arrival."""
    starts = [span.start_ms for span in trace.spans if span.name == "last_token"]
    return min(starts) if starts else None


def _where(conversation: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if conversation is None else ("WHERE conversation = ?", (conversation,))


def _percentiles(values: Sequence[float]) -> Percentiles:
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) >= _ENOUGH_FOR_P95 else None
    return Percentiles(len(values), statistics.median(values), p95, max(values))
