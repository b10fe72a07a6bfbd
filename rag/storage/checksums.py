"""Checksums over the rows of the store, by which damage is found.

Knows which columns each covers. Does not know how damage is repaired (`rag.maintenance.integrity` does).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any

from rag.formats.extracted import clean, one_line

if TYPE_CHECKING:
    from rag.storage.sqlite_store import Store


def checksum(*fields: object) -> int:
    """CRC-32 of a row's columns."""
    total = 0
    for field in fields:
        total = zlib.crc32(field if isinstance(field, bytes) else repr(field).encode("utf-8", "replace"), total)
    return total


def typed(row: Sequence[object], *kinds: type | UnionType) -> bool:
    """Whether a row's columns are of these kinds: one flipped byte can make a text of another kind of it."""
    return all(isinstance(field, kind) for field, kind in zip(row, kinds, strict=True))


def receipt_holds(*row: Any) -> bool:
    """Whether a receipt, and the document that it names, are what they were when they were written."""
    if not typed(row, str, str, str, str, int, int, int, float | int, int, int, str, int | None, str, str | None):
        return False
    path, state, name = one_line(clean(row[1])), row[2], row[13]
    return state != "indexed" or (name is not None and f"/{name}".endswith(f"/{path}"))


def check(store: Store) -> tuple[set[int], int]:
    """The ids of the documents with a damaged, missing or surplus row, and the number of passages that were checked."""
    damaged: set[int] = set()
    expected: dict[int, int] = {}
    for identity, *fields, stored in store.every(
        "SELECT id, scope, name, title, kind, language, modified, characters, passages, tokens, pages, text, checksum "
        "FROM documents"
    ):
        expected[identity] = fields[7] if isinstance(fields[7], int) else -1
        if checksum(*fields) != stored:
            damaged.add(identity)
    cut: Counter[int] = Counter()
    text, of = "", -1
    for identity, *fields, stored in store.every(
        'SELECT document, start, "end", page, headings, language, text, checksum FROM passages ORDER BY id'
    ):
        cut[identity] += 1
        if identity != of:
            text, of = _text(store, identity), identity
        # What has its checksum has its kinds too.
        if checksum(*fields) != stored or text[fields[0] : fields[1]] != fields[5]:
            damaged.add(identity)
    analysed: Counter[int] = Counter()
    for identity, *fields, stored in store.every("SELECT document, tokens, grams, checksum FROM features"):
        analysed[identity] += 1
        if checksum(*fields) != stored:
            damaged.add(identity)
    for identity in expected.keys() | cut.keys() | analysed.keys():
        if not expected.get(identity, -1) == cut[identity] == analysed[identity]:
            damaged.add(identity)
    return damaged, cut.total()


def _text(store: Store, identity: int) -> str:
    row = store.connection.execute("SELECT text FROM documents WHERE id = ?", (identity,)).fetchone()
    try:
        return zlib.decompress(row[0]).decode("utf-8") if row else ""
    except (zlib.error, UnicodeDecodeError, TypeError):
        return ""
