"""Processes that know of one another: who leads, who is dead, what is learnt and chosen at one counts at the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.errors import ModelError
from rag.database.places import Postgres
from tandem.cluster import member as members
from tandem.cluster.member import INDEXING, ClusterError, Member
from tandem.cluster.revisions import TABLES
from tandem.cluster.running import RunningAnswers, Written
from tandem.context import AppContext
from tandem.settings import load
from tests.support.postgres import Server, running
from tests.support.several import within

DOWN = ModelError("down", kind="refused")


@pytest.fixture
def make(postgres: Server) -> Iterator[Callable[..., Member]]:
    """Makes members of the same installation."""
    database, stack = postgres.new_database(), ExitStack()

    def made(secret: str = "") -> Member:
        one = Member(Postgres(database, replace(TABLES)), lambda: secret)
        stack.callback(one.close)
        one.check()
        one.start()
        return one

    with stack:
        yield made


def test_one_leads_and_another_when_it_is_gone(make: Callable[..., Member]) -> None:
    first, second = make(), make()
    first.lead(INDEXING)
    assert within(60, lambda: first.leads(INDEXING))
    second.lead(INDEXING)
    told = threading.Event()
    second.hear("news", lambda what: told.set() if what == {"number": 7} else None)
    first.tell("news", number=7)
    assert told.wait(60) and not second.leads(INDEXING)
    first.close()
    assert within(60, lambda: second.leads(INDEXING))


def test_who_dies_is_found_dead_and_leads_no_more(make: Callable[..., Member], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "_GRACE_SECONDS", 0.5)
    first, second = make(), make()
    first.lead(INDEXING)
    assert within(60, lambda: first.leads(INDEXING))
    second.lead(INDEXING)
    answers = RunningAnswers(second)
    RunningAnswers(first).keep([Written("m", "t", "ada", first.id, {"id": "m"}, {"id": "e"})], {}, [])
    assert [one.message for one in answers.in_thread("t")] == ["m"] and answers.orphans() == []
    # As a process that is killed: its connection ends, and it says nothing any more.
    over = threading.Event()
    monkeypatch.setattr(first, "_be_there", lambda db: over.wait(60))
    with second.place.engine.begin() as db:
        others = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = "
        db.exec_driver_sql(others + str(first._number))
    assert within(60, lambda: second.leads(INDEXING))
    assert within(60, lambda: [one.person for one in answers.orphans()] == ["ada"])
    over.set()


def test_two_secrets_over_one_database_are_refused(make: Callable[..., Member]) -> None:
    make("one")
    assert within(60, lambda: _is_refused(make))
    make("one")


def _is_refused(make: Callable[..., Member]) -> bool:
    try:
        make("another").close()
    except ClusterError as error:
        return "same CHAINLIT_AUTH_SECRET" in str(error)
    return False


async def test_what_is_learnt_and_chosen_at_one_counts_at_the_other(tmp_path: Path, postgres: Server) -> None:
    database = postgres.new_database()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        endpoint = "{name: gone, base_url: 'http://127.0.0.1:9/v1'}"
        text = f"documents: papers\nmodels: {{foundry: false, endpoints: [{endpoint}]}}\n"
        (tmp_path / name / "tandem.yaml").write_text(text, encoding="utf-8")
    given = {"TANDEM_STORAGE__DATABASE": database}
    here, there = (AppContext.open(load(tmp_path / name / "tandem.yaml", given)) for name in ("a", "b"))
    try:
        for one in (here, there):
            await one.start(index=False)
            assert one.member is not None
            assert await eventually(one.member.listens)
        (ours,), (theirs,) = list(here.engine._breakers()), list(there.engine._breakers())
        for _ in range(3):
            ours.failed(DOWN, ours.check())
        for _ in range(5):
            here.engine.reliability.learn("phi-4-mini", True)
        await here.choose_models(None, "", "small", "large")
        assert await eventually(lambda: theirs.open)
        assert await eventually(lambda: there.engine.reliability.trusted("phi-4-mini"))
        assert await eventually(
            lambda: (there.settings.models.draft, there.settings.models.refine) == ("small", "large")
        )
        assert there.settings.files.chosen_models.is_file()
    finally:
        await here.close()
        await there.close()


async def eventually(holds: Callable[[], bool]) -> bool:
    for _ in range(600):
        if holds():
            return True
        await asyncio.sleep(0.1)
    return holds()


def test_an_answer_goes_on_where_the_others_know_of_it_and_is_told_anew_where_they_do_not(
    make: Callable[..., Member],
) -> None:
    first, second = RunningAnswers(make()), RunningAnswers(make())
    begun = [Written(name, "t", "ada", first.mine, {"id": name}, {"id": f"e{name}"}) for name in ("m", "n")]
    assert first.keep(begun, {}, []) == set()
    moved = {"id": "m", "output": "so far \ud800\0"}
    assert first.keep([], {"m": moved, "gone": {"id": "gone"}}, ["n"]) == {"gone"}
    (one,) = second.in_thread("t")
    assert (one.message, one.step["id"], one.element) == ("m", "m", {"id": "em"})
    assert one.step["output"].startswith("so far ")
    assert first.keep([Written("m", "t", "ada", first.mine, {"id": "m"}, {"id": "new"})], {}, []) == set()
    assert [one.element for one in second.in_thread("t")] == [{"id": "new"}]


def test_after_the_database_was_away_nobody_is_taken_for_dead() -> None:
    with running() as postgres, ExitStack() as stack:
        first, second = (Member(Postgres(postgres.database, TABLES)) for _ in range(2))
        for one in (first, second):
            stack.callback(one.close)
            one.check()
            one.start()
        assert within(60, lambda: first.listens() and second.listens())
        RunningAnswers(first).keep([Written("m", "t", "ada", first.id, {"id": "m"}, {"id": "e"})], {}, [])
        postgres.stop()
        assert within(60, lambda: "cannot be reached" in first.problem and not first.listens())
        postgres.start()
        answers = RunningAnswers(second)
        told = threading.Event()
        second.hear("news", lambda what: told.set())
        assert within(60, lambda: not first.problem and not second.problem and second.listens())
        first.tell("news")
        assert told.wait(60)
        assert within(60, lambda: second.settled) and answers.orphans() == []
        assert [one.message for one in answers.in_thread("t")] == ["m"]


async def test_who_waits_for_the_documents_has_them_whoever_leads(tmp_path: Path, postgres: Server) -> None:
    given = {"TANDEM_STORAGE__DATABASE": postgres.new_database(), "TANDEM_STORAGE__PASSAGES": "database"}
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "nets.md").write_text("# Nets\n\nOld Maren mends the nets.\n", encoding="utf-8")
    opened: list[AppContext] = []
    try:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            text = f"documents: {tmp_path / 'papers'}\nmodels: {{foundry: false}}\n"
            (tmp_path / name / "tandem.yaml").write_text(text, encoding="utf-8")
            opened.append(AppContext.open(load(tmp_path / name / "tandem.yaml", given)))
            await opened[-1].start()
            await opened[-1].indexed()
            found = await asyncio.to_thread(opened[-1].library.search, "Who mends the nets?")
            assert [one.document for one in found.passages] == ["nets.md"]
        here, there = opened
        assert here.member is not None and not there.engine.reading()
        here.member.tell("reading")  # as long as it takes documents in
        assert await eventually(there.engine.reading)
        assert await eventually(lambda: not there.engine.reading()) and not here.engine.reading()
    finally:
        for one in opened:
            await one.close()
