"""Whose turn it is in several processes: users in turn wherever they ask, and nobody is held up by who is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing

import pytest

from hybrid.runtimes.adapters import Adapted
from hybrid.runtimes.base import ChatRequest, Phase
from hybrid.runtimes.queueing import FairQueue, Queueing, Ticket
from rag.database.places import Postgres
from rag.types import Message
from tandem.cluster import member as members
from tandem.cluster.member import Member
from tandem.cluster.revisions import TABLES
from tandem.cluster.turns import SharedTurns
from tests.support.postgres import Server, running
from tests.tandem.cluster.test_member import eventually

Make = Callable[..., tuple[Member, FairQueue]]


class Slow:
    """A model that writes its second word when it is told to."""

    models = ("slow",)

    def __init__(self) -> None:
        self.go = threading.Event()

    def load(self, model: str) -> None:
        pass

    def stream(self, model: str, messages: Sequence[Message], **_: object) -> Iterator[str]:
        yield "one "
        self.go.wait(20)
        yield "two"


@pytest.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Server], Make]]:
    """Makes processes with the queue of a model of one machine."""
    monkeypatch.setattr(members, "_GRACE_SECONDS", 0.0)
    async with AsyncExitStack() as stack:

        def over(server: Server) -> Make:
            database = server.new_database()

            def made(machine: str = "here") -> tuple[Member, FairQueue]:
                one = Member(Postgres(database, TABLES))
                stack.callback(one.close)
                one.check()
                one.start()
                turns = SharedTurns(one, machine)
                stack.push_async_callback(turns.close)
                return one, FairQueue(name="a model", turns=turns)

            return made

        yield over


async def all_listen(*those: Member) -> None:
    for one in those:
        assert await eventually(one.listens)


async def turn_of(tickets: dict[str, Ticket]) -> list[str]:
    """Whose turn it is now, after everybody has heard."""
    await asyncio.sleep(0)
    return [name for name, ticket in tickets.items() if ticket.position is None]


async def test_users_are_served_in_turn_whichever_process_they_ask(
    make: Callable[[Server], Make], postgres: Server
) -> None:
    made = make(postgres)
    (one, here), (two, there), (three, elsewhere) = made(), made(), made("another machine")
    await all_listen(one, two, three)
    tickets, queues = {}, {}
    for name, user, queue in [
        ("a1", "ada", here), ("a2", "ada", here), ("a3", "ada", here), ("b1", "ben", there), ("c1", "cem", there),
    ]:  # fmt: skip
        tickets[name], queues[name] = queue.enter(user), queue
        assert await eventually(lambda: tickets["a1"].position is None)
        assert await eventually(lambda name=name: name == "a1" or tickets[name].position not in (None, -1))  # type: ignore[misc]
    other = elsewhere.enter("dan")
    assert await eventually(lambda: other.position is None), "another machine has a model of its own"
    assert (here.busy, here.waiting, there.busy, there.waiting) == (1, 2, 0, 2)
    served = []
    while tickets:
        assert await eventually(lambda: any(ticket.position is None for ticket in tickets.values()))
        (name,) = await turn_of(tickets)
        served.append(name)
        queues[name].leave(tickets.pop(name))
    assert served == ["a1", "a2", "b1", "c1", "a3"]


async def test_a_models_calls_wait_for_those_of_another_process(
    make: Callable[[Server], Make], postgres: Server
) -> None:
    made, runtimes = make(postgres), []
    for one, queue in (made(), made()):
        await all_listen(one)
        runtimes.append(Adapted("mine", Slow()))
        assert isinstance(runtimes[-1], Queueing)
        runtimes[-1].turns = queue._turns
    request = ChatRequest("slow", (Message("user", "Say two words."),))
    async with aclosing(runtimes[0].stream(request)) as first, aclosing(runtimes[1].stream(request)) as second:
        async for chunk in first:
            if chunk.text:
                break
        assert (await anext(second)).phase is Phase.QUEUE
        waiting = asyncio.create_task(anext(second))
        await asyncio.wait((waiting,), timeout=0.3)
        while waiting.done() and waiting.result().phase is Phase.QUEUE:
            waiting = asyncio.create_task(anext(second))
            await asyncio.wait((waiting,), timeout=0.3)
        assert not waiting.done()
        runtimes[0]._adapter.go.set()  # type: ignore[attr-defined]
        assert [chunk.text async for chunk in first if chunk.text] == ["two"]
        runtimes[1]._adapter.go.set()  # type: ignore[attr-defined]
        assert (await asyncio.wait_for(waiting, 10)).phase is not Phase.QUEUE
        assert [chunk.text async for chunk in second if chunk.text] == ["one ", "two"]


async def test_who_dies_in_their_turn_holds_up_nobody(make: Callable[[Server], Make], postgres: Server) -> None:
    made = make(postgres)
    (one, here), (two, there) = made(), made()
    await all_listen(one, two)
    first = here.enter("ada")
    assert await eventually(lambda: first.position is None)
    second = there.enter("ben")
    assert await eventually(lambda: second.position == 0)
    await asyncio.to_thread(one.close)
    assert await eventually(lambda: second.position is None)


async def test_while_the_database_is_away_each_serves_its_own_and_nothing_stays_behind(
    make: Callable[[Server], Make],
) -> None:
    with running() as server:
        made = make(server)
        (one, here), (two, there) = made(), made()
        await all_listen(one, two)
        first = here.enter("ada")
        assert await eventually(lambda: first.position is None)
        await asyncio.to_thread(server.stop)
        assert await eventually(lambda: not one.listens() and not two.listens())
        second, third = there.enter("ben"), there.enter("cem")
        assert await eventually(lambda: second.position is None) and third.position is not None
        here.leave(first)
        there.leave(second)
        assert await eventually(lambda: third.position is None)
        await asyncio.to_thread(server.start)
        await all_listen(one, two)
        there.leave(third)
        fourth = here.enter("dan")
        assert await eventually(lambda: fourth.position is None)
