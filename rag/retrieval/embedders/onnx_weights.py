"""The named arrays of an ONNX file.

Knows as much of the file's form (protocol buffers; onnx.proto: a model's graph is field 7, a graph's initializers are
field 5) as it takes to find them. Does not know what they are for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GRAPH, _INITIALIZER = 7, 5
_DIMS, _TYPE, _NAME, _RAW = 1, 2, 8, 9
_KINDS: dict[int, type[np.generic]] = {1: np.float32, 3: np.int8}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def arrays(file: bytes | bytearray) -> dict[str, NDArray[Any]]:
    """Name -> array, of those that hold floats or numbers of eight bits as raw bytes: views of what is in the `file`,
    which change it where it can be changed. Raises ValueError where it is no such file.
    """
    found: dict[str, NDArray[Any]] = {}
    try:
        for field, graph in fields(memoryview(file)):
            if field != _GRAPH or not isinstance(graph, memoryview):
                continue
            for inner, tensor in fields(graph):
                if inner == _INITIALIZER and isinstance(tensor, memoryview):
                    found |= _array(tensor)
    except IndexError as error:
        raise ValueError("the file ends too early") from error
    return found


def _array(tensor: memoryview) -> dict[str, NDArray[Any]]:
    shape: list[int] = []
    kind, name, raw = 0, "", memoryview(b"")
    for field, value in fields(tensor):
        if field == _DIMS:
            shape += [value] if isinstance(value, int) else varints(value)
        elif field == _TYPE and isinstance(value, int):
            kind = value
        elif field == _NAME and isinstance(value, memoryview):
            name = bytes(value).decode("utf-8")
        elif field == _RAW and isinstance(value, memoryview):
            raw = value
    if kind not in _KINDS or not len(raw):
        return {}
    return {name: np.frombuffer(raw, _KINDS[kind]).reshape(shape)}


def fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field's number and its value: a number, or the bytes of anything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"A field of kind {kind} is none of an ONNX file's")
        if at + size > len(data):
            raise IndexError(at)
        yield key >> 3, data[at : at + size]
        at += size


def varints(data: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        found.append(value)
    return found


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
