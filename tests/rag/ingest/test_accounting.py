import os
from pathlib import Path

import pytest

from rag.ingest.accounting import Outcome, account, counts
from rag.library import Library
from rag.settings import RetrievalSettings
from tests.support import documents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file of every fate."""
    root = tmp_path / "documents"
    (root / "plans").mkdir(parents=True)
    (root / ".git" / "objects").mkdir(parents=True)
    (root / "read.md").write_text("# Keys\n\nThe key hangs in room 7.\n", encoding="utf-8")
    (root / "plans" / "partly.eml").write_bytes(documents.message("Plan", "See the plan.", attachment="plan.dwg"))
    (root / "refused.docx").write_bytes(b"no archive")
    (root / "letter.pages").write_bytes(b"x")
    (root / "plans" / "drawing.dwg").write_bytes(b"x")
    (root / "Makefile").write_text("free", encoding="utf-8")
    (root / ".hidden.md").write_text("x", encoding="utf-8")
    (root / "~$letter.docx").write_bytes(b"x")
    (root / "questions.yaml").write_text("questions: []\n", encoding="utf-8")
    for name in ("HEAD", "config", "objects/one"):
        (root / ".git" / name).write_text("x", encoding="utf-8")
    return root


def test_every_file_of_the_folders_is_accounted_for(folder: Path, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    try:
        library.sync([folder])
        (folder / "late.md").write_text("New.", encoding="utf-8")
        accounts = account([folder], library.receipts(), tmp_path / "library")
    finally:
        library.close()
    files = sum(len(names) for _, _, names in os.walk(folder))
    assert sum(one.files for one in accounts) == files == sum(counts(accounts).values())
    found = {one.path: one.outcome for one in accounts}
    assert found == {
        "read.md": Outcome.READ,
        "plans/partly.eml": Outcome.PARTLY,
        "refused.docx": Outcome.REFUSED,
        "letter.pages": Outcome.REFUSED,
        "plans/drawing.dwg": Outcome.OTHER,
        "Makefile": Outcome.OTHER,
        ".hidden.md": Outcome.OTHER,
        "~$letter.docx": Outcome.OTHER,
        "questions.yaml": Outcome.OTHER,
        ".git/": Outcome.OTHER,
        "late.md": Outcome.WAITING,
    }
    assert all(one.reason.endswith(".") for one in accounts if one.outcome is not Outcome.READ)
    partly = next(one for one in accounts if one.outcome is Outcome.PARTLY)
    assert "plan.dwg" in partly.reason


def test_a_file_that_is_gone_is_said_to_be_gone(folder: Path, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    try:
        library.sync([folder])
        (folder / "read.md").unlink()
        accounts = account([folder], library.receipts(), tmp_path / "library")
    finally:
        library.close()
    assert [one.path for one in accounts if one.outcome is Outcome.GONE] == ["read.md"]
