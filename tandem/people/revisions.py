"""Which tables accounts, keys and usage are kept in, for whoever opens a database; which revision is the newest.

Does not know the tables themselves; imports nothing that takes time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.database.tables import Tables

if TYPE_CHECKING:
    from sqlalchemy import MetaData


def _metadata() -> MetaData:
    from tandem.people.tables import metadata

    return metadata


TABLES = Tables("tandem_people", Path(__file__).parent / "migrations", "0005", "people", _metadata)
