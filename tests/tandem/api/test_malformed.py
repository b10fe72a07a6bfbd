"""Requests that are wrong get the protocol's error: its shape, the right status, the field that is wrong."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from hybrid.runtimes.scripted import Scripted
from tests.support.served import Served

JSON = {"content-type": "application/json"}
USER = [{"role": "user", "content": "Hello?"}]


def body(**changes: Any) -> dict[str, Any]:
    """A good request with changes; None leaves the field out."""
    whole = {"model": "phi-4-mini", "messages": USER, **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def message(**fields: Any) -> dict[str, Any]:
    return body(messages=[fields])


DEEP = "[" * 100_000
FIELDS: list[tuple[dict[str, Any], str]] = [
    (body(model=...), "model"),
    (body(model=None), "model"),
    (body(model=""), "model"),
    (body(model=5), "model"),
    (body(model=["phi-4-mini"]), "model"),
    (body(model="m" * 301), "model"),
    (body(messages=...), "messages"),
    (body(messages=None), "messages"),
    (body(messages=[]), "messages"),
    (body(messages="Hello?"), "messages"),
    (body(messages={"role": "user", "content": "Hello?"}), "messages"),
    (body(messages=["Hello?"]), "messages[0]"),
    (body(messages=[None]), "messages[0]"),
    (body(messages=[[]]), "messages[0]"),
    (body(messages=USER * 1001), "messages"),
    (message(content="Hello?"), "messages[0].role"),
    (message(role="robot", content="Hello?"), "messages[0].role"),
    (message(role=1, content="Hello?"), "messages[0].role"),
    (message(role="tool", content="4", tool_call_id="x"), "messages[0].role"),
    (message(role="user", content=5), "messages[0].content"),
    (message(role="user", content={"text": "Hello?"}), "messages[0].content"),
    (message(role="user", content=["Hello?"]), "messages[0].content"),
    (message(role="user", content=[{"type": "text"}]), "messages[0].content"),
    (message(role="user", content=[{"type": "image_url", "image_url": {"url": "x"}}]), "messages[0].content"),
    (message(role="user", content=[{"type": "input_audio", "input_audio": {}}]), "messages[0].content"),
    (message(role="user"), "messages"),
    (message(role="user", content=None), "messages"),
    (message(role="user", content=""), "messages"),
    (message(role="user", content=" \n\t"), "messages"),
    (message(role="user", content=[]), "messages"),
    (message(role="assistant", content="Hello."), "messages"),
    (body(stream="true"), "stream"),
    (body(stream=1), "stream"),
    (body(stream=True, stream_options="usage"), "stream_options"),
    (body(stream=True, stream_options={"include_usage": "yes"}), "stream_options.include_usage"),
    (body(stream_options={"include_usage": True}), "stream_options"),
    (body(max_tokens=0), "max_tokens"),
    (body(max_tokens=-1), "max_tokens"),
    (body(max_tokens="100"), "max_tokens"),
    (body(max_tokens=1.5), "max_tokens"),
    (body(max_completion_tokens=0), "max_completion_tokens"),
    (body(temperature=-0.1), "temperature"),
    (body(temperature=2.1), "temperature"),
    (body(temperature="0"), "temperature"),
    (body(top_p=1.1), "top_p"),
    (body(presence_penalty=3), "presence_penalty"),
    (body(frequency_penalty=-3), "frequency_penalty"),
    (body(seed="lucky"), "seed"),
    (body(seed=2**64), "seed"),
    (body(stop=5), "stop"),
    (body(stop=[1]), "stop"),
    (body(stop=["a", "b", "c", "d", "e"]), "stop"),
    (body(model="tandem", stop="END"), "stop"),
    (body(user=5), "user"),
    (body(user="u" * 513), "user"),
    (body(n=0), "n"),
    (body(n=2), "n"),
    (body(logprobs=True), "logprobs"),
    (body(tools=[{"type": "function", "function": {"name": "f"}}]), "tools"),
    (body(tools="search"), "tools"),
    (body(functions=[{"name": "f"}]), "functions"),
    (body(response_format={"type": "json_object"}), "response_format"),
    (body(response_format="json"), "response_format"),
]
RAW: list[tuple[str, bytes, dict[str, str], int]] = [
    ("no body", b"", JSON, 400),
    ("not JSON", b"hello", JSON, 400),
    ("half of it", b'{"model": "phi-4-mini", "messages": [', JSON, 400),
    ("two of them", b"{}{}", JSON, 400),
    ("a list", b"[]", JSON, 400),
    ("null", b"null", JSON, 400),
    ("a number", b"5", JSON, 400),
    ("NaN", b'{"model": "phi-4-mini", "temperature": NaN}', JSON, 400),
    ("Infinity", json.dumps(body(temperature=float("inf"))).encode(), JSON, 400),
    ("single quotes", b"{'model': 'phi-4-mini'}", JSON, 400),
    ("deep", DEEP.encode(), JSON, 400),
    ("deep inside", b'{"model": "m", "messages": ' + DEEP.encode() + b"}", JSON, 400),
    ("huge number", b'{"model": "m", "max_tokens": ' + b"9" * 5000 + b"}", JSON, 400),
    ("Latin-1", '{"model": "modèle"}'.encode("latin-1"), JSON, 400),
    ("UTF-16", '{"model": "phi-4-mini"}'.encode("utf-16"), JSON, 400),
    ("half a pair", b'{"model": "phi-4-mini", "messages": [{"role": "user", "content": "\\ud83d"}]}', JSON, 400),
    ("too large", b'{"model": "' + b"m" * 4_000_000 + b'"}', JSON, 413),
    ("a form", b"model=phi-4-mini", {"content-type": "application/x-www-form-urlencoded"}, 415),
    ("plain text", b"{}", {"content-type": "text/plain"}, 415),
    ("no type", b"{}", {}, 415),
]


def refused(reply: httpx.Response, status: int) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    answer = reply.json()
    assert set(answer) == {"error"}
    error: dict[str, Any] = answer["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str) and error["message"].endswith(".")
    assert error["type"] == "invalid_request_error"
    return error


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One server for every wrong request: none of them may harm the next."""
    from tandem.settings import Settings
    from tests.tandem.api.conftest import scripts

    home = tmp_path_factory.mktemp("malformed")
    (home / "papers").mkdir()
    (home / "papers" / "a.md").write_text("Nothing is wrong here.", encoding="utf-8")
    settings = Settings.model_validate({"data_dir": home, "documents": [home / "papers"], "models": {"foundry": False}})
    runtime: Scripted = scripts()
    with Served(settings, [runtime]) as served:
        yield f"{served.url}/v1/chat/completions"
        assert runtime.requests == [], "a wrong request reached a model"
        good = httpx.post(f"{served.url}/v1/chat/completions", json=body())
        assert good.status_code == 200
        assert served.wait_for(lambda: served.calls.active == 0)


@pytest.mark.parametrize("number", range(len(FIELDS)), ids=[f"{n}-{param}" for n, (_, param) in enumerate(FIELDS)])
def test_a_wrong_field_is_named(address: str, number: int) -> None:
    sent, param = FIELDS[number]
    reply = httpx.post(address, content=json.dumps(sent), headers=JSON)
    assert refused(reply, 400)["param"] == param


@pytest.mark.parametrize("number", range(len(RAW)), ids=[name for name, *_ in RAW])
def test_a_wrong_body_is_refused(address: str, number: int) -> None:
    _, content, headers, status = RAW[number]
    refused(httpx.post(address, content=content, headers=headers), status)


def test_a_body_that_grows_too_large_is_cut_off(address: str) -> None:
    def pieces() -> Any:
        for _ in range(100):
            yield b" " * 100_000

    refused(httpx.post(address, content=pieces(), headers=JSON), 413)


@pytest.mark.parametrize("field", ["messages", "model"])
def test_errors_do_not_repeat_what_was_sent(address: str, field: str) -> None:
    reply = httpx.post(address, json=body(**{field: {"secret": "hunter2"}}))
    assert "hunter2" not in refused(reply, 400)["message"]


def test_a_model_that_is_not_there(address: str) -> None:
    assert refused(httpx.post(address, json=body(model="gpt-9")), 404)["code"] == "model_not_found"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method(address: str, method: str) -> None:
    reply = httpx.request(method, address)
    refused(reply, 405)
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/", "/v1/completions", "/v1/embeddings", "/v1/chat", "/v1/chat/completions/x"])
def test_another_path(address: str, path: str) -> None:
    assert refused(httpx.post(address.replace("/v1/chat/completions", path), json=body()), 404)["code"] == "unknown_url"


def test_a_request_may_carry_what_has_no_effect(address: str) -> None:
    reply = httpx.post(address, json=body(model="extractive", top_p=0.5, metadata={"a": 1}, stream=None, stop=None))
    assert reply.status_code == 200
    assert reply.json()["tandem"]["ignored"] == ["metadata", "top_p"]
