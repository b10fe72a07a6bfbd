"""A data directory of its own for one measurement: what was indexed before does not change what is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tandem.documents import open_library
from tandem.settings import Settings


@contextmanager
def indexed(source: Path, settings: Settings) -> Iterator[Settings]:
    """Settings whose library holds the documents of `source`, a folder or a file with documents in it; then gone."""
    with tempfile.TemporaryDirectory(prefix="tandem-", ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(update={"data_dir": Path(folder), "documents": (source,)})
        library = open_library(own)
        try:
            if source.is_dir():
                library.sync([source])
            else:
                from rag.evaluation import index_file

                index_file(library, source)
        finally:
            library.close()
        yield own
