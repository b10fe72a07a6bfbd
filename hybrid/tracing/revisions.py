"""Which table traces are kept in, for whoever opens a database; which revision is the newest.

Does not know the table itself; imports nothing that takes time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.database.tables import Tables

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def _metadata() -> MetaData:
    from hybrid.tracing.tables import metadata

    return metadata


TABLES = Tables("tandem_traces", Path(__file__).parent / "migrations", "0001", "traces", _metadata)
