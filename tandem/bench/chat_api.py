"""One program that asks over /v1 and reads the answer as it is written.

Knows a streamed chat completion and Tandem's way of asking for its text as written. Does not know the server's process.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import orjson

from tandem.bench.chat_people import STAGGER_SECONDS, BenchError, Reader
from tandem.bench.chat_server import API_KEY
from tandem.bench.http import Client
from tandem.bench.relay import QUESTION, WARM_UP

CONNECT_SECONDS = 60.0


async def ask(
    address: str, number: int, reader: Reader, words: int, gate: asyncio.Barrier, door: asyncio.Semaphore
) -> None:
    """Warm up, ask when all do, and read to the end. Raises BenchError."""
    client = Client(f"{address}/v1/chat/completions", {"authorization": f"Bearer {API_KEY}"}, CONNECT_SECONDS)
    try:
        async with door:
            await _ask(client, WARM_UP, Reader(reader.due))
        await gate.wait()
        await asyncio.sleep(number * STAGGER_SECONDS)
        await _ask(client, QUESTION, reader)
        await gate.wait()
        await gate.wait()
    finally:
        client.close()


async def _ask(client: Client, question: str, reader: Reader) -> None:
    body = {
        "model": "tandem",
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "tandem": {"content": "as_written"},
    }
    async with aclosing(client.post(json.dumps(body).encode())) as responses:
        async for response in responses:
            if response.status != 200:
                raise BenchError(f"/v1 refused a client: {(await response.read(300)).decode('utf-8', 'replace')}")
            rest = b""
            async for _, piece in response.body():
                *events, rest = (rest + piece).split(b"\n\n")
                text = "".join(_text(event) for event in events)
                if text:
                    reader.read(text)
    reader.end()


def _text(event: bytes) -> str:
    if not event.startswith(b"data: {"):
        return ""
    found = orjson.loads(event[6:])
    if "error" in found:
        raise BenchError(f"/v1 broke off: {found['error']['message']}")
    return "".join(choice["delta"].get("content") or "" for choice in found["choices"])
