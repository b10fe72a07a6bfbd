"""Where tables lie: SQLite files, the default, or one PostgreSQL server; made and changed by the same revisions.

The doors are `places.Sqlite` and `places.Postgres`, which a room that keeps tables is given, and `tables.Tables`, by
which it says which ones. Does not know what is in them. Not to be touched lightly: what is damaged is set aside, never
deleted; what cannot be reached is not what is damaged; SQLAlchemy and Alembic are imported only where they have
something to do, for a question in the terminal waits for every import.
"""
