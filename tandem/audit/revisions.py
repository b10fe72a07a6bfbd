"""Which table the audit log is kept in, for whoever opens a database; which revision is the newest.

Does not know the table itself; imports nothing that takes time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.database.tables import Tables

if TYPE_CHECKING:
    from sqlalchemy import MetaData

# The database itself refuses to change or delete: who means to must first take this away.
_ONLY_GROWS = tuple(
    f"CREATE TRIGGER IF NOT EXISTS audit_refuses_{verb} BEFORE {verb.upper()} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END"
    for verb in ("update", "delete")
)


def _metadata() -> MetaData:
    from tandem.audit.tables import metadata

    return metadata


TABLES = Tables("tandem_audit", Path(__file__).parent / "migrations", "0001", "audit", _metadata, _ONLY_GROWS)
