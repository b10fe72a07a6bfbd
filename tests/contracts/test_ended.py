"""What has ended cookies, wherever it is kept: noticed by others, and taken along from a file and back to one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rag.database.places import Place
from tandem.auth.ended import EndedInFile
from tandem.people.ended import EndedForAll, write_out
from tandem.people.revisions import TABLES
from tandem.people.store import AccountsError
from tests.contracts.conftest import MakePlace, MakeStore
from tests.support.several import within

NOW = 1_000.0


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place(TABLES)


def test_what_ends_is_known_here_at_once_and_elsewhere_soon(
    place: Place, make_place: MakePlace, tmp_path: Path, make_store: MakeStore
) -> None:
    here, there = (EndedForAll(make_store(one), tmp_path / "none") for one in (place, make_place(TABLES)))
    before = there.state()
    assert (here.epoch("ada"), here.has("one"), there.epoch("ada")) == (0, False, 0)
    here.end_all("ada")
    here.end("one", NOW, NOW + 10)
    here.end_all("ada")
    assert (here.epoch("ada"), here.epoch("ben"), here.has("one")) == (2, 0, True)
    assert within(60, lambda: there.epoch("ada") == 2 and there.has("one"))
    assert there.state() != before
    here.end("two", NOW + 20, NOW + 30)  # the first would be too old by now
    assert here.has("two") and not here.has("one")
    here.close()
    there.close()


def test_it_comes_from_a_file_and_goes_back_to_one(place: Place, tmp_path: Path, make_store: MakeStore) -> None:
    file = tmp_path / "signed_out.json"
    old = EndedInFile(file, lambda: NOW)
    old.end_all("ada")
    old.end("one", NOW, NOW + 10)
    for _ in range(2):  # whenever it is opened
        ended = EndedForAll(make_store(place), file)
        assert (ended.epoch("ada"), ended.has("one")) == (1, True)
        ended.close()
    ended.end_all("ada")
    ended.end_all("ben")
    ended.close()
    write_out(place, tmp_path / "back.json")
    back = EndedInFile(tmp_path / "back.json", time.time)
    assert (back.epoch("ada"), back.epoch("ben"), back.has("one")) == (2, 1, True)


def test_where_nothing_can_be_read_no_cookie_counts(place: Place, tmp_path: Path, make_store: MakeStore) -> None:
    store = make_store(place)
    ended = EndedForAll(store, tmp_path / "none")

    def away(query: object) -> None:
        raise AccountsError("The accounts cannot be read.")

    store.read = store.note = away  # type: ignore[method-assign,assignment]
    assert ended.epoch("ada") == -1 and ended.has("one")
