"""Keeps a library in step with its folders while they change.

Knows when to look: at once where the system tells of a change, and now and then everywhere, since network drives tell
of none. Does not know how a changed file becomes passages (`rag.ingest.ingestion` does).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import watchfiles

from rag.errors import UserFacingError
from rag.ingest.files import hidden
from rag.library import Library
from rag.maintenance.integrity import mend
from rag.storage.protocols import IndexDamagedError
from rag.types import SyncProgress, SyncReport

log = logging.getLogger(__name__)

_TICK_MS = 500
_GROUP_MS = 400
_QUIET_SECONDS = 120.0
_FULL_SECONDS = 600.0
_MANY = 1_000
_LONGEST_WAIT = 60.0


class Watcher:
    """A thread that syncs what changes in `folders`, from `start` to `close`. A folder may come and go meanwhile."""

    def __init__(
        self, library: Library, folders: Sequence[Path], *, changed: Callable[[SyncReport], None] | None = None
    ) -> None:
        """`changed` hears, in the watcher's thread, of every run in which a file was read or removed."""
        self._library = library
        self._folders = tuple(folders)
        self._changed = changed
        self._stop = threading.Event()
        self._polling = False
        self._last_error = ""
        self._wait = 0.0
        self._not_before = 0.0
        self._missing: set[Path] = set()
        self._caught_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch the documents", daemon=True)
        self.progress: SyncProgress | None = None
        """How far the run under way is; None between two."""

    def start(self) -> None:
        """Take in what changed while nobody watched, then go on watching."""
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until what had changed before `start` is taken in, or could not be; False after `timeout` seconds."""
        return self._caught_up.wait(timeout)

    def close(self) -> None:
        """Stop at once, in the middle of a file if need be; what was committed stays."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _note(self, progress: SyncProgress) -> None:
        self.progress = progress if progress.done < progress.total else None

    def _run(self) -> None:
        try:
            self._watch_on()
        finally:
            self._caught_up.set()

    def _watch_on(self) -> None:
        while not self._stop.is_set():
            try:
                self._watch(self._there())
            except OSError as error:
                log.warning("The documents are looked at every second, since the system does not tell: %s", error)
                self._polling = True
                self._stop.wait(1.0)
            except Exception:  # the watch must outlive whatever a file system comes up with
                log.exception("Watching the documents failed; trying again")
                self._stop.wait(5.0)

    def _there(self) -> tuple[Path, ...]:
        """The folders that are there. One that is not (a drive not mounted) is not one whose documents were deleted."""
        return tuple(folder.resolve() for folder in self._folders if folder.is_dir())

    def _watch(self, folders: tuple[Path, ...]) -> None:
        """Sync what changes until told to stop, or until a folder comes or goes."""
        missing = [folder for folder in self._folders if folder.resolve() not in folders]
        for folder in set(missing) - self._missing:
            log.warning("There is no folder %s; what was indexed from it stays", folder)
        self._missing = set(missing)
        if not folders:
            self._caught_up.set()
            self._stop.wait(1.0)
            return
        # Everything is looked at once the watch is on, so that no change falls between the look and the watch.
        everything, due = True, set[Path]()
        full = last = time.monotonic()
        for paths in self._changes(folders):
            now = time.monotonic()
            due |= paths
            everything = everything or len(due) > _MANY or now - full > _FULL_SECONDS
            if self._there() != folders:
                return
            if not everything and not due:
                if now - last > _QUIET_SECONDS:
                    self._library.rest()
                    last = now
                continue
            done = self._sync(folders, None if everything else sorted(due))
            self._caught_up.set()
            if done:
                full = now if everything else full
                everything, due, last = False, set(), now

    def _changes(self, folders: tuple[Path, ...]) -> Iterator[set[Path]]:
        """The paths that changed, as soon as they rest for a moment; an empty set now and then when none does."""
        aside = self._library.data_dir
        for changes in watchfiles.watch(
            *folders,
            watch_filter=None,
            debounce=_GROUP_MS,
            step=50,
            stop_event=self._stop,
            rust_timeout=_TICK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=self._polling or None,
            poll_delay_ms=1000,
            ignore_permission_denied=True,
        ):
            paths = {Path(path) for _, path in changes}
            yield {
                path
                for path in paths
                if not path.is_relative_to(aside)
                and any(path.is_relative_to(f) and not hidden(path, f) for f in folders)
            }

    def _sync(self, folders: Sequence[Path], within: Sequence[Path] | None) -> bool:
        """Whether the library is in step now; another process may be writing to it."""
        if time.monotonic() < self._not_before:
            return False
        try:
            mend(self._library)
            report = self._library.sync(folders, cancel=self._stop, within=within, progress=self._note)
        except UserFacingError as error:
            if isinstance(error, IndexDamagedError):
                with suppress(UserFacingError):
                    self._library.mend_index()
                    return False
            # What a full disk refused is not to be read again twice a second.
            self._wait = min(max(1.0, 2 * self._wait), _LONGEST_WAIT)
            self._not_before = time.monotonic() + self._wait
            if str(error) != self._last_error:
                log.warning("The documents were not indexed: %s", error)
            self._last_error = str(error)
            return False
        finally:
            self.progress = None
        self._last_error = ""
        self._wait = 0.0
        if report.added or report.changed or report.removed or report.failed:
            log.info(
                "Documents: %d added, %d changed, %d removed, %d failed in %.1f s",
                report.added, report.changed, report.removed, report.failed, report.seconds,
            )  # fmt: skip
            if self._changed is not None:
                self._changed(report)
        return True
