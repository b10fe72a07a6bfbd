"""A data directory that is copied elsewhere: a conversation's files stay its own, and are those of the copy."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rag import labels
from rag.ingest.labelling import Labelling
from rag.library import STORE, Library
from rag.settings import RetrievalSettings
from rag.types import FileReceipt

MENU = b"# Menu\n\nOn Thursday the canteen serves lentil soup."
QUESTION = "What does the canteen serve on Thursday?"


def everybodys(receipt: FileReceipt) -> frozenset[str]:
    """What the rights say of a file in a folder that they do not know."""
    return labels.PUBLIC


def opened(folder: Path) -> Library:
    return Library.open(folder, RetrievalSettings(), write=True, labelling=Labelling(everybodys))


def found(library: Library, conversation: str = "") -> list[str]:
    return [p.document for p in library.search(QUESTION, conversation=conversation).passages]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old" / "library"
    library = opened(folder)
    library.add_upload("one", "menu.md", MENU, person="ada")
    library.add_upload("one", "dinner.md", MENU.replace(b"lentil", b"onion"), person="ada")
    library.promote_upload("one", "dinner.md")
    library.close()
    return folder


@pytest.mark.parametrize("there", [True, False])
def test_files_of_a_conversation_stay_its_own(old: Path, tmp_path: Path, there: bool) -> None:
    new = tmp_path / "new" / "library"
    shutil.copytree(old, new)
    if not there:
        shutil.rmtree(old)
    library = opened(new)
    assert found(library) == ["dinner.md"]
    assert sorted(found(library, "one")) == ["dinner.md", "menu.md"]
    assert [receipt.root for receipt in library.receipts("one")] == [str(library._uploads.folder("one"))]
    assert [receipt.root for receipt in library.receipts()] == [str(new / "added")]
    library.sync([])
    assert sorted(found(library, "one")) == ["dinner.md", "menu.md"]
    library.remove_uploads("one")
    assert found(library, "one") == ["dinner.md"]
    library.close()
    assert there is bool(list(old.rglob("menu.md")))


def test_a_folder_of_another_system_is_known_too(old: Path) -> None:
    with closing(sqlite3.connect(old / STORE)) as db, db:
        for root, path in db.execute("SELECT root, path FROM files").fetchall():
            parts = Path(root).relative_to(old).parts
            db.execute("UPDATE files SET root = ? WHERE path = ?", ("\\".join((r"C:\Tandem\library", *parts)), path))
    library = opened(old)
    assert found(library) == ["dinner.md"]
    assert len(library.receipts("one")) == 1
    library.close()
