"""Files dropped into a conversation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import DocumentError, LibraryError
from rag.ingest.uploads import safe_name
from rag.library import Library
from rag.settings import RetrievalSettings, UploadSettings
from rag.types import SyncProgress, SyncReport

MENU = b"# Menu\n\nOn Thursday the canteen serves lentil soup."
QUESTION = "What does the canteen serve on Thursday?"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    yield library
    library.close()


def found(library: Library, conversation: str = "") -> list[str]:
    return [p.document for p in library.search(QUESTION, conversation=conversation).passages]


def test_an_upload_is_found_in_its_conversation_only(library: Library) -> None:
    receipt = library.add_upload("one", "menu.md", MENU)
    assert (receipt.state, receipt.path, receipt.passages) == ("indexed", "menu.md", 1)
    assert found(library, "one") == ["menu.md"]
    assert found(library) == found(library, "two") == []
    assert [r.name for r in library.documents("one")] == ["menu.md"]
    assert library.documents() == library.receipts() == []
    assert [r.path for r in library.receipts("one")] == ["menu.md"]


@pytest.mark.parametrize("damage", [b"", b"\x90\x91", b"two", None], ids=repr)
@pytest.mark.parametrize("known", [True, False])
def test_a_damaged_note_of_whose_it_is_opens_a_file_to_nobody(
    library: Library, tmp_path: Path, damage: bytes | None, known: bool
) -> None:
    """Empty, it said that the file was everybody's; with bytes that are no text, nothing was read any more."""
    library.add_upload("one", "menu.md", MENU)
    (note,) = tmp_path.rglob(".conversation")
    note.unlink()
    if damage is None:
        note.mkdir()
    else:
        note.write_bytes(damage)
    if known:
        (note.parent / "menu.md").write_bytes(MENU + b" And soup again on Friday.")
    else:
        library.close()
        for path in (tmp_path / "library").glob("library.sqlite*"):
            path.unlink()
        library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    library.sync([])
    assert found(library) == found(library, "two") == []
    assert found(library, "one") == (["menu.md"] if known else [])
    library.add_upload("one", "menu.md", MENU)
    assert found(library, "one") == ["menu.md"] and found(library, "two") == []
    library.close()


def test_the_same_name_is_replaced_in_its_conversation(library: Library) -> None:
    library.add_upload("one", "menu.md", MENU)
    library.add_upload("two", "menu.md", MENU)
    library.add_upload("one", "menu.md", MENU.replace(b"lentil", b"pumpkin"))
    assert "pumpkin" in library.search(QUESTION, conversation="one").passages[0].text
    assert "lentil" in library.search(QUESTION, conversation="two").passages[0].text
    assert len(library.documents("one")) == 1


def test_an_upload_may_be_added_to_the_library(library: Library, tmp_path: Path) -> None:
    library.add_upload("one", "menu.md", MENU)
    assert library.promote_upload("one", "menu.md").state == "indexed"
    assert found(library) == found(library, "two") == ["menu.md"]
    assert library.documents("one") == []
    library.remove_uploads("one")
    library.sync([tmp_path])
    assert found(library) == ["menu.md"]
    library.add_upload("two", "menu.md", MENU.replace(b"lentil", b"onion"))
    library.promote_upload("two", "menu.md")
    assert [r.name for r in library.documents()] == ["menu (2).md", "menu.md"]
    with pytest.raises(DocumentError, match="no file"):
        library.promote_upload("one", "menu.md")


def test_uploads_go_with_their_conversation(library: Library, tmp_path: Path) -> None:
    for name in ("menu.md", "other.md"):
        library.add_upload("one", name, MENU)
    library.add_upload("two", "menu.md", MENU)
    assert [r.name for r in library.documents("one")] == ["menu.md", "other.md"]
    library.remove_uploads("one")
    library.remove_uploads("never")
    assert library.documents("one") == library.receipts("one") == []
    assert found(library, "two") == ["menu.md"]
    assert len(list((tmp_path / "library" / "uploads").glob("[!.]*"))) == 1


def test_a_conversation_deleted_on_disk_alone_is_forgotten(library: Library, tmp_path: Path) -> None:
    library.add_upload("one", "menu.md", MENU)
    rmtree(tmp_path / "library" / "uploads")
    library.sync([])
    assert library.store.documents() == []


def test_an_upload_that_cannot_be_read_leaves_nothing(library: Library) -> None:
    receipt = library.add_upload("one", "menu.pdf", b"%PDF-1.7 nothing")
    assert receipt.state == "failed"
    assert "damaged" in receipt.reason
    assert library.receipts("one") == []
    for name in ("menu.exe", "menu", "menu.pages"):
        with pytest.raises(DocumentError, match="not read"):
            library.add_upload("one", name, b"x")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd.md", "passwd.md"),
        ("C:\\Users\\ada\\plan.docx", "plan.docx"),
        (".conversation", "conversation"),
        ("con.txt", "_con.txt"),
        ("a\x00b\n.md", "a b.md"),
        ("...", "file"),
        ("Ağustos planı.pdf", "Ağustos planı.pdf"),
        ("x" * 500 + ".md", "x" * 120 + ".md"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=300))
def test_any_name_is_made_safe_once_and_for_all(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe == safe_name(safe)
    assert not set(safe) & set('/\\:*?"<>|\0')
    assert not safe.startswith(".")
    assert len(safe.encode()) < 250


def test_a_long_indexing_makes_room_for_an_upload(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(150):
        (folder / f"note{number}.txt").write_text(f"Note {number} is about berth {number}.", encoding="utf-8")
    begun, pause, counts = threading.Event(), threading.Event(), list[int]()

    def progress(step: SyncProgress) -> None:
        counts.append(step.total)
        if step.done == 3 and not begun.is_set():
            begun.set()
            while not library._urgent:  # the upload is read meanwhile, and then asks for its turn
                pause.wait(0.01)

    reports: list[SyncReport] = []
    indexing = threading.Thread(target=lambda: reports.append(library.sync([folder], progress=progress)))
    indexing.start()
    assert begun.wait(60)
    library.add_upload("one", "menu.md", MENU)
    assert found(library, "one")[0] == "menu.md"
    indexing.join(120)
    assert [(r.added, r.failed, r.cancelled, len(r.receipts)) for r in reports] == [(150, 0, False, 150)]
    assert min(counts) < 150
    assert len(library.documents()) == 150


def test_one_persons_slow_file_holds_up_no_one_elses(library: Library) -> None:
    brackets = b"[" * 800_000

    def add(conversation: str) -> None:
        with suppress(LibraryError):  # a process that is killed while it starts
            library.add_upload(conversation, "slow.md", brackets, person="ada")

    slow, also_slow = (threading.Thread(target=add, args=(one,), name=f"slow {one}", daemon=True) for one in "ab")
    slow.start()
    also_slow.start()
    while not list(library.data_dir.glob("uploads/.arriving/*/slow.md")):
        slow.join(0.01)
    assert library.add_upload("c", "menu.md", MENU, person="bob").state == "indexed"
    assert found(library, "c") == ["menu.md"]
    assert slow.is_alive()
    assert also_slow.is_alive()
    while slow.is_alive() or also_slow.is_alive():
        for process in psutil.Process().children():
            with suppress(psutil.Error):
                if "rag.ingest.worker_process" in " ".join(process.cmdline()):
                    process.kill()
        slow.join(0.1)
        also_slow.join(0.1)


def test_a_bad_file_of_the_same_name_does_not_replace_a_good_one(library: Library) -> None:
    library.add_upload("one", "menu.md", MENU)
    assert library.add_upload("one", "menu.md", b" \n ").state == "failed"
    assert found(library, "one") == ["menu.md"]
    assert [r.state for r in library.receipts("one")] == ["indexed"]
    assert not list(library.data_dir.glob("uploads/.arriving/*"))


def test_a_person_and_all_together_have_so_much_room(tmp_path: Path) -> None:
    quota = UploadSettings(per_person_mb=1, total_mb=2)
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True, uploads=quota)
    words = b"<p>Menu of the week.</p><!--" + b"x" * 800_000 + b"-->"
    try:
        for person in ("ada", "bob"):
            assert library.add_upload(person, "menu.html", words, person=person).state == "indexed"
        with pytest.raises(DocumentError, match="your conversations would hold 2 MB of files, and at most 1 MB"):
            library.add_upload("another", "more.html", words, person="ada")
        assert library.add_upload("ada", "menu.html", words, person="ada").state == "indexed"  # in place of it
        with pytest.raises(DocumentError, match="all conversations would hold 2 MB"):
            library.add_upload("c", "menu.html", words, person="cem")
        library.remove_uploads("ada")
        assert library.add_upload("another", "more.html", words, person="ada").state == "indexed"
    finally:
        library.close()


def named(library: Library) -> set[str]:
    return {document.name for document in library.documents()}


def test_a_file_added_to_the_library_is_found_by_everybody_until_it_is_removed(
    library: Library, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "watched.md").write_text("# Watched\n\nThe canteen closes at three.", encoding="utf-8")
    library.sync([tmp_path / "docs"])
    first = library.add_upload("", "../../garage.md", b"# Garage\n\nThe garage opens at seven.", person="ada")
    assert (first.state, first.path) == ("indexed", "garage.md") and "garage.md" in named(library)
    again = library.add_upload("", "garage.md", b"# Garage\n\nThe garage opens at eight.", person="ada")
    assert again.path == "garage (2).md"
    library.sync([tmp_path / "docs"])
    assert {"garage.md", "garage (2).md", "watched.md"} <= named(library), "the next look at the folders keeps them"
    for name in ("watched.md", "../docs/watched.md", "nothing.md", ".", ""):
        with pytest.raises(DocumentError):
            library.remove_added(name)
    library.remove_added("garage.md")
    assert "garage.md" not in named(library) and {"garage (2).md", "watched.md"} <= named(library)
    assert (tmp_path / "docs" / "watched.md").exists()
    assert [path.name for path in Path(first.root).iterdir()] == ["garage (2).md"]


def test_what_cannot_be_read_is_not_added(library: Library) -> None:
    assert library.add_upload("", "empty.pdf", b"%PDF-1.4 broken").state == "failed"
    with pytest.raises(DocumentError):
        library.add_upload("", "program.exe", b"MZ")
    assert not (library.data_dir / "added").exists() or not list((library.data_dir / "added").iterdir())


def test_the_librarys_own_files_have_so_much_room(tmp_path: Path) -> None:
    library = Library.open(tmp_path, RetrievalSettings(), write=True, uploads=UploadSettings(library_mb=1))
    half = b"<p>The garage opens at seven.</p><!--" + b"x" * 540_000 + b"-->"
    assert library.add_upload("", "half.html", half).state == "indexed"
    with pytest.raises(DocumentError, match="at most 1 MB"):
        library.add_upload("", "other.html", half + b"<p>More.</p>")
    assert library.add_upload("talk", "other.md", b"# Other\n\nA conversation has its own room.").state == "indexed"
    library.remove_added("half.html")
    assert library.add_upload("", "other.html", half + b"<p>More.</p>").state == "indexed"
    library.close()
