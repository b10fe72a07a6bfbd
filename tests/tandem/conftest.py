"""A small installation: a folder of documents, and a terminal in which `tandem` is called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tandem.cli import app
from tests.support.terminal import Tandem

DOCUMENTS = {
    "leave.md": "# Leave\n\n## Holidays\n\nEvery employee has 25 days of paid holiday a year. "
    "Unused days expire at the end of March.\n\n"
    "## Illness\n\nTell your manager before nine o'clock on the first day.\n",
    "travel.md": "# Travel\n\n## Trains\n\nJourneys under six hours are made by train. "
    "A hotel may cost 120 euros a night at most.\n",
    "tr/izin.md": "# İzin\n\nHer çalışanın yılda 25 gün ücretli izni vardır. "
    "Kullanılmayan izinler mart sonunda yanar.\n",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with three small documents, two languages."""
    folder = tmp_path / "papers"
    for name, text in DOCUMENTS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def home(tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of an installation that answers from `corpus`, without Foundry, in a clean environment."""
    for name in list(os.environ):
        if name.startswith("TANDEM_") or name == "FOUNDRY_LOCAL_ENDPOINT":
            monkeypatch.delenv(name)
    (tmp_path / "tandem.yaml").write_text("documents: papers\nmodels: {foundry: false}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tandem(home: Path) -> Tandem:
    """Call the command line in this process."""
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, list(arguments))
