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
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from rag.retrieval.embedders.base import EmbedderError, Vectors, unit
from rag.text.unicode import whole

_AT_ONCE = 16
_LONGEST = 4_000
_PIECES = 128
"""Pieces of a text that are read, as the encoder learned them; the marks at its ends are two of them."""
_LARGE = 512
"""Pieces of a batch from which on the memory that it took is given back: some 190 MB for sixteen long texts."""
_LETTERS = 100
_BEGIN, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
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


@cache
def _giving_back() -> object:
    """How a batch is run after which the runtime keeps no more memory than it began with."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def vocabulary(path: Path) -> Pieces:
    """The vocabulary of the encoder in a file, which lies beside it. Raises OSError, ValueError, KeyError."""
    return Pieces(json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["model"]["vocab"])


def opened(file: str | bytes) -> Any:
    """A session of the encoder in a file, given by its path or by what is in it, on one core. Raises onnxruntime's
    errors.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


class BertFile:
    """The encoder in one file; it and its vocabulary, a `tokenizer.json` of the same name, are opened with the first
    text.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._opened: tuple[object, Pieces, frozenset[str]] | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        session, pieces, inputs = self._open()
        numbers = [pieces.numbers(whole(text[:_LONGEST])) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(numbers[at]))  # alike in length, hardly any is filled up
        rows: dict[int, NDArray[np.float32]] = {}
        for begin in range(0, len(order), _AT_ONCE):
            part = order[begin : begin + _AT_ONCE]
            try:
                means = self._means(session, [numbers[at] for at in part], inputs)
            except Exception as error:  # onnxruntime's own family of errors has no common parent
                raise self._broken(error) from error
            rows.update(zip(part, means, strict=True))
        return unit(np.array([rows[at] for at in range(len(texts))])) if rows else np.zeros((0, 1), np.float32)

    def _means(self, session: object, numbers: Sequence[Sequence[int]], inputs: frozenset[str]) -> Vectors:
        longest = max(map(len, numbers))
        ids, mask = (np.zeros((len(numbers), longest), np.int64) for _ in range(2))
        for row, one in enumerate(numbers):
            ids[row, : len(one)], mask[row, : len(one)] = one, 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        how = _giving_back() if ids.size > _LARGE else None
        out = session.run(None, {name: given[name] for name in inputs}, how)[0]  # type: ignore[attr-defined]
        if out.ndim == 2:
            return np.asarray(out, np.float32)
        return np.asarray((out * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True), np.float32)

    def _open(self) -> tuple[object, Pieces, frozenset[str]]:
        with self._lock:
            if self._opened is None:
                try:
                    session = opened(str(self._path))
                    inputs = frozenset(one.name for one in session.get_inputs())
                    self._opened = session, vocabulary(self._path), inputs
                except Exception as error:
                    raise self._broken(error) from error
            return self._opened

    def _broken(self, error: Exception) -> EmbedderError:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return EmbedderError(
            f"The encoder in {self._path} cannot be used ({said}); fetch it again with "
            "`tandem encoder fetch`, or take the file away."
        )
