"""The documents of this installation: where its library lies, and which of its folders are there.

Knows the layout of the data directory. Does not know models or front doors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rag.library import Library
from rag.storage.opening import Engines
from tandem import databases, encoder
from tandem.auth.rights import Rights
from tandem.people.collections import Collections
from tandem.people.store import Store
from tandem.private_files import keep_private
from tandem.settings import Settings


def open_library(settings: Settings, rights: Rights | None = None) -> Library:
    """The library of this installation, to search in and to index into; `rights` are those that are kept, where it is
    not given. Raises UserFacingError.
    """
    keep_private(settings.data_dir)
    labelling = rights.labelling if rights is not None else None
    if labelling is None:
        rights, store = rights_of(settings)
        labelling = replace(rights.labelling, close=store.close)
    return Library.open(
        library_dir(settings),
        settings.retrieval,
        write=True,
        uploads=settings.uploads,
        embedder=encoder.embedder(settings),
        rights=rights,
        labelling=labelling,
        engines=engines(settings),
    )


def rights_of(settings: Settings) -> tuple[Rights, Store]:
    """The rights of this installation where nobody is asked who they are, and the accounts behind them, to be closed.
    Raises UserFacingError where a driver is missing."""
    store = Store(databases.people(settings))
    return Rights(settings, made=Collections(store)), store


def engines(settings: Settings) -> Engines:
    """What the library lies on besides its folder. Raises UserFacingError where a driver is missing."""
    return Engines(settings.index, databases.passages(settings), settings.files.index)


def library_dir(settings: Settings) -> Path:
    """Where the library of this installation lies."""
    return settings.files.library


def existing(folders: Sequence[Path]) -> list[Path]:
    """Those of the folders that are there."""
    return [folder for folder in folders if folder.is_dir()]
