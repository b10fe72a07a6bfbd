"""Old binary formats of office programs (DOC, XLS, PPT and their kin), through LibreOffice where it is installed.

Knows how to find LibreOffice and how to have a copy saved in a format that is read. Knows no old format itself. The
program runs without macros, in a folder of its own, and is ended when it takes too long.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import olefile

from rag.errors import DocumentError
from rag.formats.extracted import Extracted
from rag.formats.presentation import read_pptx
from rag.formats.rich_text import read_rtf
from rag.formats.spreadsheet import read_xlsx
from rag.formats.wordprocessing import read_docx

_OLE = b"\xd0\xcf\x11\xe0"
_STREAMS = {"WordDocument", "Workbook", "Book", "PowerPoint Document", "CONTENTS", "MatOST"}
_SECONDS = 25.0
_PLACES = (
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "C:/Program Files/LibreOffice/program/soffice.exe",
    "C:/Program Files (x86)/LibreOffice/program/soffice.exe",
)


def read_doc(data: bytes) -> Extracted:
    """An old Word document."""
    if data.lstrip().startswith(b"{\\rtf"):
        return read_rtf(data)
    return _through(data, "doc", "docx", read_docx)


def read_xls(data: bytes) -> Extracted:
    """An old or binary workbook."""
    return _through(data, "xls", "xlsx", read_xlsx)


def read_ppt(data: bytes) -> Extracted:
    """An old presentation."""
    return _through(data, "ppt", "pptx", read_pptx)


def _through(data: bytes, old: str, new: str, reader: Callable[[bytes], Extracted]) -> Extracted:
    """What `reader` reads in a copy of the file that LibreOffice saved in a format of today."""
    if data.startswith(b"PK") and not data.startswith(_OLE):
        return reader(data)  # a file of today under an old name
    if not data.startswith(_OLE):
        raise DocumentError(f"The file is no {old.upper()} document although its name says so; check its extension.")
    try:
        kinds = _streams(data)
    except Exception as error:  # the library raises whatever a damaged part makes it stumble over
        advice = f"open it in its program and save it as {new.upper()}"
        raise DocumentError(f"The {old.upper()} file is damaged; {advice}.") from error
    if "EncryptedPackage" in kinds:
        raise DocumentError(f"The file is protected by a password; save a copy without one as {new.upper()}.")
    if kinds.isdisjoint(_STREAMS):
        raise DocumentError(f"The file is no {old.upper()} document although its name says so; check its extension.")
    program = libreoffice()
    if not program:
        raise DocumentError(
            f"Files of type .{old} are read through LibreOffice, which is not installed here; install it and read the "
            f"file again, or save it as {new.upper()}."
        )
    with tempfile.TemporaryDirectory(prefix="tandem-", ignore_cleanup_errors=True) as folder:
        source = Path(folder) / f"document.{old}"
        source.write_bytes(data)
        _convert(program, source, new)
        made = source.with_suffix(f".{new}")
        if not made.is_file():
            raise DocumentError(
                f"LibreOffice could not read the file: it is damaged or has a password; save it as {new.upper()}."
            )
        return reader(made.read_bytes())


def _streams(data: bytes) -> set[str]:
    """The names of what lies in a compound file."""
    with olefile.OleFileIO(io.BytesIO(data)) as file:
        return {entry[-1] for entry in file.listdir()}


@cache
def libreoffice() -> str:
    """Where LibreOffice lies; "" where it is not installed."""
    found = shutil.which("soffice") or shutil.which("libreoffice")
    return found or next((place for place in _PLACES if Path(place).is_file()), "")


def _convert(program: str, source: Path, new: str) -> None:
    profile = (source.parent / "profile").as_uri()
    command = [
        program, f"-env:UserInstallation={profile}", "--headless", "--norestore", "--nolockcheck", "--convert-to", new,
        "--outdir", str(source.parent), str(source),
    ]  # fmt: skip
    with _more_addresses():
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    with process:
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            _end(process)
            raise DocumentError("LibreOffice took too long over the file; save it in a format of today.") from None
        except BaseException:
            _end(process)
            raise


@contextmanager
def _more_addresses() -> Iterator[None]:
    """The memory limit of the process that reads is counted in addresses, of which LibreOffice maps many: a program
    that is started meanwhile has none.
    """
    if sys.platform == "win32":
        yield
        return
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (limits[1], limits[1]))
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, limits)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, 9)
    with suppress(OSError, subprocess.TimeoutExpired):
        process.wait(5)
