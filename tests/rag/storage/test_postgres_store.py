"""A library whose passages lie on a PostgreSQL server: found, changed, damaged, copied, and without its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rag.errors import LibraryError, UserFacingError
from rag.library import STORE, Library
from rag.maintenance.integrity import verify
from rag.settings import RetrievalSettings
from rag.storage.checksums import check
from rag.storage.copying import copy
from rag.storage.opening import Engines
from rag.storage.postgres_store import PostgresStore
from rag.storage.protocols import IndexWriter
from rag.storage.records import NewDocument
from rag.storage.server_connections import Server, ServerError
from rag.storage.sqlite_store import Store
from tests.support import postgres as support

SETTINGS = RetrievalSettings()


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "nets.md").write_text("# Nets\n\nOld Maren mends the nets by the quay.\n", encoding="utf-8")
    (folder / "lamps.md").write_text("# Lamps\n\nThe harbour master lights the lamps.\n", encoding="utf-8")
    return folder


@contextmanager
def opened(folder: Path, server: Server | None) -> Iterator[Library]:
    library = Library.open(folder, SETTINGS, write=True, engines=Engines(passages=server))
    try:
        yield library
    finally:
        library.close()


def found(library: Library, question: str) -> list[str]:
    return [one.document for one in library.search(question).passages][:1]


def test_a_library_lives_on_a_server(tmp_path: Path, papers: Path, postgres: support.Server) -> None:
    server = Server(postgres.new_database())
    with opened(tmp_path / "library", server) as library:
        assert library.sync([papers]).added == 2 and found(library, "Who mends the nets?") == ["nets.md"]
        (papers / "nets.md").write_text("# Nets\n\nYoung Ole mends the sails.\n", encoding="utf-8")
        (papers / "lamps.md").unlink()
        report = library.sync([papers])
        assert (report.changed, report.removed) == (1, 1) and found(library, "Who mends the sails?") == ["nets.md"]
        library.add_upload("talk", "mine.md", b"# Mine\n\nThe anchor weighs nine stone.\n")
        assert library.search("What does the anchor weigh?", conversation="talk").passages
    assert not (tmp_path / "library" / STORE).exists()
    with opened(tmp_path / "library", server) as library:
        assert library.sync([papers]).unchanged == 2 and library.in_step()
        assert library.documents("talk") and found(library, "Who mends the sails?") == ["nets.md"]


def test_two_machines_each_follow_with_an_index_of_their_own(
    tmp_path: Path, papers: Path, postgres: support.Server
) -> None:
    server = Server(postgres.new_database())
    with opened(tmp_path / "one", server) as one, opened(tmp_path / "two", server) as two:
        one.sync([papers])
        two.sync([])
        assert found(two, "Who mends the nets?") == ["nets.md"] and two.in_step()
        (papers / "nets.md").unlink()
        (papers / "sails.md").write_text("# Sails\n\nYoung Ole mends the sails.\n", encoding="utf-8")
        one.sync([papers])
        assert found(two, "Who mends the nets?") != ["nets.md"]
        two.sync([])
        assert found(two, "Who mends the sails?") == ["sails.md"] and one.in_step() and two.in_step()


def test_what_another_commits_meanwhile_is_followed_too(tmp_path: Path, papers: Path, postgres: support.Server) -> None:
    server = Server(postgres.new_database())
    with opened(tmp_path / "one", server) as one, opened(tmp_path / "two", server) as two:
        one.sync([papers])
        two.sync([])
        (papers / "sails.md").write_text("# Sails\n\nYoung Ole mends the sails.\n", encoding="utf-8")
        (papers / "knots.md").write_text("# Knots\n\nAda ties the knots.\n", encoding="utf-8")
        follow = one._ingest._follower.follow

        def overtaken(writer: IndexWriter, made: dict[int, NewDocument]) -> bool:
            """The other machine stores something before this one has published its batch."""
            gone = follow(writer, made)
            if made:
                two.sync([papers], within=[papers / "knots.md"])
            return gone

        one._ingest._follower.follow = overtaken  # type: ignore[method-assign]
        one.sync([papers], within=[papers / "sails.md"])
        one._ingest._follower.follow = follow  # type: ignore[method-assign]
        one.sync([papers])
        assert found(one, "Who ties the knots?") == ["knots.md"] and one.in_step()


def test_damage_on_a_server_is_found_and_repaired(tmp_path: Path, papers: Path, postgres: support.Server) -> None:
    server = Server(postgres.new_database())
    with opened(tmp_path / "library", server) as library:
        library.sync([papers])
        library.store.connection.execute("UPDATE passages SET text = 'Nobody mends nets.' WHERE text LIKE '%Maren%'")
        assert len(check(library.store)[0]) == 1
    told = verify(tmp_path / "library", SETTINGS, [papers], engines=Engines(passages=server))
    assert told.damaged == told.repaired == ("nets.md",)
    assert verify(tmp_path / "library", SETTINGS, [papers], engines=Engines(passages=server)).sound


def test_a_library_outlives_a_restart_of_its_server(tmp_path: Path, papers: Path) -> None:
    with support.running() as postgres, opened(tmp_path / "library", Server(postgres.database)) as library:
        library.sync([papers])
        postgres.stop()
        with pytest.raises(UserFacingError, match="database server does not answer; start it"):
            library.search("Who mends the nets?")
        with pytest.raises(UserFacingError, match="database server does not answer; start it"):
            library.remove_uploads("talk")
        assert library.problem.startswith("Documents are not taken in: the database server does not answer")
        postgres.start()
        assert found(library, "Who mends the nets?") == ["nets.md"]
        (papers / "nets.md").unlink()
        assert library.sync([papers]).removed == 1 and library.in_step()
        assert library.problem == ""


def test_what_belongs_together_is_there_whole_or_not_at_all(tmp_path: Path, postgres: support.Server) -> None:
    store = PostgresStore(Server(postgres.new_database()), tmp_path / STORE)
    ending = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(ServerError), store.transaction():
        store.next_generation()
        with pytest.raises(ServerError):
            store.connection.execute(ending)
        store.set_meta("half", "yes")
    assert store.generation == 0 and store.meta("half") is None
    store.close()


def test_passages_go_to_a_server_and_back(tmp_path: Path, papers: Path, postgres: support.Server) -> None:
    server = Server(postgres.new_database())
    with opened(tmp_path / "first", None) as library:
        library.sync([papers])
        there = PostgresStore(server, tmp_path / STORE)
        sent = copy(library.store, there)
        with pytest.raises(LibraryError, match="already"):
            copy(library.store, there)
        back = Store(tmp_path / "back.sqlite")
        assert copy(there, back) == sent and sent["passages"][0] == 2
        assert check(back) == check(there) == check(library.store) == (set(), 2)
        for store in (there, back):
            store.close()
    with opened(tmp_path / "second", server) as library:
        (papers / "new.md").write_text("# Nets\n\nOle dries the nets.\n", encoding="utf-8")
        report = library.sync([papers])
        assert (report.added, report.unchanged) == (1, 2)
        assert found(library, "Who mends the nets?") == ["nets.md"] and library.in_step()


def test_a_server_that_is_away_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot be opened: the database server does not answer; start it"):
        PostgresStore(Server(f"postgresql://tandem@/none?host={tmp_path}"), tmp_path / STORE)
