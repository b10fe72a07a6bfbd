"""What a run has finished, on disk, so that the next run with the same plan goes on from there.

Knows a file of JSON lines that only grows: a line that was cut by a crash costs only itself. Does not know what the
entries mean.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rag.errors import UserFacingError

FILE = "state.jsonl"


class State:
    """Entries by key. What another plan left in the folder is dropped; `resumed` counts what was taken over."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._file = folder / FILE
        self._entries: dict[str, Any] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = self._file.read_bytes().splitlines() if self._file.exists() else []
            if _parsed(lines[0] if lines else b"") == ["plan", fingerprint]:
                self._entries = dict(entry for line in lines[1:] if (entry := _parsed(line)))
                with self._file.open("ab") as file:
                    file.write(b"\n")
            else:
                self._file.write_bytes(b"")
                self._append("plan", fingerprint)
        except OSError as error:
            raise UserFacingError(
                f"{folder} cannot be written ({error.strerror}); choose another folder with --out."
            ) from None
        self.resumed = len(self._entries)

    def get(self, key: str) -> Any:
        """What was put under the key, or None."""
        return self._entries.get(key)

    def put(self, key: str, value: Any) -> None:
        """Keep a JSON value; it is on disk when this returns."""
        self._entries[key] = value
        self._append(key, value)

    def finished(self) -> None:
        """The run is complete: the next one starts over."""
        self._file.unlink(missing_ok=True)

    def _append(self, key: str, value: Any) -> None:
        with self._file.open("ab") as file:
            file.write(json.dumps([key, value], ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _parsed(line: bytes) -> list[Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) else None
