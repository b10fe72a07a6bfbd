"""Conversations on disk, for Chainlit to show again.

The doors are `base.History`, what any history does, and `data_layer.SqlHistory`, the one there is. Does not know how
answers come about. Not to be touched lightly: what was acknowledged is written; who changes a table adds a revision
(`revisions.py`).
"""
