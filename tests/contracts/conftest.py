"""Where the tables of a room may lie, one place after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag.database.places import Place, Postgres, Sqlite
from rag.database.tables import Tables
from tandem.people.store import Store
from tests.support.postgres import Server

MakePlace = Callable[[Tables], Place]
MakeStore = Callable[[Place], Store]
numbers = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def make_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakePlace]:
    """Makes a place for a room's tables where nothing is yet; asked again, one with the same tables in it."""
    made: list[Place] = []
    number = next(numbers)

    def make(tables: Tables) -> Place:
        if request.param == "sqlite":
            made.append(Sqlite(tmp_path / "deep" / f"{tables.name}.db", tables))
        else:
            server: Server = request.getfixturevalue("postgres")
            made.append(Postgres(server.database, replace(tables, name=f"{tables.name}_{number}")))
        return made[-1]

    yield make
    for place in made:
        place.close()


@pytest.fixture
def make_store(make_place: MakePlace) -> Iterator[MakeStore]:
    """Makes a store of accounts in a place, and closes it before that: a look of its own may be under way."""
    made: list[Store] = []

    def make(place: Place) -> Store:
        made.append(Store(place))
        return made[-1]

    yield make
    for store in made:
        store.close()
