"""An index whose files are cut short while it is searched: mapped memory without a file behind it ends a process.

No fault of a disk does that, only another program that writes into the folder. What counts is that nothing is lost.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rag.library import Library
from rag.settings import RetrievalSettings

QUESTION = "Who mends the nets in winter?"
CUT = """
import os, sys
from pathlib import Path
from rag.library import Library
from rag.settings import RetrievalSettings
home = Path(sys.argv[1])
library = Library.open(home, RetrievalSettings(), write=True)
assert library.search(sys.argv[2]).passages
for path in (home / "index").glob("*.*"):
    if path.suffix in (".idx", ".term", ".pos", ".store", ".fast"):
        os.truncate(path, 0)
library.search("Who lights the lamp on the pier?")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cuts no file short that is mapped.")
def test_the_next_start_makes_it_anew(tmp_path: Path) -> None:
    papers, home = tmp_path / "papers", tmp_path / "library"
    papers.mkdir()
    (papers / "nets.md").write_text("# Nets\n\nOld Maren mends the nets in winter.", encoding="utf-8")
    library = Library.open(home, RetrievalSettings(), write=True)
    library.sync([papers])
    library.close()
    # In a process of its own, which may end by it.
    ended = subprocess.run(
        [sys.executable, "-c", CUT, str(home), QUESTION], check=False, timeout=120, capture_output=True, text=True
    )
    assert "Traceback" not in ended.stderr, ended.stderr
    assert any(not path.stat().st_size for path in (home / "index").glob("*.idx")) or not ended.returncode
    library = Library.open(home, RetrievalSettings(), write=True)
    try:
        assert "Old Maren" in library.search(QUESTION).passages[0].text
        assert library.in_step()
    finally:
        library.close()
