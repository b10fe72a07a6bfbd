"""How fast documents are read, and how rightly pictures of text: a folder of files, each beside what it says as .txt.

Knows how to time readers and to count wrong letters. Reads in this process and keeps nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from rag.errors import DocumentError, UserFacingError
from rag.formats import registry
from rag.formats.extracted import Extracted, one_line
from rag.ingest import loader
from rag.ocr.recognition import choose, load

_MOST_LETTERS = 20_000


def measure(folder: Path, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Read every file of `folder`. Raises UserFacingError when there is none."""
    named = (p for p in folder.rglob("*") if p.suffix.lower() != ".txt" and registry.readable(p.name))
    files = sorted(p for p in named if p.is_file())
    if not files:
        raise UserFacingError(f"{folder} holds no file that is read; name a folder of documents.")
    choice = choose(())
    recogniser = load(choice, max(1, (os.cpu_count() or 1) // 2)) if choice.engine else None
    text: dict[str, Any] = {"files": 0, "pages": 0, "seconds": 0.0}
    pictures: dict[str, Any] = {"engine": choice.engine, "files": 0, "pages": 0, "seconds": 0.0}
    letters = wrong = 0
    refused: dict[str, str] = {}
    for at, path in enumerate(files):
        began = time.perf_counter()
        try:
            read = loader.parse(loader.read_bytes(path), path.name, recogniser, choice.problem)
        except DocumentError as error:
            refused[path.relative_to(folder).as_posix()] = str(error)
            continue
        part = pictures if read.pictures else text
        part["files"] += 1
        part["pages"] += len(read.pictures) if read.pictures else max(1, len(read.pages))
        part["seconds"] += time.perf_counter() - began
        said = path.with_suffix(".txt")
        if read.pictures and said.is_file():
            wanted = one_line(said.read_text(encoding="utf-8"))[:_MOST_LETTERS]
            letters += len(wanted)
            wrong += distance(_text(read)[: len(wanted) * 2], wanted)
        if progress is not None:
            progress(at + 1, len(files))
    for part in (text, pictures):
        part["pages_a_minute"] = round(60 * part["pages"] / part["seconds"], 1) if part["seconds"] else None
        part["seconds"] = round(part["seconds"], 2)
    pictures["character_error_rate"] = round(wrong / letters, 4) if letters else None
    memory = round(psutil.Process().memory_info().rss / 1e6)
    return {"text": text, "pictures": pictures, "refused": refused, "memory_mb": memory}


def _text(found: Extracted) -> str:
    return one_line(found.text)


def distance(one: str, other: str) -> int:
    """How many letters must be put in, taken out or changed to make one text the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]
