"""Counting what answers hold: aspects, key facts, citations, scores by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid.answering.pipeline import answer
from hybrid.engine import Engine
from hybrid.errors import ModelError
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import EscalationSettings, GenerationSettings, ModelSettings
from rag.library import Library
from rag.settings import RetrievalSettings
from tandem.bench import quality
from tandem.bench.plan import BenchPrompt, PlanError
from tandem.bench.schema import Grounded, Request
from tandem.evaluate.questions import Asked

QUESTIONS = (
    Asked(id="days", question="How many days of paid holiday are there a year?", documents=("leave.md",),
          key_facts=("25 days",)),
    Asked(id="chapel", question="Who painted the ceiling of the chapel?"),
)  # fmt: skip


def test_aspects_are_found_in_any_wording_and_missing_ones_named() -> None:
    prompt = BenchPrompt("p", "?", aspects=(("three days", "3 days"), ("manager",)))
    requests = [Request(prompt="p", text="Up to 3  DAYS."), Request(prompt="p", text="Ask your manager: three days.")]

    (found,) = quality.rubrics([prompt, BenchPrompt("q", "?")], [*requests, Request(prompt="p", failure="broken")])

    assert (found.score, found.missing) == (0.75, ["manager"])


async def grounded(corpus: Path, folder: Path, script: Script) -> Grounded:
    library = Library.open(folder / "library", RetrievalSettings(), write=True)
    library.sync([corpus])
    engine = Engine(library, models=ModelSettings(foundry=False), generation=GenerationSettings(),
                    escalation=EscalationSettings(), minimum_confidence=0.1,
                    runtimes=[Scripted({"m": script})])  # fmt: skip
    engine.models.start()
    await engine.models.wait_ready(10)
    outcomes = [
        await quality.ask_grounded(asked, "m", lambda q: answer(q, engine), GenerationSettings()) for asked in QUESTIONS
    ]
    await engine.close()
    library.close()
    found = quality.grounded(outcomes)
    assert found is not None
    return found


async def test_key_facts_and_citations_are_counted(corpus: Path, tmp_path: Path) -> None:
    text = "Every employee has 25 days of paid holiday a year [1]. The chapel was painted by Rembrandt in Vienna [1]."

    found = await grounded(corpus, tmp_path, Script(text))

    assert (found.key_facts.value, found.key_facts.n) == (1.0, 1)
    assert (found.citation_precision.n, found.abstention.value, found.false_refusals.value) == (4, 0.0, 0.0)
    assert found.citation_precision.value is not None and found.citation_precision.value <= 0.5
    assert found.key_facts.low is not None and found.key_facts.low < 0.3


async def test_a_refusal_is_right_where_there_is_no_answer(corpus: Path, tmp_path: Path) -> None:
    found = await grounded(corpus, tmp_path, Script("I could not find an answer to this in the documents."))

    assert (found.abstention.value, found.false_refusals.value, found.key_facts.value) == (1.0, 1.0, 0.0)


async def test_another_models_answer_does_not_count(corpus: Path, tmp_path: Path) -> None:
    found = await grounded(corpus, tmp_path, Script(error=ModelError("It is down.", kind="refused")))

    assert (found.failed, found.key_facts.value, found.abstention.value) == (2, 0.0, 0.0)


def test_scores_by_hand_make_a_round_trip(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    quality.write_scores(file, {("m", "p"): '=cmd|"x"', ("m", "q"): "Fine,\nreally."})
    text = file.read_text(encoding="utf-8-sig")
    assert "'=cmd" in text
    file.write_text(text.replace("m,p,,,,,", "m,p,4,5,,good,"), encoding="utf-8")
    quality.write_scores(file, {("m", "p"): "another run must not overwrite what people wrote"})

    (score,) = quality.read_scores(file)

    assert score.values == {"coherence": 4, "factuality": 5, "brevity": None}
    assert score.notes == "good"
    judged = quality.mean_scores([score], "m")
    assert judged is not None and judged.overall is not None and judged.overall.value == 4.5
    assert quality.mean_scores([score], "other") is None


@pytest.mark.parametrize("row", ["m,p,6,,,,", "m,p,good,,,,", ",p,3,,,,"])
def test_a_wrong_score_names_its_line(tmp_path: Path, row: str) -> None:
    file = tmp_path / "scores.csv"
    file.write_text(f"{','.join(quality.SCORE_COLUMNS)}\n{row}\n", encoding="utf-8")

    with pytest.raises(PlanError, match="line 2"):
        quality.read_scores(file)
