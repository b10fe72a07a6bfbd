"""An encoder in an ONNX file on this machine, which takes strings: its tokenizer is part of the file.

Knows onnxruntime and the operators of onnxruntime-extensions. Does not know where the file comes from.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.retrieval.embedders.base import EmbedderError, Vectors, unit
from rag.text.unicode import whole

LONGEST = 4_000
"""Characters of a text that are read: a passage is far shorter."""


class OnnxFile:
    """The encoder in one file; the file is opened with the first text."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._session: object | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. One text at a time: of several together the encoder's numbers of eight bits share one
        scale, so that a text's vector would hang on what it is embedded with; and it takes longer.
        """
        session = self._opened()
        rows = []
        for text in texts:
            try:
                alone = np.array([_readable(text)], dtype=object)
                rows.append(session.run(["outputs"], {"inputs": alone})[0])  # type: ignore[attr-defined]
            except Exception as error:  # onnxruntime's own family of errors has no common parent
                raise EmbedderError(
                    f"The encoder in {self._path} failed ({_first_line(error)}); fetch it again with `tandem encoder "
                    "fetch`, or set retrieval.semantic to off."
                ) from error
        return unit(np.concatenate(rows)) if rows else np.zeros((0, 1), np.float32)

    def _opened(self) -> object:
        with self._lock:
            if self._session is None:
                try:
                    import onnxruntime
                    from onnxruntime_extensions import get_library_path

                    options = onnxruntime.SessionOptions()
                    # One core does a question in a millisecond, and leaves the others to whoever is answered.
                    options.intra_op_num_threads = options.inter_op_num_threads = 1
                    options.log_severity_level = 3
                    options.register_custom_ops_library(get_library_path())
                    self._session = onnxruntime.InferenceSession(
                        str(self._path), options, providers=["CPUExecutionProvider"]
                    )
                except Exception as error:
                    raise EmbedderError(
                        f"The encoder in {self._path} cannot be opened ({_first_line(error)}); fetch it again with "
                        "`tandem encoder fetch`, or set retrieval.semantic to off."
                    ) from error
            return self._session


def _readable(text: str) -> str:
    return whole(text[:LONGEST]).replace("\0", " ") or " "


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
