"""Part of an ONNX model as a model of its own: the nodes that lie between some of its results and others.

Knows as much of the file's form (protocol buffers; the numbers of the fields are those of onnx.proto) as it takes to
copy nodes and arrays. Does not know what a model is for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.retrieval.embedders.onnx_graph import bytes_field, number_field, value_info
from rag.retrieval.embedders.onnx_weights import fields, varints

_GRAPH = 7
_NODE, _NAME, _ARRAY, _INPUT, _OUTPUT = 1, 2, 5, 11, 12
_TAKES, _GIVES = 1, 2
_ARRAY_FLOATS, _ARRAY_WHOLE, _ARRAY_NAME, _ARRAY_RAW = 4, 5, 8, 9


@dataclass(frozen=True, slots=True)
class _Node:
    raw: bytes
    takes: tuple[str, ...]
    gives: tuple[str, ...]


class Parts:
    """A model in a file that is cut into parts."""

    def __init__(self, file: bytes) -> None:
        """Raises ValueError where it is no such file."""
        self._file = file
        self._around = b""
        self._nodes: list[_Node] = []
        self._arrays: dict[str, memoryview] = {}
        try:
            for field, value in fields(memoryview(file)):
                if field == _GRAPH:
                    self._take_graph(_bytes(value))
                elif isinstance(value, int):  # the version of the form
                    self._around += number_field(field, value)
                else:  # those of the operators
                    self._around += bytes_field(field, bytes(value))
        except (IndexError, KeyError) as error:
            raise ValueError("the file is no model") from error
        self._makers = {name: at for at, node in enumerate(self._nodes) for name in node.gives}

    def part(self, inputs: Mapping[str, tuple[int, Sequence[str]]], outputs: Mapping[str, int]) -> bytes:
        """A model of what makes the `outputs` of the `inputs`: name -> the number of its kind, and for inputs what
        their sizes are called. Raises KeyError where the model has no such results.
        """
        kept = self._behind(outputs, inputs)
        arrays = {name for at in kept for name in self._nodes[at].takes if name in self._arrays and name not in inputs}
        graph = b"".join(bytes_field(_NODE, self._nodes[at].raw) for at in sorted(kept))
        graph += bytes_field(_NAME, b"part")
        graph += b"".join(bytes_field(_ARRAY, bytes(self._arrays[name])) for name in sorted(arrays))
        graph += b"".join(bytes_field(_INPUT, value_info(name, *said)) for name, said in inputs.items())
        graph += b"".join(bytes_field(_OUTPUT, value_info(name, kind, None)) for name, kind in outputs.items())
        return self._around + bytes_field(_GRAPH, graph)

    def place(self, name: str) -> tuple[int, int]:
        """Where the numbers of an array begin in the file, and how many bytes they take. Raises KeyError."""
        raw = np.frombuffer(_bytes(dict(fields(self._arrays[name]))[_ARRAY_RAW]), np.uint8)
        return raw.ctypes.data - np.frombuffer(self._file, np.uint8).ctypes.data, len(raw)

    def number(self, name: str) -> float:
        """The number of an array of one, not kept as raw bytes. Raises KeyError."""
        said = dict(fields(self._arrays[name]))
        if _ARRAY_FLOATS in said:
            return float(np.frombuffer(_bytes(said[_ARRAY_FLOATS]), np.float32)[0])
        return float(varints(_bytes(said[_ARRAY_WHOLE]))[0])

    def _behind(self, outputs: Collection[str], inputs: Collection[str]) -> set[int]:
        """The nodes that make the outputs of the inputs."""
        wanted, kept = list(outputs), set[int]()
        while wanted:
            name = wanted.pop()
            if name and name not in inputs and name not in self._arrays and self._makers[name] not in kept:
                kept.add(self._makers[name])
                wanted += self._nodes[self._makers[name]].takes
        return kept

    def _take_graph(self, graph: memoryview) -> None:
        for field, value in fields(graph):
            if field == _NODE:
                said = [(inner, bytes(one)) for inner, one in fields(_bytes(value)) if isinstance(one, memoryview)]
                takes, gives = (tuple(one.decode() for inner, one in said if inner == way) for way in (_TAKES, _GIVES))
                self._nodes.append(_Node(bytes(_bytes(value)), takes, gives))
            elif field == _ARRAY:
                name = dict(fields(_bytes(value)))[_ARRAY_NAME]
                self._arrays[bytes(_bytes(name)).decode()] = _bytes(value)


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number stands where bytes should")
    return value
