"""A model is tried on two questions, told of in one sentence, and refused where it is of no use."""

from __future__ import annotations

import re

import pytest

from hybrid.errors import ModelError
from hybrid.models.check import Checked, check, together
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.scripted import Script, Scripted


def scripted(disk: str, roof: str) -> Scripted:
    def said(request: ChatRequest) -> str:
        return disk if "disk" in request.question else roof

    return Scripted({"m": Script(said)})


async def test_a_good_model() -> None:
    done = await check(
        scripted("At least 25 GB must remain free [1].", "The passages do not contain the answer."), "m", "own"
    )
    assert done.grounded and done.refuses
    assert done.told == "own drafts in about 1 s; it answers from the passages and says when they hold no answer."


async def test_a_weak_model_is_told_of_not_refused() -> None:
    done = await check(scripted("It must be 10 GB.", "The roof is red. The roof is red. The roof is red."), "m", "own")
    assert not done.grounded and not done.refuses
    assert "does not answer from the passages" in done.told


async def test_a_model_that_only_loops_is_refused() -> None:
    loop = "The answer is ten. " * 8
    with pytest.raises(ModelError, match="own only repeats itself; choose another model") as caught:
        await check(scripted(loop, loop), "m", "own")
    assert caught.value.kind == "refused"


async def test_a_model_that_writes_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="wrote nothing"):
        await check(scripted("", ""), "m", "own")


async def test_a_tokenizer_that_cuts_words_to_pieces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.runtimes.scripted._TOKEN", re.compile(r"(?s)."))
    with pytest.raises(ModelError, match="its tokenizer is damaged"):
        await check(scripted("The the disk of.", "The passages do not contain the answer."), "m", "own")


def test_a_pair_is_told_of_in_one_sentence() -> None:
    small, large = Checked("s", True, True, 1.0, 3.2), Checked("l", True, True, 12.0, 40.4)
    assert together(small, large) == "Drafts come in about 3 s, refining takes about 40 s: leave it off."
    assert together(small, small) == "Drafts come in about 3 s, refining takes about 3 s."
