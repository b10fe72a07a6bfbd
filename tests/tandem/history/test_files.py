"""A file of conversations that is damaged, is none, or was made by a later version."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import chainlit as cl
import pytest
from chainlit.context import init_http_context
from sqlalchemy import Connection, text

from tandem.history.base import HistoryError
from tandem.history.data_layer import SqlHistory


def asking() -> str | None:
    return "ada"


@pytest.mark.parametrize("wrong", [b"this is no database, " * 100, None])
async def test_what_is_no_history_is_set_aside(tmp_path: Path, wrong: bytes | None) -> None:
    init_http_context()
    file = tmp_path / "history.db"
    if wrong is None:
        file.mkdir()
    else:
        file.write_bytes(wrong)
    history = SqlHistory.open(file, asking)
    await history.create_user(cl.User(identifier="ada"))
    step: Any = {"id": "s1", "threadId": "t1", "type": "user_message", "name": "ada", "output": "kept"}
    await history.create_step(step)
    thread = await history.get_thread("t1")
    assert thread is not None and [found["output"] for found in thread["steps"]] == ["kept"]
    await history.close()
    assert len(list(tmp_path.glob("history.damaged-*.db"))) == 1


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match="newer version of Tandem"):
        SqlHistory.open(file, asking)


@pytest.mark.parametrize("flipped", ["1001", "0000", "00\x101", "", "0", "00011"])
async def test_a_flipped_byte_makes_no_file_too_new(tmp_path: Path, flipped: str) -> None:
    init_http_context()
    file = tmp_path / "history.db"
    history = SqlHistory.open(file, asking)
    await history.create_user(cl.User(identifier="ada"))
    await history.close()
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = ?", (flipped,))
    history = SqlHistory.open(file, asking)
    assert await history.get_user("ada") is not None
    await history.close()
    assert not list(tmp_path.glob("history.damaged-*"))


async def test_what_can_never_be_written_holds_up_nothing(tmp_path: Path) -> None:
    init_http_context()
    history = SqlHistory.open(tmp_path / "history.db", asking)

    def never(db: Connection) -> None:
        db.execute(text("INSERT INTO elements (id, thread_id, record) VALUES ('e', 'nowhere', '{}')"))

    await history._db.write(never)
    step: Any = {"id": "s1", "threadId": "t1", "type": "user_message", "name": "ada", "output": "kept"}
    await history.create_step(step)
    assert await history._db.backlog.flush()
    assert history.problem == ""
    thread = await history.get_thread("t1")
    assert thread is not None and len(thread["steps"]) == 1
    await history.close()
