"""Many people chatting at once: one server process, and clients that sign in, read every word and check the history.

Knows the chat's wire protocol (engine.io 4 and socket.io 5 frames over a web socket) and what to measure. The server
(`tandem.bench.chat_server`) runs in a process of its own, so that the clients' work does not count as its.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

from rag.errors import UserFacingError
from tandem.bench import chat_server

WORD = re.compile(rf"\b{chat_server.WORD}([a-j]+)(?=[ .])", re.IGNORECASE)
BEGUN = re.compile(rf"\b{chat_server.BEGUN}([a-j]+) ")
START_SECONDS = 60
HISTORY_SECONDS = 20
STAGGER_SECONDS = 0.003
SIGN_INS_AT_ONCE = 4
MEGABYTE = 1e6


class BenchError(UserFacingError):
    """The benchmark could not be carried out."""


@dataclass(slots=True)
class Reader:
    """What one client has read: word numbers as they came, the lag of each, and when the first and last came.

    `due` is the rate at which the words are due, in words a second.
    """

    due: float
    numbers: list[int] = field(default_factory=list)
    lags_ms: list[float] = field(default_factory=list)
    first: float = 0.0
    last: float = 0.0
    thread: str = ""
    in_history: bool = False
    _begun_ms: float = 0.0
    _unread: str = ""

    def read(self, text: str) -> None:
        """Take in the next piece of the answer; a word may be cut in two."""
        self._unread += text
        end = 0
        if not self._begun_ms and (begun := BEGUN.search(self._unread)):
            self._begun_ms, end = float(chat_server.read(begun[1])), begun.end()
        for match in WORD.finditer(self._unread):
            self._note(match)
            end = match.end()
        self._unread = self._unread[end:]

    def read_whole(self, text: str) -> None:
        """Take in the answer as a whole: the words that no piece has brought."""
        for match in WORD.finditer(f"{text} "):
            if not self.numbers or chat_server.read(match[1]) > self.numbers[-1]:
                self._note(match)

    def _note(self, match: re.Match[str]) -> None:
        now = time.time()
        number = chat_server.read(match[1])
        self.numbers.append(number)
        self.lags_ms.append(now * 1000.0 - self._begun_ms - number / self.due * 1000.0)
        self.first = self.first or now
        self.last = now

    @property
    def rate(self) -> float:
        """Words a second, from the first to the last."""
        return (len(self.numbers) - 1) / (self.last - self.first) if self.last > self.first else 0.0

    @property
    def in_order(self) -> bool:
        return self.numbers == list(range(len(self.numbers)))


async def measure(clients: int, rate: float, seconds: float) -> dict[str, Any]:
    """Let `clients` ask at once and read `rate` words a second for `seconds`. Raises BenchError.

    Rates in words a second, lag (from when a word is due to when it is read) in ms, memory of the server in MB.
    """
    try:
        return await _measure(clients, rate, int(rate * seconds))
    except BaseExceptionGroup as group:
        expected = group.subgroup(UserFacingError)
        raise (expected.exceptions[0] if expected else group) from None


async def _measure(clients: int, rate: float, words: int) -> dict[str, Any]:
    async with server(clients, rate, words) as (address, process):
        gate, door = asyncio.Barrier(clients + 1), asyncio.Semaphore(SIGN_INS_AT_ONCE)
        readers = [Reader(rate) for _ in range(clients)]
        async with asyncio.TaskGroup() as group:
            for number, reader in enumerate(readers):
                group.create_task(_chat(address, number, reader, words, gate, door))
            await _all_at(gate, START_SECONDS + clients)
            before, cpu = process.memory_info().rss, process.cpu_times()
            began = time.perf_counter()
            await _all_at(gate, START_SECONDS + clients + words / rate)
            wall = time.perf_counter() - began
            after, spent = process.memory_info().rss, process.cpu_times()
    lags = [lag for reader in readers for lag in reader.lags_ms]
    rates = [reader.rate for reader in readers]
    return {
        "clients": clients,
        "tokens_per_client": words,
        "tokens_per_s_min": round(min(rates), 2),
        "tokens_per_s_median": round(statistics.median(rates), 2),
        "complete": all(len(reader.numbers) == words for reader in readers),
        "in_order": all(reader.in_order for reader in readers),
        "lag_p50_ms": round(float(np.percentile(lags, 50)), 1),
        "lag_p95_ms": round(float(np.percentile(lags, 95)), 1),
        "in_history": sum(reader.in_history for reader in readers),
        "memory_start_mb": round(before / MEGABYTE, 1),
        "memory_end_mb": round(after / MEGABYTE, 1),
        "server_cpu_share": round((spent.user + spent.system - cpu.user - cpu.system) / wall, 2),
    }


async def _all_at(gate: asyncio.Barrier, seconds: float) -> None:
    """Wait until every client is at the gate. Raises BenchError where one does not come."""
    try:
        async with asyncio.timeout(seconds):
            await gate.wait()
    except TimeoutError:
        raise BenchError(f"Not every client was answered within {seconds:.0f} s.") from None


@asynccontextmanager
async def server(clients: int, rate: float, words: int) -> AsyncIterator[tuple[str, psutil.Process]]:
    """A server with data of its own, once its chat is loaded: its address and process. Raises BenchError."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-", ignore_cleanup_errors=True) as folder:
        arguments = ["--data", folder, "--clients", str(clients), "--rate", str(rate), "--words", str(words)]
        log = Path(folder) / "server.log"
        with log.open("wb") as errors:
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tandem.bench.chat_server",
                *arguments,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        try:
            yield await _ready(child, log), psutil.Process(child.pid)
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()


async def _ready(child: asyncio.subprocess.Process, log: Path) -> str:
    try:
        async with asyncio.timeout(START_SECONDS):
            assert child.stdout is not None
            while not (line := (await child.stdout.readline()).decode().strip()).startswith("http"):
                if not line and child.stdout.at_eof():
                    raise BenchError(f"The server did not start: {log.read_text(encoding='utf-8').strip()[-500:]}")
            async with httpx.AsyncClient(base_url=line) as http:
                (await http.get("/", timeout=START_SECONDS)).raise_for_status()
            return line
    except httpx.HTTPStatusError:
        raise BenchError(f"The chat did not start: {log.read_text(encoding='utf-8').strip()[-500:]}") from None
    except TimeoutError:
        raise BenchError(f"The server did not start within {START_SECONDS} s.") from None


async def _chat(
    address: str, number: int, reader: Reader, words: int, gate: asyncio.Barrier, door: asyncio.Semaphore
) -> None:
    """Sign in, connect, warm up, ask, read to the end, then look the answer up in the history.

    All ask at the same time, and nobody looks anything up while others still read.
    """
    name, password = chat_server.user(number)
    session = str(uuid.uuid4())
    async with httpx.AsyncClient(base_url=address, timeout=START_SECONDS) as http:
        # A crowd that signs in at once from one address looks like somebody who guesses passwords.
        async with door:
            reply = await http.post("/login", data={"username": name, "password": password})
        if reply.status_code != 200:
            raise BenchError(f"{name} could not sign in ({reply.status_code}).")
        await http.post("/set-session-cookie", json={"session_id": session})
        # The client keeps the cookies of a plain-http loopback server even where they are marked secure.
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies.jar)
        url = address.replace("http", "ws", 1) + "/ws/socket.io/?EIO=4&transport=websocket"
        async with connect(url, additional_headers={"Cookie": cookies}, max_size=None, compression=None) as socket:
            await _enter(socket, session)
            warm = Reader(reader.due)
            await _ask(socket, name, chat_server.WARM_UP, warm)
            reader.thread = warm.thread
            await gate.wait()
            await asyncio.sleep(number * STAGGER_SECONDS)
            await _ask(socket, name, chat_server.QUESTION, reader)
            await gate.wait()
        reader.in_history = await _stored(http, reader.thread, words)


async def _enter(socket: ClientConnection, session: str) -> None:
    auth = {"clientType": "webapp", "sessionId": session, "threadId": "", "userEnv": "{}", "chatProfile": ""}
    await _until(socket, "0")
    await socket.send("40" + json.dumps(auth))
    await _until(socket, "40")
    await socket.send('42["connection_successful"]')
    await _until(socket, '42["clear_call_fn"')


async def _until(socket: ClientConnection, opening: str) -> None:
    async for frame in _frames(socket):
        if frame.startswith(opening):
            return
        if frame.startswith("44"):
            raise BenchError(f"The chat refused a client: {frame[2:200]}")


async def _frames(socket: ClientConnection) -> AsyncIterator[str]:
    """The frames as text; pings are answered."""
    async for frame in socket:
        if frame == "2":
            await socket.send("3")
        else:
            yield str(frame)


async def _ask(socket: ClientConnection, name: str, question: str, reader: Reader) -> None:
    """Send a question and read the answer to its end."""
    await socket.send("42" + json.dumps(["client_message", _message(name, question)]))
    answer, complete = "", False
    async for frame in _frames(socket):
        if not frame.startswith("42"):
            continue
        event, *arguments = json.loads(frame[2:])
        if event == "stream_start":
            reader.read(arguments[0]["output"])
            answer = arguments[0]["id"]
        elif event == "stream_token":
            reader.read(arguments[0]["token"])
        elif event in ("update_message", "new_message"):
            reader.read_whole(arguments[0].get("output") or "")
            complete = complete or (event == "update_message" and arguments[0]["id"] == answer)
        elif event == "first_interaction":
            reader.thread = arguments[0]["thread_id"]
        elif event == "task_end" and complete:
            return


def _message(name: str, question: str) -> dict[str, Any]:
    message = {
        "id": str(uuid.uuid4()),
        "threadId": "",
        "name": name,
        "type": "user_message",
        "output": question,
        "createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "metadata": {},
    }
    return {"message": message, "fileReferences": []}


async def _stored(http: httpx.AsyncClient, thread: str, words: int) -> bool:
    """Whether the whole answer stands in the thread's history; it is written in the background, so look again."""
    deadline = time.monotonic() + HISTORY_SECONDS
    while time.monotonic() < deadline:
        reply = await http.get(f"/project/thread/{thread}")
        if reply.status_code == 200:
            outputs = [step.get("output") or "" for step in reply.json().get("steps", [])]
            numbers = [[chat_server.read(match[1]) for match in WORD.finditer(f"{text} ")] for text in outputs]
            if list(range(words)) in numbers:
                return True
        await asyncio.sleep(0.2)
    return False
