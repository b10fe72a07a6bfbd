"""The collections that are made in the chat, wherever accounts are kept."""

from __future__ import annotations

import pytest

from tandem.auth.collections import Folder, Made
from tandem.auth.rights import CURATOR
from tandem.people.accounts import People
from tandem.people.collections import MOST, Collections, checked_name, new_key
from tandem.people.revisions import TABLES
from tandem.people.store import AccountsError
from tests.contracts.conftest import MakePlace, MakeStore


@pytest.fixture
def both(make_place: MakePlace, make_store: MakeStore) -> tuple[Collections, Collections, People]:
    """Those of two processes, and the people that the first one knows."""
    stores = [make_store(make_place(TABLES)) for _ in range(2)]
    return Collections(stores[0]), Collections(stores[1]), People(stores[0], ["ada", "ben"])


PAY = Made("-1", "Pay <b>&", ("hr", "it"), ("chiefs",), (Folder("/docs", "hr"), Folder("source:wiki")))


def curators(people: People) -> list[str]:
    """Who curates `PAY`, as it is kept now."""
    return [one.name for one in People(people.store).everybody() if PAY.key in one.curates]


def test_what_is_kept_is_known_here_and_in_another_process(both: tuple[Collections, Collections, People]) -> None:
    here, there, people = both
    assert here.current() == (0, ())
    here.put(PAY, ["ada", "ada", "ben"], 1)
    (kept,) = here.current()[1]
    assert here.current()[0] == 1 and kept == Made(*(getattr(PAY, one) for one in PAY.__slots__[:5]), version=1)
    there.look()
    assert there.current() == here.current()
    assert people.granted("ada").curates == {"-1"} == people.granted("ben").curates
    assert curators(people) == ["ada", "ben"]
    changed = Made("-1", "Pay", None, (), (Folder("/docs"),), version=1)
    there.put(changed, ["ben"], 2)
    here.look()
    assert here.current() == (2, (Made("-1", "Pay", None, (), (Folder("/docs"),), version=2),))
    assert curators(people) == ["ben"]
    there.drop(here.current()[1][0], 3)
    here.look()
    assert here.current() == (3, ()) and curators(people) == []


def test_of_two_who_change_one_at_once_the_second_is_told(both: tuple[Collections, Collections, People]) -> None:
    here, there, people = both
    here.put(PAY, [], 1)
    (kept,) = here.current()[1]
    here.put(kept, ["ada"], 2)
    for late in (lambda: there.put(kept, ["ben"], 3), lambda: there.drop(kept, 3), lambda: there.put(PAY, [], 2)):
        with pytest.raises(AccountsError, match=r"meanwhile|already"):
            late()
    there.look()
    assert there.current()[0] == 2 and curators(people) == ["ada"]
    people.grant("ben", CURATOR, "-1")
    assert curators(people) == ["ada", "ben"] and here.current()[0] == 2, "a grant is no other collection"


def test_no_two_have_a_name_that_people_take_for_the_same(both: tuple[Collections, Collections, People]) -> None:
    here, _, _ = both
    here.put(PAY, [], 1)
    with pytest.raises(AccountsError, match="choose another name"):
        here.put(Made(new_key(), "ＰＡＹ <B>&", None, (), (Folder("/docs"),)), [], 2)
    assert here.current()[0] == 1


def test_there_are_so_many_and_not_more(
    both: tuple[Collections, Collections, People], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _, _ = both
    assert MOST == 500
    monkeypatch.setattr("tandem.people.collections.MOST", 2)
    for number in (1, 2):
        here.put(Made(new_key(), f"name {number}", None, (), (Folder("/docs"),)), [], number)
    with pytest.raises(AccountsError, match="delete one first"):
        here.put(Made(new_key(), "name 3", None, (), (Folder("/docs"),)), [], 3)


@pytest.mark.parametrize("name", ["", " ", "a,b", "-a", "a\u202eb", "a\0b", "x" * 61, "a\u200bb"])
def test_what_is_no_name_is_told_in_a_sentence(name: str) -> None:
    with pytest.raises(AccountsError, match="1 to 60 characters"):
        checked_name(name)


def test_a_name_is_kept_as_it_is_read() -> None:
    assert checked_name("  Personal  und\n <script>Löhne</script> ") == "Personal und <script>Löhne</script>"
    assert new_key().startswith("-") and new_key() != new_key()
