"""What every room that keeps tables keeps to: one form, however a database came by it, and nothing lost on the way."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from hybrid.tracing.revisions import TABLES as TRACES
from rag.database.making import upgrade
from rag.database.places import Postgres, Sqlite
from rag.database.tables import FIRST, Tables
from tandem.audit.revisions import TABLES as AUDIT
from tandem.cluster.revisions import TABLES as CLUSTER
from tandem.history.revisions import TABLES as HISTORY
from tandem.people.revisions import TABLES as PEOPLE
from tests.support.postgres import Server

ROOMS = pytest.mark.parametrize("tables", [HISTORY, TRACES, AUDIT, PEOPLE, CLUSTER], ids=lambda tables: tables.name)
OF_BEFORE = pytest.mark.parametrize(("tables", "file"), [(HISTORY, "history.db"), (TRACES, "traces.db")])
FIXTURE = Path(__file__).parents[1] / "fixtures" / "tandem_0_1.zip"


def form(file: Path) -> set[tuple[str, str]]:
    """Every table's columns and every index, told alike however they were written down."""
    with closing(sqlite3.connect(file)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {(table, str(row[1:])) for table in tables for row in db.execute(f"PRAGMA table_info({table})")}
        found |= {(table, str(row[2:])) for table in tables for row in db.execute(f"PRAGMA foreign_key_list({table})")}
        for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master WHERE type <> 'table'"):
            found.add((f"{kind} {name}", " ".join((sql or "").replace('"', "").split())))
    return found


def rows(file: Path) -> dict[str, list[dict[str, object]]]:
    with closing(sqlite3.connect(file)) as db:
        db.row_factory = sqlite3.Row
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: [dict(row) for row in db.execute(f"SELECT rowid, * FROM {table}")] for table in tables}


@ROOMS
def test_a_new_file_has_the_form_that_the_revisions_lead_to(tables: Tables, tmp_path: Path) -> None:
    Sqlite(tmp_path / "new.db", tables).prepare()
    with create_engine(f"sqlite:///{tmp_path / 'led.db'}").begin() as connection:
        upgrade(connection, tables)
    assert form(tmp_path / "new.db") == form(tmp_path / "led.db")


@ROOMS
def test_a_server_has_what_the_tables_say(tables: Tables, postgres: Server) -> None:
    place = Postgres(postgres.database, replace(tables, name=f"form_of_{tables.name}"))
    place.prepare()
    place.prepare()
    with place.engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True})
        differences = [str(found) for found in compare_metadata(context, tables.metadata())]
    place.engine.dispose()
    assert [found for found in differences if "rowid" not in found] == []


@ROOMS
def test_the_newest_revision_is_named(tables: Tables) -> None:
    config = Config()
    config.set_main_option("script_location", str(tables.migrations))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [tables.head]
    assert scripts.get_base() == FIRST


@OF_BEFORE
def test_a_file_of_before_there_were_revisions_keeps_everything(tables: Tables, file: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(FIXTURE) as kept:
        kept.extract(f".tandem/{file}", tmp_path)
    path = tmp_path / ".tandem" / file
    before = rows(path)
    place = Sqlite(path, tables)
    assert place.prepare() == place.prepare() == ""
    after = rows(path)
    assert [row["version_num"] for row in after.pop("alembic_version")] == [tables.head]
    # A later revision may have added columns.
    assert {
        table: [{key: row[key] for key in was} for was, row in zip(before[table], after[table], strict=True)]
        for table in before
    } == before
    assert sum(map(len, before.values())) > 1
