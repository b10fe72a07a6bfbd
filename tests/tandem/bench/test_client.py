"""The lean client against a real HTTP server: every dialect and every accident."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from hybrid.runtimes.base import ChatRequest, Chunk
from hybrid.settings import EndpointSettings
from rag.types import Message
from tandem.bench.client import Wire, WireError
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.timed_server import TimedServer, Timing

REQUEST = ChatRequest("m", (Message("user", "Hello?"),), max_tokens=50, temperature=0.0, seed=3)


async def asked(server: OpenAIServer, reply: Reply, times: int = 1, **options: bool) -> list[Chunk]:
    server.models["m"] = reply
    wire = Wire(EndpointSettings(name="here", base_url=server.base_url), api_key="secret", **options)
    try:
        for _ in range(times):
            chunks = [chunk async for chunk in wire.stream(REQUEST)]
    finally:
        await wire.close()
    return chunks


async def test_text_thinking_and_usage_come_through(openai_server: OpenAIServer) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}}

    chunks = await asked(openai_server, Reply(["Hel", "lo."], reasoning=["hm", "m"], usage=usage))

    assert "".join(chunk.text for chunk in chunks) == "Hello."
    assert "".join(chunk.reasoning for chunk in chunks) == "hmm"
    end = chunks[-1]
    assert end.finish_reason == "stop" and end.usage is not None
    assert (end.usage.prompt_tokens, end.usage.completion_tokens, end.usage.reasoning_tokens) == (3, 9, 4)
    body = openai_server.requests[0]
    assert (body["max_tokens"], body["temperature"], body["seed"], body["stream"]) == (50, 0.0, 3, True)
    assert openai_server.headers[0]["authorization"] == "Bearer secret"


async def test_connections_are_used_again(openai_server: OpenAIServer) -> None:
    openai_server.models["m"] = Reply(["a"])
    wire = Wire(EndpointSettings(name="here", base_url=openai_server.base_url))
    await wire.open(1)
    for _ in range(4):
        assert [chunk.text async for chunk in wire.stream(REQUEST) if chunk.text] == ["a"]

    assert openai_server.connections == 1
    await wire.close()


async def test_a_connection_closed_after_each_answer_costs_no_request() -> None:
    """llama.cpp's server says keep-alive, and closes when the next request is there."""
    data = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(data)}\r\n\r\n".encode()

    served: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.add(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + data)
        await reader.read(65_536)  # the rest of the request
        await reader.read(1)  # the next one, or the end
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(EndpointSettings(name="here", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
    for _ in range(3):
        assert [chunk.text async for chunk in wire.stream(REQUEST) if chunk.text] == ["a"]
    await wire.close()
    server.close()
    await asyncio.gather(*filter(None, served))


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_a_stream_cut_anywhere_reads_the_same(openai_server: OpenAIServer, size: int) -> None:
    chunks = await asked(openai_server, Reply(["Gün", "aydın 🌞", "<thi", "nk>so</think>!"], bytes_per_write=size))

    assert "".join(chunk.text for chunk in chunks) == "Günaydın 🌞!"
    assert "".join(chunk.reasoning for chunk in chunks) == "so"


@pytest.mark.parametrize(
    ("reply", "kind", "status"),
    [
        (Reply(status=500), "unavailable", 500),
        (Reply(status=429), "overloaded", 429),
        (Reply(status=401), "unauthorised", 401),
        (Reply(status=400, error="no"), "refused", 400),
        (Reply(["a"], end="error"), "refused", None),
        (Reply(["a"], end="garbage"), "protocol", None),
        (Reply(["a"], end="reset"), "reset", None),
        (Reply(["a"], end="shape"), "protocol", None),
    ],
    ids=lambda value: str(getattr(value, "end", value)),
)
async def test_a_failure_has_its_kind_and_status(
    openai_server: OpenAIServer, reply: Reply, kind: str, status: int | None
) -> None:
    with pytest.raises(WireError) as caught:
        await asked(openai_server, reply)

    assert (caught.value.kind, caught.value.status) == (kind, status)
    assert len(openai_server.requests) == 1


async def test_an_unknown_model_is_named(openai_server: OpenAIServer) -> None:
    wire = Wire(EndpointSettings(name="here", base_url=openai_server.base_url))
    with pytest.raises(WireError, match="HTTP 404 for m: The model `m` does not exist"):
        [chunk async for chunk in wire.stream(REQUEST)]
    await wire.close()


async def test_nothing_listening_is_refused(openai_server: OpenAIServer) -> None:
    wire = Wire(EndpointSettings(name="here", base_url="http://127.0.0.1:9/v1"))
    with pytest.raises(WireError, match="Nothing answers at"):
        [chunk async for chunk in wire.stream(REQUEST)]


async def test_leaving_early_closes_the_connection(openai_server: OpenAIServer) -> None:
    openai_server.models["m"] = Reply(["a"], end="hang")
    wire = Wire(EndpointSettings(name="here", base_url=openai_server.base_url))
    stream = wire.stream(REQUEST)
    async for chunk in stream:
        if chunk.text:
            break
    await stream.aclose()

    assert await asyncio.to_thread(openai_server.wait_for, lambda server: server.left == 1)
    await wire.close()


async def test_a_whole_answer_comes_at_once() -> None:
    with TimedServer({"m": Timing(0.01, 0.001, 5, reasoning=2)}) as server:
        wire = Wire(EndpointSettings(name="here", base_url=server.base_url), streamed=False)
        chunks = [chunk async for chunk in wire.stream(REQUEST)]
        await wire.close()

    (whole,) = (chunk for chunk in chunks if chunk.text)
    assert (whole.text, whole.reasoning, whole.finish_reason) == (" w2 w3 w4", "w0 w1", "stop")
    assert whole.usage is not None and whole.usage.completion_tokens == 5
