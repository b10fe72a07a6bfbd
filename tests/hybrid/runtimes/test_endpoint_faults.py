"""The OpenAI-compatible runtime against a real server that misbehaves in every way we know.

For each fault: what the person reads, what is tried again, and that no socket and no task is left behind.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.answering.generation import Written, generate
from hybrid.errors import ModelError
from hybrid.events import Delta
from hybrid.runtimes.base import Usage
from hybrid.settings import TimeoutSettings
from hybrid.tracing.trace import Trace
from tests.hybrid.runtimes.endpoint_calls import IMPATIENT, MODEL, QUICK, REQUEST, ask, fails, runtime
from tests.support.openai_server import OpenAIServer, Reply


async def test_a_stream_that_never_closes_after_its_end(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Done."], close=False, done=False)
    written, _ = await ask(openai_server)
    assert written.text == "Done." and written.finish_reason == "stop" and written.usage == Usage(7, 5)
    assert openai_server.wait_for(lambda s: s.connections == 0)


async def test_a_stream_that_falls_silent_in_mid_sentence(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Annual leave is"], end="hang")
    error = await fails(openai_server, timeouts=QUICK)
    assert error.kind == "silence" and "0.3 s" in str(error)


async def test_a_whole_answer_without_an_end_is_kept(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Annual leave is 25 days."], end="hang")
    written, _ = await ask(openai_server, timeouts=QUICK)
    assert written.text == "Annual leave is 25 days." and written.finish_reason == "other"
    assert openai_server.wait_for(lambda s: s.connections == 0)


async def test_no_first_token_in_time(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(end="hang")
    error = await fails(openai_server, timeouts=IMPATIENT)
    assert error.kind == "timeout" and error.retriable


async def test_nothing_listens() -> None:
    with OpenAIServer() as server:
        address = server.base_url
    error = await fails(address)
    assert error.kind == "refused" and address in str(error) and "start the server" in str(error)


@pytest.mark.parametrize(
    ("reply", "kind", "words", "calls"),
    [
        (Reply(status=401), "unauthorised", "rejected the key", 1),
        (Reply(status=404), "not_found", "no model 'phi-4-mini'", 1),
        (
            Reply(status=400, error={"message": "This model's maximum context length is 512 tokens"}),
            "too_long",
            "fewer",
            1,
        ),
        (Reply(status=400, error={"message": "bad temperature"}), "refused", "bad temperature", 1),
        (Reply(status=503), "unavailable", "HTTP 503", 3),
        (Reply(status=429, headers={"retry-after": "900"}), "overloaded", "overloaded", 1),
        (Reply(["Half"], end="error"), "refused", "scripted error", 1),
        (Reply(end="error", error={"message": "prompt is too long"}), "too_long", "fewer passages", 1),
        (Reply(["Half"], end="garbage"), "protocol", "not the OpenAI protocol", 1),
        (Reply(["Half"], end="shape"), "protocol", "", 1),
        (Reply(["Half"], end="reset"), "reset", "cut the connection", 1),
        (Reply(end="tool"), "protocol", "call a tool", 1),
        (Reply(status=500, error="<html>Oops</html>"), "unavailable", "HTTP 500", 3),
    ],
)
async def test_faults(openai_server: OpenAIServer, reply: Reply, kind: str, words: str, calls: int) -> None:
    openai_server.models[MODEL] = reply
    error = await fails(openai_server)
    assert (error.kind, len(openai_server.requests)) == (kind, calls)
    assert words in str(error)
    assert "\n" not in str(error) and "Traceback" not in str(error)


@pytest.mark.parametrize(
    "fault", [Reply(status=500), Reply(status=429, headers={"retry-after": "0"}), Reply(end="reset")]
)
async def test_a_passing_fault_before_the_first_token_is_tried_again(openai_server: OpenAIServer, fault: Reply) -> None:
    openai_server.models[MODEL] = [fault, Reply(["Better now."])]
    written, _ = await ask(openai_server)
    assert written.text == "Better now." and len(openai_server.requests) == 2


async def test_an_answer_without_end_is_cut(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["word "] * 100_000)
    written, _ = await ask(openai_server, request=replace(REQUEST, max_tokens=50))
    assert written.finish_reason == "length" and 50 <= len(written.text.split()) <= 50_000
    assert openai_server.wait_for(lambda s: s.connections == 0)


async def test_stop_closes_the_connection(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["word "] * 50, end="hang")
    endpoint, written = runtime(openai_server), Written("draft")
    async with aclosing(generate(written, endpoint, REQUEST, Trace.start("q"), TimeoutSettings())) as events:
        async for event in events:
            if isinstance(event, Delta) and len(written.text) == 250:
                break
    assert await asyncio.to_thread(openai_server.wait_for, lambda s: s.left == 1)
    assert written.finish_reason == "cancelled" and written.text == "word " * 50
    await endpoint.close()


async def test_stop_during_prefill(openai_server: OpenAIServer) -> None:
    never = threading.Event()
    openai_server.models[MODEL] = Reply(["late"], hold=never)
    task = asyncio.create_task(ask(openai_server))
    assert await asyncio.to_thread(openai_server.wait_for, lambda s: len(s.requests) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    never.set()
    assert await asyncio.to_thread(openai_server.wait_for, lambda s: s.connections == 0)


async def test_unknown_host() -> None:
    error = await fails("http://no-such-host.invalid:9/v1")
    assert error.kind == "refused" and "host" in str(error)


async def test_untrusted_certificate(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    await asyncio.to_thread(subprocess.run, [*command, "-out", cert, "-keyout", key], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with OpenAIServer(tls=context) as server:
        error = await fails(server.base_url)
        assert error.kind == "refused" and "certificate" in str(error)
        plain = await fails(server.base_url.replace("https", "http"))
        assert plain.kind == "reset"


async def test_a_connection_that_died_between_two_requests_is_made_anew(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Fine."])
    openai_server.drops = True
    endpoint = runtime(openai_server)
    for number in range(1, 5):
        text = "".join([chunk.text async for chunk in endpoint.stream(REQUEST)])
        assert (text, len(openai_server.requests)) == ("Fine.", number)
        assert await asyncio.to_thread(openai_server.wait_for, lambda s: s.waiting == 1)
    await endpoint.close()


async def test_a_busy_process_does_not_call_a_healthy_server_dead(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Fine."])
    endpoint = runtime(openai_server, timeouts=TimeoutSettings(connect=0.02))
    await endpoint.models()
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def hog() -> None:
        threading.Event().wait(0.04)  # what takes the loop's whole time, for longer than a connection may take
        if not stopped.is_set():
            loop.call_soon(hog)

    loop.call_soon(hog)

    async def answer() -> str:
        return "".join([chunk.text async for chunk in endpoint.stream(REQUEST)])

    answers = await asyncio.gather(*(answer() for _ in range(5)))
    stopped.set()
    await endpoint.close()
    assert answers == ["Fine."] * 5


async def test_an_error_in_place_of_a_stream(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(end="whole", whole={"error": "model requires more system memory"})
    error = await fails(openai_server)
    assert error.kind == "refused" and "more system memory" in str(error)


async def test_many_calls_leave_no_socket(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = [Reply(["x"], end=end) for end in ("reset", "garbage", "error", "eof")] * 3 + [
        Reply(["y"])
    ]
    endpoint = runtime(openai_server)

    async def once() -> None:
        try:
            async for _ in generate(Written("draft"), endpoint, REQUEST, Trace.start("q"), TimeoutSettings()):
                pass
        except ModelError:
            pass

    for _ in range(12):
        await once()
    await once()
    await endpoint.close()
    assert openai_server.wait_for(lambda s: s.connections == 0)


async def test_an_endpoint_that_keeps_failing_is_spared(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["x"], end="reset")
    endpoint = runtime(openai_server)
    for _ in range(3):
        with pytest.raises(ModelError, match="cut the connection"):
            async for _chunk in endpoint.stream(REQUEST):
                pass
    with pytest.raises(ModelError, match="asked again in 10 s"):
        async for _chunk in endpoint.stream(REQUEST):
            pass
    assert len(openai_server.requests) == 3
    openai_server.models[MODEL] = Reply(["Back."])
    await endpoint.models()
    assert "".join([chunk.text async for chunk in endpoint.stream(REQUEST)]) == "Back."
    await endpoint.close()


async def test_a_server_that_takes_questions_but_lives_no_more(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(end="hang")
    openai_server.deaf = True
    error = await fails(openai_server, sign_of_life_s=0.2)
    assert error.kind == "timeout" and "hangs" in str(error) and len(openai_server.requests) == 1
