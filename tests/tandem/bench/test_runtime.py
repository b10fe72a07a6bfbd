"""The runtime benchmark runs on the model that ships with it, and reports both sides."""

from __future__ import annotations

from hybrid.runtimes.directory import check_directory
from tandem.bench import runtime
from tests.support.foundry_home import FoundryHome


async def test_both_adapters_are_compared_with_what_they_stand_on(foundry_home: FoundryHome) -> None:
    told: list[tuple[int, int]] = []
    report = await runtime.measure(2, lambda done, of: told.append((done, of)))
    assert told[-1] == (4, 4)
    for side in ("foundry", "openai_compatible"):
        figures = report[side]
        assert figures["bare_tokens_per_s"] > 0 and figures["tokens_per_s"] > 0 and figures["throughput_ratio"] > 0


def test_the_shipped_model_is_whole() -> None:
    check_directory(runtime.MODEL_DIRECTORY)
