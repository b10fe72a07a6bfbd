"""What retrieval needs of an encoder, and of a reader made of one.

Knows two protocols. An ONNX file on this machine, an endpoint or a runtime of models may stand behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag.errors import UserFacingError

Vectors = NDArray[np.float32]
Packed = NDArray[np.int8]


class EmbedderError(UserFacingError):
    """Texts could not be embedded; the sentence says why, and what to do."""


class Embedder(Protocol):
    """Turns texts into vectors whose cosine says how near they are in meaning. Safe from any thread; it blocks."""

    @property
    def name(self) -> str:
        """What tells this model from every other: vectors of two names are never compared."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row of length 1 a text, whatever the text holds. Raises EmbedderError."""
        ...


class Reader(Protocol):
    """Reads a question together with a passage. Safe from any thread; it blocks."""

    def odds(self, question: str, headings: str, text: str, near: tuple[int, int] = (0, 0)) -> float:
        """The natural logarithm of the odds that a passage with these headings answers a question; of a long one, what
        stands round the characters `near` (start, end). Raises EmbedderError.
        """
        ...


def unit(rows: Vectors) -> Vectors:
    """The rows at length 1; a row of zeros, or one that is no number, becomes zeros."""
    rows = np.nan_to_num(np.asarray(rows, np.float32))
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0), np.float32)


def packed(rows: Vectors) -> Packed:
    """Rows in a byte a number: each in steps of its largest, so that their angles stay."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    return np.round(rows / np.where(largest > 0, largest, 1.0) * 127).astype(np.int8)
