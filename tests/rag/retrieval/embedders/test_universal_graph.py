"""The graph of one text gives what plain sums over its pieces do."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from rag.retrieval.embedders.universal_graph import ROWS, written

_OF = "StatefulPartitionedCall/EncoderDNN"
_CONVOLUTIONS, _HIDDEN = f"{_OF}/CNN_layers", f"{_OF}/DNN/ResidualHidden"
_ROW, _CHANNELS, _DENSE, _NARROW = 32, 16, 24, 12
Matrix = NDArray[np.float32]


class _Encoder:
    """Arrays drawn by chance, and what they give a text in full numbers."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(0)
        self.have: dict[str, np.ndarray] = {}
        self._scales: dict[str, float] = {}
        for width in (2, 3, 5):
            of = f"{_CONVOLUTIONS}/ngram_order_{width}"
            self._matrix(f"{of}/input_size_projection/dense/kernel:0", _ROW, _CHANNELS)
            self._row(f"{of}/input_size_projection/dense/bias:0", _CHANNELS)
            self._norm(f"{of}/LayerNorm", _CHANNELS)
            for layer in ("Conv", "Conv_1"):
                self._matrix(f"{of}/Ngram-{width}-{layer}/weights:0", width * _CHANNELS, _CHANNELS)
                self._row(f"{of}/Ngram-{width}-{layer}/bias:0", _CHANNELS)
        every = _ROW + 3 * _CHANNELS
        self._norm(f"{_CONVOLUTIONS}/LayerNorm", every)
        self._matrix(f"{_CONVOLUTIONS}/dense/kernel:0", every, _DENSE)
        self._row(f"{_CONVOLUTIONS}/dense/bias:0", _DENSE)
        for at, (before, after) in {0: (_DENSE, _NARROW), 2: (_NARROW, _DENSE)}.items():
            self._matrix(f"{_HIDDEN}_{at}/dense/kernel:0", before, after)
            self._matrix(f"{_HIDDEN}_{at + 1}/dense/kernel:0", after, after)
            self._matrix(f"{_HIDDEN}_{at + 1}/AdjustDepth/projection/kernel:0", before, after)

    def number(self, name: str) -> float:
        return self._scales[name]

    def _matrix(self, name: str, height: int, width: int) -> None:
        self.have[f"{name}_quantized"] = self._draw.integers(-60, 61, (height, width)).astype(np.int8)
        self._scales[f"{name}_scale"] = float(self._draw.uniform(0.5, 1.5)) / (60 * height**0.5)

    def _row(self, name: str, width: int) -> None:
        self.have[name] = self._draw.normal(0, 0.2, width).astype(np.float32)

    def _norm(self, name: str, width: int) -> None:
        self._row(f"{name}/beta:0", width)
        self.have[f"{name}/gamma:0"] = self._draw.uniform(0.5, 1.5, width).astype(np.float32)

    def _times(self, rows: Matrix, name: str, bias: str = "") -> Matrix:
        product = rows @ (self.have[f"{name}_quantized"] * self._scales[f"{name}_scale"])
        return product + self.have[bias] if bias else product

    def _even(self, rows: Matrix, name: str) -> Matrix:
        even = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
        return even * self.have[f"{name}/gamma:0"] + self.have[f"{name}/beta:0"]

    def _convolved(self, rows: Matrix, width: int) -> Matrix:
        of = f"{_CONVOLUTIONS}/ngram_order_{width}"
        dense = f"{of}/input_size_projection/dense"
        piece = self._even(self._times(rows, f"{dense}/kernel:0", f"{dense}/bias:0"), f"{of}/LayerNorm")
        before = (width - 1) // 2
        for layer in ("Conv", "Conv_1"):
            padded = np.pad(piece, ((before, width - 1 - before), (0, 0)))
            beside = np.hstack([padded[at : at + len(piece)] for at in range(width)])
            name = f"{of}/Ngram-{width}-{layer}"
            piece = np.maximum(self._times(beside, f"{name}/weights:0", f"{name}/bias:0"), 0) + piece
        return piece

    def vector(self, rows: Matrix) -> Matrix:
        every = np.hstack([rows, *(self._convolved(rows, width) for width in (2, 3, 5))])
        even = self._even(every, f"{_CONVOLUTIONS}/LayerNorm")
        dense = self._times(even, f"{_CONVOLUTIONS}/dense/kernel:0", f"{_CONVOLUTIONS}/dense/bias:0")
        said = dense.sum(axis=0, keepdims=True) / len(rows) ** 0.5
        for at in (0, 2):
            inside = np.maximum(self._times(said, f"{_HIDDEN}_{at}/dense/kernel:0"), 0)
            beside = self._times(said, f"{_HIDDEN}_{at + 1}/AdjustDepth/projection/kernel:0")
            said = self._times(inside, f"{_HIDDEN}_{at + 1}/dense/kernel:0") + beside
            said = np.tanh(said) if at else np.maximum(said, 0)
        return said / np.linalg.norm(said)


@pytest.mark.parametrize("pieces", [1, 2, 4, 40])
def test_a_text_is_given_what_plain_sums_give_it(pieces: int) -> None:
    encoder = _Encoder()
    session = onnxruntime.InferenceSession(written(encoder.have, encoder.number), providers=["CPUExecutionProvider"])
    rows = np.random.default_rng(pieces).normal(0, 1, (pieces, _ROW)).astype(np.float32)
    (found,) = session.run(None, {ROWS: rows})
    assert found.shape == (1, _DENSE)
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)
    assert float((found * encoder.vector(rows)).sum()) > 0.99


def test_another_encoder_is_a_key_error() -> None:
    encoder = _Encoder()
    del encoder.have[f"{_CONVOLUTIONS}/dense/bias:0"]
    with pytest.raises(KeyError):
        written(encoder.have, encoder.number)
