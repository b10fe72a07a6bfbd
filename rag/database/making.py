"""Tables made and brought to their newest revision, by Alembic's scripts or, in a new SQLite file, at once.

Knows revisions. Does not know where the database lies, nor what is done where it cannot be written.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import Connection, StaticPool, create_engine, event, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from rag.database.tables import FIRST, Tables, TooNewError

_LOCK = 7_228_351_064_553_106_291
"""Whose turn it is to change tables, on a server that several processes use."""


def make_in_file(db: sqlite3.Connection, tables: Tables) -> None:
    """Bring a SQLite file to the newest revision; one made before there were revisions counts as the first. All or
    nothing. Raises TooNewError or sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    revision = tables.revision(db)
    if revision is None:
        new = not tables.are_there(db)
        if new or tables.head == FIRST:
            make_all(db, tables)
        revision = tables.head if new else FIRST
        db.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    db.execute("DELETE FROM alembic_version")  # it says what no revision is where a byte was flipped
    db.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    db.execute(f"PRAGMA user_version = {int(revision)}")
    db.commit()
    if revision == tables.head:
        return
    engine = create_engine("sqlite://", creator=lambda: db, poolclass=StaticPool)
    # The driver's own transactions leave out what changes tables.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    before, db.isolation_level = db.isolation_level, None
    try:
        with engine.begin() as connection:
            upgrade(connection, tables)
            connection.exec_driver_sql(f"PRAGMA user_version = {int(tables.head)}")
    finally:
        db.isolation_level = before


def make_all(db: sqlite3.Connection, tables: Tables) -> None:
    """Make every table of a room, as the newest revision has it, where it is missing. Raises sqlite3.Error."""
    dialect = sqlite.dialect()
    for table in tables.metadata().sorted_tables:
        db.execute(str(CreateTable(table, if_not_exists=True).compile(dialect=dialect)))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            db.execute(str(CreateIndex(index, if_not_exists=True).compile(dialect=dialect)))
    for statement in tables.besides:
        db.execute(statement)


def make_on_server(connection: Connection, tables: Tables) -> None:
    """Bring the tables of one schema of a PostgreSQL server to the newest revision, in the transaction that has begun.
    Raises TooNewError or SQLAlchemyError."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    known = connection.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": tables.name}).first()
    if known is None:
        connection.execute(CreateSchema(tables.name))
    upgrade(connection, tables)


def upgrade(connection: Connection, tables: Tables) -> None:
    """Run the revisions that are missing, in the transaction that has begun. Raises TooNewError or SQLAlchemyError."""
    # Imported here: most starts have nothing to change, and Alembic takes half a second.
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(tables.migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    found = MigrationContext.configure(connection).get_current_revision()
    if found == tables.head:
        return
    try:
        if found is not None:
            ScriptDirectory.from_config(config).get_revision(found)
    except CommandError:
        raise TooNewError(found or "") from None
    command.upgrade(config, tables.head)


def run_here() -> None:
    """What every `env.py` does: run the revisions on the connection and in the transaction that are there."""
    from alembic import context

    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
    context.run_migrations()
