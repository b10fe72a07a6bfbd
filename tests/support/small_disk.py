"""A small file system of its own, which can be full or read-only: where the tests may mount one (root on Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class SmallDisk:
    """A file system at `path`. `fill` and `close` it; `free` and `reopen` it again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as stream:
            for size in (1 << 20, 1 << 16, 4096, 1):
                try:
                    while True:
                        stream.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Let nobody write, root included."""
        # What is open for writing keeps a file system from being closed as a whole, and even a mount of its own once
        # somebody has opened a file through it: so it is closed where nobody looks, and then laid over the open one.
        aside = self.path.with_name(f"{self.path.name}-closed")
        aside.mkdir(exist_ok=True)
        _run("mount", "--bind", str(self.path), str(aside))
        try:
            _run("mount", "-o", "remount,bind,ro", str(aside))
            _run("mount", "--bind", str(aside), str(self.path))
        finally:
            _run("umount", "-l", str(aside))

    def reopen(self) -> None:
        _run("umount", "-l", str(self.path))


def can_mount() -> bool:
    """Whether this process may mount a file system."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(path: Path, megabytes: int = 24) -> Iterator[SmallDisk]:
    """A new file system at `path`, unmounted in the end."""
    path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path))
    try:
        yield SmallDisk(path)
    finally:
        while os.path.ismount(path):
            _run("umount", "-l", str(path))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
