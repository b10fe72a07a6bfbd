"""Alembic begins here."""

from rag.database import making

making.run_here()
