"""A model that says numbered, dated words at a known rate: inside the server, or as an endpoint in its own process.

Knows what is said when. Does not know who listens, nor what is made of it. Word n is due n / rate seconds after the
beginning; one that is late does not delay the next. Figures are spelt with letters (`spelt`): an answer full of figures
would be checked figure by figure, which no real answer is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any, cast

from hybrid.runtimes.base import ChatRequest, Chunk, Phase, Usage
from hybrid.runtimes.scripted import Script, Scripted

MODEL = "metronome"
SENTENCE = 25
QUESTION = "How quickly does the Model Desk review a new release?"
WARM_UP = "Who reviews a new release?"
WARM_WORDS = 50
BEGUN, WORD = "begun", "wq"
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_DIGITS = str.maketrans("abcdefghij", "0123456789")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def spelt(number: int) -> str:
    """A number in the letters a to j."""
    return str(number).translate(_LETTERS)


def read(letters: str) -> int:
    """The number that `spelt` spelt."""
    return int(letters.translate(_DIGITS))


def begun() -> str:
    """The first word: when it was said, in milliseconds since 1970."""
    return f"{BEGUN}{spelt(round(time.time() * 1000))} "


def word(number: int) -> str:
    """The word of that number; some begin or end a sentence."""
    place = number % SENTENCE
    text = WORD.capitalize() if place == 0 else WORD
    return f"{text}{spelt(number)}{'.' if place == SENTENCE - 1 else ''} "


class Metronome(Scripted):
    """Says so many `words` at `rate` words a second, without any network. To WARM_UP it says but a few."""

    def __init__(self, rate: float, words: int) -> None:
        super().__init__({MODEL: Script()})
        self.rate = rate
        self.words = words

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        yield Chunk(phase=Phase.SEND)
        clock = asyncio.get_running_loop()
        zero = clock.time()
        yield Chunk(text=begun())
        words = WARM_WORDS if (request.typed or request.question) == WARM_UP else self.words
        for number in range(words):
            wait = zero + number / self.rate - clock.time()
            if wait > 0:
                await asyncio.sleep(wait)
            yield Chunk(text=word(number))
        yield Chunk(finish_reason="stop", usage=Usage(0, words))


class _Connection(asyncio.Protocol):
    """One connection to the endpoint: requests one after the other, answers written by the clock."""

    def __init__(self, rate: float, words: int) -> None:
        self._rate, self._most = rate, words
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

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
            self._words = self._most if QUESTION in asked else WARM_WORDS
            self._number = 0
            self._transport.write(_HEAD + _event(begun()))
            self._zero = self._loop.time()
            self._beat()

    def _beat(self) -> None:
        due = min(self._words, int((self._loop.time() - self._zero) * self._rate) + 1)
        for number in range(self._number, due):
            self._transport.write(_words(number))
        self._number = max(self._number, due)
        if self._number < self._words:
            self._timer = self._loop.call_at(self._zero + self._number / self._rate, self._beat)
            return
        self._timer = None
        usage = json.dumps({"prompt_tokens": 0, "completion_tokens": self._words, "total_tokens": self._words})
        last = f'data: {{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],"usage":{usage}}}\n\n'
        self._transport.write(_chunked(f"{last}data: [DONE]\n\n".encode()) + b"0\r\n\r\n")

    def _whole(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        self._transport.write(head.encode() + data)


@cache
def _words(number: int) -> bytes:
    return _event(word(number))


def _event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": MODEL, "choices": [choice]}
    return _chunked(f"data: {json.dumps(chunk)}\n\n".encode())


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def _serve(rate: float, words: int) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(rate, words), "127.0.0.1", 0, backlog=1000
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve on a free port and print the address, until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--words", type=int, required=True)
    given = parser.parse_args()
    run_fast(_serve(given.rate, given.words))


def run_fast(work: Any) -> Any:
    """Run a coroutine on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


if __name__ == "__main__":
    main()
