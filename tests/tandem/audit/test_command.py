"""`tandem audit`, on what commands and the sign-in noted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import HTTPException
from pydantic import SecretStr

from rag.errors import UserFacingError
from tandem import databases
from tandem.audit.log import AuditLog
from tandem.auth.accounts import SignIn
from tandem.auth.passwords import Passwords
from tandem.settings import load
from tests.support.terminal import Tandem


async def sign_in(file: Path) -> None:
    """ada types her password wrongly, then rightly."""
    log = AuditLog(databases.audit(load(file, {})))
    people = SignIn(Passwords({"ada": SecretStr("secret")}), record=log.record)
    with pytest.raises(HTTPException):
        await people.check("ada", "wrong")
    await people.check("ada", "secret")
    log.close()


async def test_what_was_done_is_exported_and_verified(tandem: Tandem, home: Path) -> None:
    await sign_in(home / "tandem.yaml")
    assert tandem("audit", "export", "--out", "first.jsonl").stdout.startswith("2 entries")
    lines = [json.loads(line) for line in (home / "first.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["actor"], line["action"]) for line in lines] == [("ada", "sign_in.failed"), ("ada", "sign_in.ok")]
    assert "secret" not in (home / "first.jsonl").read_text(encoding="utf-8")
    verified = tandem("audit", "verify", "first.jsonl")
    assert verified.exit_code == 0 and "begins with the 2 entries" in verified.stdout
    assert json.loads(tandem("audit", "export").stdout.splitlines()[-1])["action"] == "export.audit"


async def test_a_changed_entry_is_named(tandem: Tandem, home: Path) -> None:
    await sign_in(home / "tandem.yaml")
    tandem("audit", "export", "--out", "first.jsonl")
    with closing(sqlite3.connect(home / ".tandem" / "audit.db")) as db, db:
        db.execute("DROP TRIGGER audit_refuses_update")
        db.execute("UPDATE audit SET actor = 'bda' WHERE number = 2")
    found = tandem("audit", "verify")
    assert found.exit_code == 1 and "entry 2 is the first" in found.stdout
    exported = home / "first.jsonl"
    exported.write_text(exported.read_text(encoding="utf-8").replace("ada", "bda", 1), encoding="utf-8")
    with closing(sqlite3.connect(home / ".tandem" / "audit.db")) as db, db:
        db.execute("UPDATE audit SET actor = 'ada' WHERE number = 2")
    found = tandem("audit", "verify", "first.jsonl")
    assert found.exit_code == 1 and "export first.jsonl was changed: entry 1" in found.stdout


async def test_a_log_that_was_cut_short_is_told_by_its_export(tandem: Tandem, home: Path) -> None:
    await sign_in(home / "tandem.yaml")
    tandem("audit", "export", "--out", "first.jsonl")
    with closing(sqlite3.connect(home / ".tandem" / "audit.db")) as db, db:
        db.execute("DROP TRIGGER audit_refuses_delete")
        db.execute("DELETE FROM audit WHERE number > 1")
    assert tandem("audit", "verify").exit_code == 0
    found = tandem("audit", "verify", "first.jsonl")
    assert found.exit_code == 1 and "entry 2 is the first" in found.stdout


def test_what_is_no_export_is_a_sentence(tandem: Tandem, home: Path) -> None:
    (home / "notes.txt").write_text("notes", encoding="utf-8")
    error = tandem("audit", "verify", "notes.txt").exception
    assert isinstance(error, UserFacingError) and "notes.txt, line 1" in str(error)
