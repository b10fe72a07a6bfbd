"""Where an installation keeps its tables: SQLite files in the data directory, or one PostgreSQL server.

Knows which room's tables lie where. Does not know what is in them; opens nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from hybrid.tracing.revisions import TABLES as TRACES
from rag.database.places import Place, Postgres, Sqlite
from rag.database.tables import Tables
from rag.errors import UserFacingError
from tandem.audit.revisions import TABLES as AUDIT
from tandem.history.revisions import TABLES as HISTORY
from tandem.settings import Settings


def history(settings: Settings) -> Place:
    """Where conversations are kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.history, HISTORY)


def traces(settings: Settings) -> Place:
    """Where traces are kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.traces, TRACES)


def audit(settings: Settings) -> Place:
    """Where the audit log is kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.audit, AUDIT)


def places(settings: Settings) -> tuple[Place, ...]:
    """All of them."""
    return history(settings), traces(settings), audit(settings)


def _place(settings: Settings, file: Path, tables: Tables) -> Place:
    url = settings.storage.database.get_secret_value()
    if not url:
        return Sqlite(file, tables)
    if find_spec("psycopg") is None:
        raise UserFacingError(
            "storage.database names a PostgreSQL server, whose driver is not installed: "
            "pip install 'tandem-assistant[postgres]'."
        )
    password = settings.storage.password
    return Postgres(url, tables, password.get_secret_value() if password else "")
