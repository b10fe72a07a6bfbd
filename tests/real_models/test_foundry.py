"""A real small model in the real Foundry runtime: tried before it is used, refused where its tokenizer is damaged."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest

from hybrid.errors import ModelError
from hybrid.models.check import check
from hybrid.runtimes.base import ChatRequest, Chunk, Runtime
from hybrid.runtimes.foundry import Foundry
from tests.support.foundry_home import FoundryHome

SMALL = Path(__file__).parents[3] / "shared" / "models" / "smollm2-135m-int4"
pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(not SMALL.exists(), reason="the model for Foundry is not beside this checkout"),
]


def without_merges(model: Path, to: Path) -> Path:
    """A copy of the model whose tokenizer cuts every word into letters."""
    to.mkdir()
    for file in model.iterdir():
        if file.name == "tokenizer.json":
            tokenizer = json.loads(file.read_text(encoding="utf-8"))
            tokenizer["model"]["merges"] = []
            (to / file.name).write_text(json.dumps(tokenizer), encoding="utf-8")
        else:
            shutil.copyfile(file, to / file.name)
    return to


class Heard:
    """A runtime that keeps what it wrote."""

    def __init__(self, runtime: Foundry) -> None:
        self._runtime = runtime
        self.texts: list[str] = []

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        self.texts.append("")
        async for chunk in self._runtime.stream(request):
            self.texts[-1] += chunk.text
            yield chunk


def goes_round(text: str) -> bool:
    """Whether the same five words stand in a text three times."""
    words = text.split()
    return max(Counter(zip(*(words[at:] for at in range(5)), strict=False)).values(), default=0) >= 3


async def test_a_model_is_tried_and_one_with_a_damaged_tokenizer_refused(tmp_path: Path) -> None:
    with FoundryHome(tmp_path / "home") as home:
        runtime = Foundry(home.data_dir, home.catalog_urls)
        good = await runtime.register(SMALL, "smol")
        heard = Heard(runtime)
        try:
            done = await check(cast(Runtime, heard), good.id, "smol")
        except ModelError as weak:  # on some processors so small a model goes round in circles
            assert "only repeats itself" in str(weak)
            assert len(heard.texts) == 2 and all(map(goes_round, heard.texts))
        else:
            assert done.seconds >= 1 and done.first_s < done.draft_s and "smol drafts in about" in done.told

        with pytest.raises(ModelError, match=r"bad wrote nothing|its tokenizer is damaged"):
            bad = await runtime.register(without_merges(SMALL, tmp_path / "bad"), "bad")
            await check(runtime, bad.id, "bad")
        await runtime.close()
