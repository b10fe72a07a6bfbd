"""Which room's tables lie where, and a server that goes away and comes back while people write."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import chainlit as cl
import pytest
from chainlit.context import init_http_context
from sqlalchemy import text

from hybrid.tracing.sql_store import SqlTraceStore
from rag.database import places
from rag.database.places import Postgres
from tandem import databases
from tandem.history.base import HistoryError
from tandem.history.data_layer import SqlHistory
from tandem.people.revisions import TABLES
from tandem.settings import Settings
from tests.contracts.test_trace_stores import trace
from tests.support.postgres import Server, running

PEOPLE = 20


def settings_of(folder: Path, url: str) -> Settings:
    return Settings.model_validate({"data_dir": folder, "storage": {"database": url}})


def test_everything_lies_on_the_server_or_in_files(tmp_path: Path, postgres: Server) -> None:
    assert [place.on_server for place in databases.places(Settings(data_dir=tmp_path))].count(True) == 0
    on_server = databases.places(settings_of(tmp_path, "postgresql://ada:hunter2@db.example:5433/tandem"))
    assert {place.name for place in on_server} == {"postgresql://db.example:5433/tandem"}
    assert "hunter2" not in repr(on_server)
    assert len({place.tables.name for place in on_server}) == len(on_server)


def said(name: str, thread: str) -> Any:
    return {"id": name, "threadId": thread, "type": "user_message", "name": "ada", "output": name}


async def test_a_server_that_restarts_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    init_http_context()
    with running() as server:
        settings = settings_of(tmp_path, server.new_database())
        history = SqlHistory.open(databases.history(settings), lambda: "ada")
        await history.create_user(cl.User(identifier="ada"))
        traces = SqlTraceStore(databases.traces(settings))
        traces.save(trace("before"))
        assert len(await asyncio.to_thread(traces.recent)) == 1

        async def talk(person: int, turns: range) -> None:
            for turn in turns:
                await history.create_step(said(f"{person}-{turn}", f"t{person}"))

        async def talk_all(turns: range) -> None:
            await asyncio.gather(*(talk(person, turns) for person in range(PEOPLE)))

        await talk_all(range(5))
        await asyncio.to_thread(server.stop)
        with caplog.at_level(logging.WARNING):
            await talk_all(range(5, 10))
            traces.save(trace("while it was away"))
            page = asyncio.create_task(history.get_thread("t0"))
            assert "does not answer" in history.problem
            await asyncio.to_thread(server.start)
            await talk_all(range(10, 15))
        shown = await page
        assert shown is not None and len(shown["steps"]) >= 10
        async with asyncio.timeout(60):
            while not await history._db.backlog.flush():  # noqa: ASYNC110  # it says whether all is written
                await asyncio.sleep(0)
        assert history.problem == ""
        for person in range(PEOPLE):
            found = await history.get_thread(f"t{person}")
            assert found is not None
            assert [step["id"] for step in found["steps"]] == [f"{person}-{turn}" for turn in range(15)]
        assert len(caplog.records) <= 6
        await asyncio.to_thread(traces.close)
        again = SqlTraceStore(databases.traces(settings))
        assert {found["question"] for found in again.recent()} == {"before", "while it was away"}
        again.close()
        await history.close()


async def test_a_server_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    init_http_context()
    with running() as server:
        settings = settings_of(tmp_path, server.new_database())
        server.stop()
        history = SqlHistory.open(databases.history(settings), lambda: "ada")
        traces = SqlTraceStore(databases.traces(settings))
        traces.save(trace("early"))
        assert "does not answer" in history.problem and "does not answer" in traces.problem
        await history.create_step(said("early", "t"))
        with pytest.raises(HistoryError, match="does not answer") as told:
            await history.get_thread("t")
        assert "hunter2" not in str(told.value)
        server.start()
        async with asyncio.timeout(60):
            while not await history._db.backlog.flush():  # noqa: ASYNC110  # it says whether all is written
                await asyncio.sleep(0)
        found = await history.get_thread("t")
        assert found is not None and [step["id"] for step in found["steps"]] == ["early"]
        assert history.problem == ""
        await history.close()
        await asyncio.to_thread(traces.close)
        again = SqlTraceStore(databases.traces(settings))
        assert [found["question"] for found in again.recent()] == ["early"]
        again.close()


async def test_who_signs_in_while_the_server_is_away_keeps_what_they_say(tmp_path: Path) -> None:
    init_http_context()
    with running() as server:
        settings = settings_of(tmp_path, server.new_database())
        before = SqlHistory.open(databases.history(settings), lambda: "bob")
        bob = await before.create_user(cl.User(identifier="bob"))
        await before.close()
        asking = ["ada"]
        history = SqlHistory.open(databases.history(settings), lambda: asking[0])
        await asyncio.to_thread(server.stop)
        for name in ("ada", "bob"):  # new here, and known there but not to this process
            asking[0] = name
            first = await history.create_user(cl.User(identifier=name))
            again = await history.get_user(name)
            assert first is not None and again is not None and first.id == again.id
            await history.update_thread(f"of {name}", name="A question", user_id=first.id)
            await history.create_step(said(f"by {name}", f"of {name}"))
        await asyncio.to_thread(server.start)
        asking[0] = "ada"
        assert await history.get_user("ada") is not None
        assert await history.create_user(cl.User(identifier="ada")) is not None
        async with asyncio.timeout(60):
            while not await history._db.backlog.flush():  # noqa: ASYNC110  # it says whether all is written
                await asyncio.sleep(0)
        for name in ("ada", "bob"):
            assert await history.get_thread_author(f"of {name}") == name
            found = await history.get_thread(f"of {name}")
            assert found is not None and [step["id"] for step in found["steps"]] == [f"by {name}"]
        known = await history.get_user("bob")
        assert bob is not None and known is not None and known.id == bob.id
        await history.close()


WRITES = """
import sys
from pathlib import Path
from hybrid.tracing.sql_store import SqlTraceStore
from hybrid.tracing.trace import Trace
from tandem.audit.log import AuditLog
store = SqlTraceStore(Path(sys.argv[1]))
store.save(Trace.start("q", "c"))
store.close()
print(store.problem, "sqlalchemy" in sys.modules)
"""


def test_a_question_in_the_terminal_does_not_wait_for_sqlalchemy(tmp_path: Path) -> None:
    file = tmp_path / "traces.db"
    SqlTraceStore(file).close()
    run = [sys.executable, "-c", WRITES, str(file)]
    done = subprocess.run(run, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
    again = SqlTraceStore(file)
    assert len(again.recent()) == 1
    again.close()


def test_a_connection_that_ended_while_nobody_used_it_is_made_anew(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_TRUSTED_SECONDS", 0.0)
    place, other = (Postgres(postgres.new_database(), TABLES) for _ in range(2))
    who = text("SELECT pg_backend_pid()")
    try:
        place.prepare()
        for engine in (place.engine, place.at_once):
            with engine.connect() as db:
                before = db.execute(who).scalar()
            with other.at_once.connect() as db:
                db.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": before})
            with engine.connect() as db:
                assert db.execute(who).scalar() not in (before, None)
    finally:
        place.close()
        other.close()
