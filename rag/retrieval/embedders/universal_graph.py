"""What the multilingual universal sentence encoder computes of one text's pieces, as a graph a quarter as long.

Knows the arrays of the encoder's file, and what is done with them: three convolutions over neighbouring pieces, their
mean by the root of how many there are, and four layers of residual networks (Yang and others 2020). The graph in the
file is for several texts at once, and most of its operators only find out where each of them ends; for one text, this
one gives the same numbers. Does not know the table of pieces, nor texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.embedders.onnx_graph import MICROSOFT, Graph

_OF = "StatefulPartitionedCall/EncoderDNN"
ROWS = f"{_OF}/EmbeddingLookup/EmbeddingLookupUnique/Reshape_1:0"
"""The input: a row of the table for each piece of a text, of which there is one at least."""
_WIDTHS = (2, 3, 5)
"""How many neighbouring pieces each of the convolutions sees."""
_LEAST = np.array(9.999999960041972e-13, np.float32)
_END = np.iinfo(np.int64).max


def written(have: Mapping[str, NDArray[Any]], number: Callable[[str], float]) -> bytes:
    """The model of an encoder with these arrays; `number` gives the value of one that is a single number. Raises
    KeyError where it is another encoder.
    """
    return _Universal(have, number).model()


class _Universal:
    def __init__(self, have: Mapping[str, NDArray[Any]], number: Callable[[str], float]) -> None:
        self._graph = Graph()
        self._have = have
        self._number = number
        self._first = self._graph.array(np.zeros(1, np.int64))
        self._second = self._graph.array(np.ones(1, np.int64))
        self._small = self._graph.array(_LEAST)
        self._no_zero = self._graph.array(np.array(0, np.int8))

    def model(self) -> bytes:
        """The model; its only output is the text's vector, of length 1."""
        taken = self._graph.node("DynamicQuantizeLinear", (ROWS,), 3)
        every = [self._convolved(width, taken) for width in _WIDTHS]
        of = f"{_OF}/CNN_layers"
        even = self._even(self._one("Concat", ROWS, *every, axis=1), f"{of}/LayerNorm")
        summed = self._mean(self._product(even, f"{of}/dense/kernel:0", f"{of}/dense/bias:0"))
        for at in (0, 2):
            summed = self._residual(summed, at)
            summed = self._one("Relu" if at == 0 else "Tanh", summed)
        for _ in range(2):  # as in the file
            summed = self._of_length_1(summed)
        return self._graph.model((), (summed,), {ROWS: ("pieces", "width")})

    def _one(self, operator: str, *inputs: str, domain: str = "", **settings: float | tuple[int, ...]) -> str:
        return self._graph.node(operator, inputs, domain=domain, **settings)[0]

    def _array(self, name: str) -> str:
        return self._graph.array(self._have[name])

    def _matrix(self, name: str) -> tuple[str, str]:
        """A matrix in eight bits, and its scale."""
        scale = np.array(self._number(f"{name}_scale"), np.float32)
        return self._array(f"{name}_quantized"), self._graph.array(scale)

    def _product(self, entry: str, matrix: str, bias: str = "") -> str:
        constants = (*self._matrix(matrix), self._no_zero, *([self._array(bias)] if bias else []))
        return self._one("DynamicQuantizeMatMul", entry, *constants, domain=MICROSOFT)

    def _product_of(self, taken: list[str], matrix: str, bias: str = "") -> str:
        """The same, of an entry that is in eight bits already, which several matrices share."""
        (small, scale), (entry, of, zero) = self._matrix(matrix), taken
        inputs = entry, small, of, scale, zero, self._no_zero, *([self._array(bias)] if bias else [])
        return self._one("MatMulIntegerToFloat", *inputs, domain=MICROSOFT)

    def _convolved(self, width: int, taken: list[str]) -> str:
        of = f"{_OF}/CNN_layers/ngram_order_{width}"
        dense = f"{of}/input_size_projection/dense"
        piece = self._even(self._product_of(taken, f"{dense}/kernel:0", f"{dense}/bias:0"), f"{of}/LayerNorm")
        before = (width - 1) // 2
        for layer in ("Conv", "Conv_1"):
            name = f"{of}/Ngram-{width}-{layer}"
            beside = self._beside(piece, width, before, self._have[f"{name}/bias:0"].shape[-1])
            sums = self._product(beside, f"{name}/weights:0", f"{name}/bias:0")
            piece = self._one("Add", self._one("Relu", sums), piece)
        return piece

    def _beside(self, piece: str, width: int, before: int, channels: int) -> str:
        """Each piece with those before and behind it in one row, zeros where there are none."""
        around = [np.zeros((count, channels), np.float32) for count in (before, width - 1 - before)]
        zeros = [self._graph.array(one) if len(one) else "" for one in around]
        padded = self._one("Concat", *filter(None, (zeros[0], piece, zeros[1])), axis=0)
        shifted = []
        for at in range(width):
            last = at + 1 - width or _END
            bounds = (self._graph.array(np.array([one], np.int64)) for one in (at, last))
            shifted.append(piece if at == before else self._one("Slice", padded, *bounds, self._first))
        return self._one("Concat", *shifted, axis=1)

    def _even(self, entry: str, name: str) -> str:
        """Each row with mean 0 and deviation 1, by the operators and in the order of the file: another would round
        otherwise."""
        mean = self._one("ReduceMean", entry, axes=(1,), keepdims=1)
        apart = self._one("Sub", entry, mean)
        spread = self._one("ReduceMean", self._one("Mul", apart, apart), axes=(1,), keepdims=1)
        inverse = self._one("Reciprocal", self._one("Sqrt", self._one("Add", spread, self._small)))
        inverse = self._one("Mul", inverse, self._array(f"{name}/gamma:0"))
        lower = self._one("Sub", self._array(f"{name}/beta:0"), self._one("Mul", mean, inverse))
        return self._one("Add", self._one("Mul", entry, inverse), lower)

    def _mean(self, rows: str) -> str:
        """The sum of the rows by the root of how many there are."""
        count = self._one("Slice", self._one("Shape", ROWS), self._first, self._second, self._first)
        root = self._one("Sqrt", self._one("Cast", count, to=1))
        summed = self._one("ReduceSum", self._one("Unsqueeze", rows, self._first), self._second, keepdims=0)
        return self._one("Div", summed, root)

    def _residual(self, entry: str, at: int) -> str:
        of = f"{_OF}/DNN/ResidualHidden"
        taken = self._graph.node("DynamicQuantizeLinear", (entry,), 3)
        inside = self._one("Relu", self._product_of(taken, f"{of}_{at}/dense/kernel:0"))
        beside = self._product_of(taken, f"{of}_{at + 1}/AdjustDepth/projection/kernel:0")
        return self._one("Add", self._product(inside, f"{of}_{at + 1}/dense/kernel:0"), beside)

    def _of_length_1(self, row: str) -> str:
        square = self._one("ReduceSum", self._one("Mul", row, row), self._second, keepdims=1)
        length = self._one("Sqrt", self._one("Max", square, self._small))
        return self._one("Mul", row, self._one("Reciprocal", length))
