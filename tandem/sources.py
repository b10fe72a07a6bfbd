"""The other places that documents come from: visited when they are due, and what became of every visit.

Knows the settings' sources and where their folders lie. Does not know how a place is read (`rag.connectors` does), nor
how files become passages: the library watches the folders.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from rag.connectors.base import Source, SourceError
from rag.connectors.mirror import Pulled, pull
from rag.connectors.registry import connect
from tandem.settings import Settings, SourceSettings

log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0
_BUSY = "Another process visits it at this moment."


@dataclass(frozen=True, slots=True)
class Visit:
    """The last visit of a place: when it ended (0: never), how many files it left, what it changed, what went wrong."""

    at: float = 0.0
    files: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    skipped: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A source as people see it; its address is without a password."""

    name: str
    kind: str
    address: str
    every_minutes: int
    visit: Visit

    @property
    def due(self) -> float:
        """When it is visited next, in seconds since the epoch; after a visit that failed, sooner."""
        minutes = min(self.every_minutes, 5) if self.visit.problem else self.every_minutes
        return self.visit.at + minutes * 60


class Sources:
    """The places of one installation. `start` visits them in a thread of its own until `close`."""

    def __init__(self, settings: Settings) -> None:
        """Makes the places' folders, so that the library watches them from the beginning."""
        self._settings = settings
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        for source in settings.sources:
            (settings.files.sources / source.name).mkdir(parents=True, exist_ok=True)

    def places(self) -> list[Place]:
        """Every place with its last visit."""
        return [
            Place(one.name, one.kind, _shown(one.address), one.every_minutes, self._visit(one))
            for one in self._settings.sources
        ]

    def start(self) -> None:
        """Visit what is due, now and from now on."""
        if self._settings.sources and self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._run, name="visit the sources", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop, in the middle of a visit if need be; what it brought stays. May be started again."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def visit(self, name: str, stopped: Callable[[], bool] = lambda: False) -> Visit:
        """Bring the folder of one place in step with it. Never raises for what a place does."""
        source = next(one for one in self._settings.sources if one.name == name)
        state = self._settings.files.sources_state
        with _alone(state / f"{name}.lock") as alone:
            if not alone:
                return Visit(problem=_BUSY)
            secret = self._settings.api_keys.get(source.password_env)
            place = Source(
                source.name, source.kind, source.address, source.user, secret.get_secret_value() if secret else "",
                source.options, state / name,
            )  # fmt: skip
            folder = self._settings.files.sources / name
            try:
                if source.password_env and secret is None:
                    raise SourceError(f"The variable {source.password_env} is not set; set it and start Tandem again.")
                pulled = pull(connect(place), folder, state / f"{name}.ledger.json", stopped)
            except SourceError as error:
                pulled = Pulled(problem=str(error))
            except OSError as error:
                pulled = Pulled(problem=f"What {name} holds cannot be written here ({error.strerror or error}).")
            except Exception:  # the other places must outlive whatever one comes up with
                log.exception("The source %s could not be visited", name)
                pulled = Pulled(problem="The visit failed for a reason that is in the log; it is tried again.")
            found = sum(1 for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
            visit = Visit(
                time.time(), found, pulled.added, pulled.changed, pulled.removed, pulled.skipped, pulled.problem
            )
            self._keep(source, visit)
            return visit

    def _run(self) -> None:
        while not self._stop.is_set():
            for place in self.places():
                if self._stop.is_set():
                    return
                if place.due <= time.time():
                    visit = self.visit(place.name, self._stop.is_set)
                    if visit.problem:
                        log.warning("The source %s: %s", place.name, visit.problem)
            self._stop.wait(_LOOK_SECONDS)

    def _file(self, source: SourceSettings) -> Path:
        return self._settings.files.sources_state / f"{source.name}.json"

    def _visit(self, source: SourceSettings) -> Visit:
        try:
            known = json.loads(self._file(source).read_text(encoding="utf-8"))
            return Visit(**{one.name: known[one.name] for one in fields(Visit) if one.name in known})
        except (OSError, ValueError, TypeError):
            return Visit()

    def _keep(self, source: SourceSettings, visit: Visit) -> None:
        file = self._file(source)
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_suffix(".part")
        aside.write_text(json.dumps(asdict(visit), ensure_ascii=False), encoding="utf-8")
        aside.replace(file)


@contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Whether nobody else visits the place now; nobody else does until the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _shown(address: str) -> str:
    """An address without the user and password that somebody wrote into it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else address
