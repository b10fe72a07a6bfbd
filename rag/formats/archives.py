"""Archives (ZIP, TAR and packed forms) as folders: each file is read by its own reader, under its path.

Knows members and their bounds. Unpacks into memory only, follows no links, writes nothing to disk. Does not know the
formats of what is inside.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.parts import Parts

_MOST_FILES = 2_000
_LARGEST = 50_000_000
_MOST_UNPACKED = 300_000_000
_BROKEN = "The archive is damaged; pack it again."
_PASSWORD = "The archive is protected by a password; unpack it there."
_SKIPPED = ("__MACOSX", ".git")
_READING = (
    zipfile.BadZipFile, tarfile.TarError, OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError,
    zlib.error, lzma.LZMAError,
)  # fmt: skip


def read_zip(data: bytes) -> Extracted:
    """A ZIP archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if entries and all(entry.flag_bits & 1 for entry in entries):
                raise DocumentError(_PASSWORD)
            return _read((entry.filename, entry.file_size, lambda e=entry: _from_zip(archive, e)) for entry in entries)
    except _READING as error:
        raise DocumentError(_BROKEN) from error


def _from_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.flag_bits & 1:
        raise DocumentError(_PASSWORD)
    with archive.open(entry) as stream:
        return stream.read(_LARGEST + 1)


def read_tar(data: bytes) -> Extracted:
    """A TAR archive, packed or not."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            return _read(
                (member.name, member.size, lambda m=member: _from_tar(archive, m))
                for member in archive
                if member.isfile()
            )
    except _READING as error:
        raise DocumentError(_BROKEN) from error


def _from_tar(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read(_LARGEST + 1) if stream is not None else b""


def read_packed(data: bytes) -> Extracted:
    """One packed file (GZ, BZ2, XZ): a TAR archive, or else a text."""
    try:
        opened = gzip.open if data[:2] == b"\x1f\x8b" else bz2.open if data[:3] == b"BZh" else lzma.open
        with opened(io.BytesIO(data)) as stream:
            unpacked = stream.read(_MOST_UNPACKED + 1)
    except _READING as error:
        raise DocumentError(_BROKEN) from error
    if len(unpacked) > _MOST_UNPACKED:
        raise DocumentError(f"The file unpacks to more than {_MOST_UNPACKED // 1_000_000} MB; unpack it there.")
    if unpacked[257:262] == b"ustar":
        return read_tar(unpacked)
    from rag.formats.text import read_text

    return read_text(unpacked)


def _read(members: Iterator[tuple[str, int, object]]) -> Extracted:
    builder = Builder()
    parts = Parts(builder)
    count = left = unpacked = 0
    for name, size, read in members:
        path = PurePosixPath(one_line(name.replace("\\", "/")))
        if any(part.startswith((".", "~$")) or part in _SKIPPED for part in path.parts if part not in (".", "..")):
            continue
        count += 1
        unpacked += size
        if count > _MOST_FILES or unpacked > _MOST_UNPACKED:
            left += 1
            continue
        if size > _LARGEST:
            parts.note(str(path), f"has more than {_LARGEST // 1_000_000} MB; unpack it")
            continue
        try:
            data = read()  # type: ignore[operator]
        except DocumentError as error:
            parts.note(str(path), str(error).rstrip("."))
            continue
        except _READING:
            parts.note(str(path), "is damaged")
            continue
        parts.add(data, path.name, str(path), 1)
    if left:
        builder.notes.append(f"{left:,} more files in the archive were not read; unpack it.")
    if not builder.length and not builder.notes:
        raise DocumentError("The archive holds no files.")
    if not builder.length:
        raise DocumentError(f"Nothing in the archive could be read. {builder.notes[0]}")
    return builder.build()
