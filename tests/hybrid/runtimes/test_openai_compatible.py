"""The OpenAI-compatible runtime against a real server: what arrives, what is asked, what is learned of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hybrid.answering.generation import Written, generate
from hybrid.events import Delta
from hybrid.runtimes.base import ModelState, Usage
from hybrid.runtimes.openai_compatible import is_loopback
from hybrid.settings import TimeoutSettings
from hybrid.tracing.trace import Trace
from tests.hybrid.runtimes.endpoint_calls import MODEL, REQUEST, ask, fails, runtime
from tests.support.openai_server import OpenAIServer, Reply


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


async def test_an_old_service_loads_its_model_on_request(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Loaded."], needs_load=True)
    written, trace = await ask(openai_server)
    assert written.text == "Loaded." and "load" in [span.name for span in trace.spans]


async def test_a_server_that_knows_no_stream_options(openai_server: OpenAIServer) -> None:
    refusal = Reply(status=400, error={"message": "Unrecognized argument: stream_options"})
    openai_server.models[MODEL] = [refusal, Reply(["Fine."])]
    written, _ = await ask(openai_server)
    assert written.text == "Fine." and "stream_options" not in openai_server.requests[1]


async def test_a_form_that_the_reply_is_held_to_is_asked_for_where_the_server_knows_how(
    openai_server: OpenAIServer,
) -> None:
    request = replace(REQUEST, schema={"type": "object"})
    refusal = Reply(status=400, error={"message": "response_format is not supported"})
    openai_server.models[MODEL] = [Reply(["{}"]), refusal, Reply(["Fine."])]
    held, _ = await ask(openai_server, request)
    asked = openai_server.requests[0]["response_format"]
    assert held.text == "{}" and asked["type"] == "json_schema" and asked["json_schema"]["schema"] == {"type": "object"}
    written, _ = await ask(openai_server, request)
    assert written.text == "Fine." and "response_format" not in openai_server.requests[2]


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


async def test_reading_a_long_prompt_is_neither_a_hang_nor_a_load(openai_server: OpenAIServer) -> None:
    openai_server.models[MODEL] = Reply(["Read."], first_delay_s=1.2)
    written, trace = await ask(openai_server, sign_of_life_s=0.4)
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
    openai_server.models[MODEL] = Reply(["Loaded."], first_delay_s=1.2)
    openai_server.listed[MODEL] = {"status": {"value": "loading"}}
    written, trace = await ask(openai_server, sign_of_life_s=0.4)
    assert written.text == "Loaded." and "load" in [span.name for span in trace.spans]
