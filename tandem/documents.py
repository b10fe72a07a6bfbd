"""The documents of this installation: where its library lies, and which of its folders are there.

Knows the layout of the data directory. Does not know models or front doors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rag.library import Library
from rag.storage.opening import Engines
from tandem import databases, encoder
from tandem.auth.rights import Rights
from tandem.private_files import keep_private
from tandem.settings import Settings


def open_library(settings: Settings, rights: Rights | None = None) -> Library:
    """The library of this installation, to search in and to index into; `rights` are the settings', where it is not
    given. Raises LibraryError.
    """
    rights = rights or Rights(settings)
    keep_private(settings.data_dir)
    return Library.open(
        library_dir(settings),
        settings.retrieval,
        write=True,
        uploads=settings.uploads,
        embedder=encoder.embedder(settings),
        rights=rights,
        labelled=rights.labelled,
        engines=engines(settings),
    )


def engines(settings: Settings) -> Engines:
    """What the library lies on besides its folder. Raises UserFacingError where a driver is missing."""
    return Engines(settings.index, databases.passages(settings), settings.files.index)


def library_dir(settings: Settings) -> Path:
    """Where the library of this installation lies."""
    return settings.files.library


def existing(folders: Sequence[Path]) -> list[Path]:
    """Those of the folders that are there."""
    return [folder for folder in folders if folder.is_dir()]
