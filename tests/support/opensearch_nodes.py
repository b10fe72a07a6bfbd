"""Real OpenSearch nodes of this test run's own: started, killed and started again, on loopback.

Needs Java 17 or newer with its compiler, and OpenSearch's jars, which `make test-services` lists in a file; tests that
ask for a node are skipped where they are missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
_JARS = ROOT / ".venv" / "opensearch.classpath"
_PLUGIN = ROOT / ".venv" / "opensearch-knn"
_SOURCE = Path(__file__).parent / "opensearch" / "Node.java"
MEMORY = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def missing() -> str:
    """Why no node can be started here, "" where one can."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        return "Java is not installed"
    jars = _JARS.read_text(encoding="utf-8").strip().split(os.pathsep) if _JARS.is_file() else []
    if not jars or not all(Path(jar).is_file() for jar in jars) or not _PLUGIN.is_dir():
        return "OpenSearch's jars are not here; `make test-services` fetches them"
    return ""


class Node:
    """One node in a process of its own, with the k-NN plugin where `vectors` are wanted; `begin` it first."""

    def __init__(self, folder: Path, name: str, memory: tuple[str, ...] = MEMORY, *, vectors: bool = True) -> None:
        self.name = name
        self._folder = folder / name
        self._memory = memory
        self._vectors = vectors
        self._process: subprocess.Popen[str] | None = None
        self._beside = ""
        self.beside = ""
        """Where other nodes find it."""
        self.address = ""
        """Where it is asked."""

    def begin(self, beside: str = "") -> None:
        """Start it, in the cluster of the node that is found there."""
        self._folder.mkdir(exist_ok=True)
        self._beside = beside or self._beside
        jars = _JARS.read_text(encoding="utf-8").strip()
        if self._vectors:
            jars = os.pathsep.join((jars, f"{_PLUGIN}{os.sep}*"))
        command = ["java", *self._memory, "-cp", jars, str(_SOURCE), self.name, str(self._folder)]
        with (self._folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [*command, *([self._beside] if self._beside else [])],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True,
            )  # fmt: skip

    def wait(self) -> None:
        """Return when it answers."""
        assert self._process is not None and self._process.stdout is not None
        found: dict[str, str] = {}
        # What it says later must be heard, or it would wait.
        self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
        for line in self._process.stdout:
            what, _, address = line.strip().partition(" ")
            if what in ("nodes", "http"):
                found[what] = address
            if len(found) == 2:
                self.beside, self.address = found["nodes"], f"http://{found['http']}"
                self._reader.start()
                return
        pytest.fail((self._folder / "said").read_text(encoding="utf-8", errors="replace")[-3000:])

    @property
    def memory(self) -> int:
        """Bytes it holds."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._reader.join()
            self._process.communicate()
            self._process = None


@contextmanager
def running(nodes: int = 1, memory: tuple[str, ...] = MEMORY, *, vectors: bool = True) -> Iterator[list[Node]]:
    """A cluster for a while. Skips the test where none can be."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="tandem-os-"))
    made = [Node(folder, f"node{number}", memory, vectors=vectors) for number in range(nodes)]
    try:
        made[0].begin()
        made[0].wait()
        for node in made[1:]:
            node.begin(made[0].beside)
        for node in made[1:]:
            node.wait()
        yield made
    finally:
        for node in made:
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def opensearch() -> Iterator[str]:
    """The address of one node for the whole run; each test takes index names of its own."""
    with running() as (node,):
        yield node.address


_numbers = count(1)


def new_name() -> str:
    """A name that no index has yet."""
    return f"t{next(_numbers)}"
