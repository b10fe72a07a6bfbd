"""One way to open every SQLite file that is kept: what is damaged is set aside under a dated name and begun anew.

Knows how SQLite says that a file is damaged, and how what can still be read is taken over. Only a failed check of the
file is damage: what cannot be opened or written stays as it is. Does not know what the files hold.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.faults import SAID, DamagedFileError, Fault, asked, fault_of

log = logging.getLogger(__name__)

_BESIDE = ("-wal", "-shm", "-journal")
_LOOKED_THROUGH_BYTES = 64_000_000
"""Up to this size a file is looked through whenever it is opened, which takes 2 ms a MB; larger ones where somebody met
damage."""

Prepare = Callable[[sqlite3.Connection], None]


def connect(path: Path, *, busy_seconds: float = 30.0, synchronous: str = "NORMAL") -> sqlite3.Connection:
    """A connection that other threads may close. Raises sqlite3.Error."""
    db = sqlite3.connect(path, timeout=busy_seconds, check_same_thread=False, cached_statements=64)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {synchronous}")
    except UnicodeDecodeError as error:  # SQLite quotes what it cannot read
        db.close()
        raise DamagedFileError("the list of its tables is damaged") from error
    except BaseException:
        db.close()
        raise
    return db


def connect_reading(path: Path) -> sqlite3.Connection:
    """A connection to a file that cannot be written, on a read-only or full disk. Raises sqlite3.Error."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    with suppress(sqlite3.Error):
        db = sqlite3.connect(address, uri=True, timeout=5.0, check_same_thread=False)
        try:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return db
        except sqlite3.Error:
            db.close()
    # SQLite needs a file beside it, which cannot be made. Nobody can write there, so it may be taken as it lies, unless
    # changes wait in such a file.
    waiting = path.with_name(f"{path.name}-wal")
    if waiting.exists() and waiting.stat().st_size:
        raise sqlite3.OperationalError("changes wait beside it")
    db = sqlite3.connect(f"{address}&immutable=1", uri=True, check_same_thread=False)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def replacing(data: bytes) -> str:
    """For `text_factory`: a flipped byte costs a letter, not the row."""
    return data.decode("utf-8", "replace")


def open_or_begin_anew(path: Path, prepare: Prepare) -> str:
    """Make the file usable: open or create it and `prepare` its tables. One that is damaged is set aside first, and
    what can be read of it is taken over. Returns a sentence that says so, "" where nothing was amiss.

    Raises sqlite3.Error or OSError where it cannot be opened or made; nothing is changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not path.is_dir():
            if small(path) and (said := renew(path, prepare)):
                return said
            _prepare(path, prepare)
            return ""
    except sqlite3.Error as error:
        if said := renew(path, prepare, error):
            return said
        raise
    return renew(path, prepare)


def small(path: Path) -> bool:
    """Whether there is a file that may be looked through at every start."""
    try:
        return path.is_file() and path.stat().st_size <= _LOOKED_THROUGH_BYTES
    except OSError:
        return False


def expect(db: sqlite3.Connection, make: Prepare) -> None:
    """Raises DamagedFileError where a table that `make` makes has other columns: a flipped byte in what SQLite keeps of
    it is no error to SQLite."""
    with closing(sqlite3.connect(":memory:")) as made:
        make(made)
        for (table,) in made.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith("sqlite_") and _columns(db, table) != _columns(made, table):
                raise DamagedFileError(f"the columns of its table {table} are damaged")


def _columns(db: sqlite3.Connection, table: str) -> set[tuple[object, ...]]:
    """Name, type, whether it must be given, and place in the key."""
    try:
        found = db.execute(f'PRAGMA table_info("{table}")').fetchall()
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"the columns of its table {table} are damaged") from error
    return {(row[1].casefold(), row[2].upper(), row[3], row[5]) for row in found}


def renew(path: Path, prepare: Prepare, error: BaseException | None = None) -> str:
    """Set the file aside and begin it anew, if it is damaged; a sentence that says so, "" where it is not. `error` is
    what made somebody doubt it. Raises as `open_or_begin_anew` does."""
    wrong = "a folder lies in its place" if path.is_dir() else damage(path, error)
    if not wrong:
        return ""
    aside = set_aside(path)
    _prepare(path, prepare)
    rows = salvage(aside, path) if aside.is_file() else 0
    said = f"{path} was damaged ({wrong}); it lies in {aside.name} now and was begun anew with {rows} rows of it."
    log.warning("%s", said)
    return said


def damage(path: Path, error: BaseException | None = None) -> str:
    """What is wrong with what the file holds, "" where nothing is or it cannot be told. `error`, where given, made
    somebody ask: where it speaks of something else than damage, the file is not looked through."""
    if isinstance(error, DamagedFileError):
        return str(error)
    if error is not None and fault_of(error) not in (Fault.DAMAGED, Fault.OTHER, Fault.NO_FILE):
        return ""
    if not path.is_file():
        return ""
    try:
        # By SQLite alone: whoever else opens and closes the file lets go of every lock that this process has on it, and
        # then another one takes away what is being written.
        with closing(sqlite3.connect(path, timeout=5.0)) as db:
            db.text_factory = replacing
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(1)")]
    except UnicodeDecodeError:
        return "the list of its tables is damaged"
    except sqlite3.Error as failed:
        return str(failed) if fault_of(failed) is Fault.DAMAGED else ""
    return "" if found[:1] == ["ok"] else (found or ["it cannot be checked"])[0].splitlines()[-1]


def set_aside(path: Path) -> Path:
    """Give a damaged file, with what SQLite keeps beside it, a dated name; returns it. Raises OSError."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.stem}.damaged-{moment}{path.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.damaged-{moment}-{number}{path.suffix}")
    path.rename(aside)
    for suffix in _BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def salvage(damaged: Path, into: Path) -> int:
    """Copy the rows that can be read of a damaged file into a new one with the same tables; returns how many. Never
    raises for what is damaged. The damaged file is read only.
    """
    count = 0
    try:
        with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as old:
            old.text_factory = replacing
            old.execute(
                "PRAGMA writable_schema = ON"
            )  # a table whose line in the list is damaged costs that table only
            with closing(sqlite3.connect(into, timeout=5.0)) as new, new:
                new.execute("PRAGMA foreign_keys = OFF")
                tables = [row[0] for row in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
                tables = [table for table in tables if not table.startswith("sqlite_")]
                for table in tables:
                    count += _salvage_table(old, new, table)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        log.warning("Of %s no more could be taken over: %s", damaged.name, error)
    return count


def _salvage_table(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    columns = [(row[1], row[2].upper(), row[5]) for row in new.execute(f'PRAGMA table_info("{table}")')]
    names = ", ".join(f'"{name}"' for name, *_ in columns)
    # A flipped byte in the name of a column costs nothing.
    there = [str(row[1]) for row in _rows(old, f'PRAGMA table_info("{table}")')]
    missing = [name for name, *_ in columns if name not in there]
    unknown = [name for name in there if name not in {name for name, *_ in columns}]
    called = dict(zip(missing, unknown, strict=True)) if len(missing) == len(unknown) else {}
    read = ", ".join(f'"{called.get(name, name)}"' for name, *_ in columns)
    written = {number for number, (_, kind, _) in enumerate(columns) if kind == "JSON"}
    key = ["rowid"]
    with suppress(sqlite3.Error):
        if "WITHOUT ROWID" in new.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]:
            key = [f'"{name}"' for name, _, part in sorted(columns, key=lambda column: column[2]) if part]
    marks = ", ".join("?" * len(columns))
    count = 0
    # From both ends up to the damage.
    for direction in ("ASC", "DESC"):
        order = ", ".join(f"{name} {direction}" for name in key)
        for row in _rows(old, f'SELECT {read} FROM "{table}" ORDER BY {order}'):
            if all(row[number] is None or _is_json(row[number]) for number in written):
                with suppress(sqlite3.IntegrityError):
                    count += new.execute(f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})', row).rowcount
    return count


def _rows(db: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    with suppress(sqlite3.Error, UnicodeDecodeError):
        yield from db.execute(query)


def _is_json(value: object) -> bool:
    try:
        json.loads(str(value))
    except ValueError:
        return False
    return True


@contextmanager
def connecting(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for a moment; what was changed is committed. Raises sqlite3.Error."""
    with closing(connect(path)) as db:
        yield db
        db.commit()


def _prepare(path: Path, prepare: Prepare) -> None:
    with connecting(path) as db:
        prepare(db)


def reason(error: BaseException, path: Path) -> str:
    """Why the file cannot be used, without its name: for those who may not know where it lies."""
    fault = fault_of(error, path)
    return SAID[fault if fault is not Fault.OTHER else asked(path) or fault]
