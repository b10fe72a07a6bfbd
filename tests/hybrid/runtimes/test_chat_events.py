"""Completion events as chunks: the shapes in which servers send text, thinking, ends, usage and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.runtimes.base import Chunk, Usage
from hybrid.runtimes.chat_events import ChatEvents, ServerSaid, said_in
from hybrid.runtimes.server_sent_events import EventParser, ServerEvent

# What each server's stream looks like, by its documentation and sources (that of `transformers serve` 5.24 as it was
# heard, but for the thinking); llama.cpp's is in tests/real_models, live.
OLLAMA = """\
data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama",\
"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning":"Hm"},"finish_reason":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama",\
"choices":[{"index":0,"delta":{"role":"assistant","content":"25 days"},"finish_reason":null}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama",\
"choices":[{"index":0,"delta":{"role":"assistant","content":"."},"finish_reason":"stop"}]}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"fp_ollama",\
"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}

data: [DONE]

"""
VLLM = """\
data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":\
{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null}

data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":\
{"reasoning_content":"Hm"},"logprobs":null,"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":\
{"content":"25 days."},"logprobs":{"content":[{"token":"25","logprob":-0.25,"bytes":[50,53],"top_logprobs":[]},\
{"token":" days.","logprob":-9999.0,"bytes":null,"top_logprobs":[]}]},"finish_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":\
{"content":""},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}]}

data: {"id":"chatcmpl-2","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":\
{"prompt_tokens":9,"total_tokens":13,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":8}}}

data: [DONE]

"""
LM_STUDIO = """\
data: {"id":"chatcmpl-3","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"m",\
"choices":[{"index":0,"delta":{"role":"assistant","reasoning":"Hm"},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-3","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"m",\
"choices":[{"index":0,"delta":{"role":"assistant","content":"25 days."},"logprobs":null,"finish_reason":null}]}

data: {"id":"chatcmpl-3","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"m",\
"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}

data: {"id":"chatcmpl-3","object":"chat.completion.chunk","created":1,"model":"m","system_fingerprint":"m",\
"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}

data: [DONE]

"""
TRANSFORMERS = """\
data: {"id":"5","choices":[{"delta":{"role":"assistant"},"index":0}],"created":1,"model":"/models/m",\
"object":"chat.completion.chunk","system_fingerprint":""}

data: {"id":"5","choices":[{"delta":{"reasoning_content":"Hm"},"index":0}],"created":1,"model":"/models/m",\
"object":"chat.completion.chunk","system_fingerprint":""}

data: {"id":"5","choices":[{"delta":{"content":"25 days."},"index":0}],"created":1,"model":"/models/m",\
"object":"chat.completion.chunk","system_fingerprint":""}

data: {"id":"5","choices":[{"delta":{},"index":0,"finish_reason":"length"}],"created":1,"model":"/models/m",\
"object":"chat.completion.chunk","system_fingerprint":"","usage":{"completion_tokens":4,"prompt_tokens":9,\
"total_tokens":13}}

"""
MISTRAL = """\
data: {"id":"4","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":\
"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]}]},"finish_reason":null}]}

data: {"id":"4","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":\
[{"type":"text","text":"25 days."}]},"finish_reason":"model_length"}],"usage":{"prompt_tokens":9,\
"total_tokens":13,"completion_tokens":4}}

data: [DONE]

"""


def read(stream: str, size: int = 10_000) -> list[Chunk]:
    parser, events = EventParser(), ChatEvents()
    data = stream.encode()
    found: list[Chunk] = []
    for at in range(0, len(data), size):
        for event in parser.feed(data[at : at + size]):
            events.take(event)
        found += events.chunks()
    return [*found, *events.end()]


def event(**fields: Any) -> str:
    return f"data: {json.dumps(fields)}\n\n"


def delta(**fields: Any) -> str:
    return event(choices=[{"index": 0, "delta": fields, "finish_reason": None}])


@pytest.mark.parametrize(
    ("stream", "finish", "cached"),
    [
        (OLLAMA, "stop", 0),
        (VLLM, "stop", 8),
        (LM_STUDIO, "stop", 0),
        (TRANSFORMERS, "length", 0),
        (MISTRAL, "length", 0),
    ],
    ids=["ollama", "vllm", "lm-studio", "transformers", "mistral"],
)
@pytest.mark.parametrize("size", [1, 37, 10_000])
def test_dialects(stream: str, finish: str, cached: int, size: int) -> None:
    chunks = read(stream, size)
    assert "".join(chunk.text for chunk in chunks) == "25 days."
    assert "".join(chunk.reasoning for chunk in chunks) == "Hm"
    assert chunks[-1] == Chunk(finish_reason=finish, usage=Usage(9, 4, cached_tokens=cached, caching=cached > 0))


def test_logprobs_come_with_their_text() -> None:
    assert [chunk.logprobs for chunk in read(VLLM) if chunk.text] == [(-0.25, -9999.0)]


def test_what_came_together_stays_together_and_in_order() -> None:
    stream = (
        delta(reasoning="a") + delta(reasoning="b") + delta(content="c") + delta(content="d") + delta(reasoning="e")
    )
    assert [(chunk.text, chunk.reasoning) for chunk in read(stream)] == [("", "ab"), ("cd", ""), ("", "e"), ("", "")]


@given(st.lists(st.tuples(st.booleans(), st.text(min_size=1, max_size=5)), max_size=12), st.integers(1, 90))
def test_nothing_is_lost_wherever_the_bytes_are_cut(deltas: list[tuple[bool, str]], size: int) -> None:
    plain = [(thought, text.replace("<", "(")) for thought, text in deltas]
    stream = "".join(delta(**{"reasoning_content" if thought else "content": text}) for thought, text in plain)
    try:
        chunks = read(stream, size)
    except UnicodeEncodeError:
        return
    assert "".join(chunk.text for chunk in chunks) == "".join(text for thought, text in plain if not thought)
    assert "".join(chunk.reasoning for chunk in chunks) == "".join(text for thought, text in plain if thought)


def test_half_characters_and_numbers_that_are_none_are_read() -> None:
    stream = 'data: {"choices":[{"delta":{"content":"\\ud83d"},"logprobs":{"content":[{"logprob":NaN},{}]}}]}\n\n'
    assert read(stream)[0] == Chunk(text="\ud83d")


def test_what_the_cache_held_is_read_from_the_timings() -> None:
    stream = event(choices=[], usage={"completion_tokens": 1, "prompt_tokens": 9}, timings={"cache_n": 7})
    assert read(stream)[-1].usage == Usage(9, 1, cached_tokens=7, caching=True)


@pytest.mark.parametrize(
    "found",
    [
        {"error": {"message": "out of memory", "type": "api_error"}},
        {"error": "out of memory"},
        {"object": "error", "message": "out of memory", "code": 400},
        {"detail": [{"loc": ["body"], "msg": "out of memory"}]},
        {"detail": "out of memory"},
    ],
)
def test_an_error_is_read_in_every_shape(found: dict[str, Any]) -> None:
    assert said_in(found) == "out of memory"
    with pytest.raises(ServerSaid, match="out of memory"):
        ChatEvents().take(ServerEvent(json.dumps(found).encode(), "error"))


def test_text_before_an_error_is_kept() -> None:
    events = ChatEvents()
    trouble = events.take_all(EventParser().feed((delta(content="Half") + event(error={"message": "no"})).encode()))
    assert isinstance(trouble, ServerSaid) and events.chunks() == [Chunk(text="Half")]


@pytest.mark.parametrize("data", [b"[]", b'"text"', b'{"choices": [{"delta": "text"}]}', b'{"choices": 7}', b"{"])
def test_what_is_no_completion_is_no_text(data: bytes) -> None:
    with pytest.raises((TypeError, AttributeError, ValueError, KeyError)):
        ChatEvents().take(ServerEvent(data))
