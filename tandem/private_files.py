"""Files that are nobody else's business: folders 0700, files 0600; on Windows the account that runs Tandem alone.

Knows modes, masks and access lists. Does not know what is kept in the files.
"""

from __future__ import annotations

import getpass
import logging
import os
import stat
import subprocess
import sys
import uuid
from pathlib import Path

log = logging.getLogger(__name__)

_MASK = 0o077
_LISTS_SECONDS = 20


def keep_private(folder: Path) -> None:
    """Make `folder` where it is missing and close it, with what is in it, to other accounts of the machine; what this
    process makes from now on is closed from the start. What cannot be changed stays as it is, and is logged."""
    if sys.platform != "win32":
        os.umask(_MASK)
    try:
        fresh = not folder.exists()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform == "win32":
            if fresh:
                _owner_only(folder)
        elif stat.S_IMODE(folder.stat().st_mode) & _MASK:
            _close(folder)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s could not be closed to other accounts of this machine: %s", folder, error)


def write_private(file: Path, text: str) -> None:
    """Write a small file that nobody else may read: whole, or not at all. Raises OSError."""
    beside = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _close(folder: Path) -> None:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~_MASK)
    # Last: a folder that is open still has open files in it.
    folder.chmod(0o700)


def _owner_only(folder: Path) -> None:
    grant = f"{getpass.getuser()}:(OI)(CI)F"
    command = ["icacls", str(folder), "/inheritance:r", "/grant:r", grant, "SYSTEM:(OI)(CI)F"]
    subprocess.run(command, check=True, capture_output=True, timeout=_LISTS_SECONDS)
