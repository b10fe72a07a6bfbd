"""The files that people drop into conversations, and those they add to the library: kept beside it as they came.

Knows where such a file lies and under which name. A conversation's files have a folder of their own, so that they are
searched in that conversation only and go when it goes. Does not know what is in them.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import regex

from rag.errors import DocumentError
from rag.formats import registry
from rag.ingest.loader import MAX_BYTES
from rag.settings import UploadSettings

log = logging.getLogger(__name__)

_OWNER = ".conversation"
_PERSON = ".person"
_ARRIVING = ".arriving"
# No conversation's id begins so.
_LOST = "\ufffdlost/"
_UNSAFE = regex.compile(r"[\p{C}<>:\"/\\|?*]+")
_RESERVED = regex.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", regex.I)
_LONGEST = 120


class Uploads:
    """The files beside one library. Its methods may be called from any thread."""

    def __init__(self, data_dir: Path, quota: UploadSettings | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self._quota = quota or UploadSettings()
        self._lock = threading.Lock()
        self._arriving: dict[str, int] = {}
        self.added = self.data_dir / "added"
        """The folder of files that belong to the library itself."""
        self._conversations = self.data_dir / "uploads"

    def folders(self) -> list[Path]:
        """Every folder that holds such files."""
        found = [self.added] if self.added.is_dir() else []
        if self._conversations.is_dir():
            found += sorted(path for path in self._conversations.iterdir() if (path / _OWNER).exists())
        return found

    def folder(self, conversation: str) -> Path:
        """The folder of one conversation; it need not exist."""
        return self._conversations / blake2b(conversation.encode("utf-8", "replace"), digest_size=16).hexdigest()

    def conversation(self, root: str, likely: Callable[[], Iterable[str]] = tuple) -> str:
        """The conversation whose folder `root` is; "" for any other folder. Where the file that says so is damaged, it
        is written anew if the conversation is among the `likely` ones; else the name is one that no conversation has:
        nobody else may find what lies there.
        """
        path = Path(root)
        if path.parent != self._conversations:
            return ""
        with suppress(OSError, UnicodeDecodeError):
            said = (path / _OWNER).read_text(encoding="utf-8")
            if self.folder(said) == path:
                return said
        for conversation in likely():
            if self.folder(conversation) == path:
                log.warning("%s was damaged and is written anew.", path / _OWNER)
                with suppress(OSError):
                    _write(path / _OWNER, conversation)
                return conversation
        return f"{_LOST}{path.name}"

    def holds(self, root: str) -> bool:
        """Whether `root` is the folder of a conversation."""
        return Path(root).parent == self._conversations

    def person(self, conversation: str) -> str:
        """Who dropped files into a conversation, "" where it is not known."""
        try:
            return (self.folder(conversation) / _PERSON).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def deleted(self, root: str, *, elsewhere: bool = False) -> bool:
        """Whether `root` was the folder of a conversation that is gone. What another machine may hold (`elsewhere`) is
        not gone because it is not here."""
        there = Path(root).is_dir() if elsewhere else True
        return self.holds(root) and there and not (Path(root) / _OWNER).exists()

    @contextmanager
    def arriving(self, conversation: str, name: str, data: bytes, person: str) -> Iterator[Path]:
        """A file on its way into a conversation ("": into the library itself), to be read and then kept with `keep`; it
        is gone when the block ends, unless it was kept. Raises DocumentError for a type or size that is not read, and
        where the quota is used up; OSError where it cannot be written.
        """
        name = safe_name(name)
        registry.reader_for(name)
        if len(data) > MAX_BYTES:
            raise DocumentError(f"The file is larger than {MAX_BYTES // 1_000_000} MB; split it.")
        self._claim(person, len(data), (self.folder(conversation) if conversation else self.added) / name)
        folder = self._conversations / _ARRIVING / uuid4().hex
        try:
            folder.mkdir(parents=True)
            path = folder / name
            with path.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            yield path
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            with self._lock:
                self._arriving[person] -= len(data)
                if not self._arriving[person]:
                    del self._arriving[person]

    def keep(self, conversation: str, arrived: Path, person: str) -> Path:
        """Put a file that arrived into its conversation, in place of one of the same name; without a conversation into
        the library itself, beside one of the same name. Raises OSError."""
        if not conversation:
            return self.promote(arrived)
        folder = self.folder(conversation)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in ((_OWNER, conversation), (_PERSON, person)):
            if content and not _says(folder / name, content):
                _write(folder / name, content)
        path = folder / arrived.name
        arrived.replace(path)
        return path

    def _claim(self, person: str, size: int, instead: Path) -> None:
        """Count a file against the quotas while it arrives. Raises DocumentError where there is no room for it."""
        quota = self._quota
        with self._lock:
            if instead.parent == self.added:
                self._claim_added(size)
            elif quota.per_person_mb or quota.total_mb:
                total, own = self._used(person)
                with suppress(OSError):
                    freed = instead.stat().st_size
                    total, own = total - freed, own - freed
                total += sum(self._arriving.values()) + size
                own += self._arriving.get(person, 0) + size
                if person and quota.per_person_mb and own > quota.per_person_mb * 1_000_000:
                    raise DocumentError(
                        f"With it your conversations would hold {own / 1e6:,.0f} MB of files, and at most "
                        f"{quota.per_person_mb:,} MB may be; delete conversations whose files you no longer need."
                    )
                if quota.total_mb and total > quota.total_mb * 1_000_000:
                    raise DocumentError(
                        f"With it all conversations would hold {total / 1e6:,.0f} MB of files, and at most "
                        f"{quota.total_mb:,} MB may be; delete conversations that are no longer needed."
                    )
            self._arriving[person] = self._arriving.get(person, 0) + size

    def _claim_added(self, size: int) -> None:
        """Raises DocumentError where the library's own files leave no room for so many bytes."""
        most, total = self._quota.library_mb, size + sum(self._arriving.values())
        if self.added.is_dir():
            total += sum(path.stat().st_size for path in self.added.iterdir() if path.is_file())
        if most and total > most * 1_000_000:
            raise DocumentError(
                f"With it the files added to the library would hold {total / 1e6:,.0f} MB, and at most {most:,} MB may "
                "be; remove some of them."
            )

    def _used(self, person: str) -> tuple[int, int]:
        """Bytes of files in all conversations, and in those of one person."""
        total = own = 0
        for folder in self.folders():
            if folder == self.added:
                continue
            with suppress(OSError):
                size = sum(path.stat().st_size for path in folder.iterdir() if not path.name.startswith("."))
                total += size
                with suppress(FileNotFoundError):
                    own += size * ((folder / _PERSON).read_text(encoding="utf-8", errors="replace") == person)
        return total, own

    def find(self, conversation: str, name: str) -> Path:
        """Where a file of a conversation lies. Raises DocumentError when there is none of this name."""
        path = self.folder(conversation) / safe_name(name)
        if not path.is_file():
            raise DocumentError(f"There is no file {name!r} in this conversation; drop it there again.")
        return path

    def promote(self, source: Path) -> Path:
        """Move a conversation's file to the library's own; returns where it is now. Raises OSError."""
        self.added.mkdir(parents=True, exist_ok=True)
        target = self.added / source.name
        number = 1
        while target.exists() and target.read_bytes() != source.read_bytes():
            number += 1
            target = self.added / f"{source.stem} ({number}){source.suffix}"
        source.replace(target)
        return target

    def discard(self, name: str) -> None:
        """Delete one of the library's own files. Raises DocumentError where there is none of this name."""
        path = self.added / safe_name(name)
        if path.name != name or not path.is_file():
            raise DocumentError(f"There is no file {name!r} among those that were added here; reload the page.")
        path.unlink()

    def remove(self, conversation: str) -> None:
        """Delete all files of a conversation; first what says whose they are."""
        with suppress(FileNotFoundError):
            (self.folder(conversation) / _OWNER).unlink()
        with suppress(FileNotFoundError):
            shutil.rmtree(self.folder(conversation))


def _says(path: Path, content: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, content: str) -> None:
    """All of it or nothing."""
    part = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        part.write_text(content, encoding="utf-8")
        if path.is_dir():
            path.rename(part.with_name(f"{part.name}.damaged"))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """A file name that every system takes, from whatever a browser sent: no path, no control characters, not long."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    name = " ".join(_UNSAFE.sub(" ", name).split()).lstrip(".~ ").rstrip(". ")
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        stem, suffix = name, ""
    while len(stem.encode("utf-8", "replace")) > _LONGEST:
        stem = stem[:-1]
    name = f"{stem.rstrip() or 'file'}{dot}{suffix[:20]}"
    return f"_{name}" if _RESERVED.match(name) else name
