"""Conversations, traces and the audit log copied from one database to another, and compared there.

Knows tables, their order and what a row is told by. Does not know what is in it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Connection, Table, text
from sqlalchemy.exc import SQLAlchemyError

from rag.database.places import Place
from rag.database.tables import TooNewError
from rag.errors import UserFacingError

_AT_ONCE = 500
_NUMBERED = {"steps", "traces"}
"""Rows of these have an order of their own, which SQLite keeps as `rowid` and a server as a column of that name."""
_MODULUS = 1 << 256

Progress = Callable[[str, int], None]


class MoveError(UserFacingError):
    """Nothing was moved."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A table that was copied: how many rows, a checksum over all that is in them, the same at both ends, and how many
    were left behind because what they belong to is gone (of a damaged file, not all could be read)."""

    table: str
    rows: int
    checksum: str
    left: int


def move(
    source: Sequence[Place], target: Sequence[Place], progress: Progress = lambda table, rows: None
) -> list[Moved]:
    """Copy the tables of each place to the one beside it, which must hold nothing yet, and compare both. Each place is
    copied as it is at one moment. Raises MoveError; then no table of that place was written."""
    for here, there in zip(source, target, strict=True):
        with _explained(here, "read"):
            here.prepare()
        with _explained(there, "written"):
            there.prepare()
            with there.engine.connect() as db:
                for table in there.tables.metadata().sorted_tables:
                    if _count(table, db):
                        raise MoveError(
                            f"There is data at {there.name} already ({table.name}), which is not written over; "
                            "name an empty place."
                        )
    moved = []
    for here, there in zip(source, target, strict=True):
        with _explained(there, "copied"), _as_of_now(here) as old, there.engine.begin() as new:
            if not there.on_server:
                new.exec_driver_sql("BEGIN IMMEDIATE")
            moved += [_copied(table, old, new, progress) for table in here.tables.metadata().sorted_tables]
    return moved


@contextmanager
def _as_of_now(place: Place) -> Iterator[Connection]:
    """A connection that sees nothing of what others write from now on."""
    with place.engine.connect() as db:
        if place.on_server:
            db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        else:
            db.exec_driver_sql("BEGIN")
        yield db


def _copied(table: Table, old: Connection, new: Connection, progress: Progress) -> Moved:
    names, insert = _names(table), _insert(table, new)
    count = sent = 0
    for rows in _rows(table, old):
        sent = sum(map(_mark, rows), sent) % _MODULUS
        new.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])
        count += len(rows)
        progress(table.name, count)
    if table.name in _NUMBERED and count and _is_server(new):
        new.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'rowid'), max(rowid)) FROM {table.name}")
        )
    arrived = there = 0
    for rows in _rows(table, new):
        there = sum(map(_mark, rows), there) % _MODULUS
        arrived += len(rows)
    if (arrived, there) != (count, sent):
        raise MoveError(
            f"Of {table.name}, {count} rows were sent and {arrived} arrived, not all as they were, so nothing was "
            "kept; stop whatever else writes there, and try again."
        )
    return Moved(table.name, count, f"{sent:064x}", _count(table, old) - count)


def _rows(table: Table, db: Connection) -> Iterator[list[tuple[Any, ...]]]:
    """All rows, a few at once, as any database would give and take them."""
    keys = ["rowid"] if table.name in _NUMBERED else [part.name for part in table.primary_key]
    names = _names(table)
    columns = ", ".join(f"CAST({name} AS TEXT)" if _is_json(table, name) else name for name in names)
    where = _belongs(table)
    order = ", ".join(f"{table.name}.{key}" for key in keys)
    beyond = f" AND ({order}) > ({', '.join(f':last{number}' for number in range(len(keys)))})"
    last: list[Any] = []
    while True:
        after = beyond if last else ""
        query = f"SELECT {columns} FROM {table.name} WHERE {where}{after} ORDER BY {order} LIMIT {_AT_ONCE}"
        rows = db.execute(text(query), {f"last{number}": value for number, value in enumerate(last)}).all()
        if not rows:
            return
        last = [rows[-1][names.index(key)] for key in keys]
        yield [
            tuple(_clean(value, _is_json(table, name)) for name, value in zip(names, row, strict=True)) for row in rows
        ]


def _belongs(table: Table) -> str:
    """The condition by which a row belongs to something that is there, which belongs to something, and so on."""
    parts = ["TRUE"]
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
        above, name = key.column.table, f"{table.name}.{key.parent.name}"
        there = f"SELECT 1 FROM {above.name} WHERE {above.name}.{key.column.name} = {name} AND {_belongs(above)}"
        parts.append(f"({name} IS NULL OR EXISTS ({there}))")
    return " AND ".join(parts)


def _insert(table: Table, db: Connection) -> Any:
    names = _names(table)
    values = [f"CAST(:{name} AS JSON)" if _is_json(table, name) and _is_server(db) else f":{name}" for name in names]
    return text(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(values)})")


def _names(table: Table) -> list[str]:
    return [*(["rowid"] if table.name in _NUMBERED else []), *(part.name for part in table.columns)]


def _is_json(table: Table, name: str) -> bool:
    return name in table.columns and isinstance(table.columns[name].type, JSON)


def _is_server(db: Connection) -> bool:
    return db.dialect.name == "postgresql"


def _clean(value: Any, is_json: bool) -> Any:
    """The value as every database takes it; JSON that a flipped byte made unreadable is nothing."""
    if not isinstance(value, str):
        return value
    value = value.replace("\0", "\ufffd")
    if is_json:
        try:
            json.loads(value)
        except ValueError:
            return "null"
    return value


def _mark(row: tuple[Any, ...]) -> int:
    """A number for what is in a row; their sum is the same in whichever order rows come."""
    return int.from_bytes(hashlib.sha256(json.dumps(row, ensure_ascii=True).encode("ascii")).digest(), "big")


def _count(table: Table, db: Connection) -> int:
    return int(db.execute(text(f"SELECT count(*) FROM {table.name}")).scalar_one())


@contextmanager
def _explained(place: Place, done: str) -> Iterator[None]:
    try:
        yield
    except TooNewError:
        raise MoveError(f"{place.name} was written by a newer version of Tandem; update Tandem.") from None
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise MoveError(place.sentence(f"What is kept at {place.name} cannot be {done}", error)) from error
