"""What kept a file from being opened, read or written, told apart: what cannot be done is not what is damaged.

Knows what the system, SQLite, PostgreSQL, SQLAlchemy and tantivy say of it, and a sentence for each kind. Does not know
what the files hold, nor what is done about it.
"""

from __future__ import annotations

import errno
import sqlite3
import zlib
from enum import StrEnum
from pathlib import Path

import regex


class Fault(StrEnum):
    """Why a file could not be used. Only DAMAGED says that something is wrong with what it holds."""

    FULL = "full"
    READ_ONLY = "read_only"
    FORBIDDEN = "forbidden"
    FAILING = "failing"
    LIMITED = "limited"
    LOCKED = "locked"
    MISSING = "missing"
    NO_FILE = "no_file"
    DAMAGED = "damaged"
    UNREACHABLE = "unreachable"
    OTHER = "other"


SAID = {
    Fault.FULL: "the disk is full; free some space and try again",
    Fault.READ_ONLY: "the disk or folder is read-only; make it writable and try again",
    Fault.FORBIDDEN: "this account may not use it; give it the right to read and write there, and try again",
    Fault.FAILING: "the disk reports an error; check the disk and its cables, and try again",
    Fault.LIMITED: "a quota or a limit on the size of files is reached; raise it or free some space, and try again",
    Fault.LOCKED: "another process is using it; wait until that is done and try again",
    Fault.MISSING: "it is not there; put it back or set another folder",
    Fault.NO_FILE: "something that is no such file lies in its place; move that away and try again",
    Fault.DAMAGED: "it is damaged; run `tandem index --verify`, which makes it anew from the documents",
    Fault.UNREACHABLE: "the database server does not answer; start it, or correct storage.database",
    Fault.OTHER: "it cannot be used; the server's log says why",
}
"""What happened and what to do next, the end of a sentence that begins with what could not be used."""


class DamagedFileError(sqlite3.DatabaseError):
    """What a file of SQLite's holds is damaged in a way that SQLite itself does not name."""


_BY_NUMBER = {
    errno.ENOSPC: Fault.FULL,
    errno.EROFS: Fault.READ_ONLY,
    errno.EACCES: Fault.FORBIDDEN,
    errno.EPERM: Fault.FORBIDDEN,
    errno.EIO: Fault.FAILING,
    errno.EFBIG: Fault.LIMITED,
    errno.EMFILE: Fault.LIMITED,
    errno.ENFILE: Fault.LIMITED,
    errno.EBUSY: Fault.LOCKED,
    errno.EAGAIN: Fault.LOCKED,
    errno.ETXTBSY: Fault.LOCKED,
    errno.ENOENT: Fault.MISSING,
    errno.EISDIR: Fault.NO_FILE,
    errno.ENOTDIR: Fault.NO_FILE,
    errno.ELOOP: Fault.NO_FILE,
} | {getattr(errno, name): fault for name, fault in (("EDQUOT", Fault.LIMITED),) if hasattr(errno, name)}
# Windows: sharing violation, lock violation, disk full, write-protected.
_BY_WINDOWS_NUMBER = {32: Fault.LOCKED, 33: Fault.LOCKED, 39: Fault.FULL, 112: Fault.FULL, 19: Fault.READ_ONLY}
_BY_SQLITE = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.FORBIDDEN,
    sqlite3.SQLITE_AUTH: Fault.FORBIDDEN,
    sqlite3.SQLITE_IOERR: Fault.FAILING,
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Fault.LOCKED,
    sqlite3.SQLITE_CANTOPEN: Fault.OTHER,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
}
# SQLite names no reason for these: the file itself is asked.
_TO_BE_ASKED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}
# PostgreSQL's states; the first two letters are the class. None of them says that something here could be made anew.
_BY_STATE = {
    "08": Fault.UNREACHABLE,
    "57P": Fault.UNREACHABLE,
    "28": Fault.FORBIDDEN,
    "42501": Fault.FORBIDDEN,
    "53100": Fault.FULL,
    "53": Fault.LIMITED,
    "25006": Fault.READ_ONLY,
    "40": Fault.LOCKED,
    "55P03": Fault.LOCKED,
    "57014": Fault.LOCKED,
    "58030": Fault.FAILING,
    "XX": Fault.FAILING,
}
# What is asked is always the same: it is what is there that changed.
_MISSHAPEN = ("no such column", "no such table")
_NUMBER = regex.compile(r"\bcode: (\d+), kind: |\(os error (\d+)\)")
_SAID_BY_TANTIVY = (
    ("lockbusy", Fault.LOCKED),
    ("data corrupt", Fault.DAMAGED),
    ("filedoesnotexist", Fault.DAMAGED),
    ("cannot be deserialized", Fault.DAMAGED),
    ("kind: invaliddata", Fault.DAMAGED),
    ("kind: unexpectedeof", Fault.DAMAGED),
    ("not a directory", Fault.NO_FILE),
)


def fault_of(error: BaseException, path: Path | None = None) -> Fault:
    """Why this failed. `path`, where given, is the file in question: it is asked where the error does not say."""
    cause: BaseException | None = error
    while cause is not None:
        fault = _fault_of(cause, path)
        if fault is not None:
            return fault
        cause = getattr(cause, "orig", None) or cause.__cause__
    return Fault.OTHER


def sentence(what: str, error: BaseException, path: Path | None = None) -> str:
    """One sentence for the person: `what` ("The traces at X cannot be written") and why, and what to do next."""
    fault = fault_of(error, path)
    said = SAID[fault]
    if fault is Fault.OTHER:
        said = f"{(str(error).splitlines() or [type(error).__name__])[0]}; check the disk and the rights, and try again"
    return f"{what}: {said}."


def _fault_of(error: BaseException, path: Path | None) -> Fault | None:
    if isinstance(error, OSError):
        windows = _BY_WINDOWS_NUMBER.get(getattr(error, "winerror", None) or 0)
        return windows or _BY_NUMBER.get(error.errno or 0)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, path)
    if type(error).__module__.partition(".")[0] == "psycopg":
        return _of_postgres(error)
    if isinstance(error, UnicodeDecodeError | zlib.error):
        return Fault.DAMAGED
    if type(error).__name__ == "PanicException":  # what tantivy meets in an index that it trusted
        return Fault.DAMAGED
    if isinstance(error, ValueError):
        return _of_tantivy(str(error))
    return None


def _of_sqlite(error: sqlite3.Error, path: Path | None) -> Fault | None:
    if isinstance(error, DamagedFileError):
        return Fault.DAMAGED
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Fault.DAMAGED if str(error).startswith("Could not decode to UTF-8") else None
    if code == sqlite3.SQLITE_ERROR and (str(error).startswith(_MISSHAPEN) or "has no column named" in str(error)):
        return Fault.DAMAGED
    fault = _BY_SQLITE.get(code & 0xFF)
    if code & 0xFF in _TO_BE_ASKED and path is not None:
        return asked(path) or fault
    return fault


def _of_postgres(error: BaseException) -> Fault | None:
    state = getattr(error, "sqlstate", None)
    if state is None:  # said by the driver: there is no connection, or no more
        broken = type(error).__name__ in ("OperationalError", "ConnectionTimeout", "InterfaceError")
        if broken and "authentication failed" in str(error):
            return Fault.FORBIDDEN
        return Fault.UNREACHABLE if broken else None
    return next((_BY_STATE[part] for part in (state, state[:3], state[:2]) if part in _BY_STATE), None)


def _of_tantivy(said: str) -> Fault | None:
    if found := _NUMBER.search(said):
        return _BY_NUMBER.get(int(found[1] or found[2]))
    folded = said.casefold()
    return next((fault for part, fault in _SAID_BY_TANTIVY if part in folded), None)


def asked(path: Path) -> Fault | None:
    """What hinders writing to the file at `path`, or making it: found out by trying, without changing anything."""
    trial = path.with_name(f".{path.name}.trial")
    try:
        if path.is_dir():
            return Fault.NO_FILE
        if path.exists():
            with path.open("r+b") as stream:
                stream.read(1)
        try:
            trial.write_bytes(bytes(65536))
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        return _fault_of(error, None)
    return None
