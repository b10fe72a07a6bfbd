"""A file that is looked through while it is in use stays whole, whoever else comes and goes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from rag.database import sqlite_file

ANOTHER = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("INSERT INTO kept VALUES (2)")
db.close()
"""


def make(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE IF NOT EXISTS kept (n)")


def test_another_process_that_comes_and_goes_takes_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    sqlite_file.open_or_begin_anew(path, make)
    with closing(sqlite_file.connect(path)) as held:
        held.execute("INSERT INTO kept VALUES (1)")
        held.commit()
        # As a page of the chat opens the accounts once more, beside those that are open.
        assert sqlite_file.open_or_begin_anew(path, make) == "" == sqlite_file.damage(path)
        subprocess.run([sys.executable, "-c", ANOTHER, str(path)], check=True, timeout=60)
        held.execute("INSERT INTO kept VALUES (3)")
        held.commit()
        with closing(sqlite3.connect(path)) as read:
            assert read.execute("SELECT n FROM kept ORDER BY n").fetchall() == [(1,), (2,), (3,)]
            assert read.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_is_no_database_is_damage_and_what_is_not_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    assert sqlite_file.damage(path) == ""
    path.write_bytes(b"no database at all" * 100)
    assert "not a database" in sqlite_file.damage(path)
    path.write_bytes(b"")
    assert sqlite_file.damage(path) == ""
    short = tmp_path / "short.db"
    short.write_bytes(b"short")
    assert "not a database" in sqlite_file.damage(short)
    assert short.read_bytes() == b"short"
