"""Writes an ONNX model: arrays, and nodes that compute with them.

Knows as much of the file's form (protocol buffers; the numbers of the fields are those of onnx.proto) as it takes.
Does not know what a model is for.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""
_FORM, _OPERATORS = 8, {"": 17, MICROSOFT: 1}
"""The version of the file's form, and those of the operators."""
_KINDS: dict[type[np.generic], int] = {np.float32: 1, np.int8: 3, np.int64: 7}
_FLOAT, _INT, _INTS = 1, 2, 7


class Graph:
    """A model that is being written. Every array and every result is called by its name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._arrays: list[bytes] = []
        self._results = 0

    def array(self, value: NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int64]) -> str:
        """The name of an array."""
        name = f"array{len(self._arrays)}"
        dims = b"".join(number_field(1, size) for size in value.shape)
        kind = number_field(2, _KINDS[value.dtype.type])
        self._arrays.append(
            bytes_field(5, dims + kind + bytes_field(8, name.encode()) + bytes_field(9, value.tobytes()))
        )
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        results: int = 1,
        /,
        *,
        domain: str = "",
        **settings: float | tuple[int, ...],
    ) -> list[str]:
        """The names of what an operator makes of its inputs, of which those that are left out are called ""."""
        names = [f"result{self._results + at}" for at in range(results)]
        self._results += results
        self._node(operator, inputs, names, domain, settings)
        return names

    def model(
        self, inputs: Sequence[str], outputs: Sequence[str], floats: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> bytes:
        """The model: its inputs are tables of whole numbers, and of `floats` with what their sizes are called; its
        outputs any of the results."""
        said = b"".join(bytes_field(11, value_info(name, 7, ("texts", "pieces"))) for name in inputs)
        said += b"".join(bytes_field(11, value_info(name, 1, sizes)) for name, sizes in floats.items())
        said += b"".join(bytes_field(12, value_info(name, 1, None)) for name in outputs)
        graph = b"".join((*self._nodes, bytes_field(2, b"graph"), *self._arrays, said))
        sets = b"".join(
            bytes_field(8, bytes_field(1, domain.encode()) + number_field(2, version))
            for domain, version in _OPERATORS.items()
        )
        return number_field(1, _FORM) + bytes_field(7, graph) + sets

    def _node(
        self,
        operator: str,
        inputs: Sequence[str],
        names: Sequence[str],
        domain: str,
        settings: Mapping[str, float | tuple[int, ...]],
    ) -> None:
        written = b"".join(bytes_field(1, name.encode()) for name in inputs)
        written += b"".join(bytes_field(2, name.encode()) for name in names) + bytes_field(4, operator.encode())
        for name, value in settings.items():
            written += bytes_field(5, bytes_field(1, name.encode()) + _setting(value))
        self._nodes.append(bytes_field(1, written + bytes_field(7, domain.encode())))


def _setting(value: float | tuple[int, ...]) -> bytes:
    if isinstance(value, tuple):
        return b"".join(number_field(8, one) for one in value) + number_field(20, _INTS)
    if isinstance(value, int):
        return number_field(3, value) + number_field(20, _INT)
    return _key(2, 5) + struct.pack("<f", value) + number_field(20, _FLOAT)


def value_info(name: str, kind: int, dims: Sequence[str] | None) -> bytes:
    """What is said of an input or an output: the number of its kind, and what its sizes are called."""
    tensor = number_field(1, kind)
    if dims is not None:
        tensor += bytes_field(2, b"".join(bytes_field(1, bytes_field(2, dim.encode())) for dim in dims))
    return bytes_field(1, name.encode()) + bytes_field(2, bytes_field(1, tensor))


def bytes_field(field: int, value: bytes) -> bytes:
    """A field that holds bytes, text or a message."""
    return _key(field, 2) + _varint(len(value)) + value


def number_field(field: int, value: int) -> bytes:
    """A field that holds a whole number."""
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
