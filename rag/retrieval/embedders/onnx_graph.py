"""Writes an ONNX model: arrays, and nodes that compute with them.

Knows as much of the file's form (protocol buffers; the numbers of the fields are those of onnx.proto) as it takes.
Does not know what a model is for.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""
_FORM, _OPERATORS = 8, {"": 17, MICROSOFT: 1}
"""The version of the file's form, and those of the operators."""
_KINDS: dict[type[np.generic], int] = {np.float32: 1, np.int8: 3, np.int64: 7}
_FLOAT, _INT = 1, 2


class Graph:
    """A model that is being written. Every array and every result is called by its name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._arrays: list[bytes] = []
        self._results = 0

    def array(self, value: NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int64]) -> str:
        """The name of an array."""
        name = f"array{len(self._arrays)}"
        dims = b"".join(_number(1, size) for size in value.shape)
        kind = _number(2, _KINDS[value.dtype.type])
        self._arrays.append(_bytes(5, dims + kind + _bytes(8, name.encode()) + _bytes(9, value.tobytes())))
        return name

    def node(
        self, operator: str, inputs: Sequence[str], results: int = 1, /, *, domain: str = "", **settings: float
    ) -> list[str]:
        """The names of what an operator makes of its inputs, of which those that are left out are called ""."""
        names = [f"result{self._results + at}" for at in range(results)]
        self._results += results
        self._node(operator, inputs, names, domain, settings)
        return names

    def model(self, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
        """The model: its inputs are tables of whole numbers, its outputs any of the results."""
        said = b"".join(_bytes(11, _value(name, 7, ("texts", "pieces"))) for name in inputs)
        said += b"".join(_bytes(12, _value(name, 1, None)) for name in outputs)
        graph = b"".join((*self._nodes, _bytes(2, b"graph"), *self._arrays, said))
        sets = b"".join(
            _bytes(8, _bytes(1, domain.encode()) + _number(2, version)) for domain, version in _OPERATORS.items()
        )
        return _number(1, _FORM) + _bytes(7, graph) + sets

    def _node(
        self, operator: str, inputs: Sequence[str], names: Sequence[str], domain: str, settings: dict[str, float]
    ) -> None:
        written = b"".join(_bytes(1, name.encode()) for name in inputs)
        written += b"".join(_bytes(2, name.encode()) for name in names) + _bytes(4, operator.encode())
        for name, value in settings.items():
            whole = isinstance(value, int)
            said = _number(3, int(value)) if whole else _key(2, 5) + struct.pack("<f", value)
            written += _bytes(5, _bytes(1, name.encode()) + said + _number(20, _INT if whole else _FLOAT))
        self._nodes.append(_bytes(1, written + _bytes(7, domain.encode())))


def _value(name: str, kind: int, dims: Sequence[str] | None) -> bytes:
    tensor = _number(1, kind)
    if dims is not None:
        tensor += _bytes(2, b"".join(_bytes(1, _bytes(2, dim.encode())) for dim in dims))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _key(field, 0) + _varint(value)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    """A whole number in groups of seven bits, the least first; negative ones as the form has them, in 64 bits."""
    value &= 2**64 - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
