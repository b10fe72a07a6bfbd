"""One server on one data directory: who has it says so, and the next one is told who.

Knows a lock that the system lets go of when its process ends, and a note beside it. Does not know what is kept there.
"""

from __future__ import annotations

import json
import os
from datetime import datetime

from filelock import BaseFileLock, FileLock, Timeout

from rag.errors import UserFacingError
from tandem.data_dir import DataDir
from tandem.private_files import keep_private, write_private


class InUseError(UserFacingError):
    """Another server has the data directory."""


def hold(files: DataDir, address: str) -> BaseFileLock:
    """Take the data directory for the server at `address`, until the process ends or the lock is released. Raises
    InUseError, which says who has it; UserFacingError where the directory takes no lock."""
    try:
        keep_private(files.path)
        lock = FileLock(files.lock, mode=0o600)
        lock.acquire(blocking=False)
    except Timeout:
        raise InUseError(
            f"Another server{_told(files)} has the data directory {files.path}, and two would delete each other's "
            "uploads; stop that one, or give this one its own with TANDEM_DATA_DIR."
        ) from None
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UserFacingError(
            f"The data directory {files.path} cannot be taken ({reason}); check its permissions and the disk."
        ) from None
    note = {"pid": os.getpid(), "address": address, "since": datetime.now().astimezone().isoformat(timespec="minutes")}
    try:
        write_private(files.lock_holder, json.dumps(note))
    except OSError:
        # Who has it is a courtesy; that somebody has it is what counts.
        pass
    return lock


def holder(files: DataDir) -> tuple[int, str, str] | None:
    """Process, address and start of the server that said last that it has the data directory; whether it still runs is
    not known here."""
    try:
        note = json.loads(files.lock_holder.read_bytes())
        return int(note["pid"]), str(note["address"])[:80], str(note["since"])[:40]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _told(files: DataDir) -> str:
    noted = holder(files)
    return f" (process {noted[0]}, {noted[1]}, since {noted[2]})" if noted else ""
