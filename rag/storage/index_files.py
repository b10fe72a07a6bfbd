"""The files of a search index as they lie on the disk: whether they are whole, and how they are read where nobody may
write.

Knows tantivy's list of segments and the checksum at the end of every file. Does not know terms or passages.
"""

from __future__ import annotations

import json
import shutil
import struct
import tempfile
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

_FOOTER_MAGIC = 1337
_PART = 1 << 22
_VERSION_KEYS = {"major", "minor", "patch", "index_format_version"}
_PARTS = ("idx", "term", "fast", "fieldnorm", "store")
_SEARCHED = (".idx", ".term", ".fast", ".fieldnorm")


class Look:
    """Looks through the files of an index by their checksums, in a thread of its own: a search over damaged ones finds
    nothing, or the wrong thing, without a word."""

    def __init__(self, directory: Path) -> None:
        self._problem = ""
        self._directory = directory
        self._thread = threading.Thread(target=self._look, name="look through the index", daemon=True)
        self._began = time.monotonic()
        self._thread.start()

    def problem(self, seconds: float) -> str:
        """What is wrong with them, "" if nothing, or if that cannot be said after so many seconds."""
        self._thread.join(seconds)
        return self._problem

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def _look(self) -> None:
        self._problem = problem(self._directory)


def sizes(directory: Path) -> dict[Path, int]:
    """How long the files are that searches read. Raises OSError."""
    return {path: path.stat().st_size for path in directory.iterdir() if path.suffix in _SEARCHED}


def cut_short(sizes: dict[Path, int]) -> bool:
    """Whether one of these files is shorter than it was: to read where its end was would end the process."""
    for path, size in sizes.items():
        try:
            if path.stat().st_size < size:
                return True
        except OSError:  # merged away: what was opened can still be read
            continue
    return False


def problem(directory: Path) -> str:
    """What is wrong with the files of an index, "" if nothing, or if they cannot be read: that is no damage."""
    meta = directory / "meta.json"
    with suppress(OSError):
        if folder := next((path.name for path in sorted(directory.iterdir()) if path.is_dir()), ""):
            return f"a folder lies in the place of its file {folder}"
    try:
        listed = json.loads(meta.read_text(encoding="utf-8"))["segments"]
        segments = [s["segment_id"].replace("-", "") for s in listed]
        deleted = [(name, s["deletes"]) for name, s in zip(segments, listed, strict=True) if s.get("deletes")]
        deletions = {f"{name}.{one['opstamp']}.del" for name, one in deleted}
        managed = directory / ".managed.json"
        if managed.exists() and not isinstance(json.loads(managed.read_text(encoding="utf-8")), list):
            return "its list of files is damaged"
    except OSError:
        return ""
    except (ValueError, KeyError, TypeError, AttributeError):
        return "its list of files is damaged"
    with suppress(OSError):
        there = {path.name: path for path in directory.iterdir()}
        for name, path in sorted(there.items()):
            # A commit that was killed may have left other deletions: they count for nothing.
            counts = name in deletions or not name.endswith(".del")
            if counts and name.partition(".")[0] in segments and not _footer_holds(path):
                return f"its file {name} is damaged"
        wanted = [f"{segment}.{part}" for segment in segments for part in _PARTS]
        # A merge may have taken it away meanwhile, and the list with it.
        if (gone := next((name for name in wanted if name not in there), "")) and _lists(meta, gone.partition(".")[0]):
            return f"its file {gone} is missing"
    return ""


def _lists(meta: Path, segment: str) -> bool:
    with suppress(OSError):
        return segment in meta.read_text(encoding="utf-8", errors="replace").replace("-", "")
    return False


def linked(directory: Path) -> Path:
    """A folder elsewhere that stands for an index in a folder that cannot be written: tantivy makes a lock beside what
    it reads. Raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-index-"))
    for path in directory.iterdir():
        if path.suffix == ".lock":
            continue
        try:
            (folder / path.name).symlink_to(path.resolve())
        except OSError:  # Windows lets few people make links
            shutil.copyfile(path, folder / path.name)
    return folder


def _footer_holds(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 8))
            length, magic = struct.unpack("<II", stream.read(8))
            if magic != _FOOTER_MAGIC or length + 8 > size:
                return False
            stream.seek(size - 8 - length)
            footer = json.loads(stream.read(length))
            expected = footer["crc"]
            if footer["version"].keys() != _VERSION_KEYS:
                return False
            stream.seek(0)
            left, crc = size - 8 - length, 0
            while left > 0 and (part := stream.read(min(_PART, left))):
                crc = zlib.crc32(part, crc)
                left -= len(part)
            return bool(crc == expected)
    except OSError:
        return True  # merged away meanwhile, or it cannot be read
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        return False
