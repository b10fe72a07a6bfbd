"""Reads files in processes of their own, so that a hostile or broken file costs only itself.

Knows time and memory limits, and how a document travels between processes: one line of JSON there, a length and JSON
back, never anything that could run. Does not know formats, the store or the index.
"""

from __future__ import annotations

import base64
import json
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from rag.errors import LibraryError
from rag.ocr.recognition import NOTHING, Choice
from rag.storage.records import NewDocument, NewPassage

_POLL = 0.05
_START_SECONDS = 120.0
_LARGEST_REPLY = 2_000_000_000
_FILES_EACH = 500
_CLOCK_FACTOR = 20.0
_NICE = 10
"""How far processes that read pictures stand back: they compute for minutes, and nobody waits for them."""
_PROGRAM = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from rag.ingest.worker_process import serve; serve()"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: seconds of computing (and more for every megabyte, or picture to be read), and bytes of
    memory beyond what its reader takes anyway. Waiting counts little: a busy machine is not the file's doing."""

    seconds: float = 30.0
    seconds_per_megabyte: float = 10.0
    memory: int = 1_500_000_000
    least_wait: float = 600.0
    seconds_per_picture: float = 60.0

    def time_for(self, size: int) -> float:
        """The time limit for a file of `size` bytes, in seconds."""
        return min(600.0, self.seconds + self.seconds_per_megabyte * size / 1e6)

    def wait_for(self, size: int) -> float:
        """How long it may take by the clock, in seconds: for a disk or a network that does not answer."""
        return max(self.least_wait, _CLOCK_FACTOR * self.time_for(size))


@dataclass(frozen=True, slots=True)
class Task:
    """A file to be read. `known` is the digest of the bytes that the library has; a document of the same is not read.

    `size` in bytes sets the time limit; `modified` in seconds since 1970 goes into the document. `choice` says what
    reads pictures.
    """

    path: str
    name: str
    size: int
    modified: float
    passage_chars: int
    known: str = ""
    choice: Choice = NOTHING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: a document, or a reason, or neither when its bytes are the known ones.

    `reason` beside a document is a note on what was left out. `digest` is "" when the bytes could not be had.
    `unread` counts the pages that are pictures which nobody read.
    """

    digest: str
    document: NewDocument | None
    reason: str
    unread: int = 0


class Cancelled(Exception):
    """The caller asked to stop."""


class Pool:
    """Workers that wait for the next file. Safe from any thread; as many processes as threads that read at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._closings = 0
        self._pictures = threading.Lock()  # one process reads pictures: it computes all the time
        self._reader: _Worker | None = None

    def read(self, task: Task, cancel: threading.Event | None = None) -> Outcome:
        """Read one file; blocks. Never raises for a bad file. Raises Cancelled, and LibraryError when no process
        starts.
        """
        with self._lock:
            worker = self._idle.pop() if self._idle else None
            closings = self._closings
        if worker is not None and not worker.alive:
            worker.close()
            worker = None
        worker = worker or _Worker(self._limits)
        try:
            return worker.read(replace(task, choice=replace(task.choice, engine="")), cancel)
        finally:
            with self._lock:  # a pool that was closed meanwhile has nobody left who would end it
                waits = worker.alive and worker.files < _FILES_EACH and closings == self._closings
                if waits:
                    self._idle.append(worker)
            if not waits:
                worker.close()

    def read_pictures(self, task: Task, plain: Outcome, cancel: threading.Event | None = None) -> Outcome:
        """Read a file again whose first reading, `plain`, left pages unread, now with what reads pictures; blocks, one
        file at a time. Returns `plain`, with the reason, when that fails. Raises Cancelled and LibraryError.
        """
        while not self._pictures.acquire(timeout=_POLL):
            if cancel is not None and cancel.is_set():
                raise Cancelled
        try:
            if self._reader is not None and not self._reader.alive:
                self._reader.close()
                self._reader = None
            self._reader = self._reader or _Worker(self._limits, _NICE)
            closings = self._closings
            found = self._reader.read(replace(task, known=""), cancel, plain.unread)
            if closings != self._closings:
                self._reader.close()
        finally:
            self._pictures.release()
        if found.document is None and plain.document is not None:
            return replace(plain, reason=f"{plain.reason} {found.reason}".strip())
        return found

    def close(self) -> None:
        """End the waiting processes; the next file starts one again."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._closings += 1
        if self._pictures.acquire(blocking=False):
            try:
                if self._reader is not None:
                    idle.append(self._reader)
                self._reader = None
            finally:
                self._pictures.release()
        for worker in idle:
            worker.close()


class _Worker:
    """One process and the thread that listens to it. One caller at a time."""

    def __init__(self, limits: Limits, nice: int = 0) -> None:
        self._limits = limits
        self.files = 0
        paths = [str(Path(entry).resolve()) for entry in sys.path]
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        if nice:
            flags |= getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(paths), str(limits.memory), str(nice)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                creationflags=flags,
            )
        except OSError as error:
            raise LibraryError(f"No process could be started to read documents ({error}); try again.") from error
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="listen to a reader", daemon=True).start()
        try:
            self._watched = psutil.Process(self._process.pid)
            began = self._reply(time.monotonic() + _START_SECONDS, None)
        except (_Exceeded, psutil.Error):  # it may be gone already
            began = None
        if began is None:
            self.close()
            raise LibraryError("The process that reads documents did not start; check the installation of Tandem.")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def read(self, task: Task, cancel: threading.Event | None, pictures: int = 0) -> Outcome:
        """Read a file of which `pictures` pages are pictures to be read."""
        self.files += 1
        more = self._limits.seconds_per_picture * pictures
        seconds = self._limits.time_for(task.size) + more
        deadline = time.monotonic() + self._limits.wait_for(task.size) + more * _CLOCK_FACTOR
        allowed = _Allowed(self._computed() + seconds, seconds, self._memory() + self._limits.memory)
        digest = ""
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps([asdict(task), seconds]).encode() + b"\n")
            self._process.stdin.flush()
            # The digest comes first: it is known even of a file that the process does not survive.
            while (reply := self._reply(deadline, cancel, allowed)) is not None:
                message = json.loads(reply)
                if "digest" in message:
                    digest = message["digest"]
                    continue
                document = message["document"]
                made = _document_from(document) if document else None
                return Outcome(digest, made, message["reason"], message.get("unread", 0))
        except OSError:
            pass
        except Cancelled:
            self.close()
            raise
        except _Exceeded as error:
            self.close()
            return Outcome(digest, None, str(error))
        code = self._process.wait()
        self.close()
        if code == -getattr(signal, "SIGXCPU", -1):
            return Outcome(digest, None, _too_slow(seconds))
        return Outcome(digest, None, "The file made its reader crash; it is damaged or hostile. Save it again.")

    def _reply(self, deadline: float, cancel: threading.Event | None, allowed: _Allowed | None = None) -> bytes | None:
        """The next message; None when the process ended. Raises _Exceeded, Cancelled."""
        while True:
            with suppress(queue.Empty):
                return self._replies.get(timeout=_POLL)
            if cancel is not None and cancel.is_set():
                raise Cancelled
            if time.monotonic() > deadline:
                raise _Exceeded(_too_long())
            if allowed is not None:
                if self._computed() > allowed.computed:
                    raise _Exceeded(_too_slow(allowed.seconds))
                # Where the system sets no limit (Windows, macOS), this one holds.
                if self._memory() > allowed.memory:
                    raise _Exceeded(too_large(self._limits.memory))

    def _computed(self) -> float:
        """Seconds of computing so far, 0 for a process that is gone."""
        with suppress(psutil.Error):
            times = self._watched.cpu_times()
            return float(times.user + times.system)
        return 0.0

    def _memory(self) -> int:
        with suppress(psutil.Error):
            return int(self._watched.memory_info().rss)
        return 0

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with suppress(OSError, ValueError):
            while len(head := stream.read(8)) == 8:
                size = struct.unpack(">Q", head)[0]
                body = stream.read(size) if size <= _LARGEST_REPLY else b""
                if len(body) != size:
                    break
                self._replies.put(body)
        self._replies.put(None)

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class _Exceeded(Exception):
    """A limit was passed; the message is the file's reason."""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """How far a process may go with one file: its computing in all, of which `seconds` are the file's, and memory."""

    computed: float
    seconds: float
    memory: int


def _too_slow(seconds: float) -> str:
    return f"Reading it took longer than {seconds:g} seconds of computing; split it or save it in a simpler format."


def _too_long() -> str:
    return "Reading it did not come to an end; the disk or network that it lies on may be slow. Try again."


def too_large(memory: int) -> str:
    """The reason of a file that took more than `memory` bytes."""
    return f"Reading it took more than {memory / 1e9:.1f} GB of memory; split it or save it in a simpler format."


def _document_from(values: dict[str, Any]) -> NewDocument:
    passages = tuple(
        NewPassage(
            **{
                **passage,
                "headings": tuple(passage["headings"]),
                "tokens": base64.b64decode(passage["tokens"]),
                "grams": base64.b64decode(passage["grams"]),
            }
        )
        for passage in values["passages"]
    )
    pictures = tuple((page, confidence) for page, confidence in values["pictures"])
    return NewDocument(**{**values, "passages": passages, "pictures": pictures})
