"""Folders, changes, receipts and the one writer, on a real library."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rag.errors import LibraryError
from rag.formats.extracted import Extracted
from rag.ingest.document_builder import build
from rag.library import Library
from rag.principal import ANYBODY
from rag.settings import RetrievalSettings
from rag.storage.records import NewDocument
from rag.types import SyncProgress
from tests.support import hostile

SETTINGS = RetrievalSettings(ocr=False)
ROOT = Path(__file__).parents[3]
HOLD = """
import sys; from pathlib import Path; from rag.storage.tantivy_index import Index
with Index(Path(sys.argv[1])).writer():
    print("held", flush=True); sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name, text in {
        "boats.md": "# Boats\n\nThe pilot boat is orange.",
        "sub/nets.txt": "Nets dry on the pier.",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library.open(tmp_path / "library", SETTINGS, write=True)
    yield library
    library.close()


def first(library: Library, question: str) -> str:
    found = library.search(question).passages
    return found[0].text if found else ""


def counts(library: Library, folder: Path) -> tuple[int, int, int, int, int]:
    report = library.sync([folder])
    return report.added, report.changed, report.removed, report.unchanged, report.failed


def test_a_folder_of_hostile_files_costs_only_those(tmp_path: Path, library: Library) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    bad = hostile.make(folder)
    good = hostile.add_good(folder)
    assert len(bad) >= 30
    report = library.sync([folder])
    receipts = {receipt.path: receipt for receipt in library.receipts()}
    assert set(receipts) == set(bad) | set(good)
    assert report.added == len(good)
    assert report.failed == len(bad)
    for name, reason in bad.items():
        assert receipts[name].state == "failed", name
        assert re.search(reason, receipts[name].reason), (name, receipts[name].reason)
        assert receipts[name].passages == 0
    for name, phrase in good.items():
        assert receipts[name].state == "indexed", receipts[name]
        assert phrase in first(library, phrase)
    assert "page 1" in receipts["mixed.pdf"].reason
    assert not any("\n" in record.name for record in library.documents())


def test_only_what_changed_is_read(library: Library, folder: Path) -> None:
    assert counts(library, folder) == (2, 0, 0, 0, 0)
    before = library.generation
    assert counts(library, folder) == (0, 0, 0, 2, 0)
    (folder / "boats.md").touch()
    assert library.sync([folder]).receipts == ()
    assert library.sync([folder]).unchanged == 2
    (folder / "boats.md").write_text("# Boats\n\nThe pilot boat is green now.", encoding="utf-8")
    (folder / "sub" / "nets.txt").rename(folder / "pots.txt")
    assert counts(library, folder) == (1, 1, 1, 0, 0)
    assert library.generation > before
    assert "green" in first(library, "Which colour has the pilot boat?")
    assert [record.name for record in library.documents()] == ["boats.md", "pots.txt"]


def test_a_document_that_turns_bad_is_no_longer_found(library: Library, folder: Path) -> None:
    library.sync([folder])
    (folder / "boats.md").write_bytes(b"")
    assert counts(library, folder)[4] == 1
    assert "orange" not in first(library, "Which colour has the pilot boat?")
    (folder / "boats.md").write_text("The pilot boat is red.", encoding="utf-8")
    assert counts(library, folder)[0] == 1


def test_a_receipt_tells_what_became_of_a_file(library: Library, folder: Path) -> None:
    library.sync([folder])
    receipt = next(r for r in library.receipts() if r.path == "boats.md")
    assert (receipt.state, receipt.passages, receipt.pages, receipt.reason) == ("indexed", 1, 0, "")
    assert receipt.characters == len(library.store.text(library.store.find("boats.md") or 0) or "")
    assert receipt.size == (folder / "boats.md").stat().st_size
    (record,) = [r for r in library.documents() if r.name == "boats.md"]
    passages = [passage for _, passage in library.store.passages_of(int(record.id))]
    text = library.seen_by(ANYBODY).text(record.id)
    assert all(p and text[p.start : p.end] == p.text for p in passages)


def test_retry_reads_a_file_again_though_it_is_unchanged(library: Library, folder: Path) -> None:
    (folder / "bad.docx").write_bytes(b"no archive")
    library.sync([folder])
    failed = [r for r in library.receipts() if r.state == "failed"]
    assert library.sync([folder]).receipts == ()
    (again,) = library.retry(failed)
    assert again.reason == failed[0].reason
    (folder / "bad.docx").unlink()
    assert library.retry(failed) == []
    assert [r.path for r in library.receipts()] == ["boats.md", "sub/nets.txt"]


def test_a_folder_that_cannot_be_looked_into_loses_nothing(library: Library, folder: Path) -> None:
    library.sync([folder])
    folder.rename(folder.with_name("away"))
    assert library.sync([folder]).removed == 0
    assert len(library.documents()) == 2


def test_two_folders_may_hold_the_same_name(library: Library, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "more"
    other.mkdir()
    (other / "boats.md").write_text("The ferry is white.", encoding="utf-8")
    library.sync([folder, other])
    assert [r.name for r in library.documents()] == ["boats.md", "more/boats.md", "sub/nets.txt"]
    library.sync([folder, other])
    (folder / "boats.md").unlink()
    library.sync([folder, other])
    assert "white" in first(library, "Which colour has the ferry?")


def test_hidden_files_and_the_library_itself_are_left_out(folder: Path) -> None:
    for name in (".git/notes.md", "~$boats.docx", ".hidden.md", "data.bin"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("Nobody reads this.", encoding="utf-8")
    library = Library.open(folder / "data", SETTINGS, write=True)
    try:
        library.add_upload("c1", "secret.md", b"The password is heron.")
        assert library.sync([folder]).added == 2
        assert first(library, "What is the password?") != "The password is heron."
    finally:
        library.close()


def test_other_lengths_of_passages_read_the_files_anew(library: Library, folder: Path, tmp_path: Path) -> None:
    (folder / "long.txt").write_text("A sentence about the harbour and its cranes. " * 60, encoding="utf-8")
    library.sync([folder])
    library.close()
    shorter = Library.open(tmp_path / "library", RetrievalSettings(passage_chars=300), write=True)
    try:
        assert shorter.sync([folder]).changed == 3
        assert next(r.passages for r in shorter.receipts() if r.path == "long.txt") >= 9
        assert shorter.sync([folder]).unchanged == 3
    finally:
        shorter.close()


def test_progress_counts_up_with_an_estimate_and_cancel_keeps_what_is_done(library: Library, folder: Path) -> None:
    for number in range(80):
        (folder / f"note{number}.txt").write_text(f"Note {number} is about berth {number}.", encoding="utf-8")
    seen: list[SyncProgress] = []
    cancel = threading.Event()

    def progress(step: SyncProgress) -> None:
        seen.append(step)
        if step.done == 20:
            cancel.set()

    report = library.sync([folder], progress=progress, cancel=cancel)
    assert report.cancelled
    assert [step.done for step in seen] == list(range(len(seen)))
    assert 20 <= report.added < 82
    assert all(step.total == 82 for step in seen)
    assert all(step.seconds_left is not None for step in seen[1:])
    assert len(library.documents()) == report.added
    rest = library.sync([folder])
    assert (rest.added, rest.unchanged, rest.cancelled) == (82 - report.added, report.added, False)


def test_what_a_long_run_took_in_is_found_before_the_run_ends(library: Library, tmp_path: Path) -> None:
    reader = Library.open(tmp_path / "library", SETTINGS)
    taken: list[NewDocument] = []

    def made(number: int) -> NewDocument:
        text = f"Buoy {number} marks the fairway."
        return build(Extracted(text), name=f"{number}.txt", kind="txt", modified=0.0, passage_chars=900)

    def documents() -> Iterator[NewDocument]:
        while not first(reader, "What marks the fairway?") and len(taken) < 100_000:
            for _ in range(100):
                taken.append(made(len(taken)))
                yield taken[-1]

    ids = library.add(documents())
    assert 0 < len(taken) < 100_000
    assert len(set(ids)) == len(taken) == len(library.documents())
    assert first(library, f"buoy {len(taken) - 1}") == taken[-1].text
    assert library.in_step()
    reader.close()


def test_one_process_writes_and_others_read(library: Library, folder: Path, tmp_path: Path) -> None:
    library.sync([folder])
    held = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "library" / "index")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert held.stdout is not None
        assert held.stdout.readline() == "held\n"
        with pytest.raises(LibraryError, match="Another process is indexing"):
            library.sync([folder])
        assert "orange" in first(library, "Which colour has the pilot boat?")
    finally:
        held.communicate()
    assert counts(library, folder) == (0, 0, 0, 2, 0)


def test_a_reader_in_another_process_sees_what_is_written(library: Library, folder: Path, tmp_path: Path) -> None:
    library.sync([folder])
    program = (
        "import sys, json; from pathlib import Path; from rag.library import Library; "
        "from rag.settings import RetrievalSettings; lib = Library.open(Path(sys.argv[1]), RetrievalSettings()); "
        "[print(json.dumps([lib.generation, lib.search(q).passages[0].text]), flush=True) for q in sys.stdin]"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "library")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip

    def ask(question: str) -> tuple[int, str]:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdin.write(question + "\n")
        reader.stdin.flush()
        generation, text = json.loads(reader.stdout.readline())
        return generation, text

    try:
        before, text = ask("Which colour has the pilot boat?")
        assert "orange" in text
        (folder / "boats.md").write_text("The pilot boat is violet.", encoding="utf-8")
        library.sync([folder])
        after, text = ask("Which colour has the pilot boat?")
        assert "violet" in text
        assert after > before
    finally:
        reader.communicate()
    reads = Library.open(tmp_path / "library", SETTINGS)
    with closing(reads), pytest.raises(LibraryError, match="reading only"):
        reads.sync([folder])
