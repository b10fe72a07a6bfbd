"""The family of errors whose message is written for the person at the screen.

Knows how such an error looks: one sentence that says what happened and what to do next. Does not know who shows it.
"""


class UserFacingError(Exception):
    """An expected failure. `str(error)` is one sentence: what happened, and what to do next; never a traceback."""


class DocumentError(UserFacingError):
    """A file could not be read as a document; the message names the reason and costs only that file."""


class LibraryError(UserFacingError):
    """The library (passages and index on disk) cannot be opened, read or written."""
