"""Files of packages that tests need and the project does not commit: fetched with npm once for a checkout, then kept.

Where there is no npm, or it cannot reach its registry, what needs them is skipped with that reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tandem.browser import runtime

KEPT = Path(__file__).parents[2] / ".files"
AXE = "axe-core@4.14.1"
CLIENT = ("ai@6.0.326", "@ai-sdk/openai-compatible@2.0.87")


def runtime_home() -> Path:
    """A data directory whose `browser` folder holds the runtime's files. Skips the test where they cannot be had."""
    with _one_at_a_time():
        try:
            runtime.fetch(KEPT, lambda step: None)
        except runtime.RuntimeFilesError as problem:
            pytest.skip(str(problem))
    return KEPT


def axe() -> str:
    """The source of axe-core, which finds what keeps people from using a page. Skips the test where there is none."""
    file = KEPT / "axe" / f"{AXE}.js"
    with _one_at_a_time():
        if not file.is_file():
            _fetch_axe(file)
    return file.read_text(encoding="utf-8")


def node_client() -> Path:
    """A folder in which Node finds an OpenAI-compatible client of other people; skips the test without one."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("There is no Node.js on this machine to run another client with.")
    folder = KEPT / "node-client"
    ready = folder / "ready"
    with _one_at_a_time():
        if not ready.is_file() or ready.read_text(encoding="utf-8") != " ".join(CLIENT):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
            command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *CLIENT]
            if subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False).returncode:
                pytest.skip("npm could not fetch the other client.")
            ready.write_text(" ".join(CLIENT), encoding="utf-8")
    return folder


def _fetch_axe(file: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("There is no npm on this machine to fetch axe-core with.")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", "--ignore-scripts", AXE],
            cwd=folder,
            capture_output=True,
            timeout=120,
            check=False,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or not archives:
            pytest.skip("npm could not fetch axe-core.")
        with tarfile.open(archives[0]) as packed:
            stream = packed.extractfile("package/axe.min.js")
            assert stream is not None
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(stream.read())


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Test processes run beside each other; the first one fetches, the others wait for it."""
    KEPT.mkdir(exist_ok=True)
    lock = KEPT / "fetching.lock"
    deadline = time.monotonic() + 300
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            # A process that was killed leaves its lock behind.
            if time.monotonic() > deadline or time.time() - lock.stat().st_mtime > 300:
                lock.unlink(missing_ok=True)
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
