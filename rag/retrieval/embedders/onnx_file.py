"""An encoder in an ONNX file on this machine, which takes strings: its tokenizer is part of the file.

Knows onnxruntime and the operators of onnxruntime-extensions. Does not know where the file comes from.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.retrieval.embedders.base import EmbedderError, Vectors, unit
from rag.retrieval.embedders.table_in_file import TableInFile
from rag.text.unicode import whole

LONGEST = 4_000
"""Characters of a text that are read: a passage is far shorter."""


class OnnxFile:
    """The encoder in one file; the file is opened with the first text."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        self._lock = threading.Lock()
        self._session: Callable[[str], Vectors] | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`. One text at a time: of several together the encoder's numbers of eight bits share one
        scale, so that a text's vector would hang on what it is embedded with; and it takes longer.
        """
        session = self._opened()
        rows = []
        for text in texts:
            try:
                rows.append(session(_readable(text)))
            except Exception as error:  # onnxruntime's own family of errors has no common parent
                raise EmbedderError(
                    f"The encoder in {self._path} failed ({_first_line(error)}); fetch it again with `tandem encoder "
                    "fetch`, or set retrieval.semantic to off."
                ) from error
        return unit(np.concatenate(rows)) if rows else np.zeros((0, 1), np.float32)

    def _opened(self) -> Callable[[str], Vectors]:
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

                    def opened(model: str | bytes) -> Any:
                        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
                        session._model_bytes = b""  # a copy for who changes providers, kept as long as the session
                        return session

                    try:
                        self._session = TableInFile(self._path, opened).vector
                    except (KeyError, ValueError):  # another encoder
                        self._session = _whole(opened(str(self._path)))
                except Exception as error:
                    raise EmbedderError(
                        f"The encoder in {self._path} cannot be opened ({_first_line(error)}); fetch it again with "
                        "`tandem encoder fetch`, or set retrieval.semantic to off."
                    ) from error
            return self._session


def _whole(session: Any) -> Callable[[str], Vectors]:
    """What gives the vector of a text, of a session of an encoder's whole graph."""

    def vector(text: str) -> Vectors:
        found: Vectors = session.run(["outputs"], {"inputs": np.array([text], dtype=object)})[0]
        return found

    return vector


def _readable(text: str) -> str:
    return whole(text[:LONGEST]).replace("\0", " ") or " "


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
