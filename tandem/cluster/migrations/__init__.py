"""How a database that is there becomes what `tables.py` says: Alembic's revisions, oldest first."""
