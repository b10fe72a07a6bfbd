"""What is shared, wherever it is kept: it opens for who is named, until it is ended or over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.database.places import Place
from tandem.people.revisions import TABLES
from tandem.people.shares import MOST, Shares
from tandem.people.store import AccountsError
from tests.contracts.conftest import MakePlace, MakeStore


@pytest.fixture
def shares(make_place: MakePlace, make_store: MakeStore) -> Shares:
    return Shares(make_store(make_place(TABLES)))


def test_what_is_shared_opens_for_who_is_named_until_it_is_ended(shares: Shares) -> None:
    made = shares.make("ada", "t1", {"a": 1}, title="What?", answer="s1", people=["ben", "ben"], groups=["hr"], days=7)
    assert shares.find(made.id) == made and len(made.id) >= 32
    assert (made.owner, made.conversation, made.answer, made.title) == ("ada", "t1", "s1", "What?")
    assert shares.content(made.id) == {"a": 1}
    assert made.opens_for("ada", ()) and made.opens_for("ben", ()) and made.opens_for("cem", {"hr"})
    assert not made.opens_for("cem", {"it"})
    assert shares.of("ada") == [made] and shares.of("ben") == []
    assert shares.shown_to("ben", ()) == shares.shown_to("dora", {"hr"}) == [made]
    assert shares.shown_to("ada", {"hr"}) == shares.shown_to("dora", ()) == []
    assert shares.revoke(made.id, "ben") is None and shares.find(made.id) is not None
    assert shares.revoke(made.id, "ada") == made
    assert shares.find(made.id) is None and shares.revoke(made.id, "ada") is None
    assert shares.content(made.id) == {} and shares.shown_to("ben", ()) == []


def test_what_is_over_is_not_there_and_goes_with_the_next(shares: Shares) -> None:
    over = shares.make("ada", "t1", {}, title="a", people=["ben"], days=1e-7)
    kept = shares.make("ada", "t2", {}, title="b", people=["ben"])
    assert shares.find(over.id) is None or over.until > kept.created
    assert [one.id for one in shares.of("ada")] == [kept.id] and kept.until == ""
    shares.make("ada", "t2", {}, title="c", people=["ben"])
    assert shares.content(over.id) == {}


def test_a_conversation_takes_what_is_shared_of_it_along(shares: Shares) -> None:
    gone = [shares.make("ada", "t1", {}, title="a", answer=one, people=["ben"]) for one in ("s1", "s2")]
    assert shares.make("ada", "t1", {}, title="a", answer="s2", people=["ben"]) == gone[1], "a button pressed twice"
    kept = shares.make("ada", "t2", {}, title="b", groups=["hr"])
    shares.end_of("t1")
    assert [shares.find(one.id) for one in gone] == [None, None]
    assert shares.of("ada") == [kept]


def test_nobody_shares_with_nobody_or_without_end(shares: Shares, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AccountsError, match="at least one"):
        shares.make("ada", "t1", {}, title="a")
    with pytest.raises(AccountsError, match="name a group"):
        shares.make("ada", "t1", {}, title="a", people=[str(number) for number in range(101)])
    assert MOST == 500
    monkeypatch.setattr("tandem.people.shares.MOST", 1)
    shares.make("ada", "t1", {}, title="a", people=["ben"])
    with pytest.raises(AccountsError, match="end one"):
        shares.make("ada", "t1", {}, title="a", people=["cem"])
    shares.make("ben", "t1", {}, title="a", people=["ada"])


def test_a_restart_forgets_nothing(make_place: MakePlace, make_store: MakeStore) -> None:
    made = Shares(make_store(make_place(TABLES))).make("ada", "t1", {"ü": ["x"]}, title="\0 ğ", people=["ben"])
    again: Place = make_place(TABLES)
    assert Shares(make_store(again)).find(made.id) == replace(made, title="\ufffd ğ")
    assert Shares(make_store(again)).content(made.id) == {"ü": ["x"]}
