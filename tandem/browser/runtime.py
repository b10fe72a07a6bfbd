"""The files that generate inside a browser: fetched once, by package name and version, and never committed.

Knows the manifest (`runtime.json`), how to fetch what it names through npm, and whether what is on disk is that. Does
not know any model, nor what the page does with the files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rag.errors import UserFacingError
from tandem.data_dir import DataDir

MANIFEST = Path(__file__).with_name("runtime.json")
PACK_SECONDS = 300


class RuntimeFilesError(UserFacingError):
    """The files could not be fetched, or are not the ones that were tested."""


@dataclass(frozen=True, slots=True)
class RuntimeFile:
    """One file of a package: where it lies in it, and what it must be."""

    path: str
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Package:
    name: str
    version: str
    files: tuple[RuntimeFile, ...]


@lru_cache(maxsize=1)
def packages() -> tuple[Package, ...]:
    """What the manifest names."""
    written = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return tuple(
        Package(entry["name"], entry["version"], tuple(RuntimeFile(**file) for file in entry["files"]))
        for entry in written["packages"]
    )


def version() -> str:
    """A short name for exactly these files: it stands in their addresses, so browsers may keep them for ever."""
    digests = "".join(file.sha256 for package in packages() for file in package.files)
    return f"{packages()[0].version}-{hashlib.sha256(digests.encode()).hexdigest()[:8]}"


def folder(data_dir: Path) -> Path:
    """Where the files lie, whether or not they are there."""
    return DataDir(data_dir).browser / version()


def installed(data_dir: Path) -> bool:
    """Whether every file is there and is the one the manifest names. Reads them once, then only their size and time."""
    return all(_is(folder(data_dir) / file.name, file) for package in packages() for file in package.files)


def _is(path: Path, file: RuntimeFile) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_size == file.bytes and _digest(path, status.st_mtime_ns) == file.sha256


@lru_cache(maxsize=32)
def _digest(path: Path, mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(data_dir: Path, told: Callable[[str], None]) -> Path:
    """Fetch what is missing with `npm pack`, check it, and put it in place as a whole; `told` hears each step.

    Returns the folder. Raises RuntimeFilesError.
    """
    target = folder(data_dir)
    if installed(data_dir):
        return target
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeFilesError(
            "There is no npm on this machine, so the files that run a model inside the browser cannot be fetched; "
            "install Node.js, or copy the folder .tandem/browser from a machine that has them."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as temporary:
        work = Path(temporary)
        ready = work / "files"
        ready.mkdir()
        for package in packages():
            told(f"{package.name} {package.version}")
            _unpack(_packed(npm, package, work), package, ready)
        ready.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        ready.replace(target)
    return target


def _packed(npm: str, package: Package, work: Path) -> Path:
    """The package's archive. Raises RuntimeFilesError."""
    into = work / package.name.replace("/", "-").removeprefix("@")
    into.mkdir()
    # Without a network npm would try for a minute, and whoever starts Tandem would wait for it.
    command = [npm, "pack", "--silent", "--ignore-scripts", "--fetch-retries=0", f"{package.name}@{package.version}"]
    try:
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, timeout=PACK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RuntimeFilesError(
            f"npm did not fetch {package.name} within {PACK_SECONDS} s; check the network and try again."
        ) from None
    archives = list(into.glob("*.tgz"))
    if done.returncode != 0 or not archives:
        reason = next((line for line in done.stderr.splitlines() if line.strip()), "it said nothing")
        raise RuntimeFilesError(
            f"npm could not fetch {package.name} {package.version} ({reason.strip()[:200]}); "
            "check the network and npm's registry setting."
        )
    return archives[0]


def _unpack(archive: Path, package: Package, into: Path) -> None:
    """The files the manifest names, and no other, each checked. Raises RuntimeFilesError."""
    with tarfile.open(archive) as packed:
        for file in package.files:
            try:
                stream = packed.extractfile(f"package/{file.path}")
            except KeyError:
                stream = None
            content = stream.read(file.bytes + 1) if stream is not None else b""
            if len(content) != file.bytes or hashlib.sha256(content).hexdigest() != file.sha256:
                raise RuntimeFilesError(
                    f"{file.path} of {package.name} {package.version} is not the file that was tested, so it is not "
                    "used; check where npm fetches packages from."
                )
            (into / file.name).write_bytes(content)
