import json
from pathlib import Path

import pytest

from hybrid.errors import ModelError
from tests.support.foundry_models import make_model
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.terminal import Tandem, start

CARDS = """
models:
  - {alias: phi-4-mini, role: draft, size_mb: 3700, licence: MIT, languages: [en, tr]}
"""


@pytest.fixture
def endpoint(openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> OpenAIServer:
    """An endpoint with one model, which the environment names."""
    openai_server.models["small"] = Reply(["Every employee has 25 days."])
    monkeypatch.setenv("FOUNDRY_LOCAL_ENDPOINT", openai_server.base_url)
    return openai_server


def test_the_list_merges_the_file_with_the_endpoint(tandem: Tandem, home: Path, endpoint: OpenAIServer) -> None:
    (home / "models.yaml").write_text(CARDS, encoding="utf-8")
    listed = {model["alias"]: model for model in json.loads(tandem("models", "list", "--json").stdout)["models"]}
    assert listed["phi-4-mini"]["state"] == "unavailable"
    assert listed["phi-4-mini"]["licence"] == "MIT"
    assert listed["small"]["state"] == "ready"
    assert listed["small"]["runtime"] == "foundry-endpoint"
    assert "3.6 GB" in tandem("models", "list").stdout
    assert "licence          MIT" in tandem("models", "show", "phi-4-mini").stdout


def test_a_model_of_an_endpoint_is_loaded_by_asking_it(tandem: Tandem, endpoint: OpenAIServer) -> None:
    assert "small loads and answers" in tandem("models", "load", "small").stdout
    assert [request["model"] for request in endpoint.requests] == ["small"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "nobody"),
        ("show", "nobody"),
        ("download", "nobody", "-y"),
        ("remove", "small", "-y"),
        ("verify", "small"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tandem: Tandem, endpoint: OpenAIServer, arguments: tuple[str, ...]
) -> None:
    error = tandem("models", *arguments).exception
    assert isinstance(error, ModelError)
    assert "\n" not in str(error)


def test_nothing_is_deleted_unasked(tandem: Tandem, endpoint: OpenAIServer) -> None:
    result = tandem("models", "remove", "small")
    assert "Delete small from this machine?" in result.output
    assert result.exit_code == 1


def test_doctor_names_what_is_amiss_and_what_to_do(tandem: Tandem, endpoint: OpenAIServer) -> None:
    findings = json.loads(tandem("doctor", "--json").stdout)["findings"]
    by_subject = {finding["subject"]: finding for finding in findings}
    assert by_subject["draft model"]["health"] == "warn"
    assert by_subject["draft model"]["advice"]
    assert by_subject["disk"]["health"] in ("ok", "warn", "fail")
    assert all(finding["advice"] for finding in findings if finding["health"] != "ok")
    lines = tandem("doctor").stdout.splitlines()
    assert [f"{finding['subject']}:" in line for finding, line in zip(findings, lines, strict=True)].count(False) == 0


def test_an_own_model_is_registered_and_then_answers(tandem: Tandem, home: Path) -> None:
    tandem("index")
    (home / "tandem.yaml").write_text("documents: papers\n", encoding="utf-8")
    make_model(home / "mine", "Every employee has 25 days of paid holiday a year [1].")
    out, err = start(home, "models", "register", "mine", "--alias", "mine").communicate(timeout=120)
    told, then = out.splitlines()[:2]
    assert told.startswith("mine drafts in about ") and then.startswith("mine is registered"), err
    asked = start(home, "ask", "How many days of holiday?", "--draft", "mine", "--escalate", "never", "--json")
    out, err = asked.communicate(timeout=120)
    assert json.loads(out)["model"].startswith("mine"), err
    assert err == ""
