"""A sentence encoder of the BERT family in an ONNX file, with its vocabulary in a file beside it.

Knows how such an encoder's texts are cut into the pieces of its vocabulary (lower case, without accents, the longest
piece first: WordPiece, Devlin and others 2019), and that its vector of a text is the mean of the pieces'. Does not know
where the files come from, nor what languages the encoder knows.
"""

from __future__ import annotations

import json
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from rag.retrieval.embedders import bert_graph
from rag.retrieval.embedders.base import EmbedderError, Vectors, unit
from rag.text.unicode import whole

_LONGEST = 4_000
_PIECES = 128
"""Pieces of a text that are read, as the encoder learned them; the marks at its ends are two of them."""
_LETTERS = 100
_BEGIN, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_SAMPLE = (
    "How many days of annual leave does an employee have, and who has to approve them? > Leave > Requests\n"
    "Every employee has 25 days of leave a year. Requests are made in the portal at least two weeks before (see "
    "section 4.2) and are approved by the manager; a refusal is explained in writing."
)
"""A text like those that are read, by which it is known which of the encoder's channels are large."""
_WORDS = regex.compile(r"[\p{P}$+<=>^`|~]|\p{Han}|[^\s\p{P}$+<=>^`|~\p{Han}]+")
_DROPPED = regex.compile(r"[\p{Mn}\uFFFD]|(?![\t\n\r])\p{C}")


class Pieces:
    """Texts as numbers of a vocabulary's pieces."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """`vocabulary`: piece -> number; a piece that goes on with a word begins with two `#`."""
        self._vocabulary = vocabulary
        self._begin, self._end = vocabulary[_BEGIN], vocabulary[_END]
        self._of = lru_cache(maxsize=50_000)(self._cut)

    def numbers(self, text: str, most: int = _PIECES) -> list[int]:
        """The numbers of a text's pieces, with the marks at both ends, at most as many as the encoder reads."""
        plain = _DROPPED.sub("", unicodedata.normalize("NFD", text.lower()))
        found = [self._begin]
        for word in _WORDS.findall(plain):
            found.extend(self._of(word))
            if len(found) >= most:
                break
        return [*found[: most - 1], self._end]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest piece that a word begins with, then the longest that goes on, and so forth."""
        found: list[int] = []
        at = 0
        while at < len(word) <= _LETTERS:
            end = len(word)
            while end > at and ("##" * (at > 0) + word[at:end]) not in self._vocabulary:
                end -= 1
            if end == at:
                break
            found.append(self._vocabulary["##" * (at > 0) + word[at:end]])
            at = end
        return tuple(found) if at == len(word) else (self._vocabulary[_UNKNOWN],)


def vocabulary(path: Path) -> Pieces:
    """The vocabulary of the encoder in a file, which lies beside it. Raises OSError, ValueError, KeyError."""
    return Pieces(json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["model"]["vocab"])


def read_as_one(have: bert_graph.Arrays, pieces: Pieces) -> Any:
    """A session of the encoder with these arrays; see `bert_graph.opened`."""
    return bert_graph.opened(have, pieces.numbers(_SAMPLE))


def _opened(path: Path, pieces: Pieces) -> Any:
    """A session of the encoder in a file: as `bert_graph` makes it where it has its arrays, else as the file has it.
    Raises OSError and onnxruntime's errors.
    """
    try:
        return read_as_one(bert_graph.held(path.read_bytes()), pieces)
    except (KeyError, ValueError):  # another encoder
        pass
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class BertFile:
    """The encoder in one file; it and its vocabulary, a `tokenizer.json` of the same name, are opened with the first
    text.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._opened: tuple[Any, Pieces, frozenset[str]] | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. One text at a time: of several together the numbers of eight bits would share one
        scale, so that a text's vector would hang on what it is embedded with.
        """
        session, pieces, inputs = self._open()
        rows = []
        for text in texts:
            try:
                rows.append(_mean(session, pieces.numbers(whole(text[:_LONGEST])), inputs))
            except Exception as error:  # onnxruntime's own family of errors has no common parent
                raise self._broken(error) from error
        return unit(np.array(rows)) if rows else np.zeros((0, 1), np.float32)

    def _open(self) -> tuple[Any, Pieces, frozenset[str]]:
        with self._lock:
            if self._opened is None:
                try:
                    pieces = vocabulary(self._path)
                    session = _opened(self._path, pieces)
                    self._opened = session, pieces, frozenset(one.name for one in session.get_inputs())
                except Exception as error:
                    raise self._broken(error) from error
            return self._opened

    def _broken(self, error: Exception) -> EmbedderError:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return EmbedderError(
            f"The encoder in {self._path} cannot be used ({said}); fetch it again with "
            "`tandem encoder fetch`, or take the file away."
        )


def _mean(session: Any, numbers: Sequence[int], inputs: frozenset[str]) -> NDArray[np.float32]:
    """The mean of what an encoder gives the pieces of one text."""
    ids = np.array([numbers], np.int64)
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    out = np.asarray(session.run(None, {name: given[name] for name in inputs})[0][0], np.float32)
    mean: NDArray[np.float32] = out if out.ndim == 1 else out.mean(axis=0)
    return mean
