"""Collections that are made, changed and deleted while people ask: what is to be closed is closed at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import LibraryError, UserFacingError
from rag.ingest.labelling import Relabelling
from rag.labels import PUBLIC, UNSETTLED, collection
from rag.library import Library
from rag.principal import LOCAL
from rag.storage import relabelling
from rag.storage.sqlite_store import Store as Passages
from tandem import databases
from tandem.auth.collections import Folder, Made, Roots
from tandem.auth.rights import ADMINISTRATOR, CURATOR, Rights
from tandem.collecting import Collecting, Effect
from tandem.documents import open_library
from tandem.people.accounts import People
from tandem.people.collections import Collections, new_key
from tandem.people.store import AccountsError, Store
from tandem.settings import Settings, load
from tests.support.postgres import Server

YAML = """
data_dir: data
documents: [docs, more/docs]
sources: [{name: wiki, kind: web, address: "http://127.0.0.1:9/"}]
collections:
  - {name: Board, folders: [docs/hr/board], readers: [board]}
groups:
  hr: [ayse]
  board: [bea]
  it: [ivo]
"""
USERS = ("ayse", "bea", "cem", "ivo", "dora")
QUESTION = "What is the code?"
FILES = {
    "docs/open.md": "The door code is seven.",
    "docs/hr/pay.md": "The pay code is heron.",
    "docs/hr/board/plan.md": "The plan code is osprey.",
    "docs/it/net.md": "The net code is plover.",
    "more/docs/hr/list.md": "The list code is godwit.",
    "data/sources/wiki/page.md": "The wiki code is curlew.",
}
ALL = {"open.md", "pay.md", "net.md", "list.md", "page.md"}


@dataclass
class Home:
    """One process of an installation."""

    settings: Settings
    store: Store
    rights: Rights
    library: Library
    kept: Collections
    collecting: Collecting

    def found(self, who: str) -> set[str]:
        hits = self.library.search(QUESTION, principal=self.rights.principal(who), limit=20)
        return {one.document.rpartition("/")[2] for one in hits.passages}

    def folder(self, *names: str) -> tuple[Folder, ...]:
        assert self.settings.file is not None
        top = f"{self.settings.file.parent.resolve()}/"
        known = {f"{one.root}/{one.path}".rstrip("/").removeprefix(top): one for one in self.choosable()}
        return tuple(known[name] for name in names)

    def choosable(self) -> list[Folder]:
        return [one.folder for one in self.collecting.choosable()]

    def make(
        self, name: str, readers: Sequence[str] | None, *names: str, people: Sequence[str] = (), **more: Any
    ) -> Made:
        made = Made(
            new_key(),
            name,
            tuple(readers) if readers is not None else None,
            more.get("curating", ()),
            self.folder(*names),
        )
        self.collecting.keep(made, people)
        kept = self.collecting.find(made.key)
        assert kept is not None
        return kept


@contextmanager
def process(home: Path, database: str = "", data: str = "data") -> Iterator[Home]:
    environment = {
        "TANDEM_SERVER__USERS": ",".join(f"{one}:one-long-password" for one in USERS),
        "TANDEM_DATA_DIR": data,
    }
    if database:
        environment |= {"TANDEM_STORAGE__DATABASE": database, "TANDEM_STORAGE__PASSAGES": "database"}
    settings = load(home / "tandem.yaml", environment)
    store = Store(databases.people(settings))
    people, kept = People(store, settings.server.users), Collections(store)
    rights = Rights(settings, granted=people.granted, made=kept)
    library = open_library(settings, rights)
    try:
        yield Home(settings, store, rights, library, kept, Collecting(library, rights, kept, people))
    finally:
        library.close()
        store.close()


def written(folder: Path) -> Path:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "tandem.yaml").write_text(YAML, encoding="utf-8")
    return folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The server that holds all of it, "" for files."""
    if request.param == "sqlite":
        return ""
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def home(tmp_path: Path, database: str) -> Iterator[Home]:
    with process(written(tmp_path), database) as opened:
        opened.library.sync(opened.settings.documents)
        yield opened


def test_a_folder_is_closed_at_once_and_open_to_whom_it_is_for(home: Home) -> None:
    assert home.found("ayse") == ALL == home.found("ivo")
    made = home.make("Pay", ["hr"], "docs/hr", people=["cem"], curating=("it",))
    assert home.found("ayse") == ALL
    assert home.found("dora") == ALL - {"pay.md"}, "to administer is not to read"
    assert home.found("cem") == ALL == home.found("ivo"), "curators read, by name or by group"
    assert CURATOR in home.rights.principal("cem").roles and CURATOR in home.rights.principal("ivo").roles
    assert ADMINISTRATOR not in home.rights.principal("cem").roles
    home.library.labels.follow()
    assert home.library.in_step() and home.found("dora") == ALL - {"pay.md"}
    view = home.library.searcher.view(home.rights.labels(home.rights.principal("dora")))
    assert view.vocabulary.frequency("terms", "heron") == 0, "once the index follows, no word is counted either"
    # Its readers are changed, without a folder: no document is touched.
    generation = home.library.generation
    home.collecting.keep(replace(made, name="Salaries", readers=None), [])
    assert home.found("dora") == ALL and home.library.generation == generation
    assert [one.name for one in home.rights.readable(home.rights.principal("dora"))] == ["Salaries"]


def test_what_a_change_opens_and_closes_is_known_before(home: Home) -> None:
    pay = Made(new_key(), "Pay", ("hr",), (), home.folder("docs/hr", "docs/it"))
    assert home.collecting.effect(pay.key, pay, ["cem"]) == Effect(closed=2)
    home.collecting.keep(pay, ["cem"])
    (kept,) = home.kept.current()[1]
    assert home.collecting.effect(kept.key, None, ()) == Effect(everybodys=2)
    assert home.collecting.effect(kept.key, replace(kept, readers=("hr", "it")), ["cem", "dora"]) == Effect(
        wider=2, others=("dora", "it")
    )
    assert home.collecting.effect(kept.key, replace(kept, readers=()), []) == Effect(closed=2)
    assert home.collecting.effect(kept.key, replace(kept, folders=home.folder("docs/hr")), ["cem"]) == Effect(
        everybodys=1
    )
    assert home.collecting.effect(kept.key, kept, ["cem"]) == Effect() and not Effect().opens
    # Whoever may read one of the collections of a folder may read what is in it.
    inner = Made(new_key(), "Inner", ("it",), (), home.folder("docs/it"))
    assert home.collecting.effect(inner.key, inner, ()) == Effect(wider=1, others=("it",))


def test_deleting_one_opens_what_lies_in_nothing_else_that_is_closed(home: Home) -> None:
    outer = home.make("All of it", ["it"], "docs")
    inner = home.make("Pay", ["hr"], "docs/hr")
    assert home.found("ayse") & {"pay.md", "net.md"} == {"pay.md"} and "pay.md" not in home.found("ivo")
    home.collecting.drop(inner)
    assert "pay.md" in home.found("ivo") and "pay.md" not in home.found("ayse"), "its folder lies in a closed one"
    home.collecting.drop(outer)
    assert home.found("ayse") == ALL
    with pytest.raises(AccountsError, match="not there any more"):
        home.collecting.drop(outer)
    with pytest.raises(AccountsError, match="not there any more"):
        home.collecting.keep(replace(outer, name="Again"), [])


def test_what_the_settings_say_of_a_folder_stays(home: Home) -> None:
    home.make("Everything", None, "docs", "docs/hr")
    assert "plan.md" not in home.found("ayse") and "plan.md" in home.found("bea")
    (board,) = [one for one in home.collecting.choosable() if one.folder.path == "hr/board"]
    assert board.fixed == ("Board",) and board.depth == 2 and board.documents == 1
    with pytest.raises(AccountsError, match="choose another name"):
        home.make("board", None, "docs/it")
    # Nor is it undone by one that is made inside of it.
    home.collecting.keep(Made(new_key(), "Inside", None, (), (board.folder,)), [])
    assert "plan.md" not in home.found("ayse")


def test_a_place_that_documents_come_from_can_be_chosen(home: Home) -> None:
    (wiki,) = [one for one in home.collecting.choosable() if one.place]
    assert (wiki.name, wiki.documents, wiki.folder) == ("wiki", 1, Folder("source:wiki"))
    home.make("Wiki", ["it"], "source:wiki")
    assert "page.md" not in home.found("ayse") and "page.md" in home.found("ivo")


def test_what_comes_into_its_folder_later_is_closed_too(home: Home) -> None:
    home.make("Pay", ["hr"], "docs/hr")
    new = home.settings.documents[0] / "hr" / "bonus.md"
    new.write_text("The bonus code is dunlin.", encoding="utf-8")
    home.library.sync(home.settings.documents)
    assert "bonus.md" in home.found("ayse") and "bonus.md" not in home.found("ivo")


def test_another_process_closes_what_comes_in_by_rights_of_before_and_settles_it(
    home: Home, tmp_path: Path, database: str
) -> None:
    with process(tmp_path, database) as other:
        stale = other.rights.labelling
        number = other.kept.current()
        other.kept.current = lambda: number  # type: ignore[method-assign]  # as on a server, for a second
        home.make("Pay", ["hr"], "docs/hr")
        (tmp_path / "docs" / "hr" / "bonus.md").write_text("The bonus code is dunlin.", encoding="utf-8")
        other.library.sync(other.settings.documents)
        assert stale.number() == 0
        assert home.found("ayse") == ALL, "the new file is nobody's yet"
        assert {one.labels for one in home.library.store.documents() if one.name.endswith("bonus.md")} == {UNSETTLED}
        del other.kept.current
        other.library.labels.settle()
        assert "bonus.md" in home.found("ayse") and "bonus.md" not in home.found("ivo") | other.found("ivo")
        assert not relabelling.unsettled(home.library.store)


def test_another_machine_knows_its_folders_by_another_path(home: Home, tmp_path: Path, database: str) -> None:
    if not database:
        pytest.skip("one machine has files")
    home.make("Wiki", ["it"], "source:wiki")
    with process(tmp_path, database, "elsewhere") as other:  # its connectors' folders lie in a folder of its own
        other.library.labels.follow()
        assert "page.md" not in other.found("ayse") | home.found("ayse") and "page.md" in other.found("ivo")
        assert [one.documents for one in other.collecting.choosable() if one.place] == [1]


def test_a_terminal_that_opens_the_library_opens_no_document(home: Home, database: str) -> None:
    home.make("Pay", ["hr"], "docs/hr")
    storage = {"TANDEM_STORAGE__DATABASE": database, "TANDEM_STORAGE__PASSAGES": "database"} if database else {}
    for environment in (storage, storage | {"TANDEM_SERVER__USERS": "ayse:one-long-password"}):
        with closing(open_library(load(home.settings.file, environment))) as library:
            library.sync(home.settings.documents)
        assert home.found("ivo") == ALL - {"pay.md"}


def test_nothing_is_changed_where_it_cannot_be_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = home.library.generation

    def away(*given: object) -> None:
        raise AccountsError("The accounts cannot be written.")

    monkeypatch.setattr(home.kept, "put", away)
    with pytest.raises(AccountsError):
        home.make("Pay", ["hr"], "docs/hr")
    assert home.found("ivo") == ALL and home.library.generation == before and home.rights.collections[1:] == ()


def test_where_documents_cannot_be_relabelled_nobody_reads_any_until_they_are(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(home.library.store)
    transaction = kind.transaction

    @contextmanager
    def full(store: Passages, **given: Any) -> Iterator[None]:
        with transaction(store, **given):
            yield
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(kind, "transaction", full)
    with pytest.raises(LibraryError):
        home.make("Pay", ["hr"], "docs/hr")
    assert home.found("ivo") == set() == home.found("ayse") and home.library.labels.closed
    home.rights.held = lambda: home.library.labels.closed
    assert home.rights.labels(home.rights.principal("ayse")) == frozenset(), "nor what asks for labels itself"
    with pytest.raises(LibraryError):
        home.library.labels.settle()
    assert home.found("dora") == set()
    monkeypatch.undo()
    home.library.labels.settle()
    assert home.found("ivo") == ALL - {"pay.md"} and home.found("ayse") == ALL


def test_a_folder_that_lies_elsewhere_than_before_is_closed_there(home: Home, tmp_path: Path) -> None:
    home.make("Pay", ["hr"], "docs/hr")
    (kept,) = home.kept.current()[1]
    (gone,) = kept.folders
    elsewhere = replace(kept, folders=(Folder("C:\\old\\docs", gone.path),))
    roots = Roots(home.settings)
    assert {path.relative_to(tmp_path).as_posix() for path in roots.paths(elsewhere.folders[0])} == {
        "docs/hr",
        "more/docs/hr",
    }
    assert len(roots.paths(Folder("/nowhere/papers"))) == 2, "rather too much than too little"
    home.collecting.keep(elsewhere, [])
    assert home.found("ivo") == ALL - {"pay.md", "list.md"} and home.found("ayse") == ALL


def test_where_it_cannot_be_read_who_may_nobody_does_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with process(written(tmp_path)) as home:
        home.library.sync(home.settings.documents)
        home.make("Pay", ["hr"], "docs/hr")

    away, current, look = [True], Collections.current, Collections.look

    def known(kept: Collections) -> tuple[int, tuple[Made, ...]]:
        return (-1, ()) if away else current(kept)

    def looked(kept: Collections) -> None:
        if away:
            raise AccountsError("The accounts cannot be read: the database server does not answer.")
        look(kept)

    monkeypatch.setattr(Collections, "current", known)
    monkeypatch.setattr(Collections, "look", looked)
    with process(tmp_path) as home:
        assert home.library.labels.closed and home.found("ayse") == set() == home.found("dora")
        every = {one.document for one in home.library.search(QUESTION, principal=LOCAL, limit=20).passages}
        assert {"open.md", "hr/board/plan.md"} <= every, "whoever owns the machine may"
        with pytest.raises(AccountsError):
            home.library.labels.settle()
        (tmp_path / "docs" / "new.md").write_text("The new code is dunlin.", encoding="utf-8")
        home.library.sync(home.settings.documents)
        assert home.found("ivo") == set()
        assert "new.md" in {one.document for one in home.library.search(QUESTION, principal=LOCAL, limit=20).passages}
        away.clear()
        home.library.labels.settle()
        assert home.found("ivo") == ALL - {"pay.md"} | {"new.md"} and home.found("ayse") == ALL | {"new.md"}


def test_accounts_that_were_lost_open_nothing_until_somebody_says_so(tmp_path: Path) -> None:
    with process(written(tmp_path)) as home:
        home.library.sync(home.settings.documents)
        home.make("Pay", ["hr"], "docs/hr")
    for file in (tmp_path / "data").glob("people.db*"):
        file.unlink()
    new = tmp_path / "docs" / "hr" / "bonus.md"
    new.write_text("The bonus code is dunlin.", encoding="utf-8")
    with process(tmp_path) as home:
        assert home.library.labels.behind and home.found("ayse") == ALL - {"pay.md"} == home.found("ivo")
        home.library.labels.settle()
        home.library.sync(home.settings.documents)
        assert home.found("ayse") == ALL - {"pay.md"}, "what is new is not known to be anybody's"
        made = home.make("Pay", ["hr"], "docs/hr")
        home.library.labels.follow()
        assert not home.library.labels.behind
        assert home.found("ayse") == ALL | {"bonus.md"} and home.found("ivo") == ALL - {"pay.md"}
        home.collecting.drop(made)
        home.library.labels.follow()
        assert home.found("ivo") == ALL | {"bonus.md"}


def test_a_question_may_choose_one_by_name_or_key(home: Home) -> None:
    made = home.make("Pay", ["hr"], "docs/hr")
    assert home.rights.keys_of(["Pay", "Board", "", "none"]) == (made.key, "Board", "", "none")
    home.library.labels.follow()
    found = home.library.search(
        QUESTION, principal=home.rights.principal("ayse"), collections=home.rights.keys_of(["Pay"])
    )
    assert [one.document for one in found.passages] == ["hr/pay.md"]
    (receipt,) = [one for one in home.library.receipts() if one.path == "hr/pay.md"]
    assert home.rights.collections_of(home.rights.principal("ayse"), receipt) == ["Pay"]
    assert home.rights.collections_of(home.rights.principal("ivo"), receipt) == []
    assert home.rights.labelled(receipt) == {collection(made.key)} != PUBLIC


def test_two_names_a_curator_who_is_nobody_is_refused(home: Home) -> None:
    with pytest.raises(AccountsError, match="Nobody here is called zoe"):
        home.make("Pay", ["hr"], "docs/hr", people=["zoe"])
    assert isinstance(home.library.labels, Relabelling) and issubclass(AccountsError, UserFacingError)
