"""Damage is found and repaired."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree

import pytest

from rag.library import Library
from rag.maintenance.integrity import Verification, mend, verify
from rag.settings import RetrievalSettings

SETTINGS = RetrievalSettings()
QUESTION = "Who mends the nets?"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made")
    folder = home / "papers"
    folder.mkdir()
    (folder / "nets.md").write_text("# Nets\n\nOld Maren mends the nets in winter.", encoding="utf-8")
    for number in range(6):
        (folder / f"log{number}.md").write_text(f"# Log {number}\n\nShip {number} came in late.", encoding="utf-8")
    return home


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    """The folder of documents and a fresh library of them; files keep their place, so that only one is made."""
    if not (made / "whole").exists():
        library = Library.open(made / "whole", SETTINGS, write=True)
        library.sync([made / "papers"])
        library.close()
    copytree(made / "whole", made / "library")
    yield made
    rmtree(made / "library")


def run(home: Path) -> Verification:
    return verify(home / "library", SETTINGS, [home / "papers"])


def answer(home: Path) -> str:
    library = Library.open(home / "library", SETTINGS)
    try:
        found = library.search(QUESTION).passages
        return found[0].text if found else ""
    finally:
        library.close()


def change(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "library" / "library.sqlite") as connection:
        connection.execute(statement)
    connection.close()


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_sound_library(home: Path) -> None:
    found = run(home)
    assert found.sound
    assert (found.documents, found.passages) == (7, 7)


def test_a_flipped_byte_in_a_passage(home: Path) -> None:
    store = home / "library" / "library.sqlite"
    flip(store, store.read_bytes().index(b"Maren mends"))
    assert "Old Maren" not in answer(home)
    found = run(home)
    assert found.damaged == found.repaired == ("nets.md",)
    assert "Old Maren mends" in answer(home)
    assert run(home).sound


def test_damaged_rows_of_every_kind(home: Path) -> None:
    of = "(SELECT id FROM passages WHERE text LIKE 'Ship {} %')"
    change(home, "UPDATE passages SET start = start + 1 WHERE text LIKE 'Ship 0 %'")
    change(home, "UPDATE documents SET title = 'Fish' WHERE name = 'log1.md'")
    change(home, "UPDATE documents SET text = x'00' WHERE name = 'log2.md'")
    change(home, f"UPDATE features SET tokens = x'00' WHERE passage = {of.format(3)}")
    change(home, f"DELETE FROM features WHERE passage = {of.format(4)}")
    change(home, "UPDATE passages SET text = CAST(x'ff' AS TEXT) WHERE text LIKE 'Ship 5 %'")
    assert run(home).repaired == tuple(f"log{number}.md" for number in range(6))
    assert run(home).sound


def test_a_document_whose_file_is_gone_is_taken_out(home: Path) -> None:
    change(home, "UPDATE passages SET text = 'Old Nils mends the nets.' WHERE text LIKE '%Maren%'")
    file = home / "papers" / "nets.md"
    text = file.read_bytes()
    file.unlink()
    try:
        assert run(home).lost == ("nets.md",)
        assert answer(home) == ""
        assert run(home).sound
    finally:
        file.write_bytes(text)


def test_rows_of_no_document_are_swept_out(home: Path) -> None:
    change(home, "DELETE FROM documents WHERE name = 'log1.md'")
    assert run(home).damaged
    assert run(home).sound


def test_a_flipped_byte_in_any_file_of_the_index(home: Path) -> None:
    chance = random.Random(3)
    for kind in ("idx", "term", "pos", "fast", "fieldnorm", "store"):
        for path in (home / "library" / "index").glob(f"*.{kind}"):
            flip(path, chance.randrange(path.stat().st_size))
        found = run(home)
        assert found.index, kind
        assert not found.damaged
        assert run(home).sound
        assert "Old Maren mends" in answer(home)


def test_an_index_that_lost_its_list_or_its_passages(home: Path) -> None:
    (home / "library" / "index" / "meta.json").write_text("{", encoding="utf-8")
    assert run(home).index
    assert "Old Maren mends" in answer(home)
    library = Library.open(home / "library", SETTINGS, write=True)
    with library.searcher._index.writer() as writer:
        writer.clear()
        writer.commit()
    library.close()
    assert "does not hold" in run(home).index
    assert "Old Maren mends" in answer(home)


@pytest.mark.parametrize("length", [100, 4096])
def test_a_store_that_is_no_database_is_made_anew(home: Path, length: int) -> None:
    store = home / "library" / "library.sqlite"
    data = store.read_bytes()
    store.write_bytes(bytes(length) + data[length:])
    found = run(home)
    assert found.store
    assert found.documents == 7
    assert "Old Maren mends" in answer(home)
    assert run(home).sound
    assert len(list((home / "library").glob("library.damaged-*.sqlite"))) == 1


def test_random_damage_never_loses_a_document(home: Path) -> None:
    chance = random.Random(11)
    store = home / "library" / "library.sqlite"
    for _ in range(6):
        for _ in range(3):
            flip(store, chance.randrange(store.stat().st_size))
        assert run(home).lost == ()
        again = run(home)
        assert again.sound
        assert again.documents == 7


def test_a_damaged_folders_name_makes_no_second_document(home: Path) -> None:
    change(home, "UPDATE files SET root = replace(root, '/papers', '.papers') WHERE path = 'log2.md'")
    assert run(home).store == ""  # alone it is a folder that is away
    store = home / "library" / "library.sqlite"
    data = store.read_bytes()
    store.write_bytes(data.replace(b"CREATE TABLE pictures", b"CREATE TABLE picturfs"))
    found = run(home)
    assert found.store
    assert found.documents == 7
    library = Library.open(home / "library", SETTINGS)
    try:
        assert "log2.md" in {record.name for record in library.documents()}
    finally:
        library.close()


def test_a_search_goes_on_around_damage_and_the_document_is_read_again(home: Path) -> None:
    library = Library.open(home / "library", SETTINGS, write=True)
    change(home, "UPDATE passages SET text = CAST(x'ff' AS TEXT) WHERE text LIKE '%Maren%'")
    try:
        assert "Ship 3" in library.search("Which ship came late, number 3?").passages[0].text
        assert all("Maren" not in passage.text for passage in library.search(QUESTION).passages)
        assert mend(library) == 1
        assert "Old Maren mends" in library.search(QUESTION).passages[0].text
        assert mend(library) == 0
    finally:
        library.close()


def test_a_document_of_a_folder_that_is_away_stays(home: Path) -> None:
    change(home, "UPDATE passages SET text = 'Old Nils mends the nets.' WHERE text LIKE '%Maren%'")
    (home / "papers").rename(home / "away")
    try:
        found = run(home)
        assert found.damaged == ("nets.md",)
        assert not found.lost
    finally:
        (home / "away").rename(home / "papers")
    assert run(home).repaired == ("nets.md",)


def test_pages_of_zeros_leave_what_can_be_read(home: Path) -> None:
    store = home / "library" / "library.sqlite"
    data = store.read_bytes()
    pages = len(data) // 4096
    for page in range(2, pages, max(1, pages // 4)):
        store.write_bytes(data[: page * 4096] + bytes(4096) + data[(page + 1) * 4096 :])
        found = run(home)
        assert (found.documents, found.lost) == (7, ()), page
        assert "Old Maren mends" in answer(home), page
        assert run(home).sound, page
        for aside in (home / "library").glob("*damaged*"):
            aside.unlink()
        store.write_bytes(data)


def test_a_search_mends_an_index_that_breaks_under_it(home: Path) -> None:
    for kind in ("term", "idx", "pos", "fast", "store", "fieldnorm"):
        library = Library.open(home / "library", SETTINGS, write=True)
        try:
            for path in (home / "library" / "index").glob(f"*.{kind}"):
                with path.open("r+b") as stream:  # not cut short first: it is mapped into memory
                    stream.write(bytes(path.stat().st_size))
            library.warm()
            assert "Old Maren mends" in library.search(QUESTION).passages[0].text, kind
            assert library.in_step()
        finally:
            library.close()
