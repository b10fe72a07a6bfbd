"""A model that says the words of a known text at a known rate: inside the server, or as an endpoint in its own process.

Knows what is said when. Does not know who listens, nor what is made of it. Word n is due n / rate seconds after the
beginning; one that is late does not delay the next. What it says stands in a document (`bench.relay`), so that it is
checked and shown as any good answer is; no two of its streams are alike, and when each began is noted in a file.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncGenerator
from functools import cache
from pathlib import Path
from typing import Any, cast

from hybrid.runtimes.base import ChatRequest, Chunk, Phase, Usage
from hybrid.runtimes.scripted import Script, Scripted
from tandem.bench.relay import QUESTION, word

MODEL = "metronome"
WARM_WORDS = 52
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Streams:
    """Numbers the streams, and notes in `log` when each began, in milliseconds since 1970."""

    def __init__(self, words: int, log: Path | None) -> None:
        self._words = words
        self._log = log
        self._next = 0

    def begin(self, asked: str) -> tuple[int, int]:
        """Number and length of the stream that answers; the one that warms up is short and not noted."""
        if QUESTION not in asked:
            return 0, WARM_WORDS
        number, self._next = self._next, self._next + 1
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as log:
                log.write(f"{number} {time.time() * 1000:.1f}\n")
        return number, self._words


def noted(log: Path) -> dict[int, float]:
    """When each stream began, in milliseconds since 1970."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return {int(number): float(began) for number, began in (line.split() for line in lines)}


class Metronome(Scripted):
    """Says so many `words` at `rate` words a second, without any network; anything but QUESTION gets but a few."""

    def __init__(self, rate: float, words: int, log: Path | None = None) -> None:
        super().__init__({MODEL: Script()})
        self.rate = rate
        self._streams = Streams(words, log)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        yield Chunk(phase=Phase.SEND)
        clock = asyncio.get_running_loop()
        zero = clock.time()
        stream, words = self._streams.begin(request.typed or request.question)
        for number in range(words):
            wait = zero + number / self.rate - clock.time()
            if wait > 0:
                await asyncio.sleep(wait)
            yield Chunk(text=f"{word(stream, number)} ")
        yield Chunk(finish_reason="stop", usage=Usage(0, words))


class _Clock:
    """One beat for all streams, as a server that batches gives every one of them its next word in one step."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._loop = asyncio.get_running_loop()
        self._speaking: set[_Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, connection: _Connection) -> float:
        """Have the connection speak from now on; when that is, in seconds."""
        self._speaking.add(connection)
        now = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(now, self._beat, now)
        return now

    def end(self, connection: _Connection) -> None:
        """The connection speaks no more."""
        self._speaking.discard(connection)

    def _beat(self, due: float) -> None:
        now = self._loop.time()
        self._speaking -= {connection for connection in self._speaking if connection.speak(now)}
        self._timer = None
        if self._speaking:
            due = max(due + 1 / self.rate, now)
            self._timer = self._loop.call_at(due, self._beat, due)


class _Connection(asyncio.Protocol):
    """One connection to the endpoint: requests one after the other, answers written by the clock."""

    def __init__(self, clock: _Clock, streams: Streams) -> None:
        self._clock, self._streams = clock, streams
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clock.end(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        size = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
        if not found or len(body) < size:
            return
        self._buffer = body[size:]
        if lines[0].startswith("get"):
            self._whole(
                {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "bench"}]}
            )
        else:
            asked = json.loads(body[:size])["messages"][-1]["content"]
            stream, words = self._streams.begin(asked)
            self._chunks = [_event(f"{word(stream, number)} ") for number in range(words)]
            self._said = 0
            self._transport.write(_HEAD)
            self._zero = self._clock.begin(self)

    def speak(self, now: float) -> bool:
        """Write each word that is due, in a chunk of its own; whether that was all."""
        due = min(len(self._chunks), int((now - self._zero) * self._clock.rate) + 1)
        for chunk in self._chunks[self._said : due]:
            self._transport.write(chunk)
        self._said = max(self._said, due)
        if self._said < len(self._chunks):
            return False
        usage = json.dumps({"prompt_tokens": 0, "completion_tokens": self._said, "total_tokens": self._said})
        last = f'data: {{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],"usage":{usage}}}\n\n'
        self._transport.write(_chunked(f"{last}data: [DONE]\n\n".encode()) + b"0\r\n\r\n")
        return True

    def _whole(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        self._transport.write(head.encode() + data)


@cache
def _event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}
    return _chunked(f"data: {json.dumps(chunk)}\n\n".encode())


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _serve(rate: float, streams: Streams) -> None:
    clock = _Clock(rate)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(clock, streams), "127.0.0.1", 0, backlog=1000
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve on a free port and print the address, until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--log", type=Path, help="File in which the beginnings of the streams are noted.")
    given = parser.parse_args()
    run_fast(_serve(given.rate, Streams(given.words, given.log)))


def run_fast(work: Any) -> Any:
    """Run a coroutine on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


if __name__ == "__main__":
    main()
