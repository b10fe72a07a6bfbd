"""An OpenAI-compatible server whose timing is known: what a benchmark reports can be held against what was.

    with TimedServer({"steady": Timing(first_token_s=0.2, interval_s=0.01, tokens=64)}) as server:
        ... tandem bench against server.base_url ...
        server.truth()      # one record a request: the times drawn, and when each token was really written

It runs in a process of its own, and writes by the clock: a token that is late does not delay the next one. The times of
an answer are drawn from the number of the request and the seed, so a run can be repeated. By hand:

    python -m tests.support.timed_server --port 8077 '{"steady": {"first_token_s": 0.2, "interval_s": 0.01}}'
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Timing:
    """How one model answers. `jitter` is the relative standard deviation of the first token's time and of each interval
    (gamma distributed, so that the mean stays). Every `fail_every`th request fails: "status" (HTTP 500), "reset" (in
    the middle of the answer) or "error" (an error event in the middle). More than `slots` requests at once wait in
    turn. `reasoning` of the tokens are thinking.
    """

    first_token_s: float = 0.2
    interval_s: float = 0.01
    tokens: int = 64
    reasoning: int = 0
    jitter: float = 0.0
    fail_every: int = 0
    failure: str = "status"
    slots: int = 0
    usage: bool = True
    text: str = ""
    seed: int = 0

    def draw(self, number: int, tokens: int) -> list[float]:
        """Seconds from the request's start to each token of request `number`."""
        chance = random.Random(f"{self.seed}/{number}")

        def around(mean: float) -> float:
            if not self.jitter or not mean:
                return mean
            shape = 1.0 / self.jitter**2
            return chance.gammavariate(shape, mean / shape)

        at = around(self.first_token_s)
        times = []
        for _ in range(tokens):
            times.append(at)
            at += around(self.interval_s)
        return times


class _Model:
    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.number = 0
        self.active = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        if self.timing.slots and self.active >= self.timing.slots:
            turn = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            await turn
        else:
            self.active += 1

    def leave(self) -> None:
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.active -= 1


class _Connection(asyncio.Protocol):
    def __init__(self, models: dict[str, _Model], log: list[dict[str, Any]]) -> None:
        self.models, self.log = models, log
        self.buffer = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self.tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
            size = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + size:
                return
            body = self.buffer[end + 4 : end + 4 + size]
            self.buffer = self.buffer[end + 4 + size :]
            task = asyncio.get_running_loop().create_task(self._serve(head[0].split()[1], body, time.perf_counter()))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _serve(self, path: str, body: bytes, zero: float) -> None:
        if path.startswith("/v1/models"):
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "test"} for name in self.models]
            return self._json(200, {"object": "list", "data": data})
        if path == "/truth":
            return self._json(200, self.log)
        if path == "/health":
            return self._json(200, {})
        if path != "/v1/chat/completions":
            return self._json(404, {"error": {"message": "Not Found"}})
        asked = json.loads(body)
        model = self.models.get(asked["model"])
        if model is None:
            return self._json(404, {"error": {"message": f"The model {asked['model']} does not exist"}})
        number, model.number = model.number, model.number + 1
        await model.enter()
        try:
            await self._answer(asked, model.timing, number, zero)
        finally:
            model.leave()

    async def _answer(self, asked: dict[str, Any], timing: Timing, number: int, arrived: float) -> None:
        zero = time.perf_counter()
        most = asked.get("max_completion_tokens") or asked.get("max_tokens") or timing.tokens
        words = timing.text.split(" ") if timing.text else []
        count = min(len(words) or timing.tokens, most)
        due = timing.draw(number, count)
        fails = bool(timing.fail_every) and number % timing.fail_every == timing.fail_every - 1
        record: dict[str, Any] = {"model": asked["model"], "number": number, "arrived": arrived, "due": due}
        record.update(waited=zero - arrived, failure=timing.failure if fails else "", written=[])
        self.log.append(record)
        if fails and timing.failure == "status":
            return self._json(500, {"error": {"message": "scripted failure", "type": "server_error"}})
        pieces = [f"{' ' if n else ''}{words[n] if words else f'w{n}'}" for n in range(count)]
        last = count // 2 if fails else count
        if not asked.get("stream"):
            await self._until(zero + due[-1])
            record["written"].append(time.perf_counter())
            return self._json(200, self._whole(asked, timing, pieces))
        self.transport.write(HEAD)
        for place in range(last):
            await self._until(zero + due[place])
            key = "reasoning_content" if place < timing.reasoning else "content"
            self._event(_chunk(asked["model"], {key: pieces[place]}))
            record["written"].append(time.perf_counter())
        if fails and timing.failure == "reset":
            return self.transport.abort()
        if fails:
            self._event('{"error":{"message":"scripted failure","type":"server_error"}}')
        else:
            reason = "length" if len(words or range(timing.tokens)) > most else "stop"
            self._event(_chunk(asked["model"], {}, reason))
            if timing.usage:
                usage = json.dumps(self._usage(asked, timing, count))
                self._event(f'{{"id":"c","object":"chat.completion.chunk","choices":[],"usage":{usage}}}')
        self._event("[DONE]")
        self.transport.write(b"0\r\n\r\n")

    async def _until(self, when: float) -> None:
        wait = when - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)

    def _usage(self, asked: dict[str, Any], timing: Timing, count: int) -> dict[str, Any]:
        prompt = sum(len(str(message["content"]).split()) for message in asked["messages"])
        thought = {"reasoning_tokens": min(timing.reasoning, count)}
        return {
            "prompt_tokens": prompt,
            "completion_tokens": count,
            "total_tokens": prompt + count,
            "completion_tokens_details": thought,
        }

    def _whole(self, asked: dict[str, Any], timing: Timing, pieces: list[str]) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(pieces[timing.reasoning :])}
        if timing.reasoning:
            message["reasoning_content"] = "".join(pieces[: timing.reasoning])
        whole: dict[str, Any] = {"id": "c", "object": "chat.completion", "created": 0, "model": asked["model"]}
        whole["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
        if timing.usage:
            whole["usage"] = self._usage(asked, timing, len(pieces))
        return whole

    def _event(self, text: str) -> None:
        data = f"data: {text}\n\n".encode()
        self.transport.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _json(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} Timed\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        self.transport.write(head.encode() + data)


def _chunk(model: str, delta: dict[str, str], finish: str | None = None) -> str:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": model}
    return json.dumps({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


class TimedServer:
    """The server in a process of its own; free port unless one is given."""

    def __init__(self, models: dict[str, Timing], port: int = 0) -> None:
        self._models = models
        self._port = port
        self.base_url = ""

    def __enter__(self) -> TimedServer:
        models = json.dumps({name: asdict(timing) for name, timing in self._models.items()})
        command = [sys.executable, "-m", "tests.support.timed_server", "--port", str(self._port), models]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def truth(self) -> list[dict[str, Any]]:
        """What was drawn and written, one record a request; times on this machine's monotonic clock."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/truth") as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found


async def _serve(models: dict[str, _Model], port: int) -> None:
    log: list[dict[str, Any]] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(models, log), "127.0.0.1", port)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("models", help="JSON: model name -> the fields of Timing")
    given = parser.parse_args()
    models = {name: _Model(Timing(**fields)) for name, fields in json.loads(given.models).items()}
    try:
        import uvloop

        uvloop.run(_serve(models, given.port))
    except ImportError:
        asyncio.run(_serve(models, given.port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
