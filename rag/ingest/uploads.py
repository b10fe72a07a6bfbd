"""The files that people drop into conversations, and those they add to the library: kept beside it as they came.

Knows where such a file lies and under which name. A conversation's files have a folder of their own, so that they are
searched in that conversation only and go when it goes. Does not know what is in them.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import regex

from rag.errors import DocumentError
from rag.formats import registry
from rag.ingest.loader import MAX_BYTES

_OWNER = ".conversation"
_UNSAFE = regex.compile(r"[\p{C}<>:\"/\\|?*]+")
_RESERVED = regex.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", regex.I)
_LONGEST = 120


class Uploads:
    """The files beside one library. Its methods may be called from any thread."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.added = self.data_dir / "added"
        """The folder of files that belong to the library itself."""
        self._conversations = self.data_dir / "uploads"

    def folders(self) -> list[Path]:
        """Every folder that holds such files."""
        found = [self.added] if self.added.is_dir() else []
        if self._conversations.is_dir():
            found += sorted(path for path in self._conversations.iterdir() if (path / _OWNER).is_file())
        return found

    def folder(self, conversation: str) -> Path:
        """The folder of one conversation; it need not exist."""
        return self._conversations / blake2b(conversation.encode("utf-8", "replace"), digest_size=16).hexdigest()

    def scope(self, root: str) -> str:
        """The conversation whose folder `root` is; "" for any other folder."""
        path = Path(root)
        if path.parent != self._conversations:
            return ""
        return (path / _OWNER).read_text(encoding="utf-8")

    def holds(self, root: str) -> bool:
        """Whether `root` is the folder of a conversation."""
        return Path(root).parent == self._conversations

    def deleted(self, root: str) -> bool:
        """Whether `root` was the folder of a conversation that is gone."""
        return self.holds(root) and not (Path(root) / _OWNER).is_file()

    def put(self, conversation: str, name: str, data: bytes) -> Path:
        """Keep a file of a conversation, in place of one of the same name. Raises DocumentError for a type or size
        that is not read.
        """
        name = safe_name(name)
        registry.reader_for(name)
        if len(data) > MAX_BYTES:
            raise DocumentError(f"The file is larger than {MAX_BYTES // 1_000_000} MB; split it.")
        folder = self.folder(conversation)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _OWNER).write_text(conversation, encoding="utf-8")
        path = folder / name
        path.write_bytes(data)
        return path

    def promote(self, conversation: str, name: str) -> tuple[Path, Path]:
        """Move a conversation's file to the library's own; returns where it was and where it is. Raises DocumentError
        when there is none of this name.
        """
        source = self.folder(conversation) / safe_name(name)
        if not source.is_file():
            raise DocumentError(f"There is no file {name!r} in this conversation; drop it there again.")
        self.added.mkdir(parents=True, exist_ok=True)
        target = self.added / source.name
        number = 1
        while target.exists() and target.read_bytes() != source.read_bytes():
            number += 1
            target = self.added / f"{source.stem} ({number}){source.suffix}"
        source.replace(target)
        return source, target

    def remove(self, conversation: str) -> None:
        """Delete all files of a conversation."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.folder(conversation))


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
