"""The process that listens while others answer: it hands every connection to one of them, and starts them again.

Knows processes, signals and who answers which browser. Does not know what is answered, and holds nothing that could be
lost: who dies is replaced, and its browsers come back at another one.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rag.errors import UserFacingError
from tandem.cluster import handing

log = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
MOST_WAITING = 2_000
ENDING_SECONDS = 20.0
_AGAIN_SECONDS = 0.05
_PAUSES = (0.0, 1.0, 5.0, 30.0)
"""How long it is waited before one is started again that has died so many times in a row, soon after its start."""
_SOON_SECONDS = 30.0
_BACKLOG = 2_048

Command = Callable[[int, str, int], Sequence[str]]
"""What starts an answering process, of its number, its name, and the descriptor of its end of the channel."""


@dataclass(slots=True)
class _Worker:
    """One that answers."""

    name: str
    end: socket.socket
    process: asyncio.subprocess.Process
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    handed: deque[socket.socket] = field(default_factory=deque)
    """The connections that it was given and has not taken yet."""


class Parent:
    """Listens on `listener` and has `count` processes answer, until it is told to end."""

    def __init__(self, listener: socket.socket, count: int, command: Command, started: Callable[[], None]) -> None:
        """`started` is called once somebody answers."""
        self._listener = listener
        self._count = count
        self._command = command
        self._started = started
        self._live: dict[str, _Worker] = {}
        self._turn = 0
        self._waiting: dict[socket.socket, float] = {}
        self._ending = asyncio.Event()
        self._failed = ""

    async def run(self) -> None:
        """Serve until a signal ends it. Raises UserFacingError where no process could be started."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._ending.set)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        loop.add_reader(self._listener, self._accept)
        keeping = [asyncio.create_task(self._keep(number + 1)) for number in range(self._count)]
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self._ending.wait()
        finally:
            loop.remove_reader(self._listener)
            self._listener.close()
            sweeping.cancel()
            for connection in list(self._waiting):
                self._close(connection)
            await asyncio.gather(*keeping)
        if self._failed:
            raise UserFacingError(self._failed)

    async def _keep(self, number: int) -> None:
        """Have one process answer, whatever becomes of it."""
        deaths = 0
        while not self._ending.is_set():
            worker = await self._begin(number)
            began, ended = time.monotonic(), asyncio.create_task(worker.process.wait())
            await asyncio.wait(
                (ended, told := asyncio.create_task(self._ending.wait())), return_when=asyncio.FIRST_COMPLETED
            )
            told.cancel()
            if self._ending.is_set():
                self._live.pop(worker.name, None)
                await self._end(worker, ended)
            while self._hear(worker):
                pass
            worker.end.close()
            if self._ending.is_set():
                return
            deaths = deaths + 1 if time.monotonic() - began < _SOON_SECONDS else 1
            if not worker.ready.is_set() and not self._live:
                self._failed = "No process could be started that answers; what it said above says why."
                self._ending.set()
                return
            log.warning("Process %d of those that answer ended (%s); another takes its place", number, ended.result())
            pause = _PAUSES[min(deaths - 1, len(_PAUSES) - 1)]
            try:
                await asyncio.wait_for(self._ending.wait(), pause)
            except TimeoutError:
                pass

    async def _begin(self, number: int) -> _Worker:
        ours, theirs = handing.channel()
        name = secrets.token_hex(6)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(number, name, theirs.fileno()), pass_fds=(theirs.fileno(),)
            )
        finally:
            theirs.close()
        worker = _Worker(name, ours, process)
        asyncio.get_running_loop().add_reader(ours, self._hear, worker)
        return worker

    async def _end(self, worker: _Worker, ended: asyncio.Task[int]) -> None:
        if not ended.done():
            worker.process.terminate()
            done, _ = await asyncio.wait((ended,), timeout=ENDING_SECONDS)
            if not done:
                worker.process.kill()
        await ended

    def _hear(self, worker: _Worker) -> bool:
        """Take in what it says; whether it may say more."""
        try:
            said = worker.end.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            said = b""
        if not said:
            self._let_go(worker)
            return False
        for _ in range(said.count(handing.TAKEN)):
            worker.handed.popleft().close()
        if handing.READY in said:
            worker.ready.set()
            first = not self._live
            self._live[worker.name] = worker
            if first and self._turn == 0:
                self._turn = 1
                self._started()
        return True

    def _let_go(self, worker: _Worker) -> None:
        """It is gone: what it was given and has not taken is another's. Twice is once."""
        asyncio.get_running_loop().remove_reader(worker.end)
        self._live.pop(worker.name, None)
        while worker.handed:
            connection = worker.handed.popleft()
            if self._ending.is_set():
                connection.close()
            else:
                self._wait(connection)

    def _wait(self, connection: socket.socket) -> None:
        self._waiting[connection] = time.monotonic() + HEAD_SECONDS
        if len(self._waiting) > MOST_WAITING:
            self._close(next(iter(self._waiting)))
        self._look(connection)

    def _accept(self) -> None:
        for _ in range(_BACKLOG):
            try:
                connection, _address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("A connection could not be taken: %s", error)
                return
            connection.setblocking(False)
            self._wait(connection)

    def _look(self, connection: socket.socket) -> None:
        """Hand it on once it is known whose it is."""
        if connection not in self._waiting:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(connection)
        head = handing.head_of(connection)
        if head == b"":
            self._close(connection)
        elif head is None and handing.is_silent(connection):
            loop.add_reader(connection, self._look, connection)
        elif head is None or not self._hand_over(connection, handing.named_in(head)):
            loop.call_later(_AGAIN_SECONDS, self._look, connection)

    async def _sweep(self) -> None:
        """Close what says nothing for too long."""
        while True:
            await asyncio.sleep(1.0)
            for connection, until in list(self._waiting.items()):
                if until < time.monotonic():
                    self._close(connection)

    def _hand_over(self, connection: socket.socket, name: str) -> bool:
        live = self._live
        while live:
            self._turn += 1
            if name not in live:
                name = handing.instead_of(name, live) if name else list(live)[self._turn % len(live)]
            if handing.hand_over(live[name].end, connection):
                live[name].handed.append(connection)
                self._waiting.pop(connection, None)
                return True
            if len(live) == 1:
                break
            live = {other: worker for other, worker in live.items() if other != name}
        return False

    def _close(self, connection: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(connection)
        self._waiting.pop(connection, None)
        connection.close()
