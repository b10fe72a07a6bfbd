"""Tesseract, where it is installed: reads a picture through its command line.

Knows how it is called and its table of words. Does not know pages or documents.
"""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from rag.formats.recognised import Line

if TYPE_CHECKING:
    from PIL.Image import Image

_SECONDS = 600


class Tesseract:
    """The installed program with the languages that it has."""

    def __init__(self, languages: Sequence[str]) -> None:
        """`languages` are Tesseract's names; those that are not installed are left out."""
        self._wanted = languages

    @cached_property
    def _languages(self) -> str:
        listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, timeout=60, check=True)
        installed = listed.stdout.decode("utf-8", "replace").split()
        known = [language for language in self._wanted if language in installed]
        return "+".join(known or [name for name in ("eng", "tur") if name in installed] or installed[-1:])

    def read(self, image: Image) -> Sequence[Line]:
        """The lines of a picture. Raises OSError or subprocess.SubprocessError when the program fails."""
        picture = io.BytesIO()
        image.save(picture, "PNG", compress_level=1)
        done = subprocess.run(
            ["tesseract", "-", "-", "-l", self._languages, "tsv"],
            input=picture.getvalue(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
        )
        return lines_of(done.stdout.decode("utf-8", "replace"))


def lines_of(table: str) -> list[Line]:
    """The lines in Tesseract's table of words."""
    words: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row.get("level") == "5" and (row.get("text") or "").strip():
            words.setdefault(tuple(row[key] for key in ("block_num", "par_num", "line_num")), []).append(row)
    found: list[Line] = []
    for own in words.values():
        left, top = min(float(w["left"]) for w in own), min(float(w["top"]) for w in own)
        right = max(float(w["left"]) + float(w["width"]) for w in own)
        bottom = max(float(w["top"]) + float(w["height"]) for w in own)
        sure = sum(max(0.0, float(w["conf"])) * len(w["text"]) for w in own) / sum(len(w["text"]) for w in own)
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        found.append(Line(" ".join(w["text"].strip() for w in own), sure / 100, corners))
    return found
