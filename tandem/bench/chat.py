"""Many people at once: one server process, a model's endpoint in another, and clients that read every word.

Knows the processes and what to measure. Does not know how a person chats (`chat_people`) or a program asks
(`chat_api`).
Server and endpoint run in processes of their own, so that the clients' work does not count as theirs.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from rag.errors import UserFacingError
from tandem.bench import chat_api, chat_people
from tandem.bench.chat_people import START_SECONDS, BenchError, Reader
from tandem.bench.metronome import noted
from tandem.bench.relay import whole

SIGN_INS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Several:
    """So many processes that answer, over an empty database on a PostgreSQL server."""

    workers: int
    database: str


MEGABYTE = 1e6
Running = tuple[str, psutil.Process, Path]
"""A server: its address, its process, and the file that says when the model's streams began."""


async def measure(
    clients: int,
    rate: float,
    seconds: float,
    *,
    instant: bool = False,
    api: bool = False,
    several: Several | None = None,
) -> dict[str, Any]:
    """Let `clients` ask at once and read `rate` words a second for `seconds`, less an unfinished last sentence. Raises
    BenchError.

    `instant` has the model inside the server, without the network between them; `api` asks over /v1 in place of the
    chat; `several` has several processes answer. Rates in words a second, lag (from when a word is due to when it is
    read) in ms, memory of the server in MB.
    """
    try:
        return await _measure(clients, rate, whole(int(rate * seconds)), instant, api, several)
    except BaseExceptionGroup as group:
        expected = group.subgroup(UserFacingError)
        raise (expected.exceptions[0] if expected else group) from None


async def _measure(
    clients: int, rate: float, words: int, instant: bool, api: bool, several: Several | None
) -> dict[str, Any]:
    async with server(clients, rate, words, instant=instant, several=several) as running:
        return await level(running, clients, rate, words, api=api)


async def level(running: Running, clients: int, rate: float, words: int, *, api: bool = False) -> dict[str, Any]:
    """As `measure`, of a server that runs. Raises BenchError."""
    address, process, log = running
    earlier = noted(log)
    ask = chat_api.ask if api else chat_people.chat
    gate, door = asyncio.Barrier(clients + 1), asyncio.Semaphore(SIGN_INS_AT_ONCE)
    readers = [Reader(rate) for _ in range(clients)]
    async with asyncio.TaskGroup() as group:
        for number, reader in enumerate(readers):
            group.create_task(ask(address, number, reader, words, gate, door))
        await _all_at(gate, START_SECONDS + clients)
        before, cpu = _used(process)
        began, own = time.perf_counter(), time.process_time()
        await _all_at(gate, START_SECONDS + clients + 3 * words / rate)
        wall, own = time.perf_counter() - began, time.process_time() - own
        after, spent = _used(process)
        await _all_at(gate, START_SECONDS)
    begun = {stream: at for stream, at in noted(log).items() if stream not in earlier}
    for reader in readers:
        reader.place(begun)
    if not all(reader.words for reader in readers):
        raise BenchError("The model did not answer; its endpoint or the server failed.")
    if not any(reader.lags_ms for reader in readers):
        raise BenchError("No client was shown what the model said.")
    lags = [lag for reader in readers for lag in reader.lags_ms]
    rates = [reader.rate for reader in readers]
    return {
        "clients": clients,
        "tokens_per_client": words,
        "tokens_per_s_min": round(min(rates), 2),
        "tokens_per_s_median": round(statistics.median(rates), 2),
        "tokens_per_s_max": round(max(rates), 2),
        "complete": all(len(reader.words) == words for reader in readers),
        # Each client its own stream, word for word.
        "in_order": all(r.in_order for r in readers) and len({r.stream for r in readers}) == clients,
        "lag_p50_ms": round(float(np.percentile(lags, 50)), 1),
        "lag_p95_ms": round(float(np.percentile(lags, 95)), 1),
        **({} if api else {"in_history": sum(reader.in_history for reader in readers)}),
        **({} if api else {"told_busy": sum(reader.told for reader in readers)}),
        "memory_start_mb": round(before / MEGABYTE, 1),
        "memory_end_mb": round(after / MEGABYTE, 1),
        "server_cpu_share": round((spent - cpu) / wall, 2),
        "client_cpu_share": round(own / wall, 2),
    }


def _used(process: psutil.Process) -> tuple[int, float]:
    """Memory and seconds of a server, its workers included."""
    everybody = [process, *process.children(recursive=True)]
    cpu = [one.cpu_times() for one in everybody]
    return sum(one.memory_info().rss for one in everybody), sum(times.user + times.system for times in cpu)


async def _all_at(gate: asyncio.Barrier, seconds: float) -> None:
    """Wait until every client is at the gate. Raises BenchError where one does not come."""
    try:
        async with asyncio.timeout(seconds):
            await gate.wait()
    except TimeoutError:
        raise BenchError(f"Not every client was answered within {seconds:.0f} s.") from None


@asynccontextmanager
async def server(
    clients: int, rate: float, words: int, *, instant: bool = True, several: Several | None = None
) -> AsyncIterator[Running]:
    """A server with data of its own for so many clients, once its chat is loaded. Raises BenchError."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-", ignore_cleanup_errors=True))
        log, begun = Path(folder) / "server.log", Path(folder) / "begun.txt"
        given = ["--rate", str(rate), "--words", str(words), "--log", str(begun)]
        where: list[str] = []
        if not instant:
            endpoint, _ = await stack.enter_async_context(_started("tandem.bench.metronome", given, log))
            where = ["--endpoint", endpoint]
        arguments = ["--data", folder, "--clients", str(clients), *given, *where]
        if several is not None:
            arguments += ["--workers", str(several.workers), "--database", several.database]
        address, child = await stack.enter_async_context(_started("tandem.bench.chat_server", arguments, log))
        await _loaded(address, log)
        yield address, psutil.Process(child.pid), begun


@asynccontextmanager
async def _started(
    module: str, arguments: list[str], log: Path
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A process that prints its address once it serves; it ends with the block."""
    with log.open("ab") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, *arguments, stdout=asyncio.subprocess.PIPE, stderr=errors
        )
    try:
        yield await _address(child, log), child
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def _address(child: asyncio.subprocess.Process, log: Path) -> str:
    try:
        async with asyncio.timeout(START_SECONDS):
            assert child.stdout is not None
            while not (line := (await child.stdout.readline()).decode().strip()).startswith("http"):
                if not line and child.stdout.at_eof():
                    raise BenchError(f"The server did not start: {_end_of(log)}")
            return line
    except TimeoutError:
        raise BenchError(f"The server did not start within {START_SECONDS} s.") from None


async def _loaded(address: str, log: Path) -> None:
    try:
        async with httpx.AsyncClient(base_url=address) as http:
            (await http.get("/", timeout=START_SECONDS)).raise_for_status()
    except httpx.HTTPError:
        raise BenchError(f"The chat did not start: {_end_of(log)}") from None


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
