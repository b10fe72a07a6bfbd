"""The notebooks run from top to bottom on a server, and show what they promise."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.timed_server import TimedServer, Timing

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
MODELS = {
    "small": Timing(0.003, 0.0005, 10, text="Every employee has 25 days of paid holiday a year."),
    "large": Timing(0.01, 0.001, 20, reasoning=4),
}
QUESTIONS = (
    "questions: [{id: days, question: 'How many days of paid holiday are there?', documents: [leave.md], "
    "key_facts: ['25 days']}]\n"
)


@pytest.mark.parametrize(("name", "figures"), [("benchmark", 6), ("model_compare", 2)])
def test_a_notebook_runs(name: str, figures: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    monkeypatch.setenv("BENCH_ROUNDS", "1")
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    with TimedServer(MODELS) as server:
        (home / "tandem.yaml").write_text(
            f"documents: papers\nmodels:\n  foundry: false\n  draft: small\n  refine: large\n"
            f"  endpoints: [{{name: timed, base_url: '{server.base_url}'}}]\n",
            encoding="utf-8",
        )
        (home / "papers" / "questions.yaml").write_text(QUESTIONS, encoding="utf-8")
        client = NotebookClient(
            notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(home)}}
        )
        client.execute()

    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    drawn = [data["text/html"] for data in shown if "<svg" in data.get("text/html", "")]
    assert len(drawn) == figures
    assert all(any(f"<{mark}" in html for mark in ("rect", "circle", "path", "polygon")) for html in drawn)
    text = "\n".join(data.get("text/markdown", "") for data in shown)
    if name == "benchmark":
        assert "**Draft:** small" in text
        assert {file.suffix for file in (home / "bench-report").glob("report.*")} == {".json", ".csv", ".md", ".html"}
    else:
        assert "of the questions went to large." in text
