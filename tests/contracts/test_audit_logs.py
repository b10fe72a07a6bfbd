"""What an audit log does wherever it lies: it only grows, and what was changed afterwards is found."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from rag.database.places import Place
from tandem.audit.chain import BEGINNING, Entry, as_line, broken, from_line
from tandem.audit.log import AuditLog
from tandem.audit.revisions import TABLES
from tests.contracts.conftest import MakePlace

COLUMNS = ("at", "actor", "action", "object", "details", "hash")


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place(TABLES)


def recorded(place: Place, count: int = 8) -> list[Entry]:
    log = AuditLog(place)
    for number in range(count):
        log.record("ada", "sign_in.ok", f"browser {number}", {"address": "127.0.0.1", "ı": number})
    assert log.flush(30)
    found = list(log.entries())
    log.close()
    return found


def tamper(place: Place, statement: str) -> None:
    """As somebody would who has the rights of the database's owner."""
    with place.engine.begin() as db:
        if place.on_server:
            db.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        else:
            db.execute(text("DROP TRIGGER audit_refuses_update"))
            db.execute(text("DROP TRIGGER audit_refuses_delete"))
        db.execute(text(statement))


def test_entries_come_back_in_order_and_hold_together(place: Place) -> None:
    found = recorded(place)
    assert [entry.object for entry in found] == [f"browser {number}" for number in range(8)]
    assert broken(found) == (8, found[-1].hash, None)
    assert [from_line(as_line(entry)) for entry in found] == found


@pytest.mark.parametrize("column", COLUMNS)
def test_one_changed_byte_is_found_and_named(place: Place, column: str) -> None:
    recorded(place)
    tamper(place, f"UPDATE audit SET {column} = 'x' || substr({column}, 2) WHERE number = 5")
    wrong = broken(AuditLog(place).entries())[2]
    assert wrong is not None and wrong.number == 5


def test_an_entry_that_was_taken_out_is_found(place: Place) -> None:
    recorded(place)
    tamper(place, "DELETE FROM audit WHERE number = 3")
    wrong = broken(AuditLog(place).entries())[2]
    assert wrong is not None and (wrong.number, "missing" in wrong.reason) == (3, True)


def test_the_database_itself_refuses_changes(place: Place) -> None:
    recorded(place)
    for statement in ("UPDATE audit SET actor = 'bob'", "DELETE FROM audit"):
        with pytest.raises(SQLAlchemyError, match="only grows"), place.engine.begin() as db:
            db.execute(text(statement))


def test_several_processes_write_one_chain(make_place: MakePlace) -> None:
    logs = [AuditLog(make_place(TABLES)) for _ in range(4)]

    def write(log: AuditLog) -> None:
        for number in range(50):
            log.record("ada", "model.loaded", str(number))
        log.close()

    threads = [threading.Thread(target=write, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = list(AuditLog(make_place(TABLES)).entries())
    assert broken(found) == (200, found[-1].hash, None)


def test_anything_may_be_recorded(place: Place) -> None:
    log = AuditLog(place)
    log.record("a\0\ud83d", "x" * 5000, "\n", {"odd": object(), "long": "y" * 50_000})
    log.record("bob", "sign_in.failed")
    log.close()
    log.record("too", "late")
    found = list(AuditLog(place).entries())
    assert [entry.actor for entry in found] == ["a��", "bob"]
    assert broken(found)[2] is None


ENTRIES = st.builds(Entry, st.integers(1, 9), *[st.text(max_size=8)] * 5)


@given(ENTRIES, ENTRIES, st.text("0123456789abcdef", min_size=64, max_size=64))
def test_no_two_entries_have_one_hash(one: Entry, other: Entry, before: str) -> None:
    assert (one.chained(before) == other.chained(before)) == (one == other)
    assert one.chained(BEGINNING) != one.chained(before) or before == BEGINNING
