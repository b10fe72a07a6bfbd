"""Prompts, models and the short notations; what is wrong is said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.bench import plan
from tandem.bench.plan import PlanError


def written(folder: Path, content: object) -> Path:
    file = folder / "file.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_the_shipped_prompts_carry_a_p95_in_five_rounds() -> None:
    prompts = plan.read_prompts(plan.SHIPPED_PROMPTS)

    assert 5 * len(prompts) >= 59
    assert all(prompt.aspects for prompt in prompts)


def test_prompts_may_be_texts_or_objects(tmp_path: Path) -> None:
    file = written(
        tmp_path, ["Hello?", {"id": "x", "prompt": "Why?", "system": "Be brief.", "aspects": ["a", ["b", "c"]]}]
    )

    first, second = plan.read_prompts(file)

    assert (first.id, first.text) == ("prompt-1", "Hello?")
    assert (second.id, second.system, second.aspects) == ("x", "Be brief.", (("a",), ("b", "c")))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "line 1"),
        ({}, "no list of prompts"),
        ([], "no list of prompts"),
        ([3], "prompt 1 is neither"),
        ([{"prompt": " "}], "prompt 1 has no text"),
        ([{"prompt": "a", "aspect": []}], "unknown key 'aspect'"),
        ([{"prompt": "a", "aspects": [3]}], "an aspect of prompt 1"),
        ([{"id": "a", "prompt": "a"}, {"id": "a", "prompt": "b"}], "two prompts have the id 'a'"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_wrong_prompts_file_is_explained(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        plan.read_prompts(written(tmp_path, content))


@given(st.text(max_size=50))
def test_any_text_as_a_notation_is_read_or_explained(text: str) -> None:
    for read in (plan.closed_loads, plan.limits, plan.names, plan.one_prompt):
        try:
            read(text)
        except PlanError as error:
            assert str(error)


def test_models_by_alias_name_or_alone(tmp_path: Path) -> None:
    file = written(tmp_path, {"models": ["a", {"alias": "b"}, {"name": "c"}, {"id": "d"}, "a"]})

    assert plan.read_models(file) == ("a", "b", "c", "d")


def test_notations() -> None:
    assert [load.concurrency for load in plan.closed_loads("1, 2,2,8")] == [1, 2, 8]
    assert plan.limits("ttft=1s, tpot=100ms").model_dump(exclude_none=True) == {"ttft_ms": 1000.0, "tpot_ms": 100.0}


def test_the_fingerprint_knows_the_plan() -> None:
    prompts = plan.one_prompt("Hello?")
    one = plan.Plan(("a",), prompts)

    assert one.fingerprint() == plan.Plan(("a",), prompts).fingerprint()
    assert one.fingerprint() != plan.Plan(("a",), prompts, seed=1).fingerprint()
