"""A file of traces that is damaged or cannot be: set aside, or done without."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hybrid.tracing.sql_store import SqlTraceStore
from tests.contracts.test_trace_stores import trace


@pytest.mark.parametrize("wrong", ["no database", "folder", "truncated"])
def test_what_is_no_database_is_set_aside(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "traces.db"
    if wrong == "folder":
        (file / "inside").mkdir(parents=True)
    elif wrong == "no database":
        file.write_bytes(b"this is no database at all, " * 100)
    else:
        store = SqlTraceStore(file)
        store.save(trace())
        store.close()
        file.write_bytes(file.read_bytes()[:5000])
    store = SqlTraceStore(file)
    store.save(trace("kept"))
    assert [found["question"] for found in store.recent()] == ["kept"]
    assert store.problem == ""
    store.close()
    assert len(list(tmp_path.glob("traces.damaged-*.db"))) == 1


def test_pages_that_break_while_the_file_is_open_cost_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "traces.db"
    store = SqlTraceStore(file)
    for number in range(200):
        store.save(trace(str(number)))
    store.close()
    data = bytearray(file.read_bytes())
    store = SqlTraceStore(file)
    middle = len(data) // 4096 // 2 * 4096
    data[middle : middle + 4096] = bytes(4096)
    file.write_bytes(data)
    store.save(trace("after"))
    found = [record["question"] for record in store.recent(limit=500)]
    assert "after" in found
    assert len(found) > 50
    store.close()


def test_where_no_file_can_be_the_latest_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = SqlTraceStore(tmp_path / "file" / "traces.db")
    store.save(trace("seen"))
    assert [found["question"] for found in store.recent()] == ["seen"]
    assert store.problem
    store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody delete a file that is open.")
def test_a_trace_goes_into_the_file_that_is_there_by_then(tmp_path: Path) -> None:
    file, other = tmp_path / "traces.db", tmp_path / "other.db"
    SqlTraceStore(other).close()
    store = SqlTraceStore(file)
    store.save(trace("before"))
    store.flush()
    for one in tmp_path.glob("traces.db*"):
        one.unlink()
    other.replace(file)
    store.save(trace("after"))
    assert [found["question"] for found in store.recent()] == ["after"]
    store.close()


def test_a_trace_is_in_the_file_as_soon_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "traces.db"
    store, another = SqlTraceStore(file), SqlTraceStore(file)
    for number in range(3):
        store.save(trace(f"{number}"))
        store.flush()
        assert f"{number}" in {found["question"] for found in another.recent()}
        another.save(trace(f"{number} of another"))
        another.flush()
    assert len(store.recent()) == 6
    another.close()
    store.close()
    assert not list(tmp_path.glob("traces.db-*"))
