"""`tandem index` with its options, on a real library."""

import json
import signal
import sys
from pathlib import Path

import pytest

from rag.errors import UserFacingError
from tests.support.terminal import Tandem, start


def test_a_report_lists_every_file(tandem: Tandem, corpus: Path) -> None:
    (corpus / "broken.pdf").write_bytes(b"%PDF-1.7 not a pdf")
    tandem("index")
    shown = tandem("index", "--report").stdout
    assert "3 files are searchable, 1 could not be read." in shown
    assert "broken.pdf" in shown
    found = json.loads(tandem("index", "--report", "--json").stdout)
    assert (found["indexed"], found["failed"]) == (3, 1)
    broken = next(file for file in found["files"] if file["file"] == "broken.pdf")
    assert broken["state"] == "failed"
    assert "damaged" in broken["reason"]
    leave = next(file for file in found["files"] if file["file"] == "leave.md")
    assert leave["passages"] == 2
    assert leave["characters"] > 100
    assert leave["seconds"] >= 0


def test_what_changed_as_json(tandem: Tandem) -> None:
    found = json.loads(tandem("index", "--json").stdout)
    assert (found["added"], found["failed"], found["documents"]) == (3, 0, 3)
    assert {file["file"] for file in found["receipts"]} == {"leave.md", "travel.md", "tr/izin.md"}


def test_files_that_could_not_be_read_are_tried_again(tandem: Tandem, corpus: Path) -> None:
    (corpus / "broken.pdf").write_bytes(b"%PDF-1.7 not a pdf")
    tandem("index")
    found = json.loads(tandem("index", "--retry", "--json").stdout)
    assert [file["file"] for file in found["files"]] == ["broken.pdf"]
    (corpus / "broken.pdf").unlink()
    tandem("index")
    assert "no file that could not be read" in tandem("index", "--retry").stdout


def test_damage_is_found_and_repaired(tandem: Tandem, home: Path) -> None:
    tandem("index")
    assert "No damage was found." in tandem("index", "--verify").stdout
    store = home / ".tandem" / "library" / "library.sqlite"
    data = bytearray(store.read_bytes())
    data[data.index(b"25 days of paid")] = ord("3")
    store.write_bytes(data)
    assert "leave.md: was damaged; read again." in tandem("index", "--verify").stdout
    assert json.loads(tandem("index", "--verify", "--json").stdout)["sound"] is True
    assert "25 days" in tandem("search", "How many days of holiday?").stdout


def test_options_do_not_mix(tandem: Tandem) -> None:
    error = tandem("index", "--report", "--verify").exception
    assert isinstance(error, UserFacingError)
    assert "one of them" in str(error)
    assert "tandem index" in str(tandem("index", "--report").exception)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_watching_says_what_it_took_in(home: Path, corpus: Path, sent: signal.Signals) -> None:
    process = start(home, "index", "--watch")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("3 added")
        assert process.stdout.readline().startswith("Watching")
        (corpus / "parking.md").write_text("The car park opens at six.", encoding="utf-8")
        assert process.stdout.readline() == "parking.md: indexed.\n"
        assert process.stdout.readline().startswith("1 added (")
        process.send_signal(sent)
        assert process.wait(120) == 130
    finally:
        process.kill()
        process.communicate()
