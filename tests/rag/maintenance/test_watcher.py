"""Changes in a watched folder tree, as they happen."""

from __future__ import annotations

import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.library import Library
from rag.maintenance.watcher import Watcher
from rag.settings import RetrievalSettings
from rag.storage.tantivy_index import Index
from rag.types import SyncReport

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "first.md").write_text("The first buoy is red.", encoding="utf-8")
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    yield library
    library.close()


@pytest.fixture
def until(library: Library, folder: Path) -> Iterator[Until]:
    """Watch `folder` and `later`; gives a function that waits, report by report, until a condition holds."""
    reports: queue.Queue[SyncReport] = queue.Queue()
    watcher = Watcher(library, [folder, folder.with_name("later")], changed=reports.put)
    watcher.start()
    assert watcher.wait(60)

    def wait(condition: Callable[[], bool]) -> None:
        while not condition():
            reports.get(timeout=60)

    yield wait
    watcher.close()


def names(library: Library) -> list[str]:
    return [record.name for record in library.documents()]


def test_every_kind_of_change_is_followed(library: Library, folder: Path, until: Until) -> None:
    assert names(library) == ["first.md"]
    (folder / "second.md").write_text("The second buoy is green.", encoding="utf-8")
    until(lambda: names(library) == ["first.md", "second.md"])
    (folder / "second.md").write_text("The second buoy is yellow by now.", encoding="utf-8")
    until(lambda: "yellow" in library.search("Which colour has the second buoy?").passages[0].text)
    (folder / "second.md").rename(folder / "third.md")
    until(lambda: names(library) == ["first.md", "third.md"])
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "fourth.txt").write_text("The fourth buoy is black.", encoding="utf-8")
    until(lambda: names(library) == ["deep/er/fourth.txt", "first.md", "third.md"])
    (folder / "deep").rename(folder / "shallow")
    until(lambda: names(library) == ["first.md", "shallow/er/fourth.txt", "third.md"])
    shutil.rmtree(folder / "shallow")
    (folder / "first.md").unlink()
    until(lambda: names(library) == ["third.md"])


def test_a_folder_may_come_and_go(library: Library, folder: Path, until: Until) -> None:
    later = folder.with_name("later")
    later.mkdir()
    (later / "late.md").write_text("The last buoy is blue.", encoding="utf-8")
    until(lambda: names(library) == ["first.md", "late.md"])
    later.rename(folder.with_name("away"))
    (folder / "next.md").write_text("The next buoy is white.", encoding="utf-8")
    until(lambda: names(library) == ["first.md", "late.md", "next.md"])


def test_a_busy_writer_is_waited_for(library: Library, folder: Path, until: Until, tmp_path: Path) -> None:
    with Index(tmp_path / "library" / "index").writer():
        (folder / "second.md").write_text("The second buoy is green.", encoding="utf-8")
    until(lambda: names(library) == ["first.md", "second.md"])


def test_the_library_may_lie_in_the_folder(tmp_path: Path) -> None:
    library = Library.open(tmp_path / "data", RetrievalSettings(), write=True)
    reports: queue.Queue[SyncReport] = queue.Queue()
    watcher = Watcher(library, [tmp_path], changed=reports.put)
    watcher.start()
    try:
        assert watcher.wait(60)
        library.add_upload("one", "menu.md", b"Soup on Thursday.")
        (tmp_path / "note.md").write_text("A note.", encoding="utf-8")
        assert [r.path for r in reports.get(timeout=60).receipts] == ["note.md"]
        assert reports.empty()
    finally:
        watcher.close()
        library.close()
