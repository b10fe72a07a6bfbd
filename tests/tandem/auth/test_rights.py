"""Who may read which collection, from the settings to what a search finds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import LibraryError
from rag.labels import EVERYBODY, PUBLIC, collection
from rag.library import Library
from rag.maintenance.integrity import verify
from rag.principal import ANYBODY, LOCAL, OWNER, Principal
from rag.storage.sqlite_connections import Connections
from tandem.auth.rights import ADMINISTRATOR, CURATOR, Granted, Rights, doubts
from tandem.documents import library_dir, open_library
from tandem.settings import Settings, load
from tandem.settings_file import SettingsError

YAML = """
data_dir: data
documents: [docs]
collections:
  - name: Personnel
    folders: [docs/hr]
    readers: [hr]
    curators: [cem]
  - name: Board
    folders: [docs/hr/board]
    readers: []
  - name: News
    folders: [docs/news]
groups:
  hr: [ayse, api]
"""
USERS = {"TANDEM_SERVER__USERS": "ayse:one-long-password,ben:one-long-password,cem:one-long-password"}
QUESTION = "What is the code?"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in {
        "open.md": "The door code is seven.",
        "hr/pay.md": "The pay code is heron.",
        "hr/board/plan.md": "The plan code is osprey.",
        "news/today.md": "The news code is plover.",
    }.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "tandem.yaml").write_text(YAML, encoding="utf-8")
    return tmp_path


def settings_of(home: Path, **more: str) -> Settings:
    return load(home / "tandem.yaml", {**USERS, "TANDEM_SERVER__ADMINISTRATORS": "ben", **more})


@pytest.fixture
def opened(home: Path) -> Iterator[tuple[Library, Rights]]:
    settings = settings_of(home)
    rights = Rights(settings, lambda path: settings_of(home))
    library = open_library(settings, rights)
    library.sync(settings.documents)
    yield library, rights
    library.close()


def found(library: Library, principal: Principal, collections: tuple[str, ...] | None = None) -> set[str]:
    return {one.document for one in library.search(QUESTION, principal=principal, collections=collections).passages}


def write(home: Path, text: str) -> None:
    """Change the settings, at another moment than before."""
    path = home / "tandem.yaml"
    before = path.stat().st_mtime_ns
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_people_are_who_the_settings_say(home: Path) -> None:
    rights = Rights(settings_of(home))
    assert rights.principal("ayse") == Principal("ayse", frozenset({"hr"}))
    assert rights.principal("ben").roles == {ADMINISTRATOR}
    assert rights.principal("cem").roles == {CURATOR}
    assert rights.principal("api").groups == {"hr"} and rights.principal("") == ANYBODY
    alone = Rights(load(home / "tandem.yaml", {}))
    assert alone.principal("local").roles == {OWNER} == LOCAL.roles


def test_each_finds_what_they_may_read(opened: tuple[Library, Rights]) -> None:
    library, rights = opened
    everybody = {"open.md", "news/today.md"}
    assert found(library, rights.principal("ayse")) == {*everybody, "hr/pay.md"}
    assert found(library, rights.principal("cem")) == {*everybody, "hr/pay.md"}
    # To administer is not to read.
    assert found(library, rights.principal("ben")) == found(library, rights.principal("gone")) == everybody
    assert found(library, LOCAL) == {*everybody, "hr/pay.md", "hr/board/plan.md"}
    assert found(library, ANYBODY) == everybody
    # Of the owner, a name alone makes nobody.
    assert found(library, Principal("local")) == everybody


def test_one_may_choose_among_what_one_may_read(opened: tuple[Library, Rights]) -> None:
    library, rights = opened
    ayse = rights.principal("ayse")
    assert found(library, ayse, ("Personnel",)) == {"hr/pay.md"}
    assert found(library, ayse, ("News", "")) == {"news/today.md", "open.md"}
    assert found(library, ayse, ("Board",)) == set()
    assert [one.name for one in rights.readable(ayse)] == ["Personnel", "News"]
    assert [one.name for one in library.seen_by(ayse, collections=("Personnel",)).documents()] == ["hr/pay.md"]


def test_a_changed_right_counts_at_the_next_question(home: Path, opened: tuple[Library, Rights]) -> None:
    library, rights = opened
    write(home, YAML.replace("hr: [ayse, api]", "hr: [ben]"))
    assert "hr/pay.md" not in found(library, rights.principal("ayse"))
    assert "hr/pay.md" in found(library, rights.principal("ben"))
    write(home, YAML.replace("readers: [hr]", "readers: null"))
    assert "hr/pay.md" in found(library, rights.principal("gone"))
    write(home, "collections: [")
    assert "hr/pay.md" in found(library, rights.principal("gone")), "what cannot be read changes nothing"
    write(home, "data_dir: data\ndocuments: [docs]\n")
    assert found(library, LOCAL) == {"open.md"}, "a collection that is named no more is nobody's"


def test_what_is_given_and_taken_is_told(home: Path) -> None:
    rights = Rights(settings_of(home), lambda path: settings_of(home))
    told: list[dict[str, list[str]]] = []
    rights.told = told.append
    write(home, YAML.replace("hr: [ayse, api]", "hr: [ben, api]").replace("readers: []", "readers: null"))
    rights.principal("ayse")
    write(home, (home / "tandem.yaml").read_text(encoding="utf-8") + "\n# nothing new\n")
    rights.principal("ayse")
    assert told == [{"group hr": ["+ ben", "- ayse"], "readers of Board": ["+ everybody"]}]


def test_folders_that_become_a_collection_are_closed_before_anybody_asks(home: Path) -> None:
    (home / "tandem.yaml").write_text("data_dir: data\ndocuments: [docs]\n", encoding="utf-8")
    library = open_library(before := settings_of(home))
    library.sync(before.documents)
    assert "hr/pay.md" in found(library, ANYBODY)
    library.close()
    (home / "tandem.yaml").write_text(YAML, encoding="utf-8")
    rights = Rights(settings_of(home))
    library = open_library(settings_of(home), rights)
    try:
        for _ in range(2):  # the index follows with the first write
            assert found(library, ANYBODY) == {"open.md", "news/today.md"}
            assert library.seen_by(ANYBODY).size() == (2, 2)
            assert "hr/pay.md" in found(library, rights.principal("ayse"))
            library.sync(before.documents)
        assert library.in_step()
    finally:
        library.close()


def test_what_is_to_be_closed_is_not_read_where_it_cannot_be(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "tandem.yaml").write_text("data_dir: data\ndocuments: [docs]\n", encoding="utf-8")
    library = open_library(before := settings_of(home))
    library.sync(before.documents)
    library.close()
    # As on a disk that is full or read-only: root may write in spite of a file's rights.
    monkeypatch.setattr(Connections, "open", lambda self: setattr(self, "reading", True))
    library = open_library(before)
    assert "hr/pay.md" in found(library, ANYBODY), "nothing is to be closed: what is there is read"
    library.close()
    (home / "tandem.yaml").write_text(YAML, encoding="utf-8")
    with pytest.raises(LibraryError, match="the collection has changed"):
        open_library(settings_of(home))


def test_checking_for_damage_opens_nothing(home: Path, opened: tuple[Library, Rights]) -> None:
    library, rights = opened
    library.close()
    settings = settings_of(home)
    assert verify(library_dir(settings), settings.retrieval, settings.documents, rights.labelling).sound
    assert verify(library_dir(settings), settings.retrieval, settings.documents).sound
    again = open_library(settings, rights)
    assert found(again, ANYBODY) == {"open.md", "news/today.md"}
    again.close()


def test_a_file_is_of_the_nearest_collection_above_it(opened: tuple[Library, Rights]) -> None:
    library, rights = opened
    labels = {receipt.path: rights.labelled(receipt) for receipt in library.receipts()}
    assert labels == {
        "open.md": PUBLIC,
        "hr/pay.md": {collection("Personnel")},
        "hr/board/plan.md": {collection("Board")},
        "news/today.md": {collection("News")},
    }
    assert rights.labels(rights.principal("cem")) == {EVERYBODY, collection("Personnel"), collection("News")}
    pay, plan = (
        next(one for one in library.receipts() if one.path == name) for name in ("hr/pay.md", "hr/board/plan.md")
    )
    assert rights.curates(rights.principal("cem"), pay) and not rights.curates(rights.principal("cem"), plan)
    assert not rights.curates(rights.principal("ayse"), pay)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("collections: [{name: A, folders: [elsewhere]}]", "in none of the folders under 'documents'"),
        ("collections: [{name: A, folders: [docs]}, {name: a, folders: [docs]}]", "two collections are called 'A'"),
        ("collections: [{name: '-', folders: [docs]}]", "collections.0.name"),
        ("collections: [{name: A, folders: []}]", "collections.0.folders"),
        ("collections: [{name: A, folders: [docs], reader: [hr]}]", "did you mean"),
    ],
)
def test_a_mistake_is_one_sentence(home: Path, written: str, words: str) -> None:
    (home / "tandem.yaml").write_text(f"documents: [docs]\n{written}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        settings_of(home)
    assert words in str(error.value)


def test_rights_that_grant_or_close_nothing_are_told(home: Path) -> None:
    assert doubts(settings_of(home)) == []
    assert doubts(load(home / "tandem.yaml", {})) == [
        "Nobody signs in here, so the collections are closed to nobody; set TANDEM_SERVER__USERS."
    ]
    write(home, YAML.replace("hr: [ayse, api]", "it: [ayşe]").replace("[cem]", "[jem]"))
    said = " ".join(doubts(settings_of(home)))
    assert "group 'hr'" in said and "'jem', who curates Personnel" in said and "'ayşe' of the group 'it'" in said
    accounts = {"jem": Granted(), "ayşe": Granted(frozenset({"hr"}))}
    assert doubts(settings_of(home), accounts) == [], "accounts are somebody, and may be in the group"
    (home / "tandem.yaml").write_text("documents: [docs]\n", encoding="utf-8")
    assert doubts(load(home / "tandem.yaml", {})) == []


def test_no_person_is_called_as_programs_are(home: Path) -> None:
    with pytest.raises(SettingsError, match="stands for programs"):
        load(home / "tandem.yaml", {"TANDEM_SERVER__USERS": "ada:long-words,api:long-words"})
