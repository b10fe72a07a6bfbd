"""Files into passages: found, read in worker processes, cut, analysed, stored, and kept in step with their folders.

The door is `ingestion.Ingest`. Does not know how passages are searched. Not to be touched lightly: the isolation of the
workers and the turns in which the library is written.
"""
