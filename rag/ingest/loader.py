"""Reads one file into plain text, whatever its format.

Knows the size limit; `rag.formats.registry` knows the reader. Does not know passages or the library; reading happens
in the caller's process (`rag.ingest.workers` calls it in a process of its own).
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from rag.errors import DocumentError
from rag.formats import registry
from rag.formats.extracted import Extracted
from rag.formats.recognised import Recogniser

VERSION = 9
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


def parse(
    data: bytes, name: str, recogniser: Recogniser | None = None, problem: str = "pictures are not read"
) -> Extracted:
    """The text in `data`, read as the extension of `name` says, with notes on pages that are pictures: read by the
    `recogniser`, or not, because of `problem`. Raises DocumentError; PicturesOnly where only a recogniser could read.
    """
    extracted = registry.read(data, name, recogniser)
    notes = []
    if extracted.pictures:
        sure = sum(confidence for _, confidence in extracted.pictures) / len(extracted.pictures)
        pages = _listed([page for page, _ in extracted.pictures])
        notes.append(f"Read from a picture, {sure:.0%} sure: page {pages}.")
    if not extracted.text.strip():
        if extracted.unread:
            raise PicturesOnly(f"The file holds no text, only pictures; {problem}.", len(extracted.unread))
        looked = ", only pictures in which no words were found" if recogniser is not None else ""
        raise DocumentError(f"The file holds no text{looked}.")
    if extracted.unread:
        notes.append(f"No text on page {_listed(extracted.unread)}: {problem}.")
    return replace(extracted, notes=(*extracted.notes, *notes))


class PicturesOnly(DocumentError):
    """A file of `pages` pictures and no text."""

    def __init__(self, reason: str, pages: int) -> None:
        super().__init__(reason)
        self.pages = pages


def _listed(pages: Sequence[int]) -> str:
    return ", ".join(map(str, pages[:10])) + (" and more" if len(pages) > 10 else "")


def digest(data: bytes) -> str:
    """A fingerprint by which the same bytes are known again."""
    return blake2b(data, digest_size=16).hexdigest()
