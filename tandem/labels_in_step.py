"""Keeps the labels of documents in step with the collections, whoever changes these, and the index with both.

Knows when to look. Does not know which document gets which label (`rag.ingest.labelling` does).
"""

from __future__ import annotations

import logging
import threading

from rag.ingest.labelling import Relabelling

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_BEHIND = "The accounts are older than the documents' labels: what lost collections closed stays closed."
_CLOSED = "Who may read which documents could not be written down; until it is, nobody finds any."


class LabelsInStep:
    """A thread that looks every second, from `start` to `close`."""

    def __init__(self, labels: Relabelling) -> None:
        self.problem = ""
        """Why documents could not be labelled anew, "" where nothing hinders that."""
        self._labels = labels
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="label documents", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def changed(self) -> None:
        """Have the index follow what was changed here, soon."""
        self._changed.set()

    def close(self) -> None:
        """Stop, after what is under way."""
        self._stop.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        said = ""
        while not self._stop.is_set():
            due = self._changed.wait(_LOOK_SECONDS)
            self._changed.clear()
            if self._stop.is_set():
                return
            try:
                self._labels.settle()
                if due:
                    self._labels.follow()
                self.problem, said = _BEHIND if self._labels.behind else "", ""
            except Exception as error:  # whatever a database comes up with, the next look may find it mended
                if str(error) != said:
                    log.warning("The labels of documents do not follow the collections yet: %s", error)
                said = str(error)
                self.problem = _CLOSED if self._labels.closed else ""
                self._stop.wait(_LOOK_SECONDS)
                if due:
                    self._changed.set()
