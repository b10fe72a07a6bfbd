"""An encoder of the BERT family that reads a question together with a passage, and says whether this answers it.

Knows the files of two encoders, the English one and one of many languages, and for each the changes of low rank (Hu and
others 2021, "LoRA") that make of it one that tells at which piece of a passage an answer begins, or that none does
(Devlin and others 2019, as for SQuAD 2.0); they were learned by `rag.training.learn_reading` and ship beside this
module. Does not know what follows from what it says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rag.memory import give_back
from rag.retrieval.embedders import bert_file
from rag.retrieval.embedders.base import EmbedderError
from rag.retrieval.embedders.bert_graph import IDS, KINDS, WORDS, held, opened
from rag.retrieval.embedders.packed_file import PackedFile

ENGLISH, MANY = (Path(__file__).with_name(name) for name in ("reading.npz", "reading_many.npz"))
"""What was learned for either encoder."""
_OF = {"8199be6f699a395f": ENGLISH, "1571fc9827503943": MANY}
"""The name of the encoder that each is for."""
_START, SCALE = "start", "scale"
"""What a piece's last values are multiplied with: at which piece an answer begins; and by how much the odds are larger
that the others' weights were learned for, and what is added, where that was learned (`rag.training.learn_scale`)."""
QUESTION, HEADING = 40, 120
"""Pieces of a question that are read, and characters of a passage's headings."""
PASSAGE = {ENGLISH: 64, MANY: 96}
"""Pieces of a passage that are read, round what is nearest to the question: a vocabulary of many languages cuts words
into more. All of a passage takes twice as long and tells answerable questions no better."""
_KEPT = 32
"""So many readings are kept: what tells how sure an answer is, and what stands below it, are of the same passages."""
_SAMPLE = (
    "Kac gun yillik ucretli izin var, kim onaylar? How many days of leave does an employee have? > Leave > Requests\n"
    "Every employee has 25 days of leave a year. Her çalışanın yılda 25 gün izni vardır; talepler en az iki hafta "
    "önce yapılır (bkz. madde 4.2). Anträge stellt man im Portal, y los aprueba el responsable."
)
"""A text like those that are read, by which it is known which channels of the encoder of many languages are large."""


class Pieces(Protocol):
    """Texts as numbers of a vocabulary's pieces."""

    def numbers(self, text: str, most: int) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class _Opened:
    """An encoder's vocabulary; what it gives each piece of two texts, by their numbers and which text each is of; what
    tells by this where an answer begins; and the scale of the odds and what is added to them."""

    pieces: Pieces
    read: Callable[[Sequence[int], NDArray[np.int64]], NDArray[np.float32]]
    start: NDArray[np.float32]
    scale: tuple[float, float] = (1.0, 0.0)


def reader_of(path: Path, name: str) -> ReadingFile | None:
    """The reader made of the encoder of this name, whose file is at `path`; None where it is another encoder."""
    return ReadingFile(path, _OF[name]) if name in _OF else None


class ReadingFile:
    """The reader made of one encoder's file by what was `learnt` for it; it is opened with the first question."""

    def __init__(self, path: Path, learnt: Path = ENGLISH) -> None:
        self._path = path
        self._learnt = learnt
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._known = lru_cache(_KEPT)(self._odds)

    def odds(self, question: str, headings: str, text: str, near: tuple[int, int] = (0, 0)) -> float:
        """See `Reader.odds`."""
        return self._known(question, headings, text, near)

    def _odds(self, question: str, headings: str, text: str, near: tuple[int, int]) -> float:
        known = self._open()
        begin, *asked, end = known.pieces.numbers(question, QUESTION + 2)
        named = known.pieces.numbers(headings[-HEADING:], HEADING + 2)[1:-1]
        said = _round(near, text, known.pieces, PASSAGE[self._learnt])
        ids = [begin, *asked, end, *named, *said, end]
        kinds = np.zeros((1, len(ids)), np.int64)
        kinds[0, len(asked) + 2 :] = 1
        try:
            out = known.read(ids, kinds)
        except Exception as error:  # onnxruntime's own family of errors has no common parent
            raise self._broken(error) from error
        starts = out @ known.start
        none, some = float(starts[0]), starts[len(asked) + 2 : -1]  # no answer begins in the mark at the end
        times, plus = known.scale
        return times * (float(np.logaddexp.reduce(some)) - none) + plus

    def _open(self) -> _Opened:
        with self._lock:
            if self._opened is None:
                try:
                    self._opened = _english(self._path) if self._learnt == ENGLISH else _many(self._path)
                except Exception as error:
                    raise self._broken(error) from error
            return self._opened

    def _broken(self, error: Exception) -> EmbedderError:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return EmbedderError(f"The reader made of {self._path} cannot be used ({said}); answers go on without it.")


def _english(path: Path) -> _Opened:
    """The reader made of the English encoder."""
    pieces = bert_file.vocabulary(path)
    session = bert_file.read_as_one(changed(held(path.read_bytes()), ENGLISH), pieces)

    def read(ids: Sequence[int], kinds: NDArray[np.int64]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {IDS: np.array([ids], np.int64), KINDS: kinds})[0][0]
        return found

    return _Opened(pieces, read, _known(ENGLISH)[_START])


def _many(path: Path) -> _Opened:
    """The reader made of the encoder of many languages."""
    file = PackedFile(path)
    sample = file.words(file.pieces.numbers(_SAMPLE, len(_SAMPLE)))
    session = opened(changed(file.arrays(), MANY), sample)
    give_back()

    def read(ids: Sequence[int], kinds: NDArray[np.int64]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, {WORDS: file.words(ids)[None], KINDS: kinds})[0][0]
        return found

    times, plus = _known(MANY)[SCALE].tolist()
    return _Opened(file.pieces, read, _known(MANY)[_START], (times, plus))


def _round(near: tuple[int, int], text: str, pieces: Pieces, most: int) -> list[int]:
    """The pieces of a text that are read: those of the characters `near` with about as many before them as after."""
    parts = (text[: near[0]], text[slice(*near)], text[near[1] :])
    before, inside, after = (pieces.numbers(part, len(part) + 2)[1:-1] for part in parts)
    said = [*before, *inside, *after]
    first = min(len(before) - max(0, most - len(inside)) // 2, len(said) - most)
    return said[max(0, first) :][:most]


def changed(have: Mapping[str, NDArray[Any]], learnt: Path) -> dict[str, NDArray[Any]]:
    """An encoder's arrays with what was `learnt` for it in them. Raises KeyError where they are another's."""
    found, known = dict(have), _known(learnt)
    for name, value in known.items():
        if name.endswith(".a"):
            matrix = name.removesuffix(".a")
            found[matrix] = found[matrix] + value @ known[f"{matrix}.b"]
        elif not name.endswith(".b") and name not in (_START, SCALE):
            found[name] = value
    return found


@cache
def _known(learnt: Path) -> Mapping[str, NDArray[np.float32]]:
    with np.load(learnt) as file:
        return {name: file[name].astype(np.float32) for name in file.files}
