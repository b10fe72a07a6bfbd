"""A question into ranked passages, and how sure it is that they answer.

The door is `searcher.Searcher`, behind the protocol `retriever.Retriever`. Does not know models that write. Not to be
touched lightly: the vectorised re-ranker, whose weights were learned on exactly these features.
"""
