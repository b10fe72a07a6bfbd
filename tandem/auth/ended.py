"""What has ended cookies: whose tickets of an earlier epoch, and which single ones, in a file of the data directory.

Knows the file, also when it is damaged or another process changes it. Does not know cookies. Where several processes
serve the same people, `tandem.people.ended` stands in its place.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tandem.private_files import write_private

log = logging.getLogger(__name__)

MOST_ENDED = 50_000


class Ended(Protocol):
    """What ended. For any thread; changed by other processes too."""

    def epoch(self, person: str) -> int:
        """The number that somebody's tickets must have."""

    def has(self, number: str) -> bool:
        """Whether the ticket with this number ended."""

    def end(self, number: str, now: float, until: float) -> None:
        """End one ticket, which would have counted until then. Raises OSError or UserFacingError."""

    def end_all(self, person: str) -> None:
        """Count somebody's epoch up. Raises OSError or UserFacingError."""

    def state(self) -> object:
        """A mark that is another one as soon as something has ended."""


class EndedInFile:
    """The `Ended` of one file, which is looked at every time."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._ended: dict[str, Any] = {}
        self._seen: tuple[int, int, int] | None = None

    def epoch(self, person: str) -> int:
        kept = self.kept()
        return int(kept["epochs"].get(person, 0)) + int(kept["base"])

    def has(self, number: str) -> bool:
        return number in self.kept()["tickets"]

    def end(self, number: str, now: float, until: float) -> None:
        kept = self.kept()
        tickets = {known: moment for known, moment in kept["tickets"].items() if moment > now}
        tickets[number] = until
        while len(tickets) > MOST_ENDED:
            del tickets[next(iter(tickets))]
        self.keep({**kept, "tickets": tickets})

    def end_all(self, person: str) -> None:
        kept = self.kept()
        # Without the base, which `epoch` adds to every one.
        self.keep({**kept, "epochs": {**kept["epochs"], person: self.epoch(person) + 1}})

    def state(self) -> tuple[int, int, int] | None:
        """A mark of the file; None without one."""
        try:
            status = self._file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def kept(self) -> dict[str, Any]:
        """What ends tickets: the epoch of each person, the numbers that ended, and what is added to every epoch."""
        seen = self.state()
        if seen is None:
            if not self._ended:
                self._ended = {"base": 0, "epochs": {}, "tickets": {}}
            return self._ended
        if seen != self._seen:
            try:
                self._ended = _checked(json.loads(self._file.read_bytes()))
                self._seen = seen
            except (OSError, ValueError, RecursionError) as error:
                self._begin_anew(error)
        return self._ended

    def keep(self, ended: dict[str, Any]) -> None:
        """Write the whole of it. Raises OSError."""
        self._ended = ended
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._file, json.dumps(ended, ensure_ascii=False))
        self._seen = self.state()

    def _begin_anew(self, error: Exception) -> None:
        """Who had signed out is not known any more, so everybody signs in again: a base that no ticket has."""
        log.warning("%s cannot be read (%s): everybody signs in again.", self._file.name, type(error).__name__)
        self._ended = {"base": int(self._clock()), "epochs": {}, "tickets": {}}
        if not isinstance(error, OSError):
            try:
                self._file.replace(self._file.with_name(f"{self._file.name}.{int(self._clock())}.damaged"))
                self.keep(self._ended)
            except OSError as problem:
                log.warning("%s cannot be written: %s", self._file.name, problem)


def _checked(kept: Any) -> dict[str, Any]:
    """The file's content, if it is as it was written. Raises ValueError."""
    if not isinstance(kept, dict) or not isinstance(kept.get("base"), int):
        raise ValueError("not what was written")
    for name, kind in (("epochs", int), ("tickets", int | float)):
        part = kept.get(name)
        if not isinstance(part, dict) or not all(isinstance(value, kind) for value in part.values()):
            raise ValueError("not what was written")
    return kept
