"""The API over real HTTP: whole and streamed, by raw requests and by the openai client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings
from tandem.api.asked import Asked
from tandem.api.completions import Calls, Completion
from tandem.api.sources import Part, Piece
from tandem.settings import Settings
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.served import Served
from tests.tandem.api.conftest import DRAFT, LONG

QUESTION = "How many days of holiday are there?"
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]


def client(served: Served) -> OpenAI:
    return OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0, timeout=60)


def events(text: str) -> list[dict[str, Any]]:
    data = [line.removeprefix("data: ") for line in text.split("\n\n") if line.startswith("data: ")]
    assert data.pop() == "[DONE]"
    return [json.loads(line) for line in data]


def asking(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": MESSAGES, **more}


def test_models_are_listed_and_looked_up(served: Served) -> None:
    listed = [model.id for model in client(served).models.list()]
    assert listed[0] == "tandem"
    assert {"phi-4-mini", "gpt-oss-20b", "extractive"} <= set(listed)
    assert client(served).models.retrieve("gpt-oss-20b").id == "gpt-oss-20b"
    with pytest.raises(openai.NotFoundError) as problem:
        client(served).models.retrieve("org/nothing")
    assert problem.value.code == "model_not_found"


def test_a_model_by_itself_sees_the_messages_as_they_came(served: Served, runtime: Scripted) -> None:
    sent: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "How "}, {"type": "text", "text": "many?"}]},
    ]
    answer = client(served).chat.completions.create(
        model="phi-4-mini", messages=sent, temperature=0, seed=7, max_completion_tokens=500
    )
    assert answer.choices[0].message.content == DRAFT
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.completion_tokens, answer.usage.total_tokens) == (11, 15)
    asked = runtime.requests[-1]
    assert [(m.role, m.content) for m in asked.messages] == [("system", "Be brief."), ("user", "How many?")]
    assert (asked.temperature, asked.seed, asked.max_tokens) == (0, 7, 500)
    trace = answer.model_extra["tandem"]["trace"]  # type: ignore[index]
    assert trace["stages"][0]["model"] == "phi-4-mini"
    assert {span["name"] for span in trace["spans"]} >= {"first_token", "last_token"}


def test_the_pipeline_answers_with_citations_and_its_trace(served: Served) -> None:
    answer = client(served).chat.completions.create(model="tandem", messages=MESSAGES)
    assert answer.choices[0].message.content == DRAFT
    extension = answer.model_extra["tandem"]  # type: ignore[index]
    cited = [citation for citation in extension["citations"] if citation["cited"]]
    assert cited[0]["number"] == 1
    assert cited[0]["document"] == "leave.md"
    assert extension["sentences"][0]["support"] == "supported"
    assert extension["trace"]["outcome"] == "finished"


def test_a_refined_answer_replaces_the_draft_in_the_stream(served: Served, runtime: Scripted) -> None:
    runtime.scripts["phi-4-mini"] = Script("I do not know anything about that.")
    reply = httpx.post(f"{served.url}/v1/chat/completions", json=asking("tandem", stream=True))
    chunks = events(reply.text)
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)
    thought = "".join(c["choices"][0]["delta"].get("reasoning_content", "") for c in chunks)
    assert text == "Every employee has 25 days of paid holiday a year, refined [1]."
    assert "I do not know anything about that." in thought
    assert chunks[-1]["tandem"]["escalated"] is True
    assert chunks[-1]["tandem"]["reasons"]


def test_who_asks_for_it_gets_the_text_as_it_is_written(served: Served) -> None:
    asked = asking("tandem", stream=True, tandem={"content": "as_written"})
    found = events(httpx.post(f"{served.url}/v1/chat/completions", json=asked).text)
    assert as_shown(found) == DRAFT
    assert not [event for event in found if "revised" in event.get("tandem", {})]
    assert found[-1]["choices"][0]["finish_reason"] == "stop" and found[-1]["tandem"]["citations"]


def test_what_is_taken_back_is_told(settings: Settings) -> None:
    escalating = settings.model_copy(update={"escalation": EscalationSettings(mode=Escalate.ALWAYS)})
    invented = "Holidays are 25 days a year [1]. The moon is made of seventeen cheeses [9]."
    refined = "Every employee has 25 days of paid holiday a year [1]."
    with Served(escalating, [Scripted({"phi-4-mini": Script(invented), "gpt-oss-20b": Script(refined)})]) as served:
        asked = asking("tandem", stream=True, tandem={"content": "as_written"})
        found = events(httpx.post(f"{served.url}/v1/chat/completions", json=asked).text)
        whole = client(served).chat.completions.create(model="tandem", messages=MESSAGES).choices[0].message.content
    revised = [event["tandem"]["revised"]["text"] for event in found if "revised" in event.get("tandem", {})]
    assert revised and revised[0] == ""
    assert as_shown(found) == whole
    written = "".join(event["choices"][0]["delta"].get("content") or "" for event in found)
    assert written.startswith(invented)


def as_shown(found: list[dict[str, Any]]) -> str:
    """The text that a client has in the end that heeds what is revised."""
    text = ""
    for event in found:
        revised = event.get("tandem", {}).get("revised")
        text = revised["text"] if revised else text + (event["choices"][0]["delta"].get("content") or "")
    return text


def test_wishes_are_checked(served: Served) -> None:
    reply = httpx.post(f"{served.url}/v1/chat/completions", json=asking("tandem", tandem={"content": "raw"}))
    assert reply.status_code == 400 and "tandem" in reply.json()["error"]["param"]


def test_stream_and_whole_answer_are_the_same_text(served: Served) -> None:
    for model in ("tandem", "phi-4-mini", "extractive"):
        whole = client(served).chat.completions.create(model=model, messages=MESSAGES)
        stream = client(served).chat.completions.create(model=model, messages=MESSAGES, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert text == whole.choices[0].message.content


def test_a_conversation_is_searched_with_its_terms(served: Served) -> None:
    sent: list[Any] = [
        {"role": "system", "content": "You are a pirate."},
        {"role": "user", "content": "What may a hotel cost?"},
        {"role": "assistant", "content": "120 euros a night."},
        {"role": "user", "content": "And trains?"},
    ]
    answer = client(served).chat.completions.create(model="extractive", messages=sent)
    extension = answer.model_extra["tandem"]  # type: ignore[index]
    assert extension["citations"][0]["document"] == "travel.md"
    assert extension["ignored"] == ["messages[].role=system"]


def test_usage_comes_in_a_last_chunk_of_its_own_when_asked_for(served: Served) -> None:
    options = {"include_usage": True}
    body = asking("phi-4-mini", stream=True, stream_options=options)
    chunks = events(httpx.post(f"{served.url}/v1/chat/completions", json=body).text)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 11
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    assert len({chunk["id"] for chunk in chunks}) == 1
    without = events(httpx.post(f"{served.url}/v1/chat/completions", json=asking("phi-4-mini", stream=True)).text)
    assert all("usage" not in chunk for chunk in without)
    assert without[0]["choices"][0]["delta"]["role"] == "assistant"
    assert without[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_stop_sequence_ends_the_text_and_the_generation(served: Served, runtime: Scripted) -> None:
    body = asking("thousand", stop=["word12", "word5 word6"])
    message = httpx.post(f"{served.url}/v1/chat/completions", json=body).json()["choices"][0]
    assert message["message"]["content"] == "word0 word1 word2 word3 word4 "
    assert message["finish_reason"] == "stop"
    assert served.wait_for(lambda: runtime.active == 0)


def test_the_users_a_client_names_stay_below_the_one_who_asks(served: Served, runtime: Scripted) -> None:
    client(served).chat.completions.create(model="phi-4-mini", messages=MESSAGES, user="ada")
    client(served).chat.completions.create(model="phi-4-mini", messages=MESSAGES)
    assert [request.user for request in runtime.requests] == ["local/ada", "local"]


def test_a_cut_answer_says_length(served: Served) -> None:
    answer = client(served).chat.completions.create(model="thousand", messages=MESSAGES, max_tokens=3)
    assert answer.choices[0].message.content == "word0 word1 word2"
    assert answer.choices[0].finish_reason == "length"


def test_thinking_is_apart_from_the_answer(served: Served) -> None:
    answer = client(served).chat.completions.create(model="gpt-oss-20b", messages=MESSAGES)
    message = answer.choices[0].message
    assert message.content == "Every employee has 25 days of paid holiday a year, refined [1]."
    assert message.model_extra == {"reasoning_content": "Let me see. "}
    assert answer.usage is not None and answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 4


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_being_generated_ends_when_the_client_leaves(served: Served, runtime: Scripted, stream: bool) -> None:
    with httpx.Client(timeout=60) as http:
        request = http.build_request("POST", f"{served.url}/v1/chat/completions", json=asking("slow", stream=stream))
        if stream:
            reply = http.send(request, stream=True)
            # An iterator that is let go closes the connection.
            lines = reply.iter_lines()
            assert next(lines).startswith("data: ")
            assert served.wait_for(lambda: runtime.active == 1)
            reply.close()
        else:
            with pytest.raises(httpx.ReadTimeout):
                request.extensions["timeout"] = httpx.Timeout(0.3).as_dict()
                http.send(request)
    assert served.wait_for(lambda: runtime.active == 0 and served.calls.cancelled == 1)
    assert served.calls.active == 0


def test_a_client_that_leaves_during_prefill_ends_it(served: Served, runtime: Scripted) -> None:
    with client(served).with_options(timeout=0.3) as impatient, pytest.raises(openai.APITimeoutError):
        impatient.chat.completions.create(model="never", messages=MESSAGES, stream=True)
    assert served.wait_for(lambda: runtime.active == 0 and served.calls.cancelled == 1)


def test_a_silent_stream_is_kept_alive_by_comments(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tandem.api.completions.HEADERS_AFTER_S", 0.02)
    monkeypatch.setattr("tandem.api.completions.BREATH_S", 0.02)
    with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=asking("never", stream=True)) as reply:
        assert reply.status_code == 200
        lines = reply.iter_lines()
        assert next(line for line in lines if line.startswith(":")) == ": still at work"


async def test_the_async_client_streams_and_stops_reading(served: Served, runtime: Scripted) -> None:
    async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as asynchronous:
        answer = await asynchronous.chat.completions.create(model="phi-4-mini", messages=MESSAGES)
        assert answer.choices[0].message.content == DRAFT
        stream = await asynchronous.chat.completions.create(model="slow", messages=MESSAGES, stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        await stream.close()
    assert await asyncio.to_thread(served.wait_for, lambda: runtime.active == 0)
    assert served.calls.cancelled == 1


async def test_a_hundred_streams_at_once_each_come_whole_and_in_order(served: Served, runtime: Scripted) -> None:
    async def one(number: int, http: httpx.AsyncClient) -> str:
        body = {"model": "thousand", "messages": [{"role": "user", "content": f"number {number}"}], "stream": True}
        async with http.stream("POST", f"{served.url}/v1/chat/completions", json=body) as reply:
            text = (await reply.aread()).decode()
        return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in events(text))

    runtime.scripts["thousand"] = Script(LONG, tokens_per_second=100.0)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:
        texts = await asyncio.gather(*(one(number, http) for number in range(100)))
    assert texts == [LONG] * 100
    assert served.calls.finished == 100
    assert sorted(r.messages[-1].content for r in runtime.requests) == sorted(f"number {n}" for n in range(100))


def test_too_many_at_once_are_told_to_wait(served: Served) -> None:
    served.calls.most = 0
    with pytest.raises(openai.RateLimitError) as problem:
        client(served).chat.completions.create(model="phi-4-mini", messages=MESSAGES)
    assert problem.value.response.headers["retry-after"] == "5"


def test_through_an_endpoint_of_its_own_failures_keep_their_meaning(settings: Any, openai_server: OpenAIServer) -> None:
    from hybrid.runtimes.openai_compatible import OpenAICompatible
    from hybrid.settings import EndpointSettings, TimeoutSettings

    openai_server.models["good"] = Reply(["Hello", " there."])
    openai_server.models["limited"] = Reply(status=429, error={"message": "slow down"})
    openai_server.models["late"] = Reply(["Half an ans"], end="error")
    endpoint = EndpointSettings(name="upstream", base_url=openai_server.base_url)
    upstream = OpenAICompatible(endpoint, timeouts=TimeoutSettings())
    with Served(settings, [upstream]) as served:
        answer = client(served).chat.completions.create(model="good", messages=MESSAGES)
        assert answer.choices[0].message.content == "Hello there."
        with pytest.raises(openai.RateLimitError):
            client(served).chat.completions.create(model="limited", messages=MESSAGES)
        stream = client(served).chat.completions.create(model="late", messages=MESSAGES, stream=True)
        heard = []
        with pytest.raises(openai.APIError, match="scripted error"):
            for chunk in stream:
                heard.append(chunk.choices[0].delta.content or "")
        assert "".join(heard) == "Half an ans"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_an_end_is_told_to_have_broken_off(stream: bool) -> None:
    async def broken() -> AsyncGenerator[Part, None]:
        yield Piece("Every employee")

    calls = Calls()
    asked = Asked.model_validate(asking("phi-4-mini", stream=stream))
    transport = httpx.ASGITransport(Completion(asked, broken(), calls))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
        reply = await browser.post("/v1/chat/completions")
    assert (reply.status_code == 502) is not stream
    assert '"message":"The answer broke off; ask again."' in reply.text
    assert (calls.failed, calls.finished, calls.active) == (1, 0, 0)
