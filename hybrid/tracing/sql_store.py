"""Traces on disk: one row a question, in a SQLite file or on a PostgreSQL server.

Knows when traces are written, and what is done where they cannot be. Does not know what is in them.

A thread of its own writes, and deletes what is too old. A file that is damaged is set aside and begun anew, one that
cannot be used is done without; a server that is away is waited for while there is room. Writing to a file, which every
question in the terminal does, needs no SQLAlchemy: its import would take as long as the answer.
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
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hybrid.tracing.revisions import TABLES
from hybrid.tracing.store import Percentiles
from hybrid.tracing.trace import Trace
from rag.database.places import Memory, Place, Sqlite
from rag.database.tables import TooNewError
from rag.errors import LibraryError
from rag.faults import Fault
from rag.text.unicode import whole

if TYPE_CHECKING:
    from sqlalchemy import Executable

log = logging.getLogger(__name__)

_WAITING = 10_000
_PRUNE_SECONDS = 3600.0
_ENOUGH_FOR_P95 = 20
_FLUSH_SECONDS = 5.0
_FLUSH_TROUBLED_SECONDS = 0.2
_AGAIN_SECONDS = 1.0
_LINGER_SECONDS = 0.5
_IN_MEMORY = 500
"""So many traces are kept where there is no file."""
_COLUMNS = (
    *("id", "conversation", "started", "outcome", "total_ms", "first_content_ms", "tokens_per_second"),
    "record",
)
_KEEP = (  # every database takes it
    f"INSERT INTO traces ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{name}' for name in _COLUMNS)}) "
    f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)


class SqlTraceStore:
    """The `TraceStore` over SQLAlchemy. What is older than `keep_days` is deleted as new ones come; 0 keeps all."""

    def __init__(self, place: Path | Place, keep_days: float = 0) -> None:
        """`place`, a path or another, is made usable where that can be done; where not, `problem` says so."""
        self.problem = ""
        self._place: Place = Sqlite(place, TABLES) if isinstance(place, Path) else place
        self._keep_days = keep_days
        self._prune_at = 0.0
        self._lock = threading.Lock()
        self._prepared = False
        try:
            self._prepare()
        except Exception as error:
            self._do_without(error)
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(_WAITING)
        self._file: sqlite3.Connection | None = None  # the writer's, while one trace follows another
        self._seen: tuple[int, ...] = ()
        self._closed = threading.Event()
        self._writer = threading.Thread(target=self._write, name="trace-writer", daemon=True)
        self._writer.start()

    def _prepare(self) -> None:
        self._place.prepare()
        self._prepared = True

    def _do_without(self, error: Exception) -> None:
        """Keep the latest traces in memory until the process ends; a server may come back."""
        if isinstance(error, TooNewError):
            self.problem = "Traces are not kept: a newer version of Tandem wrote them; update Tandem."
            log.warning("%s Those at %s are left as they are.", self.problem, self._place.name)
        else:
            self.problem = f"Traces are not kept: {self._place.reason(error)}."
            said = f"The traces at {self._place.name} are kept in memory only"
            log.warning("%s", self._place.sentence(said, error))
        if not self._place.on_server or isinstance(error, TooNewError):
            self._place = Memory(TABLES)
            self._prepare()

    @cached_property
    def _sql(self) -> ModuleType:
        from hybrid.tracing import tables

        return tables

    def save(self, trace: Trace) -> None:
        if self._closed.is_set():
            return
        last = trace.stages[-1] if trace.stages else None
        row = {
            "id": trace.id,
            "conversation": trace.conversation,
            "started": trace.started,
            "outcome": trace.outcome,
            "total_ms": trace.total_ms,
            "first_content_ms": _first_content(trace),
            "tokens_per_second": last.tokens_per_second if last else None,
            "record": trace.as_dict(),
        }
        try:
            self._waiting.put_nowait(row)
        except queue.Full:
            log.warning("The disk is too slow for the traces; the trace of %s is lost", trace.id)

    def get(self, trace_id: str) -> dict[str, Any] | None:
        return next(_records(self._read(self._sql.one(trace_id))), None)

    def recent(self, conversation: str | None = None, limit: int = 50, since: str = "") -> list[dict[str, Any]]:
        return list(_records(self._read(self._sql.recent(conversation, limit, since))))

    def percentiles(self, conversation: str | None = None) -> dict[str, Percentiles]:
        rows = self._read(self._sql.figures(conversation))
        names = self._sql.FIGURES
        figures = {name: sorted(row[i] for row in rows if row[i] is not None) for i, name in enumerate(names)}
        return {name: _percentiles(found) for name, found in figures.items() if found}

    def costs(self, conversation: str) -> list[dict[str, Any]]:
        found = _records(self._read(self._sql.costs(conversation, self._place.on_server)))
        return [costs for record in found if (costs := record.get("costs") if self._place.on_server else record)]

    def forget(self, conversation: str) -> None:
        self.flush()
        try:
            with self._place.engine.begin() as db:
                db.execute(self._sql.of_conversation(conversation))
        except self._sql.SQLAlchemyError as error:
            if not self._mended(error):
                said = self._place.sentence("The conversation's traces cannot be deleted", error)
                raise LibraryError(said) from error

    def flush(self) -> None:
        seconds = _FLUSH_TROUBLED_SECONDS if self.problem and self._place.on_server else _FLUSH_SECONDS
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._waiting.put(None)
            self._writer.join()
            self._place.close()

    def _read(self, query: Executable) -> Sequence[Sequence[Any]]:
        """The rows, none where they cannot be read: a damaged file is begun anew, with what can be read of it."""
        self.flush()

        def rows() -> Sequence[Sequence[Any]]:
            with self._place.at_once.connect() as db:
                return db.execute(query).all()

        try:
            return rows()
        except self._sql.SQLAlchemyError as error:
            if self._mended(error):
                with suppress(self._sql.SQLAlchemyError):
                    return rows()
            else:
                self._tell(error, "read")
        return []

    def _mended(self, error: Exception) -> bool:
        """Whether the file was damaged, and a new one is there."""
        if self._place.fault(error) not in (Fault.DAMAGED, Fault.NO_FILE, Fault.OTHER):
            return False
        with self._lock:
            try:
                return self._place.mend(error)
            except (OSError, sqlite3.Error) as failed:
                self._tell(failed, "begun anew")
                return False

    def _tell(self, error: Exception, done: str) -> None:
        """Once in a row: a full disk does not fill the log too."""
        said = f"Traces are not kept: {self._place.reason(error)}."
        if said != self.problem:
            log.warning("%s", self._place.sentence(f"The traces at {self._place.name} cannot be {done}", error))
        self.problem = said

    def _write(self) -> None:
        while (row := self._next()) is not None:
            try:
                row["record"] = whole(json.dumps(row["record"], ensure_ascii=False, default=str))
                self._keep(row)
            except Exception:  # whoever reads waits for this thread: it must outlive any trace
                log.exception("A trace could not be written to %s", self._place.name)
            finally:
                self._waiting.task_done()
        self._let_go()
        self._waiting.task_done()

    def _next(self) -> dict[str, Any] | None:
        """The next trace to be written. Where none comes for a while, the file is let go of."""
        if self._file is not None:
            with suppress(queue.Empty):
                return self._waiting.get(timeout=_LINGER_SECONDS)
            self._let_go()
        return self._waiting.get()

    def _keep(self, row: dict[str, Any]) -> None:
        """Write it; on a server that is away, as soon as that is back, or never if the process ends before."""
        while True:
            last = self._closed.is_set()
            try:
                self._put(row)
                if not isinstance(self._place, Memory):
                    self.problem = ""
                return
            except Exception as error:
                if not _is_fault(error):
                    raise
                if self._mended(error):
                    self._put(row)
                    return
                self._tell(error, "written")
                if last or self._place.fault(error) is not Fault.UNREACHABLE:
                    return
            self._closed.wait(_AGAIN_SECONDS)

    def _put(self, row: dict[str, Any]) -> None:
        if not self._prepared:
            self._prepare()
        oldest = self._oldest()
        if isinstance(self._place, Sqlite):
            try:
                with self._opened(self._place) as file:
                    file.execute(_KEEP, row)
                    if oldest:
                        file.execute("DELETE FROM traces WHERE started < ?", (oldest,))
            except BaseException:
                self._let_go()
                raise
            return
        with self._place.engine.begin() as db:
            db.execute(self._sql.text(_KEEP), row)
            if oldest:
                db.execute(self._sql.older(oldest))
            if isinstance(self._place, Memory):
                db.execute(self._sql.all_but_the_latest(_IN_MEMORY))

    def _opened(self, place: Sqlite) -> sqlite3.Connection:
        """The file, still open from the trace before unless anybody touched it since: to open it takes longer than to
        write. Raises sqlite3.Error."""
        if self._file is not None and (not self._seen or self._seen != _looks(place.path)):
            self._let_go()
        if self._file is None:
            self._file = place.connect()
            self._seen = _looks(place.path)
        return self._file

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(sqlite3.Error):
                file.close()

    def _oldest(self) -> str:
        """When the oldest traces that are kept began, where it is time to delete older ones, else ""."""
        if not self._keep_days or time.monotonic() < self._prune_at:
            return ""
        self._prune_at = time.monotonic() + _PRUNE_SECONDS
        return (datetime.now(UTC) - timedelta(days=self._keep_days)).isoformat(timespec="milliseconds")


def _looks(path: Path) -> tuple[int, ...]:
    """What changes with a file that is written, replaced or gone; what is written beside it does not count."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_fault(error: Exception) -> bool:
    """Whether the database says it, rather than what was to be written."""
    return isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] == "sqlalchemy"


def _records(rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """What each row's first column holds, without those that a flipped byte made unreadable."""
    for row in rows:
        with suppress(ValueError, TypeError):
            if isinstance(record := json.loads(row[0]), dict):
                yield record


def _first_content(trace: Trace) -> float | None:
    """When the first word of an answer stood on the screen, in ms from the question's arrival."""
    starts = [span.start_ms for span in trace.spans if span.name == "last_token"]
    return min(starts) if starts else None


def _percentiles(values: Sequence[float]) -> Percentiles:
    p95 = statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) >= _ENOUGH_FOR_P95 else None
    return Percentiles(len(values), statistics.median(values), p95, max(values))
