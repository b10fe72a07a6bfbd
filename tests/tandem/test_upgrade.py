"""A data directory of version 0.1 opens with its library and its traces."""

import json
import zipfile
from pathlib import Path

import pytest

from tandem.context import AppContext
from tandem.settings import load
from tests.support.terminal import start

FIXTURE = Path(__file__).parents[1] / "fixtures" / "tandem_0_1.zip"
ASKED = ["How many days of paid holiday does an employee have?", "How many days may be carried over?"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with zipfile.ZipFile(FIXTURE) as kept:
        kept.extractall(tmp_path)
    (tmp_path / "tandem.yaml").write_text("documents: papers\nmodels: {foundry: false}\n", encoding="utf-8")
    return tmp_path


async def test_the_library_and_the_traces_are_there_before_anything_is_indexed(home: Path) -> None:
    context = AppContext.open(load(home / "tandem.yaml", {}))
    assert [trace["question"] for trace in context.traces.recent(limit=5)] == ASKED[::-1]
    assert {record.name for record in context.library.documents()} == {"leave.md", "izin.md", "parts.csv"}
    await context.close()
    search = start(home, "search", "How many days of paid holiday?", "--json")
    assert "25 days" in json.loads(search.communicate(timeout=60)[0])["passages"][0]["text"]
