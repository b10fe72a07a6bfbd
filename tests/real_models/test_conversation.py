"""Six turns about the shipped documents on a real llama.cpp server: what its prefix cache saves of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid.answering.pipeline import answer
from hybrid.engine import Engine
from hybrid.events import Finished
from hybrid.question import Options, Question, Turn
from hybrid.settings import EndpointSettings, Escalate, EscalationSettings, GenerationSettings, ModelSettings
from rag.library import Library
from rag.settings import RetrievalSettings
from rag.types import Passage
from tests.real_models.conftest import KEY
from tests.support.llama_server import MODEL, LlamaServer

pytestmark = pytest.mark.real_model

DOCUMENTS = Path(__file__).parents[2] / "docs_corpus"
TURNS = (
    "How long may a contractor keep an account?",
    "And who approves it?",
    "Which devices may they use?",
    "May they see confidential documents?",
    "What happens to their account at the end?",
    "And who deletes their data?",
)


async def test_most_of_a_follow_ups_prompt_comes_from_the_cache(llama: LlamaServer, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    library.sync([DOCUMENTS])
    engine = Engine(
        library,
        models=ModelSettings(
            draft=MODEL,
            foundry=False,
            endpoints=(EndpointSettings(name="llama", base_url=llama.base_url, api_key_env="LLAMA_KEY"),),
        ),
        generation=GenerationSettings(max_tokens=16, temperature=0.0, seed=1),
        escalation=EscalationSettings(mode=Escalate.NEVER),
        minimum_confidence=0.0,
        api_keys={"LLAMA_KEY": KEY},
    )
    engine.models.start()
    assert await engine.models.wait_ready(30)
    turns: list[Turn] = []
    read: list[tuple[int, int, float]] = []
    shown: list[tuple[Passage, ...]] = []
    for asked in TURNS:
        question = Question(asked, history=tuple(turns), conversation="c", options=Options(draft=MODEL))
        async for event in answer(question, engine):
            if isinstance(event, Finished):
                (stage,) = (one for one in event.trace.stages if one.model == MODEL)
                assert stage.usage is not None and stage.first_token_ms is not None
                read.append((stage.usage.prompt_tokens, stage.usage.cached_tokens, stage.first_token_ms))
                shown.append(event.answer.passages)
                turns.append(Turn(asked, event.answer.text))
    await engine.close()
    library.close()
    follow_ups = read[1:]
    assert len(follow_ups) == len(TURNS) - 1 and all(shown)
    assert sum(cached for _, cached, _ in follow_ups) >= 0.5 * sum(prompt for prompt, _, _ in follow_ups), read
