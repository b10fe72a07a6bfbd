"""A page of a PDF as a picture, with the places of sentences on it: drawn in a process of its own that may fail.

Knows limits, the process and what it says. Does not know PDFium (`rag.originals.page_picture`, which runs there, does),
nor what is shown around the picture.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rag.errors import DocumentError
from rag.formats.tables import row_cells

SECONDS = 20.0
"""How long a page may take: computing, and by the clock three times as long, for a busy machine."""
_CLOCK_FACTOR = 3
_MEMORY = 1_000_000_000
_PROGRAM = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from rag.originals.page_picture import main; main()"
)

Box = tuple[int, int, int, int]
"""Left, top, width and height in the picture's pixels."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """What is looked for on a page: the sentence, what stands before it, and its words without a table's columns."""

    text: str
    before: str = ""
    cells: str = ""

    @classmethod
    def of(cls, text: str, before: str = "") -> Quoted:
        """A sentence of a document's extracted text."""
        rows = [row_cells(line) for line in text.splitlines() if line.strip()]
        cells = " ".join(cell for row in rows for _, cell in row) if rows and all(rows) else ""
        return cls(text, before, cells)


@dataclass(frozen=True, slots=True)
class Picture:
    """A page: PNG, its size in pixels, how many pages there are, the boxes of what was looked for, and its level lines
    of text with their places."""

    png: bytes
    width: int
    height: int
    pages: int
    boxes: tuple[Box, ...] = ()
    lines: tuple[tuple[Box, str], ...] = ()


def draw(path: Path, page: int, quoted: Sequence[Quoted] = (), seconds: float = SECONDS) -> Picture:
    """The page (from 1) of the PDF at `path`; blocks. Raises DocumentError where it cannot be drawn within the limits,
    or there is no such page."""
    task = {"path": str(path), "page": page, "quoted": [asdict(one) for one in quoted], "seconds": seconds}
    paths = [str(Path(entry).resolve()) for entry in sys.path]
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, json.dumps(paths), str(_MEMORY)],
            input=json.dumps(task).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds * _CLOCK_FACTOR,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DocumentError("Drawing this page took too long; download the original to see it.") from None
    except OSError as error:
        raise DocumentError(f"This page cannot be drawn now ({error.strerror}); try again.") from error
    head, _, png = done.stdout.partition(b"\n")
    try:
        said = json.loads(head)
    except ValueError:
        said = {}
    if "problem" in said:
        raise DocumentError(said["problem"])
    if done.returncode or not png:
        raise DocumentError("This page made its reader fail; download the original to see it.")
    boxes = tuple((box[0], box[1], box[2], box[3]) for box in said["boxes"])
    lines = tuple(((line[0], line[1], line[2], line[3]), line[4]) for line in said["lines"])
    return Picture(png, said["width"], said["height"], said["pages"], boxes, lines)
