"""Servers found on this machine and tried at an address, against real ones."""

from __future__ import annotations

import asyncio

import pytest

from hybrid.errors import ModelError
from hybrid.models.detection import address_of, detect, tried
from hybrid.settings import EndpointSettings
from tests.support.openai_server import OpenAIServer, Reply


def test_what_answers_on_the_ports_is_listed_with_the_models_that_write() -> None:
    with OpenAIServer() as ollama, OpenAIServer() as ours, OpenAIServer() as empty, OpenAIServer() as deaf:
        for model in ("llama-3.2", "nomic-embed-text", "bge-m3", "whisper-large", "gpt-oss:20b"):
            ollama.models[model] = Reply()
        ours.models["tandem"] = Reply()
        deaf.deaf = True
        places = [("Ollama", ollama.port), ("vLLM", ours.port), ("LM Studio", empty.port), ("llama.cpp", deaf.port)]
        (found,) = asyncio.run(detect([*places, ("Foundry Local", 1)]))
    assert (found.name, found.base_url, found.models) == ("Ollama", ollama.base_url, ("llama-3.2", "gpt-oss:20b"))


def test_why_a_server_cannot_be_used_is_one_sentence() -> None:
    def said(url: str, key: str = "") -> str:
        with pytest.raises(ModelError) as raised:
            asyncio.run(tried(EndpointSettings(name="there", base_url=url, api_key_env="THE_API_KEY"), key, 2.0))
        return str(raised.value)

    with OpenAIServer(api_key="right") as locked, OpenAIServer(lists=False) as silent, OpenAIServer() as deaf:
        deaf.deaf = True
        assert "THE_API_KEY" in said(locked.base_url, "wrong")
        assert "lists no model that writes" in said(silent.base_url)
        assert "did not answer within 2 s" in said(deaf.base_url)
    assert "Nothing answers" in said("http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    ("written", "whole"),
    [
        (" localhost:11434 ", "http://localhost:11434/v1"),
        ("https://models.example.org/", "https://models.example.org/v1"),
        ("http://h:1/v1/chat/completions", "http://h:1/v1"),
        ("http://h:1/v1/models", "http://h:1/v1"),
        ("http://h/openai/v1", "http://h/openai/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_an_address_is_made_whole(written: str, whole: str) -> None:
    assert address_of(written) == whole


@pytest.mark.parametrize(
    "written",
    ["", "ftp://h/v1", "http://", "http://h:x", "http://h:99999", "http://a b", "http://h/v1?key=1", "file:///etc/passwd",
     "http://me:secret@h/v1", "http://169.254.169.254/latest", "http://[fe80::1]/v1", "http://0.0.0.0:1"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused(written: str) -> None:
    with pytest.raises(ModelError):
        address_of(written)
