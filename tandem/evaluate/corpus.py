"""A data directory of its own for one measurement: what was indexed before does not change what is measured.

Knows how one is filled and removed. Does not know what is measured in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rag.training import evaluation_files
from rag.types import Passage
from tandem import encoder
from tandem.documents import library_dir, open_library
from tandem.settings import Settings


@dataclass(frozen=True, slots=True)
class Corpus:
    """Settings whose library holds the documents, and the name that the questions know a passage's document by."""

    settings: Settings
    document_of: Callable[[Passage], str]


@contextmanager
def indexed(source: Path, settings: Settings) -> Iterator[Corpus]:
    """Index the documents of `source`, a folder or a file with documents in it; gone after the block."""
    with tempfile.TemporaryDirectory(prefix="tandem-", ignore_cleanup_errors=True) as folder:
        # The encoders stay where they are: what is measured lies elsewhere.
        installed = encoder.installed(settings) or settings.retrieval.embeddings
        found = encoder.places(settings) if installed else {"semantic": False}
        retrieval = settings.retrieval.model_copy(update=found)
        own = settings.model_copy(update={"data_dir": Path(folder), "documents": (source,), "retrieval": retrieval})
        if source.is_dir():
            library = open_library(own)
            library.sync([source])
            if library.semantics is not None:
                library.semantics.make(at_once=encoder.at_once(own))
            library.close()
            yield Corpus(own, lambda passage: passage.document)
        else:
            library, owners = evaluation_files.open_library(
                evaluation_files.read(source), library_dir(own), encoder.embedder(own)
            )
            library.close()
            yield Corpus(own, lambda passage: owners[passage.id])
