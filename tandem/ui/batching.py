"""Changes that come one by one, sent on together: text in batches, a state only as it is in the end.

Knows a clock and how to send. Does not know what is sent. A browser draws the whole message anew for every piece it is
sent, so pieces are collected for a moment; a timer sends what waits, so that a slow model's words are not held up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

# Drawing costs grow with the length of the message: a long one is drawn less often.
_LONG_CHARS = 6_000
_LONG_FACTOR = 2


class Batcher:
    """Collects text and hands it to `send`, at most once an `interval` (seconds) and never two at a time.

    `stretch` says by how much the interval is longer at the moment. `add` is a list append, cheap enough for every
    token. Use it on one event loop, and `close` it at the end.
    """

    def __init__(
        self, send: Callable[[str], Awaitable[None]], interval: float, stretch: Callable[[], float] = lambda: 1.0
    ) -> None:
        self._send = send
        self._interval = interval
        self._stretch = stretch
        self._pieces: list[str] = []
        self._sent_chars = 0
        self._sent_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    def add(self, text: str) -> None:
        """Take in text. Raises what the last `send` raised."""
        if self._error is not None:
            raise self._error
        if text:
            self._pieces.append(text)
            self._schedule()

    async def flush(self) -> None:
        """Send what waits, now. Raises what `send` raises."""
        # A timer that is due may begin to send while this waits, so that it is asked anew each time.
        while self._error is None and (self._pieces or self._sending is not None):
            self._cancel_timer()
            if self._sending is None:
                self._sending = asyncio.create_task(self._send_waiting())
            await asyncio.shield(self._sending)
        self._cancel_timer()
        if self._error is not None:
            raise self._error

    def discard(self) -> None:
        """Forget what waits."""
        self._cancel_timer()
        self._pieces.clear()

    async def close(self) -> None:
        """Forget what waits, and let what is being sent arrive."""
        self.discard()
        if self._sending is not None:
            await asyncio.shield(self._sending)

    def _schedule(self) -> None:
        if self._timer is not None or self._sending is not None:
            return
        loop = asyncio.get_running_loop()
        interval = self._interval * self._stretch() * (_LONG_FACTOR if self._sent_chars > _LONG_CHARS else 1)
        self._timer = loop.call_at(max(self._sent_at + interval, loop.time()), self._fire)

    def _fire(self) -> None:
        self._timer = None
        if self._pieces and self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_waiting())

    async def _send_waiting(self) -> None:
        text = "".join(self._pieces)
        self._pieces.clear()
        self._sent_at = asyncio.get_running_loop().time()
        self._sent_chars += len(text)
        try:
            await self._send(text)
        except Exception as error:
            self._error = error
        finally:
            self._sending = None
            if self._pieces:
                self._schedule()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Latest:
    """Sends a state that changes often: some `interval` (seconds) after a change, whatever it has become by then; never
    two at a time."""

    def __init__(self, send: Callable[[], Awaitable[None]], interval: float) -> None:
        self._send = send
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def changed(self) -> None:
        """Send the state soon."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._fire)

    async def now(self) -> None:
        """Send the state at once, after what is being sent. Raises what `send` raises."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        async with self._turn:
            await self._send()

    def _fire(self) -> None:
        self._timer = None
        self._sending = asyncio.get_running_loop().create_task(self._send_quietly())

    async def _send_quietly(self) -> None:
        """What could not be sent is part of what is sent next."""
        async with self._turn:
            with contextlib.suppress(Exception):
                await self._send()
