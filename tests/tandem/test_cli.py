import json
import re
import signal
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from rag.errors import UserFacingError
from tandem.auth.passwords import Passwords
from tandem.cli import app
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.terminal import Tandem, start

QUESTION = "How many days of holiday does an employee have?"


def test_help_names_every_command(tandem: Tandem) -> None:
    shown = tandem("--help").output
    for command in ("serve", "index", "search", "ask", "evaluate", "bench"):
        assert re.search(rf"\b{command}\b", shown)


def test_tandem_alone_names_the_three_commands_that_matter() -> None:
    shown = CliRunner().invoke(app, [])
    assert shown.exit_code == 0
    assert re.findall(r"^  tandem (\w+)", shown.stdout, re.MULTILINE) == ["serve", "index", "doctor"]


def test_password_prints_a_hash(home: Path) -> None:
    shown = CliRunner().invoke(app, ["password"], input="şifre\nşifre\n")
    kept = shown.stdout.strip()
    assert kept.startswith("argon2id:") and "şifre" not in shown.output
    assert Passwords({"ada": SecretStr(kept)}).right("ada", "şifre")


def test_index_takes_in_only_what_changed(tandem: Tandem, corpus: Path) -> None:
    assert tandem("index").stdout.startswith("3 added; 3 documents are searchable")
    assert tandem("index").stdout.startswith("nothing changed; 3 documents")
    (corpus / "leave.md").write_text("# Leave\n\nEveryone has 30 days of holiday.\n", encoding="utf-8")
    (corpus / "travel.md").unlink()
    assert tandem("index").stdout.startswith("1 changed, 1 removed; 2 documents")


def test_index_of_another_folder(tandem: Tandem, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "parking.txt").write_text("The car park opens at six in the morning.", encoding="utf-8")
    assert tandem("index", "more").stdout.startswith("1 added")
    found = json.loads(tandem("search", "When does the car park open?", "--json").stdout)
    assert found["passages"][0]["document"] == "parking.txt"


def test_index_names_files_that_cannot_be_read(tandem: Tandem, corpus: Path) -> None:
    (corpus / "broken.pdf").write_bytes(b"%PDF-1.7 not a pdf")
    result = tandem("index")
    assert "broken.pdf: not indexed. " in result.stdout
    assert "3 added, 1 failed; 3 documents" in result.stdout


@pytest.mark.parametrize("command", [("index", "nowhere"), ("search", "x"), ("ask", "x")])
def test_what_cannot_be_done_says_what_to_do(tandem: Tandem, command: tuple[str, ...]) -> None:
    error = tandem(*command).exception
    assert isinstance(error, UserFacingError)
    assert "tandem index" in str(error) or "nowhere" in str(error)


def test_search_shows_the_passages(tandem: Tandem) -> None:
    tandem("index")
    assert "[1] leave.md: Leave > Holidays" in tandem("search", QUESTION).stdout
    found = json.loads(tandem("search", QUESTION, "--json").stdout)
    assert found["language"] == "en"
    assert 0 <= found["confidence"] <= 1
    first = found["passages"][0]
    assert first["document"] == "leave.md"
    assert first["heading"] == "Leave > Holidays"
    assert "25 days" in first["text"]


def test_ask_without_a_model_quotes_with_sources(tandem: Tandem) -> None:
    tandem("index")
    shown = tandem("ask", QUESTION, "--draft", "extractive").stdout
    assert "25 days of paid holiday a year [1]" in shown
    assert "[1] leave.md: Leave > Holidays" in shown
    assert re.search(r"- +retrieve +\d+\.\d", shown)
    assert "Answered by extractive." in shown


def test_ask_prints_one_object(tandem: Tandem) -> None:
    tandem("index")
    record = json.loads(tandem("ask", QUESTION, "--json", "--draft", "extractive").stdout)
    assert "25 days" in record["answer"]
    assert (record["model"], record["escalated"], record["refused"]) == ("extractive", False, False)
    assert record["cost"] is None or record["cost"] >= 0
    assert [notice["code"] for notice in record["notices"]] == ["quoted"] and record["notices"][0]["text"]
    ids = [passage["id"] for passage in record["passages"]]
    assert ids
    for sentence in record["sentences"]:
        assert sentence["supported"]
        assert set(sentence["passages"]) <= set(ids)
    for number in re.findall(r"\[(\d+)\]", record["answer"]):
        assert 1 <= int(number) <= len(ids)
    assert {"retrieve", "prepare"} <= {span["name"] for span in record["spans"]}
    assert all(span["start_ms"] >= 0 and span["duration_ms"] >= 0 for span in record["spans"])


def test_ask_escalates_to_the_endpoint(
    tandem: Tandem, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai_server.models["small"] = Reply(["Every employee has 25 days of ", "paid holiday a year [1]."])
    openai_server.models["large"] = Reply(
        ["Every employee has 25 days of paid holiday a year; unused days expire [1]."]
    )
    monkeypatch.setenv("FOUNDRY_LOCAL_ENDPOINT", openai_server.base_url)
    tandem("index")
    models = ("--draft", "small", "--refine", "large")
    record = json.loads(tandem("ask", QUESTION, "--json", *models, "--escalate", "always").stdout)
    assert (record["model"], record["escalated"]) == ("large", True)
    assert record["reasons"] and record["notices"] == []
    assert record["tokens"]["completion"] == 10
    assert {"draft", "refine"} <= {span["stage"] for span in record["spans"]}
    kept = tandem("ask", QUESTION, *models, "--escalate", "never").stdout
    assert "Answered by small." in kept
    assert [request["model"] for request in openai_server.requests] == ["small", "large", "small"]


def test_a_terminal_is_given_nothing_to_obey(
    tandem: Tandem, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, corpus: Path
) -> None:
    openai_server.models["small"] = [
        Reply(["Every employee has \x1b\x07", "25 days of paid holiday a year\x1b [1]."]),
        Reply(
            [
                "Every employee has \x1b]0;title\x07",
                "25 days \x9b31mof paid holiday\x1b",
                "[31m \x1b]8;;http://e/\x1b\\[1].",
            ]
        ),
    ]
    monkeypatch.setenv("FOUNDRY_LOCAL_ENDPOINT", openai_server.base_url)
    if sys.platform != "win32":
        (corpus / "red\x1b[31m.md").write_text("# Paid holiday\n\n25 days of paid holiday a year.", encoding="utf-8")
    told = tandem("index").stdout + tandem("index", "--report").stdout
    told += tandem("search", "paid holiday").stdout
    told += tandem("ask", QUESTION, "--draft", "small", "--escalate", "never").stdout
    assert "25 days of paid holiday" in told and "Answered by small." in told
    told += tandem("ask", QUESTION, "--draft", "small", "--escalate", "never").stdout
    told += tandem("ask", QUESTION, "--draft", "small", "--escalate", "never", "--json").stdout
    assert [request["model"] for request in openai_server.requests] == ["small"] * 3
    assert not set(told) & {"\x1b", "\x07", "\x9b"}


def test_ask_refuses_an_unknown_way_to_escalate(tandem: Tandem) -> None:
    assert tandem("ask", QUESTION, "--escalate", "sometimes").exit_code == 2


def test_a_failure_is_one_sentence_on_stderr(home: Path) -> None:
    (home / "tandem.yaml").write_text("server:\n  prot: 1\n", encoding="utf-8")
    process = start(home, "search", "x")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err == "tandem: tandem.yaml, line 2: there is no setting server.prot; did you mean server.port?\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_a_question_leaves_no_traceback(
    tandem: Tandem, home: Path, openai_server: OpenAIServer, sent: signal.Signals
) -> None:
    openai_server.models["endless"] = Reply(["word "], end="hang")
    tandem("index")
    process = start(
        home, "ask", QUESTION, "--draft", "endless", FOUNDRY_LOCAL_ENDPOINT=openai_server.base_url, PYTHONUNBUFFERED="1"
    )
    assert process.stdout is not None
    said = ""
    while "word" not in said:  # a notice may come first where the machine is slow
        piece = process.stdout.read(1)
        assert piece, said
        said += piece
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert openai_server.wait_for(lambda server: server.connections == 0)
