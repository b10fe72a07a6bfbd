"""Who takes the documents in: the only process, or the one that leads, while all keep their indices in step.

Knows when to watch the folders and to visit other places, and when not to. Does not know how either is done.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from rag.errors import UserFacingError
from rag.library import Library
from rag.maintenance.watcher import Watcher
from rag.types import SyncProgress
from tandem.cluster.member import INDEXING, Member
from tandem.settings import Settings
from tandem.sources import Sources

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_READING, _READING_SECONDS = "reading", 3.0
_DECIDING_SECONDS = 15.0
"""How long it is waited until somebody leads."""


class Indexing:
    """The documents of one installation, from `start` to `close`. With a `member`, only while it leads; then what
    others store is followed too."""

    def __init__(self, library: Library, settings: Settings, member: Member | None = None) -> None:
        self.sources = Sources(settings)
        """The other places that documents come from."""
        self._library = library
        self._folders = settings.documents
        self._member = member
        self._watcher: Watcher | None = None
        self._stop = threading.Event()
        self._decided = threading.Event()
        self._elsewhere_until = 0.0
        self._thread = threading.Thread(target=self._run, name="who takes documents in", daemon=True)
        self._said = ""
        self._begun = False

    def start(self) -> None:
        """Begin, in the background."""
        self._begun = True
        self.make_vectors()
        if self._member is None:
            self._take_in()
        else:
            self._member.hear(_READING, self._hear_reading)
            self._member.lead(INDEXING)
            self._thread.start()

    def make_vectors(self) -> None:
        """Have vectors be made in the background from now on, once this is begun and where there is an encoder."""
        if self._begun and self._library.semantics is not None:
            self._library.semantics.start()

    @property
    def progress(self) -> SyncProgress | None:
        """How far the run is that takes documents in; None where nothing is to be read here."""
        watcher = self._watcher
        return watcher.progress if watcher is not None else None

    @property
    def reading(self) -> bool:
        """Whether documents are being read here or at another process, that no answer can know yet."""
        return self.progress is not None or time.monotonic() < self._elsewhere_until

    async def caught_up(self) -> None:
        """Wait until the documents that were there at the start are taken in, where this process does that."""
        if self._member is not None and self._thread.is_alive():
            await asyncio.to_thread(self._decided.wait, _DECIDING_SECONDS)
        if (watcher := self._watcher) is not None:
            await asyncio.to_thread(watcher.wait)

    def close(self) -> None:
        """Stop at once; what was committed stays."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._leave_off()

    def _hear_reading(self, told: Mapping[str, Any]) -> None:
        self._elsewhere_until = time.monotonic() + _READING_SECONDS

    def _take_in(self) -> None:
        self.sources.start()
        self._watcher = Watcher(self._library, self._folders)
        self._watcher.start()

    def _leave_off(self) -> None:
        self.sources.close()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    def _run(self) -> None:
        assert self._member is not None
        while not self._stop.wait(_LOOK_SECONDS):
            leads = self._member.leads(INDEXING)
            if leads and self._watcher is None:
                log.info("This process takes the documents in from now on")
                self._take_in()
            elif not leads and self._watcher is not None:
                log.info("Another process takes the documents in from now on")
                self._leave_off()
            if self.progress is not None:
                self._member.tell(_READING)
            try:
                self._library.follow()
                self._said = ""
                if self._member.listens():
                    self._decided.set()
            except (UserFacingError, OSError) as error:
                if str(error) != self._said:
                    log.warning("What other processes stored is not found here yet: %s", error)
                self._said = str(error)
