"""`tandem bench` as people call it: real endpoints, the real Foundry runtime, failures, Ctrl-C, resuming, baselines."""

from __future__ import annotations

import csv
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tandem.bench import export, plan
from tandem.bench.schema import Report
from tandem.commands.bench_models import Choices, make_plan
from tandem.settings import Settings, bench_variables
from tests.support.foundry_home import PHI, FoundryHome
from tests.support.terminal import Tandem, start
from tests.support.timed_server import TimedServer, Timing

MODELS = {
    "small": Timing(0.005, 0.0005, 12, text="Up to three days a week. The manager agrees, equipment is returned."),
    "large": Timing(0.02, 0.002, 20, reasoning=4),
    "broken": Timing(fail_every=1),
    "flaky": Timing(0.005, 0.0005, 8, fail_every=3, failure="reset"),
    "endless": Timing(0.2, 0.005, 400),  # twelve times; the one that warms up is waited for
    "judge": Timing(
        0.001,
        0.0,
        text='{"first": {"coherence": 4, "factuality": 4, "brevity": 4}, '
        '"second": {"coherence": 2, "factuality": 2, "brevity": 2}}',
    ),
}
QUICK = ("--rounds", "1", "--questions", "none")


@pytest.fixture(scope="module")
def server() -> Iterator[TimedServer]:
    with TimedServer(MODELS) as running:
        yield running


@pytest.fixture
def bench_home(home: Path, server: TimedServer) -> Path:
    """An installation whose models are those of the timed server."""
    (home / "tandem.yaml").write_text(
        f"documents: papers\nmodels:\n  foundry: false\n  draft: small\n  refine: large\n"
        f"  endpoints: [{{name: timed, base_url: '{server.base_url}'}}]\n",
        encoding="utf-8",
    )
    (home / "papers" / "questions.yaml").write_text(
        "questions:\n"
        "  - {id: days, question: 'How many days of paid holiday are there?', documents: [leave.md], "
        "key_facts: ['25 days']}\n"
        "  - {id: chapel, question: 'Who painted the chapel?', documents: [], key_facts: []}\n",
        encoding="utf-8",
    )
    return home


def read(folder: Path) -> Report:
    return export.read(folder / "report.json")


def test_one_command_writes_four_formats_and_keeps_the_failures(tandem: Tandem, bench_home: Path) -> None:
    result = tandem("bench", "--models", "small,broken,nobody,flaky", "--rounds", "1", "--concurrency", "1,4",
                    "--slo", "ttft=1s", "--out", "out")  # fmt: skip

    assert result.exit_code == 0, result.output
    report = read(bench_home / "out")
    states = {model.name: model for model in report.models}
    assert [states[name].status for name in ("small", "broken", "nobody", "flaky")] == [
        "measured", "failed", "failed", "partial"
    ]  # fmt: skip
    assert "HTTP 500 for broken: scripted failure" in states["broken"].reason
    assert "no model called 'nobody'" in states["nobody"].reason
    small, flaky = states["small"], states["flaky"]
    assert [level.load.concurrency for level in small.levels] == [1, 4]
    assert flaky.levels[0].failures[0].kind == "reset"
    assert small.levels[0].completion_tokens == 12 * 12
    assert small.quality.rubric is not None
    grounded = small.quality.grounded
    assert grounded is not None and (grounded.questions, grounded.key_facts.n, grounded.abstention.n) == (2, 1, 1)
    assert small.resources is not None and small.resources.rss_mb and "server's" in small.resources.process
    assert small.warm_up_ms is not None and small.cold_load_ms is None
    # What it says has nothing to do with the documents: whoever quotes them answers better.
    assert report.quote is not None and report.quote.key_facts.value == 1.0
    assert report.recommendation is not None and report.recommendation.draft is None
    assert any("small is left out" in why and "quoting" in why for why in report.recommendation.draft_reasons)
    assert small.prefix_cache is not None and small.prefix_cache.cold_ms > 0
    for name in ("report.md", "report.html", "report.csv"):
        text = (bench_home / "out" / name).read_text(encoding="utf-8")
        assert "scripted failure" in text and "nobody" in text
    assert not (bench_home / "out" / "state.jsonl").exists()
    with (bench_home / "out" / "scores.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert {row["model"] for row in csv.DictReader(lines)} == {"small", "flaky"}
    assert "Draft: none" in result.output


def test_two_models_of_the_real_foundry_runtime_and_an_endpoint_that_fails(
    foundry_home: FoundryHome, tandem: Tandem, bench_home: Path
) -> None:
    other = foundry_home.register("second-model", "Another tiny model says that the manager agrees three days [1].")
    settings = (bench_home / "tandem.yaml").read_text(encoding="utf-8").replace("foundry: false", "foundry: true")
    (bench_home / "tandem.yaml").write_text(settings, encoding="utf-8")

    result = tandem("bench", "--models", f"{PHI}:1,{other},broken", "--rounds", "1", "--out", "out")

    assert result.exit_code == 0, result.output
    phi, second, broken = read(bench_home / "out").models
    assert (phi.status, second.status, broken.status) == ("measured", "measured", "failed")
    for model in (phi, second):
        assert model.runtime == "foundry"
        assert model.resources is not None and model.resources.process == "this process"
        assert model.levels[0].completed == 12 and not model.levels[0].estimated
        assert model.levels[0].completion_tokens > 12
        assert model.context_length
    assert second.cold_load_ms is not None and second.cold_load_ms > 0  # another test may have loaded the first
    assert phi.licence == "MIT"
    assert second.quality.grounded is not None and second.quality.grounded.failed == 0
    assert "scripted failure" in broken.reason
    assert {file.suffix for file in (bench_home / "out").glob("report.*")} == {".json", ".csv", ".md", ".html"}


def test_no_model_at_all_ends_with_one(tandem: Tandem, bench_home: Path) -> None:
    result = tandem("bench", "--models", "nobody", *QUICK, "--out", "out")

    assert result.exit_code == 1
    assert read(bench_home / "out").models[0].status == "failed"


def test_whole_answers_have_no_first_token(tandem: Tandem, bench_home: Path) -> None:
    tandem("bench", "--models", "large", "--no-stream", *QUICK, "--out", "out")

    level = read(bench_home / "out").models[0].levels[0]
    assert level.completed == 12
    assert level.first_token_ms is None and level.tpot_ms is None
    assert level.total_ms is not None and level.total_ms.p50 is not None and level.total_ms.p50.value >= 57.0
    assert level.completion_tokens == 12 * 20 and level.reasoning_tokens == 12 * 4


def test_a_judge_scores_blind_and_its_order_bias_is_reported(tandem: Tandem, bench_home: Path) -> None:
    result = tandem("bench", "--models", "small,large", "--judge", "judge", *QUICK, "--out", "out")

    assert result.exit_code == 0, result.output
    report = read(bench_home / "out")
    assert report.verdicts is not None
    (pair,) = report.verdicts.pairs
    assert pair.inconsistent == 12
    assert all(m.quality.judged is not None and m.quality.judged.answers == 12 for m in report.models)


def test_a_rate_and_a_sweep(tandem: Tandem, bench_home: Path) -> None:
    tandem("bench", "--models", "small", "--rate", "100", *QUICK, "--out", "rate")
    (bench_home / "one.json").write_text('["Hello?"]', encoding="utf-8")
    tandem("bench", "--models", "small", "--sweep", "--prompts", "one.json", *QUICK, "--out", "sweep")

    level = read(bench_home / "rate").models[0].levels[0]
    assert (level.load.kind, level.load.rate_per_s, level.completed) == ("open", 100.0, 12)
    swept = read(bench_home / "sweep").models[0]
    assert [one.load.concurrency for one in swept.levels][:2] == [1, 2]
    assert swept.saturation is not None


def test_a_regression_ends_with_one(tandem: Tandem, bench_home: Path) -> None:
    tandem("bench", "--models", "small", *QUICK, "--out", "before")
    content: dict[str, Any] = json.loads((bench_home / "before" / "report.json").read_text(encoding="utf-8"))
    for request in content["models"][0]["requests"]:
        request["total_ms"] /= 20.0
        request["first_token_ms"] /= 20.0
    file = bench_home / "fast.json"
    file.write_text(json.dumps(content), encoding="utf-8")

    result = tandem("bench", "--models", "small", *QUICK, "--out", "now", "--baseline", "fast.json")

    assert result.exit_code == 1
    baseline = read(bench_home / "now").baseline
    assert baseline is not None and baseline.regressed
    assert "worse: small" in result.output


@pytest.mark.skipif(sys.platform == "win32", reason="signals to one process")
@pytest.mark.parametrize(
    "sent",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.skipif(sys.platform == "win32", reason="no such signal")),
    ],
)
def test_a_signal_writes_what_is_finished_and_the_next_run_goes_on(
    tandem: Tandem, bench_home: Path, server: TimedServer, sent: signal.Signals
) -> None:
    arguments = ("bench", "--models", "small,endless", *QUICK, "--out", "out")
    process = start(bench_home, *arguments)
    state = bench_home / "out" / "state.jsonl"
    wait_until(lambda: state.exists() and '"endless/start"' in state.read_text(encoding="utf-8"))
    process.send_signal(sent)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    report = read(bench_home / "out")
    assert not report.complete
    assert report.models[0].status == "measured"
    assert "The run was interrupted" in (bench_home / "out" / "report.md").read_text(encoding="utf-8")

    asked = len([one for one in server.truth() if one["model"] == "small"])
    kept = report.models[0].levels[0].total_ms
    settings = (bench_home / "tandem.yaml").read_text(encoding="utf-8")
    (bench_home / "tandem.yaml").write_text(f"{settings}  timeouts: {{total: 0.3}}\n", encoding="utf-8")
    again = tandem(*arguments)

    assert again.exit_code == 0, again.output
    resumed = read(bench_home / "out")
    assert resumed.complete
    assert len([one for one in server.truth() if one["model"] == "small"]) == asked + 1  # its warm-up alone
    assert resumed.models[0].levels[0].total_ms == kept


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_environment_speaks_as_people_know_it(bench_home: Path) -> None:
    env = {
        "BENCH_MODELS": "a, b",
        "BENCH_ROUNDS": "3",
        "BENCH_PROMPT": "Why?",
        "BENCH_STREAM": "false",
        "BENCH_MAX_TOKENS": "99",
        "BENCH_TEMPERATURE": "0.5",
    }
    made = make_plan(choices(), Settings(documents=(bench_home / "papers",)), bench_variables(env))

    assert made.models == ("a", "b") and made.rounds == 3 and made.max_tokens == 99
    assert [prompt.text for prompt in made.prompts] == ["Why?"]
    assert not made.stream and made.temperature == 0.5
    assert made.questions == bench_home / "papers" / "questions.yaml"


def test_the_command_line_goes_before_the_environment(bench_home: Path) -> None:
    env = {"BENCH_MODELS": "a", "BENCH_ROUNDS": "3", "BENCH_STREAM": "0"}
    given = choices(models="z", rounds=7, stream=True, questions="none")

    made = make_plan(given, Settings(), env)

    assert (made.models, made.rounds, made.stream, made.questions) == (("z",), 7, True, None)


def test_files_in_the_folder_name_models_and_prompts(bench_home: Path) -> None:
    (bench_home / "models.json").write_text('{"models": [{"alias": "x"}]}', encoding="utf-8")
    (bench_home / "prompts.json").write_text('["One?", "Two?"]', encoding="utf-8")

    made = make_plan(choices(), Settings(), {})

    assert made.models == ("x",)
    assert [prompt.text for prompt in made.prompts] == ["One?", "Two?"]


@pytest.mark.parametrize(
    ("env", "named"),
    [({"BENCH_ROUNDS": "many"}, "BENCH_ROUNDS"), ({"BENCH_STREAM": "maybe"}, "BENCH_STREAM"),
     ({"BENCH_TEMPERATURE": "hot"}, "BENCH_TEMPERATURE"), ({"BENCH_MAX_TOKENS": "0"}, "BENCH_MAX_TOKENS")],
)  # fmt: skip
def test_a_wrong_variable_is_named(env: dict[str, str], named: str) -> None:
    with pytest.raises(plan.PlanError, match=named):
        make_plan(choices(), Settings(), env)


def choices(**given: Any) -> Choices:
    empty: dict[str, Any] = dict.fromkeys(Choices.__dataclass_fields__)
    return Choices(**{**empty, "sweep": False, "warmup": 1, "seed": 0, "out": Path("out"), **given})
