"""The places where tables may lie, and what is done there when something goes wrong.

A damaged SQLite file is set aside under a dated name and begun anew with what can be read of it; a server is waited
for. Knows how either is opened and what its errors mean. Does not know what the tables hold.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rag.database import sqlite_file
from rag.database.tables import Tables
from rag.faults import SAID, DamagedFileError, Fault, fault_of, sentence
from rag.text.unicode import whole

if TYPE_CHECKING:
    from sqlalchemy import Engine

_BUSY_SECONDS = 10.0
_CONNECT_SECONDS = 5
_LONGEST_STATEMENT_MS = 60_000
_TRUSTED_SECONDS = 0.5
_SINCE = "idle since"


class Place(Protocol):
    """Where the tables of one room lie. Safe to use from any thread."""

    @property
    def tables(self) -> Tables:
        """Those of the room."""

    @property
    def name(self) -> str:
        """For people and logs, without a password."""

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine, made when first asked for; nothing is opened by asking."""

    @property
    def at_once(self) -> Engine:
        """The same for what is read, or is one statement: none waits for another's end, so that a server is not told of
        a beginning and an end."""

    @property
    def on_server(self) -> bool:
        """Whether others may write there too, and a network lies between."""

    def prepare(self) -> str:
        """Make it usable; a sentence where something damaged was set aside for that, else "". Raises TooNewError, or
        what the place raises."""

    def mend(self, error: BaseException) -> bool:
        """Whether `error` came of damage, and a new file is there now. Raises what the place raises."""

    def close(self) -> None:
        """Let go of every connection."""

    def fault(self, error: BaseException) -> Fault:
        """Why something failed here."""

    def reason(self, error: BaseException) -> str:
        """The same for those who may not know where it lies."""

    def sentence(self, what: str, error: BaseException) -> str:
        """One sentence: `what` could not be done, why, and what to do next."""


@dataclass(frozen=True)
class Sqlite:
    """A SQLite file, for the tables of one room."""

    path: Path
    tables: Tables
    on_server: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return str(self.path)

    @cached_property
    def engine(self) -> Engine:
        from sqlalchemy import create_engine

        return create_engine(
            f"sqlite:///{self.path}", creator=self.connect, json_serializer=_as_json, json_deserializer=_read_json,
            hide_parameters=True,
        )  # fmt: skip

    @property
    def at_once(self) -> Engine:
        return self.engine

    def connect(self) -> sqlite3.Connection:
        """A connection without SQLAlchemy: to write where that can be done, else to read. Raises sqlite3.Error."""
        try:
            db = sqlite_file.connect(self.path, busy_seconds=_BUSY_SECONDS)
            db.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error as error:
            if not self.path.is_file() or fault_of(error, self.path) in (Fault.DAMAGED, Fault.LOCKED):
                raise
            db = sqlite_file.connect_reading(self.path)
        db.text_factory = sqlite_file.replacing
        # SQLite's own knows ASCII alone; a server's knows every letter.
        db.create_function("lower", 1, _lower, deterministic=True)
        return db

    def prepare(self) -> str:
        return sqlite_file.open_or_begin_anew(self.path, self._make)

    def _make(self, db: sqlite3.Connection) -> None:
        if self.tables.revision(db) != self.tables.head:
            from rag.database import making

            making.make_in_file(db, self.tables)

    def mend(self, error: BaseException) -> bool:
        cause = getattr(error, "orig", None) or error
        self.close()
        if not self.path.exists():
            self.prepare()
            return True
        return bool(sqlite_file.renew(self.path, self._make, self._misshapen() or cause))

    def _misshapen(self) -> DamagedFileError | None:
        """What is wrong with the columns, which SQLite takes as they are."""
        from rag.database import making

        try:
            with closing(sqlite_file.connect(self.path)) as db:
                if self.tables.revision(db) == self.tables.head:
                    sqlite_file.expect(db, lambda made: making.make_all(made, self.tables))
        except DamagedFileError as error:
            return error
        except (OSError, sqlite3.Error):
            pass  # the file as a whole is asked next
        return None

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()

    def fault(self, error: BaseException) -> Fault:
        return fault_of(error, self.path)

    def reason(self, error: BaseException) -> str:
        return sqlite_file.reason(error, self.path)

    def sentence(self, what: str, error: BaseException) -> str:
        return sentence(what, error, self.path)


class _WithoutFile:
    """What a place says of an error where no file can be looked at, nor made anew."""

    def mend(self, error: BaseException) -> bool:
        return False

    def fault(self, error: BaseException) -> Fault:
        return fault_of(error)

    def reason(self, error: BaseException) -> str:
        return SAID[self.fault(error)]

    def sentence(self, what: str, error: BaseException) -> str:
        return sentence(what, error)


@dataclass(frozen=True)
class Postgres(_WithoutFile):
    """A schema of a PostgreSQL server, for the tables of one room. `url` may hold a password and is never
    shown; `password` stands in its place. What is not `lasting` need not be on the server's disk when it is written."""

    url: str = field(repr=False)
    tables: Tables
    password: str = field(default="", repr=False)
    lasting: bool = True
    on_server: bool = field(default=True, init=False)

    @cached_property
    def name(self) -> str:
        from sqlalchemy import make_url

        url = make_url(self.url)
        host = f"{url.host or url.query.get('host') or 'localhost'}{f':{url.port}' if url.port else ''}"
        return f"postgresql://{host}/{url.database or ''}"

    @cached_property
    def engine(self) -> Engine:
        from sqlalchemy import create_engine, make_url

        url = make_url(self.url).set(drivername="postgresql+psycopg")
        engine = create_engine(
            url.set(password=self.password) if self.password else url,
            json_serializer=_as_json,
            json_deserializer=_read_json,
            hide_parameters=True,
            connect_args={
                "connect_timeout": _CONNECT_SECONDS,
                "application_name": "tandem",
                "options": f"-c search_path={self.tables.name} -c statement_timeout={_LONGEST_STATEMENT_MS}"
                + ("" if self.lasting else " -c synchronous_commit=off"),
            },
        )
        _try_the_idle(engine)
        return engine

    @cached_property
    def at_once(self) -> Engine:
        return self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def prepare(self) -> str:
        from rag.database import making

        with self.engine.begin() as connection:
            making.make_on_server(connection, self.tables)
        return ""

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.dispose()


@dataclass(frozen=True)
class Memory(_WithoutFile):
    """Nowhere: what is kept goes with the process. For side data, where there is no file."""

    tables: Tables
    name: str = field(default="memory", init=False)
    on_server: bool = field(default=False, init=False)

    @cached_property
    def engine(self) -> Engine:
        from sqlalchemy import NullPool, create_engine

        return create_engine("sqlite://", creator=self._connect, poolclass=NullPool, hide_parameters=True)

    @property
    def at_once(self) -> Engine:
        return self.engine

    def _connect(self) -> sqlite3.Connection:
        address = f"file:{self.tables.name}-{id(self)}?mode=memory&cache=shared"
        return sqlite3.connect(address, uri=True, check_same_thread=False)

    @cached_property
    def _kept(self) -> sqlite3.Connection:
        """Holds it: without a connection it would be gone."""
        return self._connect()

    def prepare(self) -> str:
        from rag.database import making

        making.make_in_file(self._kept, self.tables)
        return ""

    def close(self) -> None:
        self._kept.close()


def _try_the_idle(engine: Engine) -> None:
    """Have a connection that nobody used for a moment be tried before it is given out, and made anew where it is gone:
    trying every one costs as much as most of what is asked."""
    from sqlalchemy import event
    from sqlalchemy.exc import DisconnectionError

    def came_back(connection: object, record: Any) -> None:
        record.info[_SINCE] = time.monotonic()

    def is_wanted(connection: Any, record: Any, proxy: object) -> None:
        if time.monotonic() - record.info.get(_SINCE, math.inf) > _TRUSTED_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:  # the driver's own, which is only there where it is installed
                raise DisconnectionError from error

    event.listen(engine, "checkin", came_back)
    event.listen(engine, "checkout", is_wanted)


def _as_json(value: Any) -> str:
    return whole(json.dumps(value, ensure_ascii=False, default=str))


def _read_json(text: str | bytes) -> Any:
    """None for what a flipped byte made unreadable: it costs a record, not the conversation."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
