"""Reads one file into plain text, whatever its format.

Knows the size limit; `rag.formats.registry` knows the reader. Does not know passages or the library; reading happens
in the caller's process (`rag.ingest.workers` calls it in a process of its own).
"""

from __future__ import annotations

import stat
from hashlib import blake2b
from pathlib import Path

from rag.errors import DocumentError
from rag.formats import registry
from rag.formats.extracted import Extracted

VERSION = 3
"""Goes up when a format is read differently: every file is then read again."""
MAX_BYTES = 100_000_000


def load(path: Path) -> Extracted:
    """The text of the file at `path`. Raises DocumentError with one sentence when there is none to be had."""
    return parse(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises DocumentError when it is of no type that is read, too large, empty or not to be had."""
    registry.reader_for(path.name)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError("It is not a file but a folder, pipe or device; remove it or give it another name.")
        if status.st_size > MAX_BYTES:
            size = f"{status.st_size / 1e6:,.0f} MB"
            raise DocumentError(f"The file has {size}, more than {MAX_BYTES // 1_000_000} MB; split it.")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"The file cannot be opened ({error.strerror or error}); check its permissions.") from error
    if not data.strip():
        raise DocumentError("The file is empty.")
    return data


def parse(data: bytes, name: str) -> Extracted:
    """The text in `data`, read as the extension of `name` says. Raises DocumentError."""
    extracted = registry.read(data, name)
    if not extracted.text.strip():
        raise DocumentError("The file holds no text.")
    return extracted


def digest(data: bytes) -> str:
    """A fingerprint by which the same bytes are known again."""
    return blake2b(data, digest_size=16).hexdigest()
