"""The chat in the browser: answers as they are written, the panel beside them, files, settings.

The door is `app.py`, which Chainlit loads; `chainlit_compat` holds all that is private to Chainlit. Does not know how
answers come about. Not to be touched lightly: `batching` and `pace`, on which many people at a time depend.
"""
