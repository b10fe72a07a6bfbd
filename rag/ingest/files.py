"""Finds the files of a folder tree that the library takes notice of.

Knows names, links and what cannot be opened. Reads no file, and never leaves the folder: a link may point anywhere.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from rag.formats.registry import readable

_HIDDEN = (".", "~$")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a folder. `root` is the folder's resolved path, `relative` the file's path in it with `/`.

    `problem`, where there is one, says why the file cannot be read at all.
    """

    root: str
    relative: str
    path: Path
    size: int
    mtime_ns: int
    problem: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.root, self.relative


@dataclass(slots=True)
class Found:
    """The files by (root, relative path), and the (root, relative) of the folders that could not be looked into."""

    files: dict[tuple[str, str], File] = field(default_factory=dict)
    closed: list[tuple[str, str]] = field(default_factory=list)

    def may_hold(self, root: str, relative: str) -> bool:
        """Whether a file that was not found may be there all the same: its folder could not be looked into."""
        return any(root == r and (not folder or relative.startswith(f"{folder}/")) for r, folder in self.closed)


def walk(folder: Path, found: Found, *, within: Path | None = None, outside: Path | None = None) -> None:
    """Add to `found` the files of `folder` whose names say that they are documents; of `within` only, where given.

    Names that begin with "." or "~$" are left out, and so is everything in `outside`. Links to folders are
    not followed.
    """
    root = folder.resolve()
    start = root if within is None else within
    if hidden(start, root):
        return
    seen: set[tuple[int, int]] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path == outside:
            continue
        try:
            status = path.lstat()
        except OSError:
            if path == root:
                found.closed.append((str(root), ""))
            continue  # gone
        if stat.S_ISDIR(status.st_mode):
            if status.st_ino and (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            waiting.extend(_inside(path, root, found))
        elif readable(path.name):
            file = _file(path, root, status)
            found.files[file.key] = file


def hidden(path: Path, root: Path) -> bool:
    """Whether a path in `root`, or a folder above it there, has a name that is left out."""
    return any(part.startswith(_HIDDEN) for part in path.relative_to(root).parts)


def _inside(path: Path, root: Path, found: Found) -> list[Path]:
    try:
        with os.scandir(path) as entries:
            names = sorted((entry.name for entry in entries if not entry.name.startswith(_HIDDEN)), reverse=True)
    except OSError as error:
        relative = path.relative_to(root).as_posix()
        found.closed.append((str(root), "" if path == root else relative))
        if path != root:
            reason = f"The folder cannot be opened ({error.strerror or error}); check its permissions."
            found.files[str(root), relative] = File(str(root), _text(relative), path, 0, 0, reason)
        return []
    return [path / name for name in names]


def _file(path: Path, root: Path, status: os.stat_result) -> File:
    relative = path.relative_to(root).as_posix()
    problem = ""
    if stat.S_ISLNK(status.st_mode):
        try:
            target = path.resolve(strict=True)
            if not target.is_relative_to(root):
                problem = "It is a link that leads out of the folder; put the file itself there."
            status = target.stat()
        except (OSError, RuntimeError):
            problem = "It is a link that leads nowhere or in a circle; remove it or put the file itself there."
    if _text(relative) != relative:
        problem = "Its name is not valid Unicode; rename it."
    elif not problem and not stat.S_ISREG(status.st_mode):
        problem = "It is not a file but a folder, pipe or device; remove it or give it another name."
    return File(str(root), _text(relative), path, status.st_size, status.st_mtime_ns, problem)


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
