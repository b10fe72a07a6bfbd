"""An encoder of the BERT family for many languages in one file of numbers of four bits, its vocabulary in it.

Knows the form of that file: the sizes, the vocabulary with what each piece is written as and how likely it is, and
named arrays, of which matrices are in blocks of 32 numbers of four bits with a scale for each block. Does not know what
the arrays compute (`bert_graph` does), nor what is learned of them. The words' vectors, three quarters of the file,
stay on disk until a text needs them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.embedders.bert_graph import PARTS
from rag.retrieval.embedders.unigram import Unigram

_MAGIC = b"E5S1"
_BLOCK, _BYTES = 32, 18
"""Numbers of a block, and its bytes: its scale in two, then the numbers, the first half of them in the low bits."""
_FLOATS, _FOUR_BITS = 0, 1
_ZERO = 8
"""What stands for nought among numbers of four bits."""
_WORDS = "emb.word"
_TOP = "inner.embeddings"
_EMBEDDINGS = {
    "emb.pos": f"{_TOP}.position_embeddings.weight",
    "emb.ln.w": f"{_TOP}.LayerNorm.weight",
    "emb.ln.b": f"{_TOP}.LayerNorm.bias",
}
_KINDS = "emb.type", f"{_TOP}.token_type_embeddings.weight"
_MATRICES = ("q", "k", "v", "ao", "fi", "fo")
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


class PackedFile:
    """One such file. Raises OSError, and ValueError where it is no such file. Safe from any thread."""

    def __init__(self, path: Path) -> None:
        self._file: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
        try:
            self._at = 0
            self._open()
        except (struct.error, UnicodeDecodeError, IndexError, KeyError) as error:
            raise ValueError(f"{path} is no file of this form ({error})") from error

    def _open(self) -> None:
        if self._taken(4).tobytes() != _MAGIC:
            raise ValueError("it begins otherwise")
        _, self._size, self._layers, *_ = self._numbers("<8i")
        self._numbers("<fi")
        self.pieces = self._vocabulary()
        self._arrays: dict[str, tuple[int, int, int]] = {}
        (count,) = self._numbers("<i")
        for _ in range(count):
            (length,) = self._numbers("<H")
            name = self._taken(length).tobytes().decode("utf-8")
            kind, _, begin, size = self._numbers("<BIQQ")
            self._arrays[name] = kind, begin, size
        self._words = self._blocks(_WORDS).reshape(-1, self._size // _BLOCK, _BYTES)
        self.count = len(self._words)
        """How many pieces there are."""

    def words(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of some pieces: pieces x size."""
        return _unpacked(self._words[np.asarray(numbers, np.int64)]).reshape(len(numbers), self._size)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All others, in full, by the names that they have in the files `bert_graph.held` knows. Raises KeyError where
        one is missing.
        """
        found: dict[str, NDArray[Any]] = {name: self._floats(own) for own, name in _EMBEDDINGS.items()}
        found[_EMBEDDINGS["emb.pos"]] = found[_EMBEDDINGS["emb.pos"]].reshape(-1, self._size)
        own, name = _KINDS
        # It was never given two texts at once, so that both are of the first kind.
        found[name] = np.repeat(self._floats(own).reshape(-1, self._size)[:1], 2, axis=0)
        for layer in range(self._layers):
            of = f"inner.encoder.layer.{layer}"
            for at, (part, bias) in enumerate(zip(_MATRICES, PARTS, strict=True)):
                found[f"{of}.{bias}.bias"] = values = self._floats(f"l{layer}.{part}.b")
                matrix = _unpacked(self._blocks(f"l{layer}.{part}.w")).reshape(len(values), -1)
                found[f"val_{layer * len(_MATRICES) + at}"] = np.ascontiguousarray(matrix.T)
            for part, norm in _NORMS.items():
                found[f"{of}.{norm}.weight"] = self._floats(f"l{layer}.{part}.w")
                found[f"{of}.{norm}.bias"] = self._floats(f"l{layer}.{part}.b")
        return found

    def _floats(self, name: str) -> NDArray[np.float32]:
        kind, begin, size = self._arrays[name]
        if kind != _FLOATS:
            raise KeyError(name)
        return np.frombuffer(self._file[begin : begin + size].tobytes(), np.float32)

    def _blocks(self, name: str) -> NDArray[np.uint8]:
        kind, begin, size = self._arrays[name]
        if kind != _FOUR_BITS:
            raise KeyError(name)
        return self._file[begin : begin + size].reshape(-1, _BYTES)

    def _vocabulary(self) -> Unigram:
        count, begin, end, _, other = self._numbers("<5i")
        (length,) = self._numbers("<Q")
        ends = np.frombuffer(self._taken(4 * (count + 1)).tobytes(), np.uint32).tolist()
        likely = np.frombuffer(self._taken(4 * count).tobytes(), np.float32)
        said = self._taken(length).tobytes()
        pieces = [said[at:to].decode("utf-8") for at, to in pairwise(ends)]
        written: dict[int, str] = {}
        characters, _ = self._numbers("<iI")
        for _ in range(characters):
            character, size = self._numbers("<IB")
            written[character] = "".join(map(chr, self._numbers(f"<{size}I")))
        return Unigram(pieces, likely, written, (begin, end), other)

    def _numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._taken(struct.calcsize(form)).tobytes())

    def _taken(self, size: int) -> NDArray[np.uint8]:
        self._at += size
        return self._file[self._at - size : self._at]


def _unpacked(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The numbers of blocks (... x 18 bytes), in order: ... x 32."""
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    numbers = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1).astype(np.float32) - _ZERO
    found: NDArray[np.float32] = numbers * scales
    return found
