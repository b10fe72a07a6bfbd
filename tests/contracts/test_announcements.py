"""What everybody is told, wherever it is kept: until its day, or until it is taken back."""

from __future__ import annotations

import pytest

from tandem.people.announcements import LONGEST, MOST, Announcements
from tandem.people.revisions import TABLES
from tandem.people.store import AccountsError
from tests.contracts.conftest import MakePlace, MakeStore


@pytest.fixture
def announcements(make_place: MakePlace, make_store: MakeStore) -> Announcements:
    return Announcements(make_store(make_place(TABLES)))


def test_it_stands_until_its_day_or_until_it_is_taken_back(announcements: Announcements) -> None:
    assert announcements.current() == []
    first = announcements.make(" The \0 index\n is made anew <b>tonight</b>. ", 7)
    over = announcements.make("over", 1e-9)
    second = announcements.make("Later", 1)
    assert [one.id for one in announcements.current()] == [second.id, first.id]
    assert announcements.standing()[1].text == "The \ufffd index is made anew <b>tonight</b>."
    announcements.end(first.id)
    announcements.end("none")
    assert [one.id for one in announcements.current()] == [second.id] and over.id != second.id


def test_there_are_few_and_each_is_short(announcements: Announcements) -> None:
    for text in ("", " \n", "x" * (LONGEST + 1)):
        with pytest.raises(AccountsError, match="1 to 500 characters"):
            announcements.make(text, 1)
    for _ in range(MOST):
        announcements.make("x" * LONGEST, 1)
    with pytest.raises(AccountsError, match="end one first"):
        announcements.make("one more", 1)
    assert len(announcements.standing()) == MOST


def test_what_another_process_tells_is_shown_and_one_that_cannot_be_read_stops_nobody(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch, make_store: MakeStore
) -> None:
    monkeypatch.setattr("tandem.people.announcements._LOOK_SECONDS", 0.0)
    here, there = (Announcements(make_store(make_place(TABLES))) for _ in range(2))
    assert there.current() == []
    made = here.make("Hello", 1)
    assert there.current() == [made]

    def away() -> None:
        raise AccountsError("The accounts cannot be read.")

    monkeypatch.setattr(there, "standing", away)
    assert there.current() == [made]
