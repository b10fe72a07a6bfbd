"""An encoder of the BERT family that reads a question together with a passage, and says whether this answers it.

Knows the encoder's ONNX file, and the changes of low rank (Hu and others 2021, "LoRA") that make of it one that tells
at which piece of a passage an answer begins, or that none does (Devlin and others 2019, as for SQuAD 2.0); they were
learned by `rag.training.learn_reading` and ship beside this module. Does not know what follows from what it says.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.embedders.base import EmbedderError
from rag.retrieval.embedders.bert_file import Pieces, read_as_one, vocabulary
from rag.retrieval.embedders.bert_graph import IDS, KINDS, held

LEARNT = Path(__file__).with_name("reading.npz")
_OF = "8199be6f699a395f"
"""The name of the encoder that the changes are for."""
_START = "start"
"""What a piece's last values are multiplied with: at which piece an answer begins."""
QUESTION, HEADING, PASSAGE = 40, 120, 64
"""Pieces of a question that are read, characters of a passage's headings, and pieces of a passage, round what is
nearest to the question. All of a passage takes twice as long and tells answerable questions no better."""
_KEPT = 32
"""So many readings are kept: what tells how sure an answer is, and what stands below it, are of the same passages."""


def reader_of(path: Path, name: str) -> ReadingFile | None:
    """The reader made of the encoder of this name, whose file is at `path`; None where it is another encoder."""
    return ReadingFile(path) if name == _OF else None


class ReadingFile:
    """The reader made of one encoder's file; it is opened with the first question."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: tuple[Any, Pieces] | None = None
        self._known = lru_cache(_KEPT)(self._odds)

    def odds(self, question: str, headings: str, text: str, near: tuple[int, int] = (0, 0)) -> float:
        """See `Reader.odds`."""
        return self._known(question, headings, text, near)

    def _odds(self, question: str, headings: str, text: str, near: tuple[int, int]) -> float:
        session, pieces = self._open()
        begin, *asked, end = pieces.numbers(question, QUESTION + 2)
        named = pieces.numbers(headings[-HEADING:])[1:-1]
        said = _round(near, text, pieces)
        ids = np.array([[begin, *asked, end, *named, *said, end]], np.int64)
        kinds = np.zeros_like(ids)
        kinds[0, len(asked) + 2 :] = 1
        try:
            out = session.run(None, {IDS: ids, KINDS: kinds})[0][0]
        except Exception as error:  # onnxruntime's own family of errors has no common parent
            raise self._broken(error) from error
        starts = out @ _learnt()[_START]
        none, some = float(starts[0]), starts[len(asked) + 2 :]
        return float(np.logaddexp.reduce(some)) - none

    def _open(self) -> tuple[Any, Pieces]:
        with self._lock:
            if self._opened is None:
                try:
                    pieces = vocabulary(self._path)
                    self._opened = read_as_one(changed(self._path.read_bytes()), pieces), pieces
                except Exception as error:
                    raise self._broken(error) from error
            return self._opened

    def _broken(self, error: Exception) -> EmbedderError:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return EmbedderError(f"The reader made of {self._path} cannot be used ({said}); answers go on without it.")


def _round(near: tuple[int, int], text: str, pieces: Pieces) -> list[int]:
    """The pieces of a text that are read: those of the characters `near` with about as many before them as after."""
    parts = (text[: near[0]], text[slice(*near)], text[near[1] :])
    before, inside, after = (pieces.numbers(part, len(part) + 2)[1:-1] for part in parts)
    said = [*before, *inside, *after]
    first = min(len(before) - max(0, PASSAGE - len(inside)) // 2, len(said) - PASSAGE)
    return said[max(0, first) :][:PASSAGE]


def changed(file: bytes) -> dict[str, NDArray[Any]]:
    """What the encoder's file holds, with the changes in it. Raises ValueError and KeyError where it is another's."""
    have, learnt = held(file), _learnt()
    for name, value in learnt.items():
        if name.endswith(".a"):
            matrix = name.removesuffix(".a")
            have[matrix] = have[matrix] + value @ learnt[f"{matrix}.b"]
        elif not name.endswith(".b") and name != _START:
            have[name] = value
    return have


@cache
def _learnt() -> Mapping[str, NDArray[np.float32]]:
    with np.load(LEARNT) as file:
        return {name: file[name].astype(np.float32) for name in file.files}
