"""What is kept goes from files to a server and back without losing a letter, or not at all."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chainlit.context import init_http_context
from sqlalchemy import text

from hybrid.tracing.sql_store import SqlTraceStore
from rag.database.places import Place
from rag.errors import UserFacingError
from tandem import databases
from tandem.audit.chain import broken
from tandem.audit.log import AuditLog
from tandem.auth.collections import Folder, Made
from tandem.history.data_layer import SqlHistory
from tandem.keeping.moving import MoveError, move
from tandem.people.collections import Collections
from tandem.people.shares import Shares
from tandem.people.store import Store
from tandem.people.tables import usage
from tandem.settings import load
from tests.contracts.test_trace_stores import trace
from tests.support.postgres import Server
from tests.support.terminal import Tandem

FIXTURE = Path(__file__).parents[2] / "fixtures" / "tandem_0_1.zip"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a version 0.1 that went on being used, and in which a few things are odd."""
    home = tmp_path_factory.mktemp("used")
    (home / "tandem.yaml").write_text("models: {foundry: false}\n", encoding="utf-8")
    with zipfile.ZipFile(FIXTURE) as fixture:
        fixture.extractall(home, [name for name in fixture.namelist() if name.startswith(".tandem/")])
    data = home / ".tandem"
    settings = load(home / "tandem.yaml", {})
    traces, log = SqlTraceStore(databases.traces(settings)), AuditLog(databases.audit(settings))
    for number in range(600):
        traces.save(trace(f"{number} \0 \ud83d ğ 😀", "c", total_ms=number / 7))
        log.record("ada", "sign_in.ok", str(number))
    traces.close()
    log.close()
    store = Store(databases.people(settings))
    spent = {"key": "", "model": "m", "questions": 1, "tokens": 2, "seconds": 0.5, "money": 0.0, "escalated": 0}
    lines = [{"day": "2026-01-01", "person": f"person {number}", "refused": 0, **spent} for number in range(1200)]
    store.note(lambda db: db.execute(usage.insert(), lines))
    Shares(store).make("ada", "c", {"turns": ["\0 ğ"]}, title="t", people=[f"person {n}" for n in range(100)])
    pay = Made("-1", "Ğ 😀", ("hr",), (), (Folder("/docs", "ğ"),))
    Collections(store).put(pay, ["person 1"], 1)
    store.close()
    with closing(sqlite3.connect(data / "history.db")) as db, db:
        (thread,) = db.execute("SELECT id FROM threads").fetchone()
        add = "INSERT INTO steps (id, thread_id, created, searchable, record) VALUES (?, ?, ?, ?, ?)"
        for number in range(600):
            said = f'{{"id": "odd-{number}", "output":  "ü \\u0000 {number}", "n": [1.0, 1e400, null]}}'
            db.execute(add, (f"odd-{number}", thread, "2026-01-01T00:00:00Z", f"ü {number}", said))
    return data


@pytest.fixture
def kept(home: Path, used: Path) -> Path:
    """That directory, to do with as one likes: it takes seconds to come about."""
    return Path(shutil.copytree(used, home / ".tandem"))


def rows(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    for file in ("history.db", "traces.db", "audit.db", "people.db"):
        with closing(sqlite3.connect(data / file)) as db:
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                found[table] = sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    return found


def closed(*places: Sequence[Place]) -> None:
    for place in (place for group in places for place in group):
        place.close()


def test_there_and_back_nothing_is_lost(tandem: Tandem, home: Path, kept: Path, postgres: Server) -> None:
    server = postgres.new_database()
    there = tandem("data", "move", "--from", str(kept), "--to", server)
    assert there.exit_code == 0, there.exception
    back = tandem("data", "move", "--from", server, "--to", "back")
    assert back.exit_code == 0, back.exception
    assert there.stdout.splitlines()[:-1] == back.stdout.splitlines()[:-1]
    assert "steps: 6" in there.stdout and "traces: 6" in there.stdout
    before, after = rows(kept), rows(home / "back")
    noted = before["audit"][len(after["audit"]) :]
    assert [row[3] for row in before["audit"] if row not in after["audit"]] == ["export.move"] * 2, noted
    before["audit"] = after["audit"]
    assert before == after


def test_passages_go_along_where_they_are_to_lie_there(
    tandem: Tandem, home: Path, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tandem("index").exit_code == 0 and tandem("ask", "How many days of holiday?").exit_code == 0
    server = postgres.new_database()
    monkeypatch.setenv("TANDEM_STORAGE__DATABASE", server)
    monkeypatch.setenv("TANDEM_STORAGE__PASSAGES", "database")
    there = tandem("data", "move", "--from", ".tandem", "--to", server)
    assert there.exit_code == 0 and "documents: 3 rows" in there.stdout, there.exception
    assert "nothing changed; 3 documents" in tandem("index").stdout
    assert "leave.md" in tandem("search", "How many days of paid holiday are there?").stdout
    back = tandem("data", "move", "--from", server, "--to", "back")
    assert back.exit_code == 0 and "documents: 3 rows" in back.stdout, back.exception
    kept = [line for line in there.stdout.splitlines() if line.startswith(("documents", "passages", "features"))]
    assert len(kept) == 3 and all(line in back.stdout for line in kept)


def test_order_and_what_is_added_later(kept: Path, home: Path, postgres: Server) -> None:
    settings = load(home / "tandem.yaml", {})
    here, there = databases.places(settings), databases.places_at(postgres.new_database(), settings)
    move(here, there)
    log = AuditLog(there[2])
    log.record("bob", "sign_in.ok")
    entries = list(log.entries())
    assert broken(entries) == (601, entries[-1].hash, None)
    log.close()
    stores = [SqlTraceStore(place) for place in (here[1], there[1])]
    later = trace("later", "c")
    stores[1].save(later)
    assert [one["question"] for one in stores[1].recent("c", 6)][1:] == [
        one["question"] for one in stores[0].recent("c", 5)
    ]
    assert stores[1].costs("c")[:50] == stores[0].costs("c")[:50]
    for store in stores:
        store.close()
    closed(here, there)


def test_what_belongs_to_nothing_is_left_behind_and_what_is_broken_is_emptied(
    kept: Path, home: Path, postgres: Server
) -> None:
    with closing(sqlite3.connect(kept / "history.db")) as db, db:
        db.execute("UPDATE steps SET thread_id = 'gone' WHERE id IN ('odd-1', 'odd-2')")
        db.execute("UPDATE steps SET record = '{\"id\": \"odd' WHERE id = 'odd-3'")
        db.execute("UPDATE steps SET searchable = 'a' || char(0) || 'b' WHERE id = 'odd-4'")
    settings = load(home / "tandem.yaml", {})
    here, there = databases.places(settings), databases.places_at(postgres.new_database(), settings)
    moved = {one.table: one for one in move(here, there)}
    assert moved["steps"].left == 2 and moved["threads"].left == 0
    closed(here, there)


def test_data_that_is_there_is_not_written_over(tandem: Tandem, kept: Path, home: Path, postgres: Server) -> None:
    server = postgres.new_database()
    assert tandem("data", "move", "--from", str(kept), "--to", server).exit_code == 0
    error = tandem("data", "move", "--from", str(kept), "--to", server).exception
    assert isinstance(error, MoveError) and "is not written over" in str(error)
    error = tandem("data", "move", "--from", "nowhere", "--to", server).exception
    assert isinstance(error, UserFacingError) and "nothing at" in str(error)


def test_what_does_not_arrive_as_it_was_is_not_kept(kept: Path, home: Path, postgres: Server) -> None:
    settings = load(home / "tandem.yaml", {})
    here, there = databases.places(settings), databases.places_at(postgres.new_database(), settings)
    there[0].prepare()
    with there[0].engine.begin() as db:
        db.execute(
            text(
                "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN NEW.searchable = 'else'; RETURN NEW; END $$"
            )
        )
        db.execute(text("CREATE TRIGGER odd BEFORE INSERT ON steps FOR EACH ROW EXECUTE FUNCTION odd()"))
    with pytest.raises(MoveError, match="not all as they were"):
        move(here, there)
    with there[0].engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM threads")).scalar_one() == 0
    closed(here, there)


async def test_conversations_go_on_where_they_were_moved_to(kept: Path, home: Path, postgres: Server) -> None:
    settings = load(home / "tandem.yaml", {})
    here, there = databases.places(settings), databases.places_at(postgres.new_database(), settings)
    move(here, there)
    with there[0].engine.connect() as db:
        thread = db.execute(text("SELECT id FROM threads")).scalar_one()

    init_http_context()

    async def shown(place: Place) -> Any:
        history = SqlHistory.open(place, lambda: "local")
        step: Any = {"id": "new", "threadId": thread, "type": "user_message", "name": "local", "output": "new"}
        await history.create_step({**step, "createdAt": "2027-01-01T00:00:00Z"})
        found = await history.get_thread(thread)
        await history.close()
        assert found is not None
        return found["steps"]

    assert await shown(here[0]) == await shown(there[0])
    closed(here, there)
