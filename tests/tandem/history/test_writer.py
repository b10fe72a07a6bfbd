import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from tandem.history.writer import TOGETHER, Writer


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = create_engine(f"sqlite:///{tmp_path / 'rows.db'}")
    with made.begin() as db:
        db.execute(text("CREATE TABLE rows (number INTEGER PRIMARY KEY)"))
    return made


@pytest.fixture
async def writer(engine: Engine) -> AsyncIterator[Writer]:
    opened = Writer(engine)
    yield opened
    await opened.close()


def kept(engine: Engine) -> list[int]:
    with engine.connect() as db:
        return list(db.execute(text("SELECT number FROM rows ORDER BY rowid")).scalars())


def insert(db: Connection, number: int) -> int:
    db.execute(text("INSERT INTO rows VALUES (:number)"), {"number": number})
    return number


async def held_up(writer: Writer, go: threading.Event) -> asyncio.Task[bool]:
    """Keep the writer busy until `go`, so that what is asked for next waits together."""
    begun = threading.Event()

    def work(_: Connection) -> bool:
        begun.set()
        return go.wait(30)

    task = asyncio.create_task(writer.write(work))
    await asyncio.to_thread(begun.wait, 30)
    return task


async def test_what_waits_is_committed_together_and_in_order(writer: Writer, engine: Engine) -> None:
    commits = 0

    @event.listens_for(engine, "commit")
    def count(_: Connection) -> None:
        nonlocal commits
        commits += 1

    go = threading.Event()
    first = await held_up(writer, go)
    asked = [asyncio.create_task(writer.write(lambda db, n=n: insert(db, n))) for n in range(TOGETHER + 10)]  # type: ignore[misc]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*asked) == list(range(TOGETHER + 10))
    assert await first
    assert kept(engine) == list(range(TOGETHER + 10))
    assert commits == 3


async def test_one_that_cannot_be_done_costs_the_others_nothing(writer: Writer, engine: Engine) -> None:
    def broken(db: Connection) -> None:
        insert(db, 100)
        insert(db, 1)

    go = threading.Event()
    first = await held_up(writer, go)
    before = asyncio.create_task(writer.write(lambda db: insert(db, 1)))
    failing = asyncio.create_task(writer.write(broken))
    after = asyncio.create_task(writer.write(lambda db: insert(db, 2)))
    await asyncio.sleep(0)
    go.set()
    assert (await before, await after, await first) == (1, 2, True)
    with pytest.raises(SQLAlchemyError):
        await failing
    assert kept(engine) == [1, 2]


async def test_what_nobody_waits_for_any_more_is_kept_and_closing_waits_for_it(engine: Engine) -> None:
    writer = Writer(engine)
    go = threading.Event()
    first = await held_up(writer, go)
    asked = asyncio.create_task(writer.write(lambda db: insert(db, 1)))
    await asyncio.sleep(0)
    asked.cancel()
    go.set()
    await writer.close()
    assert first.done()
    assert kept(engine) == [1]
