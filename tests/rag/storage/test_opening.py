"""An index that is gone is made anew from the store, and searches do without until then no longer than the first."""

from __future__ import annotations

import shutil
from pathlib import Path

from rag.library import INDEX, Library
from rag.settings import RetrievalSettings


def test_an_index_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "nets.md").write_text("# Nets\n\nOld Maren mends the nets.\n", encoding="utf-8")
    for _ in range(2):
        library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
        library.sync([tmp_path / "papers"])
        assert [one.document for one in library.search("Who mends the nets?").passages] == ["nets.md"]
        assert library.in_step()
        library.close()
        shutil.rmtree(tmp_path / "library" / INDEX)
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    assert [one.document for one in library.search("Who mends the nets?").passages] == ["nets.md"]
    library.close()
