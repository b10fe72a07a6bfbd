"""What accounts, keys and usage do wherever they lie: granted once is granted, taken is taken, and others notice."""

from __future__ import annotations

import threading
import time
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from rag.database.places import Place
from tandem.auth.rights import Granted
from tandem.people.accounts import FIRST, INVITE, RESET, People
from tandem.people.keys import Keys
from tandem.people.quotas import Asker, Quotas, Used
from tandem.people.revisions import TABLES
from tandem.people.sealing import Seal, is_sealed
from tandem.people.second_factor import SecondFactor
from tandem.people.sessions import Session, Sessions
from tandem.people.store import AccountsError
from tandem.people.tables import people as people_table
from tandem.settings_sign_in import LimitSettings
from tests.contracts.conftest import MakePlace, MakeStore

WORDS = "correct horse"


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place(TABLES)


@pytest.fixture
def people(place: Place, make_store: MakeStore) -> People:
    return People(make_store(place), {"chief"})


def opened(people: People, name: str) -> None:
    people.add(name)
    people.redeem(people.link(name, INVITE), WORDS)


def eventually(people: People, name: str) -> Granted:
    """What another process is told; on a server a second later at most."""
    until = time.monotonic() + 60
    while (granted := people.granted(name)) == Granted() and time.monotonic() < until:
        threading.Event().wait(0.1)
    return granted


def test_an_account_counts_from_when_its_link_was_opened(people: People) -> None:
    people.add("ada", groups=["hr"])
    assert (people.hash_of("ada"), people.stands_for("ada")) == ("", "")
    code = people.link("ada", INVITE)
    assert people.opened(code) == ("ada", INVITE)
    assert people.redeem(code, WORDS) == "ada"
    assert people.hash_of("ada").startswith("$argon2id$")
    assert people.granted("ada") == Granted(frozenset({"hr"}))
    with pytest.raises(AccountsError, match="used already"):
        people.redeem(code, "another password")


def test_a_newer_link_ends_the_one_before_and_links_grow_old(people: People) -> None:
    people.add("ada")
    first, second = people.link("ada", INVITE), people.link("ada", INVITE)
    assert (people.opened(first), people.opened(second)) == (None, ("ada", INVITE))
    assert people.opened(people.link("ada", INVITE, hours=-1)) is None
    with pytest.raises(AccountsError, match="at least 10 characters"):
        people.redeem(second, "short")


def test_a_link_works_once_for_many_at_a_time(people: People) -> None:
    people.add("ada")
    code = people.link("ada", INVITE)
    done: list[str] = []

    def redeem(number: int) -> None:
        try:
            people.redeem(code, f"{WORDS} {number}")
            done.append(str(number))
        except AccountsError:
            pass

    threads = [threading.Thread(target=redeem, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1


def test_the_first_code_makes_an_administrator(people: People) -> None:
    code = people.link("", FIRST)
    assert not people.has_administrator()
    for name in ("chief", "api", "a/b", ""):
        with pytest.raises(AccountsError):
            people.redeem(code, WORDS, name or "\n")
    assert people.redeem(code, WORDS, "ada") == "ada"
    assert people.granted("ada").administers and people.has_administrator()
    with pytest.raises(AccountsError):
        people.redeem(code, WORDS, "eve")


def test_what_changes_what_a_cookie_stands_for(people: People) -> None:
    opened(people, "ada")
    marks = [people.stands_for("ada")]
    people.set_password("ada", "another password")
    marks.append(people.stands_for("ada"))
    people.remove("ada")
    assert people.stands_for("ada") == "" and people.hash_of("ada") == ""
    opened(people, "ada")
    marks.append(people.stands_for("ada"))
    assert len(set(marks)) == 3 and "" not in marks


def test_roles_and_groups_are_granted_and_taken_and_others_notice(
    people: People, make_place: MakePlace, make_store: MakeStore
) -> None:
    other = People(make_store(make_place(TABLES)))
    assert other.granted("ada") == Granted()
    opened(people, "ada")
    people.grant("ada", "administrator")
    people.grant("ada", "curator", "Personnel")
    people.join("ada", "hr")
    whole = Granted(frozenset({"hr"}), True, frozenset({"Personnel"}))
    assert people.granted("ada") == whole
    assert eventually(other, "ada") == whole
    people.grant("ada", "member")
    people.leave("ada", "hr")
    assert people.granted("ada") == Granted()
    for name, group in (("ada", "hr"), ("ada", "it"), ("aday", "hr")):
        with pytest.raises(AccountsError, match="was not put into"):
            people.leave(name, group)
    for wrong in (
        ("ada", "king", ""),
        ("ada", "curator", ""),
        ("ada", "administrator", "x"),
        ("eve", "administrator", ""),
    ):
        with pytest.raises(AccountsError):
            people.grant(*wrong)
    people.grant("chief", "curator", "Personnel")
    assert people.granted("chief").curates == {"Personnel"}


def test_who_is_removed_is_granted_nothing_and_a_provider_does_not_bring_them_back(people: People) -> None:
    assert people.welcome("oidc:a", "sub 1", "ada", {"hr"}) == "ada"
    people.grant("ada", "administrator")
    people.remove("ada")
    assert people.granted("ada") == Granted() and not people.has_administrator()
    with pytest.raises(AccountsError, match="was removed"):
        people.welcome("oidc:a", "sub 1", "ada", {"hr"})


def test_a_provider_gives_a_name_to_one_subject(people: People) -> None:
    opened(people, "local one")
    assert people.welcome("oidc:a", "sub 1", "ada", {"hr", "it"}) == "ada"
    assert people.granted("ada").groups == {"hr", "it"}
    assert people.welcome("oidc:a", "sub 1", "renamed there", {"it"}) == "ada"
    assert people.granted("ada").groups == {"it"}
    for way, subject, name in (("oidc:a", "sub 2", "ada"), ("oidc:b", "sub 1", "ada"), ("oidc:a", "s", "local one"),
                               ("oidc:a", "s", "chief"), ("oidc:a", "s", "api")):  # fmt: skip
        with pytest.raises(AccountsError):
            people.welcome(way, subject, name, set())
    people.join("ada", "chess")
    people.welcome("oidc:a", "sub 1", "ada", set())
    assert people.granted("ada").groups == {"chess"}
    people.add("ben", way="oidc:a")
    assert people.welcome("oidc:a", "sub 3", "ben", set()) == "ben"


def test_a_code_counts_once_and_a_reset_ends_it(people: People) -> None:
    opened(people, "ada")
    codes = SecondFactor(people, Seal(lambda: "a secret"))
    secret = codes.new_secret()
    totp = pyotp.TOTP(secret)
    assert not codes.confirm("ada", secret, "000000") or totp.now() == "000000"
    assert codes.confirm("ada", secret, totp.now()) and codes.asked_of("ada")
    now = datetime.now(UTC)
    assert not codes.right_code("ada", totp.at(now))
    later = totp.at(now + timedelta(seconds=30))
    assert [codes.right_code("ada", later), codes.right_code("ada", later)] == [True, False]
    for wrong in ("", "12345", "abcdef", "١٢٣٤٥٦"):
        assert not codes.right_code("ada", wrong)
    people.redeem(people.link("ada", RESET), WORDS)
    assert not codes.asked_of("ada")


def test_sessions_are_listed(place: Place, make_store: MakeStore) -> None:
    sessions = Sessions(make_store(place))
    soon, past = (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "2020-01-01"
    for number, until in (("1", past), ("2", soon), ("3", soon)):
        sessions.signed_in(Session(number, "ada", 0, f"2026-01-0{number}", until, "10.0.0.1", "Firefox"))
    assert [one.number for one in sessions.sessions("ada")] == ["3", "2"]
    assert sessions.sessions("ben") == []


def test_a_key_counts_until_it_is_revoked_or_old(place: Place, make_store: MakeStore) -> None:
    keys = Keys(make_store(place))
    key, sent = keys.make("ada", "a script", ["ask", "models"], days=1)
    assert sent.startswith(f"tandem_{key.id}_") and key.scopes == {"ask", "models"}
    found = keys.find(sent)
    assert found is not None and (found.person, found.name) == ("ada", "a script")
    assert keys.of("ada")[0].used != "" and keys.of("ben") == []
    with place.engine.connect() as db:
        kept = str(db.exec_driver_sql("SELECT * FROM keys").all())
    secret = sent.removeprefix(f"tandem_{key.id}_")  # which may hold "_" itself
    assert len(secret) > 20 and secret not in kept and secret[:20] not in kept
    for wrong in (sent[:-1] + ("A" if sent[-1] != "A" else "B"), f"tandem_{key.id}_", "x", "", sent + "x"):
        assert keys.find(wrong) is None
    _, old_sent = keys.make("ada", "old", ["ask"], days=1e-9)
    assert keys.find(old_sent) is None
    with pytest.raises(AccountsError):
        keys.revoke(key.id, "ben")
    keys.revoke(key.id, "ada")
    assert keys.find(sent) is None
    for scopes, days in ((["everything"], 1), ([], 1), (["ask"], 0), (["ask"], 99999)):
        with pytest.raises(AccountsError):
            keys.make("ada", "x", scopes, days=days)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


def test_limits_hold_for_each_person_each_key_and_a_group_together(place: Place, make_store: MakeStore) -> None:
    clock = Clock()
    limits = [
        LimitSettings(requests_per_minute=2),
        LimitSettings(per="key", requests_per_day=3),
        LimitSettings(per="group", group="it", tokens_per_day=100),
    ]
    quotas = Quotas(limits, make_store(place), clock)
    ada, ben, cem = Asker("ada"), Asker("ben", frozenset({"it"})), Asker("cem", frozenset({"it"}))
    assert quotas.ask(ada) is None and quotas.ask(ada) is None
    reached = quotas.ask(ada)
    assert reached is not None and (reached.limit, reached.seconds) == ("requests_per_minute", 60)
    assert quotas.ask(ben) is None
    clock.now += 60
    assert quotas.ask(ada) is None
    quotas.used(ben, Used(model="m", questions=1, tokens=100))
    for one in (ben, cem):
        stopped = quotas.ask(one)
        assert stopped is not None and (stopped.limit, stopped.seconds) == ("tokens_per_day", 11 * 3600 + 59 * 60)
    keyed = Asker("dora", key="k")
    for _ in range(3):
        clock.now += 61
        assert quotas.ask(keyed) is None
    clock.now += 61
    assert quotas.ask(keyed) is not None and quotas.ask(Asker("dora", key="other")) is None
    clock.now += 86400
    assert quotas.ask(keyed) is None and quotas.ask(ben) is None
    quotas.close()


def test_what_was_used_is_kept_and_counts_after_a_restart(
    place: Place, make_place: MakePlace, make_store: MakeStore
) -> None:
    clock = Clock()
    limit = [LimitSettings(tokens_per_day=50)]
    first = Quotas(limit, make_store(place), clock)
    for _ in range(2):
        first.used(Asker("ada", key="k"), Used(model="m", questions=1, tokens=25, seconds=1.5, money=0.25, escalated=1))
    first.close()
    second = Quotas(limit, make_store(make_place(TABLES)), clock)
    assert second.ask(Asker("ben")) is None
    assert second.ask(Asker("ada")) is not None
    (used,) = second.since(1)
    assert used == Used("2026-03-01", "ada", "k", "m", 2, 50, 3.0, 0.5, 2, 0)
    assert [field.name for field in fields(Used)] == [
        column.name for column in TABLES.metadata().tables["usage"].columns
    ]


def test_second_factors_lie_sealed_also_those_of_before(place: Place, people: People) -> None:
    secret = pyotp.random_base32()

    def kept() -> dict[str, str]:
        with place.engine.connect() as db:
            return {row.name: row.totp for row in db.execute(select(people_table))}

    for name in ("ada", "ben"):
        opened(people, name)
    codes, others = (SecondFactor(people, Seal(lambda said=said: said)) for said in ("a secret", "another"))
    assert codes.confirm("ada", secret, pyotp.TOTP(secret).now())
    people.set("ben", totp=secret, totp_step=0)  # as an earlier version kept it
    assert is_sealed(kept()["ada"]) and kept()["ben"] == secret
    assert codes.seal_old() == 1 and codes.seal_old() == 0
    assert all(is_sealed(one) and secret not in one for one in kept().values())
    assert not others.right_code("ben", pyotp.TOTP(secret).now()), "the database alone opens nothing"
    people.set("ada", totp=kept()["ben"], totp_step=0)
    assert not codes.right_code("ada", pyotp.TOTP(secret).now()), "another's opens nothing"
    assert codes.right_code("ben", pyotp.TOTP(secret).now())
