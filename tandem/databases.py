"""Where an installation keeps its tables: SQLite files in the data directory, or one PostgreSQL server.

Knows which room's tables lie where. Does not know what is in them; opens nothing.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from pydantic import ValidationError

from hybrid.tracing.revisions import TABLES as TRACES
from rag.database.places import Place, Postgres, Sqlite
from rag.database.tables import Tables
from rag.errors import UserFacingError
from rag.storage.server_connections import Server
from tandem.audit.revisions import TABLES as AUDIT
from tandem.cluster.revisions import TABLES as CLUSTER
from tandem.history.revisions import TABLES as HISTORY
from tandem.people.revisions import TABLES as PEOPLE
from tandem.settings import Settings
from tandem.settings_storage import StorageSettings


def history(settings: Settings) -> Place:
    """Where conversations are kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.history, HISTORY)


def traces(settings: Settings) -> Place:
    """Where traces are kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.traces, TRACES)


def audit(settings: Settings) -> Place:
    """Where the audit log is kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.audit, AUDIT)


def people(settings: Settings) -> Place:
    """Where accounts are kept. Raises UserFacingError where the driver of a server is missing."""
    return _place(settings, settings.files.people, PEOPLE)


def cluster(settings: Settings) -> Place | None:
    """Where several processes know of one another; None where there is only one. Raises UserFacingError where the
    driver of a server is missing."""
    place = _place(settings, settings.files.path, CLUSTER)
    # Nothing of it outlives the processes.
    return replace(place, lasting=False) if isinstance(place, Postgres) else None


def passages(settings: Settings) -> Server | None:
    """The server that holds the passages; None for a file. Raises UserFacingError where its driver is missing."""
    if settings.storage.passages != "database":
        return None
    place = history(settings)
    assert isinstance(place, Postgres)
    return Server(place.url, place.password)


def places(settings: Settings) -> tuple[Place, ...]:
    """All of them."""
    return history(settings), traces(settings), audit(settings), people(settings)


def places_at(address: str, settings: Settings) -> tuple[Place, ...]:
    """All of them, somewhere else: on the server at a postgresql:// address, or in the data directory of that path.
    Raises UserFacingError."""
    return places(settings_at(address, settings))


def settings_at(address: str, settings: Settings) -> Settings:
    """The settings of an installation whose tables are at an address. Raises UserFacingError."""
    if "://" in address:
        try:
            database = StorageSettings.model_validate({"database": address}).database
        except ValidationError:
            raise UserFacingError(
                "That is no PostgreSQL database; write it like postgresql://tandem@db.example/tandem, with the "
                "password in TANDEM_STORAGE__PASSWORD."
            ) from None
        storage = settings.storage.model_copy(update={"database": database})
    else:
        storage = StorageSettings()
        settings = settings.model_copy(update={"data_dir": Path(address).expanduser().absolute()})
    return settings.model_copy(update={"storage": storage})


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
