"""Puts `tandem bench chat --api` beside a client that shares no code with it. Run by hand, on a quiet machine:

    python -m tests.tandem.bench.beside_client --clients 100 --rate 100 --seconds 15

The other client is plain aiohttp in a process of its own: it posts to /v1, splits what comes into words and takes the
time of the first and the last. Ours runs before and after it on a server of the same kind; the medians and the slowest
should agree within 5 %.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time

import aiohttp

from tandem.bench import chat
from tandem.bench.chat_server import API_KEY
from tandem.bench.relay import QUESTION, WARM_UP, whole


async def read(session: aiohttp.ClientSession, address: str, question: str) -> tuple[int, float]:
    """(words, words a second from the first to the last) of one answer as it is written."""
    body = {
        "model": "tandem",
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "tandem": {"content": "as_written"},
    }
    text, times = "", []
    async with session.post(f"{address}/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            if not line.startswith(b"data: {"):
                continue
            for choice in json.loads(line[6:])["choices"]:
                piece = choice["delta"].get("content") or ""
                if piece:
                    text += piece
                    times.append((time.perf_counter(), len(text.split())))
    (began, first), (ended, last) = times[0], times[-1]
    return last, (last - first) / (ended - began)


async def theirs(address: str, clients: int) -> list[float]:
    """The rates of so many answers at once."""
    headers = {"authorization": f"Bearer {API_KEY}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        for _ in range(2):
            await read(session, address, WARM_UP)
        found = await asyncio.gather(*(read(session, address, QUESTION) for _ in range(clients)))
    return [rate for _, rate in found]


async def beside(clients: int, rate: float, seconds: float) -> list[tuple[str, float, float]]:
    """(whose, slowest, median) of each of three runs."""
    runs = []
    for whose in ("ours", "theirs", "ours"):
        if whose == "ours":
            found = await chat.measure(clients, rate, seconds, api=True)
            runs.append((whose, found["tokens_per_s_min"], found["tokens_per_s_median"]))
            continue
        async with chat.server(clients, rate, whole(int(rate * seconds)), instant=False) as (address, _, _):
            command = [sys.executable, "-m", "tests.tandem.bench.beside_client", "--read", address]
            child = await asyncio.create_subprocess_exec(
                *command, "--clients", str(clients), stdout=asyncio.subprocess.PIPE
            )
            out, _ = await child.communicate()
            rates = json.loads(out)
            runs.append((whose, min(rates), statistics.median(rates)))
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--read", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(asyncio.run(theirs(given.read, given.clients))))
        return
    print(f"{'client':<8}{'slowest':>10}{'median':>10}   tokens/s")
    for whose, slowest, median in asyncio.run(beside(given.clients, given.rate, given.seconds)):
        print(f"{whose:<8}{slowest:>10.2f}{median:>10.2f}")


if __name__ == "__main__":
    main()
