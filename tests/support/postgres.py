"""A real PostgreSQL server of this test run's own: made, started, stopped and started again, on a Unix socket.

Needs PostgreSQL's programs (Debian: `postgresql`); tests that ask for a server are skipped where they are missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import quote

import pytest

_SETTINGS = ("listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=60", "lc_messages=C")


@cache
def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, None where there is none."""
    if sys.platform == "win32":
        return None
    found = [Path(name).resolve().parent for name in (shutil.which("postgres"), shutil.which("initdb")) if name]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found += [Path("/opt/homebrew/bin"), Path("/usr/local/bin")]
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def missing() -> str:
    """Why no server can be started here, "" where one can."""
    if programs() is None:
        return "PostgreSQL's programs are not installed"
    if _is_root() and _user() is None:
        return "PostgreSQL does not run as root, and there is no other account here that may run it"
    return ""


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


def _user() -> str | None:
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


class Server:
    """One server in `folder`; `start` it first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0
        self._user = _user() if _is_root() else None
        self._run("initdb", "-D", "data", "-U", "tandem", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        folder = programs()
        assert folder is not None
        command = [str(folder / program), *arguments]
        # No pipes: the server that pg_ctl leaves behind would hold them open.
        with (self.folder / "said").open("wb") as said:
            done = subprocess.run(command, user=self._user, cwd=self.folder, stdout=said, stderr=said, check=False)
        assert done.returncode == 0, (self.folder / "said").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it, and return when it answers."""
        settings = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"unix_socket_directories={self.folder}"))
        self._run("pg_ctl", "-D", "data", "-l", "log", "-o", settings, "-w", "-t", "60", "start")

    def stop(self) -> None:
        """Stop it at once: connections are cut, what was acknowledged stays. A second time does nothing."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", "data", "-m", "fast", "-w", "-t", "60", "stop")

    def url(self, database: str) -> str:
        """What `storage.database` takes."""
        return f"postgresql://tandem@/{database}?host={quote(str(self.folder))}"

    @cached_property
    def database(self) -> str:
        """A database for everybody who takes a schema of their own in it; returns its address."""
        return self.new_database()

    def new_database(self) -> str:
        """An empty database of its own; returns its address."""
        import psycopg

        self._made += 1
        name = f"test_{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return self.url(name)


@contextmanager
def running() -> Iterator[Server]:
    """A server for a while. Skips the test where none can be."""
    if reason := missing():
        pytest.skip(reason)
    # Not under pytest's own folder: the account that runs the server could not enter it, and sockets need short names.
    folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
    try:
        if _is_root():
            shutil.chown(folder, _user())
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for the whole run; each test takes a `new_database`."""
    with running() as server:
        yield server
