"""The OpenAI-compatible runtime against a real server that misbehaves in every way we know.

For each fault: what the person reads, what is tried again, and that no socket and no task is left behind.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.answering.generation import Written, generate
from hybrid.errors import ModelError
from hybrid.events import Delta
from hybrid.runtimes.base import ChatRequest, ModelState, Usage
from hybrid.runtimes.openai_compatible import OpenAICompatible, is_loopback
from hybrid.runtimes.reasoning_parser import Splitter
from hybrid.settings import EndpointSettings, TimeoutSettings
from hybrid.tracing.trace import Trace
from rag.types import Message
from tests.support.openai_server import OpenAIServer, Reply

MODEL = "phi-4-mini"
REQUEST = ChatRequest(MODEL, (Message("user", "How many days?"),), max_tokens=64, temperature=0.2, seed=3)
QUICK = TimeoutSettings(connect=5, first_token=10, silence=0.3, total=20)
IMPATIENT = TimeoutSettings(connect=5, first_token=0.3, silence=10, total=20)


def runtime(server: OpenAIServer | str, **options: object) -> OpenAICompatible:
    address = server if isinstance(server, str) else server.base_url
    return OpenAICompatible(EndpointSettings(name="test", base_url=address), **options)  # type: ignore[arg-type]


async def ask(
    server: OpenAIServer | str,
    request: ChatRequest = REQUEST,
    timeouts: TimeoutSettings | None = None,
    **options: object,
) -> tuple[Written, Trace]:
    """One whole call; afterwards no task of ours may be left."""
    before = asyncio.all_tasks()
    timeouts = timeouts or TimeoutSettings()
    written, trace = Written("draft"), Trace.start("q")
    endpoint = runtime(server, timeouts=timeouts, **options)
    try:
        async with aclosing(generate(written, endpoint, request, trace, timeouts)) as events:
            async for _ in events:
                pass
    finally:
        await endpoint.close()
        await no_task_left(before)
    return written, trace


async def no_task_left(before: set[asyncio.Task[object]]) -> None:
    """The client library closes its generators in tasks that end by themselves; nothing else may run on."""
    others = asyncio.all_tasks() - before
    if others:
        _, running = await asyncio.wait(others, timeout=5)
        assert not running


async def fails(server: OpenAIServer | str, **options: object) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(server, **options)  # type: ignore[arg-type]
    if isinstance(server, OpenAIServer):
        assert server.wait_for(lambda s: s.connections == 0), "a socket was left open"
    return caught.value


async def test_text_usage_and_spans_arrive(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Annual leave", " is 25", " days."], reasoning=["Let me", " see."])
    written, trace = await ask(openai_server)
    assert written.text == "Annual leave is 25 days."
    assert written.usage == Usage(7, 5)
    assert [span.name for span in trace.spans] == ["send", "first_token", "first_content", "last_token"]
    record = trace.stages[0]
    assert record.finish_reason == "stop" and record.tokens_per_second and record.text == written.text
    asked = openai_server.requests[0]
    assert asked["max_tokens"] == 64 and asked["seed"] == 3 and asked["temperature"] == 0.2
    assert openai_server.wait_for(lambda s: s.connections == 0)


async def test_reasoning_is_told_from_the_answer(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Yes."], reasoning=["Hmm."], reasoning_field="reasoning")
    endpoint, thoughts = runtime(openai_server), []
    async for event in generate(Written("draft"), endpoint, REQUEST, Trace.start("q"), TimeoutSettings()):
        if isinstance(event, Delta) and event.reasoning:
            thoughts.append(event.reasoning)
    await endpoint.close()
    assert thoughts == ["Hmm."]


async def test_harmony_channels_in_the_text(openai_server: OpenAIServer) -> None:
    text = "<|channel|>analysis<|message|>Think.<|end|><|start|>assistant<|channel|>final<|message|>Twenty-five days."
    openai_server.models[MODEL] = Reply([text[i : i + 7] for i in range(0, len(text), 7)])
    written, _ = await ask(openai_server)
    assert written.text == "Twenty-five days."


async def test_logprobs_are_collected(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["a", " b"], logprob=-0.5)
    written, _ = await ask(openai_server)
    assert written.logprobs == [-0.5, -0.5]


async def test_half_a_character_per_write(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Yıllık ", "izin — ", "günü: 日本"], bytes_per_write=1)
    written, _ = await ask(openai_server)
    assert written.text == "Yıllık izin — günü: 日本"


async def test_missing_usage_and_finish_reason(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Twelve words."], usage=None, finish_reason=None, done=False)
    written, trace = await ask(openai_server)
    assert written.text == "Twelve words." and written.finish_reason == "other"
    assert written.usage is not None and written.usage.estimated
    assert trace.stages[0].usage == written.usage


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


async def test_an_old_service_loads_its_model_on_request(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Loaded."], needs_load=True)
    written, trace = await ask(openai_server)
    assert written.text == "Loaded." and "load" in [span.name for span in trace.spans]


async def test_a_server_that_knows_no_stream_options(openai_server: OpenAIServer) -> None:
    refusal = Reply(status=400, error={"message": "Unrecognized argument: stream_options"})
    openai_server.models[MODEL] = [refusal, Reply(["Fine."])]
    written, _ = await ask(openai_server)
    assert written.text == "Fine." and "stream_options" not in openai_server.requests[1]


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


async def test_the_key_is_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    with OpenAIServer(api_key="s3cret") as server:
        server.models[MODEL] = Reply(["Hi."])
        caplog.set_level("DEBUG")
        written, _ = await ask(server, api_key="s3cret")
        assert written.text == "Hi."
        error = await fails(server, api_key="wr0ng")
        assert error.kind == "unauthorised" and "wr0ng" not in str(error)
        assert "s3cret" not in caplog.text and "wr0ng" not in caplog.text


async def test_models_are_listed(openai_server: OpenAIServer) -> None:
    openai_server.models.update({"a": Reply(), "b": Reply()})
    endpoint = runtime(openai_server)
    assert [model.id for model in await endpoint.models()] == ["a", "b"]
    await endpoint.close()


async def test_a_server_that_lists_nothing_is_taken_at_its_word() -> None:
    with OpenAIServer(lists=False) as server:
        endpoint = runtime(server, assume=("phi-4-mini",))
        assert [model.id for model in await endpoint.models()] == ["phi-4-mini"]
        await endpoint.close()


async def test_an_empty_list_leaves_the_models_of_the_settings(openai_server: OpenAIServer) -> None:
    endpoint = runtime(openai_server, assume=("phi-4-mini",))
    assert openai_server.models == {}
    assert [model.id for model in await endpoint.models()] == ["phi-4-mini"]
    await endpoint.close()


async def test_the_list_tells_how_long_a_prompt_may_be(openai_server: OpenAIServer) -> None:
    shapes: dict[str, dict[str, object]] = {
        "llama.cpp": {"meta": {"n_ctx": 4096, "n_ctx_train": 8192, "size": 96_576_768}},
        "vllm": {"max_model_len": 32_768},
        "lm-studio": {"state": "not-loaded", "max_context_length": 131_072},
        "ollama": {"owned_by": "library"},
        "nonsense": {"meta": [], "max_model_len": "many", "status": 7},
        "extractive": {},
    }
    openai_server.models.update(dict.fromkeys(shapes, Reply()))
    openai_server.listed.update(shapes)
    endpoint = runtime(openai_server)
    found = {model.id: model for model in await endpoint.models()}
    await endpoint.close()
    assert {name: model.context_length for name, model in found.items()} == {
        "llama.cpp": 4096,
        "vllm": 32_768,
        "lm-studio": 131_072,
        "ollama": None,
        "nonsense": None,
    }
    assert found["llama.cpp"].size_mb == 97
    assert found["lm-studio"].state is ModelState.CACHED and found["vllm"].state is ModelState.READY


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


async def test_a_crowd_of_streams_comes_whole_and_in_few_pieces(openai_server: OpenAIServer) -> None:
    words = [f"word{number} " for number in range(60)]
    openai_server.models[MODEL] = Reply(words, delay_s=0.002)
    endpoint = runtime(openai_server)

    async def answer() -> list[str]:
        return [chunk.text async for chunk in endpoint.stream(REQUEST) if chunk.text]

    answers = await asyncio.gather(*(answer() for _ in range(30)))
    await endpoint.close()
    assert {"".join(pieces) for pieces in answers} == {"".join(words)}
    assert max(map(len, answers)) < 60


async def test_a_whole_answer_in_place_of_a_stream(openai_server: OpenAIServer) -> None:
    message = {"role": "assistant", "content": "Whole.", "reasoning_content": "Hm."}
    whole = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"completion_tokens": 2}}
    openai_server.models[MODEL] = Reply(end="whole", whole=whole)
    written, trace = await ask(openai_server)
    assert (written.text, written.finish_reason, written.usage) == ("Whole.", "stop", Usage(0, 2))
    assert trace.stages[0].first_content_ms is not None


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


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:2/v1", True),
        ("http://10.0.0.1", False),
    ],
)
def test_is_loopback(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


def split(pieces: Sequence[str]) -> tuple[str, str]:
    splitter = Splitter()
    parts = [splitter.push(piece) for piece in pieces] + [splitter.finish()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@given(st.data())
@settings(max_examples=100)
def test_channels_do_not_depend_on_where_the_text_is_cut(data: st.DataObject) -> None:
    marks = ["<|channel|>", "final", "analysis", "<|message|>", "<|end|>", "<think>", "</think>", "a < b", "<|", "Hi. "]
    text = "".join(data.draw(st.lists(st.sampled_from(marks), max_size=12)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert split(pieces) == split([text])


@given(st.text(alphabet="ab<|>/ \n", max_size=40))
def test_ordinary_text_passes_unchanged(text: str) -> None:
    assert split(list(text)) == (text, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>Hm.</think>Yes.", ("Yes.", "Hm.")),
        ("<tool_call>{}</tool_call>Then this.", ("Then this.", "")),
        ("<|start|>assistant<|message|>Plain.<|end|>", ("Plain.", "")),
        ("<|channel|>commentary to=x<|message|>{}<|call|>Fine.", ("Fine.", "{}")),
    ],
)
def test_channels(text: str, expected: tuple[str, str]) -> None:
    assert split([text]) == expected


async def test_what_a_model_understands_is_learned_once_and_kept(openai_server: OpenAIServer, tmp_path: Path) -> None:
    memory = tmp_path / "endpoints.json"
    openai_server.models[MODEL] = [
        Reply(status=400, error={"message": "logprobs is not supported by this model"}),
        Reply(status=400, error={"message": "Use 'max_completion_tokens' instead."}),
        Reply(["Fine."], usage=None),
    ]
    await ask(openai_server, memory=memory)
    first, second, third = openai_server.requests
    assert "logprobs" in first and "logprobs" not in second and second["max_tokens"] == 64
    assert third["max_completion_tokens"] == 64 and "max_tokens" not in third
    await ask(openai_server, memory=memory)
    assert len(openai_server.requests) == 4 and openai_server.requests[3] == third


async def test_a_broken_memory_is_learned_anew(openai_server: OpenAIServer, tmp_path: Path) -> None:
    memory = tmp_path / "endpoints.json"
    memory.write_text('{"' + openai_server.base_url + '": {"phi-4-mini": {"nonsense": 1}}}')
    openai_server.models[MODEL] = Reply(["Fine."])
    written, _ = await ask(openai_server, memory=memory)
    assert written.text == "Fine." and '"usage": true' in memory.read_text()


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


async def test_reading_a_long_prompt_is_neither_a_hang_nor_a_load(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Read."], first_delay_s=0.5)
    written, trace = await ask(openai_server, sign_of_life_s=0.1)
    assert written.text == "Read."
    spans = {span.name: span.duration_ms or 0.0 for span in trace.spans}
    assert list(spans) == ["send", "first_token", "first_content", "last_token"]
    assert spans["first_token"] > 400 > spans["send"]  # though the headers came only with the first token
    assert "/v1/models" in openai_server.paths


async def test_a_load_is_shown_where_the_server_speaks_of_one(openai_server: OpenAIServer) -> None:
    loading = Reply(status=503, error={"message": "Loading model", "type": "unavailable_error", "code": 503})
    openai_server.models[MODEL] = [*[loading] * 4, Reply(["Loaded."])]
    written, trace = await ask(openai_server)
    assert written.text == "Loaded." and "load" in [span.name for span in trace.spans]


async def test_a_load_is_shown_where_the_list_says_so(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Loaded."], first_delay_s=0.5)
    openai_server.listed[MODEL] = {"status": {"value": "loading"}}
    written, trace = await ask(openai_server, sign_of_life_s=0.1)
    assert written.text == "Loaded." and "load" in [span.name for span in trace.spans]


async def test_a_server_that_takes_questions_but_lives_no_more(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(end="hang")
    openai_server.deaf = True
    error = await fails(openai_server, sign_of_life_s=0.2)
    assert error.kind == "timeout" and "hangs" in str(error) and len(openai_server.requests) == 1
