"""Whose turn it is: at most so many calls of one model at a time, users served in turn, in one process or in several
that share a machine.

Knows tickets and users. Does not know models or what a call does, nor how processes agree (whoever gives `Turns` does).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import zip_longest
from typing import Protocol, runtime_checkable

from hybrid.errors import ModelError

LONGEST = 200


class Ticket:
    """A place in a queue. `position` is how many calls go before this one; None once it is this one's turn."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.position: int | None = None
        self._changed = asyncio.Event()

    def move(self, position: int | None) -> None:
        """It stands there now."""
        if position != self.position:
            self.position = position
            self._changed.set()

    async def moved(self) -> None:
        """Wait until the position changes."""
        await self._changed.wait()
        self._changed.clear()


class Turns(Protocol):
    """What several processes agree on: whose turn it is in a queue of that name. Belongs to one event loop."""

    def enter(self, queue: str, ticket: Ticket, at_once: int) -> None:
        """Move the ticket as its turn comes nearer."""
        ...

    def leave(self, ticket: Ticket) -> None:
        """Give up its turn or place."""
        ...


@runtime_checkable
class Queueing(Protocol):
    """A runtime whose calls wait for one another, in all processes where it is given `turns`."""

    turns: Turns | None


class FairQueue:
    """Tickets wait in one line per user, and the lines are served in turn, so that nobody's ten questions hold up
    another's one. Belongs to one event loop.
    """

    def __init__(self, at_once: int = 1, name: str = "", turns: Turns | None = None) -> None:
        """With `turns` the queue of that name is one for all processes that have them."""
        self.at_once = at_once
        self._name = name
        self._turns = turns
        self._shared: set[Ticket] = set()
        self._running: set[Ticket] = set()
        self._lines: OrderedDict[str, deque[Ticket]] = OrderedDict()

    @property
    def busy(self) -> int:
        """How many calls run now."""
        return len(self._running) + sum(ticket.position is None for ticket in self._shared)

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return sum(map(len, self._lines.values())) + sum(ticket.position is not None for ticket in self._shared)

    def enter(self, user: str) -> Ticket:
        """Take a place. Leave it with `leave`, whatever happens. Raises ModelError when too many wait already."""
        if self.waiting >= LONGEST:
            raise ModelError(
                "too many questions are waiting for this model; try again in a few minutes.", kind="overloaded"
            )
        ticket = Ticket(user)
        ticket.position = -1
        if self._turns is not None:
            self._shared.add(ticket)
            self._turns.enter(self._name, ticket, self.at_once)
            return ticket
        self._lines.setdefault(user, deque()).append(ticket)
        self._admit()
        ticket._changed.clear()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up the turn or the place; leaving twice does no harm."""
        if ticket in self._shared and self._turns is not None:
            self._shared.discard(ticket)
            self._turns.leave(ticket)
            return
        self._running.discard(ticket)
        line = self._lines.get(ticket.user)
        if line is not None and ticket in line:
            line.remove(ticket)
            if not line:
                del self._lines[ticket.user]
        self._admit()

    def _admit(self) -> None:
        while self._lines and len(self._running) < self.at_once:
            user, line = self._lines.popitem(last=False)
            ticket = line.popleft()
            if line:
                self._lines[user] = line
            self._running.add(ticket)
            ticket.move(None)
        for position, ticket in enumerate(self._order()):
            ticket.move(position)

    def _order(self) -> Iterator[Ticket]:
        for row in zip_longest(*self._lines.values()):
            yield from (ticket for ticket in row if ticket is not None)
