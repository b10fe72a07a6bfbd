"""The multilingual universal sentence encoder (Yang and others 2020) with the table of its pieces left in its file.

Knows the file's graph: it cuts a text into pieces, looks up a row of the table for each, and computes with these. The
table is nine tenths of the file, of which a question needs a few rows, so that the two other parts are opened alone and
the rows are read where they lie; what comes out is the same. What is computed with them knows
`rag.retrieval.embedders.universal_graph`. Does not know other encoders.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.embedders import universal_graph
from rag.retrieval.embedders.onnx_parts import Parts
from rag.retrieval.embedders.onnx_weights import arrays

_TEXTS, _VECTORS = "inputs", "outputs"
_PIECES, _ENDS = (
    f"StatefulPartitionedCall/text_preprocessor/SentenceTokenizer/SentencepieceTokenizeOp:{at}" for at in range(2)
)
"""The numbers of the texts' pieces, and where those of each text end."""
_ROWS = universal_graph.ROWS
_TABLE = "Func/StatefulPartitionedCall/input/_{}:0_{}"
_TABLES, _WIDTH = 17, 512
"""Piece n is row n // 17 of table n % 17; a row is so many bytes."""
_STRING, _FLOAT, _INT32, _INT64 = 8, 1, 6, 7


class TableInFile:
    """The encoder in one file, which is to stay as it is."""

    def __init__(self, path: Path, session: Callable[[bytes], Any]) -> None:
        """`session` opens a model. Raises OSError, ValueError, KeyError where it is another encoder, and onnxruntime's
        errors.
        """
        file = path.read_bytes()
        parts = Parts(file)
        names = [
            [_TABLE.format(at + 1, part) for at in range(_TABLES)] for part in ("quantized", "scale", "zero_point")
        ]
        places = [parts.place(name) for name in names[0]]
        self._steps = np.array([parts.number(name) for name in names[1]], np.float32)
        self._zeros = np.array([parts.number(name) for name in names[2]], np.float32)
        self._rows = _rows(path, file, places)
        cut = parts.part({_TEXTS: (_STRING, ("texts",))}, {_PIECES: _INT32, _ENDS: _INT64})
        summed = _summed(file, parts)
        del file, parts
        self._cut, self._summed = session(cut), session(summed)
        self._takes = [one.name for one in self._summed.get_inputs()]

    def vector(self, text: str) -> NDArray[np.float32]:
        """One row, of a text that is not empty. Raises onnxruntime's errors, and OSError where the file has changed."""
        pieces, ends = self._cut.run([_PIECES, _ENDS], {_TEXTS: np.array([text], dtype=object)})
        table, row = pieces % _TABLES, pieces // _TABLES
        said = b"".join(map(self._rows, table.tolist(), row.tolist()))
        whole = np.frombuffer(said, np.uint8).reshape(len(pieces), _WIDTH).astype(np.float32)
        rows = (whole - self._zeros[table, None]) * self._steps[table, None]
        given = {_PIECES: pieces, _ENDS: ends, _ROWS: rows}
        found: NDArray[np.float32] = self._summed.run(None, {name: given[name] for name in self._takes})[0]
        return found


def _summed(file: bytes, parts: Parts) -> bytes:
    """The model of what is computed with the rows: written anew, else as the file has it."""
    try:
        return universal_graph.written(arrays(file), parts.number)
    except KeyError:
        pieces = {_PIECES: (_INT32, ("pieces",)), _ENDS: (_INT64, ("ends",))}
        return parts.part({**pieces, _ROWS: (_FLOAT, ("pieces", "width"))}, {_VECTORS: _FLOAT})


def _rows(path: Path, file: bytes, places: list[tuple[int, int]]) -> Callable[[int, int], bytes]:
    """Gives a row of a table. The file is kept open where that keeps nobody from replacing it, else its tables are."""
    if not hasattr(os, "pread"):
        tables = [file[begin : begin + size] for begin, size in places]
        return lambda table, row: tables[table][row * _WIDTH : (row + 1) * _WIDTH]
    number = os.open(path, os.O_RDONLY)

    def read(table: int, row: int) -> bytes:
        return os.pread(number, _WIDTH, places[table][0] + row * _WIDTH)

    weakref.finalize(read, os.close, number)
    return read
