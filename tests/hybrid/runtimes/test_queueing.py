"""Whose turn it is."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import ModelError
from hybrid.runtimes.queueing import LONGEST, FairQueue, Ticket


async def test_users_take_turns() -> None:
    queue = FairQueue()
    tickets = [(user, queue.enter(user)) for user in ("ann", "ann", "ann", "bob", "cy")]
    order = []
    while tickets:
        user, ticket = next(pair for pair in tickets if pair[1].position is None)
        order.append(user)
        tickets.remove((user, ticket))
        queue.leave(ticket)
    assert order == ["ann", "ann", "bob", "cy", "ann"]


async def test_a_ticket_hears_when_it_moves() -> None:
    queue = FairQueue()
    first, second, third = (queue.enter(user) for user in "abc")
    assert (first.position, second.position, third.position) == (None, 0, 1)
    waiting = asyncio.create_task(third.moved())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.leave(second)
    await waiting
    assert third.position == 0


async def test_too_many_are_refused() -> None:
    queue = FairQueue()
    for number in range(LONGEST + 1):
        queue.enter(str(number))
    with pytest.raises(ModelError, match="too many questions"):
        queue.enter("late")


@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=60), at_once=st.integers(1, 3))
def test_never_more_than_allowed_run_and_nobody_is_lost(steps: list[tuple[str, int]], at_once: int) -> None:
    queue = FairQueue(at_once)
    tickets: list[Ticket] = []
    for user, pick in steps:
        if pick < 5 or not tickets:
            tickets.append(queue.enter(user))
        else:
            ticket = tickets.pop(pick % len(tickets))
            queue.leave(ticket)
            queue.leave(ticket)
        running = [ticket for ticket in tickets if ticket.position is None]
        assert len(running) == min(at_once, len(tickets)) == queue.busy
        assert sorted(t.position for t in tickets if t.position is not None) == list(range(queue.waiting))
    for ticket in list(tickets):
        queue.leave(ticket)
    assert queue.busy == queue.waiting == 0
