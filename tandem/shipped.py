"""Where the files lie that come with Tandem and are no code: the example documents, the page, what is known of models.

An installed Tandem carries them inside its package; in a checkout they lie at the top. Does not know what is in them.
"""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path


def root() -> Path:
    """The folder that holds app.py, docs_corpus/, public/, .chainlit/ and models.yaml."""
    package = Path(str(files("tandem")))
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent


def corpus() -> Path:
    """The example documents, with their questions.yaml."""
    return root() / "docs_corpus"


def lay_out_page(folder: Path) -> None:
    """Bring `folder` in step with the page's files that ship, so that Chainlit may write beside them wherever Tandem is
    installed. Raises OSError.
    """
    for name in ("public", ".chainlit"):
        source, target = root() / name, folder / name
        wanted = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
        for file in sorted(wanted):
            if not _same(source / file, target / file):
                (target / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / file, target / file)
        for file in sorted(target.rglob("*")):
            if file.is_file() and file.relative_to(target) not in wanted:
                file.unlink()


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
