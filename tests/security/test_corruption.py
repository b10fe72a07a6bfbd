"""Whatever is damaged of what Tandem keeps, answers go on and nothing else is lost."""

import os
from pathlib import Path

from rag.library import Library
from rag.settings import RetrievalSettings
from tests.support import corrupting


def test_damage_costs_only_what_is_damaged(tmp_path: Path) -> None:
    tally = corrupting.run(tmp_path, rounds=30, seed=30)
    assert tally.rounds == 30
    assert (tally.tracebacks, tally.sentences, tally.unanswered, tally.lost) == ([], [], [], [])


def test_an_index_cut_short_while_it_is_searched(tmp_path: Path) -> None:
    """Its files are mapped into memory: to read beyond their end would end the process."""
    library = Library.open(tmp_path / "library", RetrievalSettings(), write=True)
    try:
        library.add_upload("talk", "nets.md", b"# Nets\n\nOld Maren mends the nets in winter.")
        question = "Who mends the nets in winter?"
        assert "Maren" in library.search(question, conversation="talk").passages[0].text
        for path in (tmp_path / "library" / "index").glob("*.[itf]*"):
            os.truncate(path, 0)
        assert "Maren" in library.search(question, conversation="talk").passages[0].text
    finally:
        library.close()
