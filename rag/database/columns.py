"""Kinds of columns that are the same in SQLite and PostgreSQL.

Knows what either would not take, or would sort otherwise. Does not know any table.
"""

from __future__ import annotations

from sqlalchemy import DOUBLE_PRECISION, REAL, String, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from rag.text.unicode import whole

MOMENT = String().with_variant(String(collation="C"), "postgresql")
"""A moment as ISO 8601, which sorts as text: byte by byte, not by a language's rules."""

FRACTION: TypeEngine[float] = REAL().with_variant(DOUBLE_PRECISION(), "postgresql")
"""A number with all its digits: what SQLite calls so has eight bytes, a server's has four."""


class Words(TypeDecorator[str]):
    """A text as every database takes it: without halves of characters, U+FFFD for NUL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value if value is None else whole(value).replace("\0", "\ufffd")


class Line(Words):
    """A short one."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return dialect.type_descriptor(String())
