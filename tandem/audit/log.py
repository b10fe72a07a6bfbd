"""The audit log as it is written and read: one call records, a thread of its own writes.

Knows when entries are written and what is done where they cannot be. Does not know what people may do.

What cannot be written is kept in memory and tried again, and `problem` says so meanwhile; only where memory for it is
full too, or the process ends, is an entry lost, and then the server's log has it. The database is opened, and
SQLAlchemy imported, with the first entry.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rag.database.places import Place
from rag.database.tables import TooNewError
from rag.errors import UserFacingError
from rag.faults import Fault
from rag.text.unicode import whole
from tandem.audit.chain import Entry, as_line, canonical
from tandem.audit.syslog import Syslog

log = logging.getLogger(__name__)

_WAITING = 10_000
_TOGETHER = 256
_AGAIN_SECONDS = 1.0
_LONGEST_TEXT = 1_000
_LONGEST_DETAILS = 20_000


class AuditLog:
    """The audit log of one installation. All methods are safe to call from any thread; `close` it."""

    def __init__(self, place: Place, syslog: str = "") -> None:
        """Opens nothing yet. What is written is passed on to the server at the address `syslog`, "" for none."""
        self._syslog = Syslog(syslog) if syslog else None
        self._problem = ""
        self._place = place
        self._waiting: queue.Queue[Entry | None] = queue.Queue(_WAITING)
        self._closing = threading.Event()
        self._begin = threading.Lock()
        self._writer: threading.Thread | None = None
        self._prepared = False

    @property
    def problem(self) -> str:
        """Why entries cannot be written or passed on now, in a sentence that names no place; "" where they can."""
        return self._problem or (self._syslog.problem if self._syslog is not None else "")

    def record(self, actor: str, action: str, object: str = "", details: dict[str, Any] | None = None) -> None:
        """Note that `actor` (a person, "console" for whoever is at the terminal, "" for nobody known) did `action`
        ("sign_in.failed", "model.downloaded", ...) to `object`. `details` hold no question, answer or secret.

        Never waits and never raises; after `close` it only tells the server's log.
        """
        try:
            text = canonical(details or {})
            if len(text) > _LONGEST_DETAILS:
                text = canonical({"left_out": f"{len(text)} characters"})
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            entry = Entry(0, moment, _line(actor), _line(action), _line(object), _clean(text))
            if self._closing.is_set():
                raise queue.Full
            self._waiting.put_nowait(entry)
            if self._writer is None:
                self._start()
        except queue.Full:
            log.error("An entry of the audit log could not be kept: %s", as_line(entry))
        except Exception:
            log.exception("The audit log could not take an entry: %s", action)

    def entries(self) -> Iterator[Entry]:
        """Everything that is written, oldest first. Raises UserFacingError where it cannot be read."""
        from sqlalchemy.exc import SQLAlchemyError

        from tandem.audit import tables

        self.flush()
        with self._explained("read"):
            self._prepare()
            try:
                with self._place.engine.connect() as db:
                    yield from tables.everything(db)
            except SQLAlchemyError as error:
                raise UserFacingError(self._place.sentence("The audit log cannot be read", error)) from None

    def flush(self, seconds: float = 5.0) -> bool:
        """Wait until what was recorded is written; whether it is."""
        with self._waiting.all_tasks_done:
            return self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def close(self) -> None:
        """Write what waits, and stop. Twice is once."""
        if not self._closing.is_set():
            self._closing.set()
            if self._writer is not None:
                self._waiting.put(None)
                self._writer.join()
            if self._syslog is not None:
                self._syslog.close()
            self._place.close()

    def _start(self) -> None:
        with self._begin:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="audit-writer", daemon=True)
                self._writer.start()

    def _prepare(self) -> None:
        if not self._prepared:
            if said := self._place.prepare():
                self.record("", "audit.begun_anew", details={"reason": said})
            self._prepared = True

    def _write(self) -> None:
        ended = False
        while not ended:
            group = [self._waiting.get()]
            while len(group) < _TOGETHER and not self._waiting.empty():
                group.append(self._waiting.get())
            entries = [entry for entry in group if entry is not None]
            ended = len(entries) < len(group)
            try:
                if entries:
                    self._keep(entries)
            except Exception:  # whoever waits for this thread must not wait for good
                log.exception("The audit log could not be written")
            finally:
                for _ in group:
                    self._waiting.task_done()

    def _keep(self, entries: list[Entry]) -> None:
        """Write them, as soon as that can be done."""
        from sqlalchemy.exc import SQLAlchemyError

        from tandem.audit import tables

        while True:
            last = self._closing.is_set()
            try:
                self._prepare()
                with self._place.engine.begin() as db:
                    added = tables.append(db, entries, on_server=self._place.on_server)
                self._problem = ""
                if self._syslog is not None:
                    self._syslog.send(added)
                return
            except (OSError, sqlite3.Error, SQLAlchemyError, TooNewError) as error:
                if self._mended(error):
                    continue
                said = f"The audit log cannot be written: {self._place.reason(error)}."
                if said != self._problem:
                    what = f"The audit log at {self._place.name} cannot be written"
                    log.error("%s", self._place.sentence(what, error))
                self._problem = said
            if last:
                for entry in entries:
                    log.error("An entry of the audit log could not be kept: %s", as_line(entry))
                return
            self._closing.wait(_AGAIN_SECONDS)

    def _mended(self, error: Exception) -> bool:
        """Whether the file was damaged, and a new one is there."""
        if self._place.fault(error) not in (Fault.DAMAGED, Fault.NO_FILE):
            return False
        try:
            mended = self._place.mend(error)
        except (OSError, sqlite3.Error):
            return False
        if mended:
            self.record("", "audit.begun_anew")
        return mended

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except TooNewError:
            raise UserFacingError("A newer version of Tandem wrote the audit log; update Tandem.") from None
        except (OSError, sqlite3.Error) as error:
            raise UserFacingError(self._place.sentence(f"The audit log cannot be {done}", error)) from None


def _clean(text: str) -> str:
    return whole(text).replace("\0", "�")


def _line(text: str) -> str:
    return _clean(str(text))[:_LONGEST_TEXT]
