"""What runs here leaves nothing behind outside its data directory, and asks nobody elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.encoders import hashing_file

_SEARCH = """
from pathlib import Path
from rag.library import Library
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.settings import RetrievalSettings
from tests.rag.library_help import documents_of

encoder = OnnxFile(Path("encoder.onnx"), "hashing")
library = Library.open(Path("data"), RetrievalSettings(), write=True, embedder=encoder)
library.add(documents_of({"leave.md": "Everybody has 25 days of holiday."}))
assert library.semantics.make() == 1
assert library.search("holiday").passages
library.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there nothing is kept in the home directory")
def test_what_makes_vectors_keeps_no_identifier_of_the_machine_and_has_nothing_to_send(tmp_path: Path) -> None:
    """ONNX Runtime looks up its maker's collector once it is imported, unless it is told before that not to."""
    home = tmp_path / "home"
    home.mkdir()
    hashing_file(tmp_path / "encoder.onnx")
    silent = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME", "TF_BUILD", "GITHUB_ACTIONS")
    environment = {name: value for name, value in os.environ.items() if name not in silent}
    environment |= {"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", _SEARCH], check=False, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
