"""Where passages are kept: SQLite or PostgreSQL, the truth, and the index that can always be rebuilt from it.

The door is `opening`, which knows the engines: `sqlite_store.Store` or `postgres_store.PostgresStore`, and
`tantivy_index.Index` or `opensearch.index.OpenSearchIndex`; others may stand behind `protocols`. Knows
rows, terms, labels and checksums; does not know how candidates are ranked. Not to be touched lightly: generations and
recovery, by which both stay in step after a kill.
"""
