"""Reads one file into plain text, whatever its format.

Knows which reader a file's name calls for, and the size limit. Does not know passages or the library; reading happens
in the caller's process (`rag.workers` reads in a process of its own).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rag.errors import DocumentError
from rag.formats.extracted import Extracted
from rag.formats.html import read_html
from rag.formats.office import read_docx, read_pptx, read_xlsx
from rag.formats.pdf import read_pdf
from rag.formats.text import read_code, read_csv, read_markdown, read_text

MAX_BYTES = 100_000_000
MAX_CHARACTERS = 20_000_000

# Settings and data (YAML, JSON, XML) are not listed: they are read by programs, and would crowd out what people wrote.
_CODE = "py js ts tsx jsx java c h cc cpp hpp cs go rs rb php swift kt scala sh bash ps1 sql r lua pl css tex rst"
READERS: dict[str, Callable[[bytes], Extracted]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".text": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
    ".csv": read_csv,
    ".tsv": read_csv,
    **{f".{extension}": read_code for extension in _CODE.split()},
}


def readable(path: Path) -> bool:
    """Whether the library reads files with this name."""
    return path.suffix.lower() in READERS


def load(path: Path) -> Extracted:
    """The text of the file at `path`. Raises DocumentError with one sentence when there is none to be had."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(f"Files of type {path.suffix or 'without extension'} are not read.")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DocumentError(f"The file is {size / 1e6:,.0f} MB, more than {MAX_BYTES // 1_000_000} MB; split it.")
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"The file cannot be opened ({error.strerror or error}); check its permissions.") from error
    if not data.strip():
        raise DocumentError("The file is empty.")
    try:
        extracted = reader(data)
    except (RecursionError, UnicodeError, MemoryError) as error:
        raise DocumentError("The file is too deeply nested or damaged to be read; save it again.") from error
    if not extracted.text.strip():
        raise DocumentError("The file holds no text.")
    if len(extracted.text) > MAX_CHARACTERS:
        raise DocumentError(f"The file holds more than {MAX_CHARACTERS // 1_000_000} million characters; split it.")
    return extracted
