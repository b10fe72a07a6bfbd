"""What filters ask of a passage, for an index that holds nothing else of it.

Knows the tables of passages and documents. Does not know any index.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag import labels
from rag.storage.records import Entry, folders_above
from rag.storage.sqlite_store import Store


def entries(store: Store, rows: Sequence[int]) -> dict[int, Entry]:
    """Row -> its entry without any words, for those of a few hundred rows that there are."""
    marks = ",".join("?" * len(rows))
    found = store.connection.execute(
        "SELECT p.id, d.id, d.name, d.kind, d.modified, d.scope FROM passages p JOIN documents d ON d.id = p.document "
        f"WHERE p.id IN ({marks})",
        list(rows),
    )
    return {
        row: Entry(row, document, name, folders_above(name), kind, modified, labels.read(scope), "", "", "")
        for row, document, name, kind, modified, scope in found
    }
