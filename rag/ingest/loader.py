"""Reads one file into plain text, whatever its format.

Knows which reader a file's name calls for, and the size limit. Does not know passages or the library; reading happens
in the caller's process (`rag.ingest.workers` calls it in a process of its own).
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

from rag.errors import DocumentError
from rag.formats.extracted import Extracted

VERSION = 2
"""Goes up when a format is read differently: every file is then read again."""
MAX_BYTES = 100_000_000

# Settings and data (YAML, JSON, XML) are not listed: they are read by programs, and would crowd out what people wrote.
_CODE = "py js ts tsx jsx java c h cc cpp hpp cs go rs rb php swift kt scala sh bash ps1 sql r lua pl css tex rst"
_FAMILIES = {
    "text:read_markdown": "md markdown",
    "text:read_text": "txt text",
    "text:read_csv": "csv tsv",
    "text:read_code": _CODE,
    "html:read_html": "html htm xhtml",
    "pdf:read_pdf": "pdf",
    "office:read_docx": "docx",
    "office:read_pptx": "pptx",
    "office:read_xlsx": "xlsx",
    "epub:read_epub": "epub",
    "mail:read_eml": "eml",
}
# A reader is imported when the first file needs it: most programs that import this module read no Word document.
READERS = {f".{extension}": reader for reader, extensions in _FAMILIES.items() for extension in extensions.split()}
# Documents that people expect to be read, and what to do about them.
CONVERTIBLE = {
    ".doc": "DOCX",
    ".dot": "DOCX",
    ".rtf": "DOCX",
    ".odt": "DOCX",
    ".pages": "DOCX",
    ".ppt": "PPTX",
    ".odp": "PPTX",
    ".key": "PPTX",
    ".xls": "XLSX",
    ".ods": "XLSX",
    ".numbers": "XLSX",
    ".msg": "EML",
    ".mobi": "EPUB",
}


def readable(name: str) -> bool:
    """Whether the library takes notice of files with this name: it reads them, or says how they could be read."""
    suffix = Path(name).suffix.lower()
    return suffix in READERS or suffix in CONVERTIBLE


def load(path: Path) -> Extracted:
    """The text of the file at `path`. Raises DocumentError with one sentence when there is none to be had."""
    return parse(read_bytes(path), path.name)


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises DocumentError when it is of no type that is read, too large, empty or not to be had."""
    suffix = path.suffix.lower()
    if suffix in CONVERTIBLE:
        raise DocumentError(f"Files of type {suffix} are not read; save it as {CONVERTIBLE[suffix]}.")
    if suffix not in READERS:
        raise DocumentError(f"Files of type {suffix or 'without extension'} are not read; save it in another format.")
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
    module, function = READERS[Path(name).suffix.lower()].split(":")
    reader: Callable[[bytes], Extracted] = getattr(import_module(f"rag.formats.{module}"), function)
    try:
        extracted = reader(data)
    except (RecursionError, UnicodeError) as error:
        raise DocumentError("The file is too deeply nested or damaged to be read; save it again.") from error
    if not extracted.text.strip():
        raise DocumentError("The file holds no text.")
    return extracted


def digest(data: bytes) -> str:
    """A fingerprint by which the same bytes are known again."""
    return blake2b(data, digest_size=16).hexdigest()
