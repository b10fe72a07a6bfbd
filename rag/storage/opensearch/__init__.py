"""The index on an OpenSearch cluster: terms, filters and counts as in the embedded one, for libraries that outgrow a
machine.

The door is `index.OpenSearchIndex`. Knows how passages become documents of the cluster, and what it says of itself; it
analyses nothing. Does not hold any text. Not to be touched lightly: `_id` is the passage's row, so that what is sent
twice is there once, and searches see a batch only after its commit.
"""
