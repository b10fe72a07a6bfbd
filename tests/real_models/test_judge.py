"""A real small model as judge: held to the form it grades in both orders, and its bias is counted, not believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.settings import EndpointSettings, TimeoutSettings
from rag.types import Message
from tandem.bench import judge as judging
from tandem.bench.plan import BenchPrompt
from tandem.bench.quality import Score
from tests.real_models.conftest import KEY
from tests.support.llama_server import MODEL, LlamaServer

pytestmark = pytest.mark.real_model

PROMPTS = [BenchPrompt("capital", "Name the capital of France."), BenchPrompt("week", "How many days has a week?")]
ANSWERS = {
    "right": {"capital": "The capital of France is Paris.", "week": "A week has seven days."},
    "wrong": {"capital": "banana banana banana banana", "week": "1. 1. 2. 2. 3. 3."},
}


async def test_every_verdict_of_a_real_judge_is_read_and_counted(llama: LlamaServer) -> None:
    endpoint = EndpointSettings(name="llama", base_url=llama.base_url)
    runtime = OpenAICompatible(endpoint, api_key=KEY, timeouts=TimeoutSettings(connect=20))
    request = ChatRequest(MODEL, (), max_tokens=90, temperature=0.0, schema=judging.SCHEMA)

    async def ask(messages: tuple[Message, ...]) -> str:
        return "".join([chunk.text async for chunk in runtime.stream(replace(request, messages=messages))])

    manual = [
        Score(model, prompt.id, dict.fromkeys(("coherence", "factuality", "brevity"), points))
        for model, points in (("right", 5), ("wrong", 1))
        for prompt in PROMPTS
    ]
    verdicts, scores = await judging.judge(MODEL, PROMPTS, ANSWERS, ask, manual=manual)
    await runtime.close()
    (pair,) = verdicts.pairs
    assert not verdicts.failures and not pair.unreadable
    assert pair.first_better + pair.second_better + pair.ties + pair.inconsistent == len(PROMPTS)
    assert pair.first_place <= pair.inconsistent
    assert all(len(points) == 2 for points in scores.given.values())
    assert [found.n for found in verdicts.agreement] == [2 * len(PROMPTS)] * 3
