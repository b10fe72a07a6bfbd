"""A connection a thread to a PostgreSQL server, for statements as SQLite takes them.

Knows how a statement's places and errors differ, and that a connection which broke is made anew. Does not know what the
rows hold, nor the tables.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS, LONGEST_STATEMENT_MS = 5, 60_000
_ITERATED_AT_ONCE = 500


class ServerError(OSError):
    """What the server said of a statement, or that it said nothing: `__cause__` has it."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is; `password` stands in the place of the address's own."""

    address: str = field(repr=False)
    password: str = field(default="", repr=False)


class ServerConnection:
    """As far as the store needs it, what `sqlite3.Connection` is. Of one thread."""

    def __init__(self, server: Server, schema: str) -> None:
        """Raises ServerError."""
        self._server = server
        self._schema = schema
        self._held = False
        self._connect()

    def _connect(self) -> None:
        import psycopg

        options = f"-c search_path={self._schema} -c statement_timeout={LONGEST_STATEMENT_MS}"
        more: dict[str, Any] = {"password": self._server.password} if self._server.password else {}
        with _said():
            self._raw = psycopg.connect(
                self._server.address, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="tandem",
                options=options, **more,
            )  # fmt: skip
        # Whichever thread it was of is gone with it.
        self._end = weakref.finalize(self, self._raw.close)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        """Outside of `held`, asked again where the connection turns out to be broken. Raises ServerError."""
        translated = _translated(statement)
        try:
            with _said():
                return self._raw.execute(translated, values)
        except ServerError:
            if self._held or not self.broken:
                raise
        self._connect()
        with _said():
            return self._raw.execute(translated, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Raises ServerError."""
        with _said(), self._raw.cursor() as cursor:
            cursor.executemany(_translated(statement), rows)

    def iterate(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a large table, some at a time. Raises ServerError."""
        with _said(), self._raw.cursor(f"rows_{id(statement)}", withhold=True) as cursor:
            cursor.itersize = _ITERATED_AT_ONCE
            cursor.execute(_translated(statement))
            yield from cursor

    @contextmanager
    def held(self) -> Iterator[None]:
        """Until the end, statements go over this one connection or fail: they belong together."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    @property
    def broken(self) -> bool:
        """Whether nothing can be asked over it any more."""
        return bool(self._raw.closed or self._raw.broken)

    def close(self) -> None:
        self._end()


class ServerConnections:
    """Safe from any thread. What of SQLite's a server has no need for is answered as for a file that is well."""

    reading, checked = False, True

    def __init__(self, server: Server, schema: str, path: Path) -> None:
        """`path` stands for the library in sentences: its folder is where the rest of it lies."""
        self.path = path
        self.suspect = False
        self._arguments = (server, schema)
        self._local = threading.local()
        self._open: weakref.WeakSet[ServerConnection] = weakref.WeakSet()
        self._lock = threading.Lock()

    @property
    def current(self) -> ServerConnection:
        """This thread's connection. Raises ServerError."""
        connection: ServerConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = ServerConnection(*self._arguments)
            with self._lock:
                self._open.add(connection)
        return connection

    def read(self, query: str, rows: Sequence[int]) -> list[tuple[Any, ...]]:
        """The rows with these ids."""
        return self.current.execute(query.format(",".join("?" * len(rows))), list(rows)).fetchall() if rows else []

    def suspected(self, yes: bool) -> None:
        """Note that damage was met, for whoever checks next; or that it was checked."""
        self.suspect = yes

    def retry_writing(self) -> None:
        """A server is asked each time."""

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in list(self._open):
                connection.close()
        self._local = threading.local()


@lru_cache(maxsize=512)
def _translated(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


@contextmanager
def _said() -> Iterator[None]:
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise ServerError(str(error).strip() or type(error).__name__) from error
