"""Which tables processes know of one another by, for whoever opens a database; which revision is the newest.

Does not know the tables themselves; imports nothing that takes time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.database.tables import Tables

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def _metadata() -> MetaData:
    from tandem.cluster.tables import metadata

    return metadata


TABLES = Tables("tandem_cluster", Path(__file__).parent / "migrations", "0002", "members", _metadata)
