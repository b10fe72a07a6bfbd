"""Where passages are kept: SQLite, the truth, and the index that can always be rebuilt from it.

The doors are `sqlite_store.Store` and `tantivy_index.Index`; others may stand behind `protocols`. Knows
rows, terms, labels and checksums; does not know how candidates are ranked. Not to be touched lightly: generations and
recovery, by which both stay in step after a kill.
"""
