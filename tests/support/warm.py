"""Python processes that begin with their imports and their lists of words: a server computes for seconds to have them,
and the tests start dozens. One process has them once, and is forked for each of them.

    python -m tests.support.warm DESCRIPTOR        (that one process; it is told over a socket what to become)

Knows forking, descriptors and exit statuses. Does not know what the processes do. Chainlit itself is imported by each
anew, for it looks about in its folder then. Linux only: elsewhere every process starts from nothing.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "tr")
"""What the documents of most tests are written in."""


class Forked:
    """A process that was forked, as `subprocess.Popen` would show it. `returncode` is known once it was asked for."""

    def __init__(self, args: Sequence[str], pid: int, stdout: int, stderr: int, ended: int) -> None:
        self.args = args
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: TextIO = os.fdopen(stdout, encoding="utf-8")
        self.stderr: TextIO = os.fdopen(stderr, encoding="utf-8")
        self._ended = os.fdopen(ended, "rb", buffering=0)
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        return self._status(0)

    def wait(self, timeout: float | None = None) -> int:
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Everything that it says until it ends, on stdout and on stderr."""
        said: dict[TextIO, str] = {}
        reading = [
            threading.Thread(target=lambda stream=stream: said.update({stream: stream.read()}), daemon=True)
            for stream in (self.stdout, self.stderr)
        ]
        for thread in reading:
            thread.start()
        for thread in reading:
            thread.join(timeout)
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(timeout)
        self.close()
        return said[self.stdout], said[self.stderr]

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.poll() is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.wait()

    def _status(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
                told = self._ended.read()
                assert told, "the process that was forked has ended first"
                self.returncode = int(told)
                self._ended.close()
        return self.returncode


Process = subprocess.Popen[str] | Forked


def start(home: Path, environment: Mapping[str, str], *program: str) -> Process:
    """What `python PROGRAM` does in `home`: `-m MODULE` or a file, and arguments; both outputs are pipes."""
    environment = {**os.environ, "PYTHONUTF8": "1", **environment}
    if sys.platform == "linux":
        return _WARM.fork(home, environment, program)
    return subprocess.Popen(
        [sys.executable, *program],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


class _Warm:
    """The process that is forked: begun when the first is wanted, ended with the tests."""

    def __init__(self) -> None:
        self._told: socket.socket | None = None
        self._lock = threading.Lock()

    def fork(self, home: Path, environment: Mapping[str, str], program: Sequence[str]) -> Forked:
        wanted = json.dumps({"home": str(home), "environment": environment, "program": program}).encode()
        (stdout, out), (stderr, err), (ended, end) = (os.pipe() for _ in range(3))
        with self._lock:
            told = self._told or self._begin()
            socket.send_fds(told, [len(wanted).to_bytes(4)], [out, err, end])
            told.sendall(wanted)
            pid = int.from_bytes(told.recv(4, socket.MSG_WAITALL))
        for given in (out, err, end):
            os.close(given)
        assert pid, "the process that is forked has ended"
        return Forked(program, pid, stdout, stderr, ended)

    def _begin(self) -> socket.socket:
        self._told, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.support.warm", str(theirs.fileno())]
            # A child of a shell's background job would inherit that Ctrl-C is ignored.
            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                process = subprocess.Popen(
                    command, cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"}, pass_fds=[theirs.fileno()]
                )
            finally:
                signal.signal(signal.SIGINT, before)
        atexit.register(process.wait)
        atexit.register(self._told.close)
        return self._told


_WARM = _Warm()


def _import() -> None:
    """What `tandem serve` imports by the time that its chat is there, but for Chainlit and what imports Chainlit."""
    from tandem.ui.chainlit_imports import stood_in

    with stood_in():
        for name in (
            *("tandem.cli", "tandem.commands.serving", "tandem.server", "tandem.history.data_layer", "tandem.briefing"),
            *("hybrid.runtimes.openai_compatible", "sqlalchemy.dialects.sqlite", "uvicorn.loops.auto"),
            *("uvicorn.protocols.websockets.auto", "aiohttp", "babel.messages.pofile", "dataclasses_json", "filetype"),
            *("httpcore2", "literalai.client", "openai.resources.models", "socketio", "syncer"),
        ):
            importlib.import_module(name)
    lexicon = importlib.import_module("rag.text.lexicon")  # its lists of words are seconds of computing too
    for language in LANGUAGES:
        lexicon.prepare(language)
    for language in LANGUAGES:
        assert lexicon.ready(language, 120)
    gc.collect()
    gc.freeze()


def _serve(told: socket.socket) -> list[str]:
    """Fork what is asked for, and tell how each ended. Returns in a forked process, with its program."""
    running: dict[int, tuple[int, int]] = {}  # a descriptor that tells of its end: its id, where to say so
    while True:
        ready, _, _ = select.select([told, *running], [], [])
        for over in (one for one in ready if one is not told):
            pid, end = running.pop(over)
            os.close(over)
            _, status = os.waitpid(pid, 0)
            with suppress(BrokenPipeError):
                os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)
        if told not in ready:
            continue
        size, given, _, _ = socket.recv_fds(told, 4, 3)
        if not size:
            sys.exit()
        wanted = json.loads(told.recv(int.from_bytes(size), socket.MSG_WAITALL))
        with warnings.catch_warnings():  # numpy's own threads wait, and are made anew where they are needed
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            told.close()
            os.dup2(given[0], 1)
            os.dup2(given[1], 2)
            for one in (*given, *running, *(end for _, end in running.values())):
                os.close(one)
            os.chdir(wanted["home"])
            os.environ.clear()
            os.environ.update(wanted["environment"])
            if os.environ.get("PYTHONUNBUFFERED"):
                sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
            return list(wanted["program"])
        running[os.pidfd_open(pid)] = pid, given[2]
        os.close(given[0])
        os.close(given[1])
        told.sendall(pid.to_bytes(4))


def _become(program: list[str]) -> None:
    if program[0] == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = program[1:]
        runpy.run_module(program[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(program[0]).parent)
        sys.argv = program
        runpy.run_path(program[0], run_name="__main__")


if __name__ == "__main__":
    _import()
    _become(_serve(socket.socket(fileno=int(sys.argv[1]))))
