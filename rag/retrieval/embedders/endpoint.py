"""An encoder behind any OpenAI-compatible address: `POST /embeddings`.

Knows the form of requests and replies. Does not know which servers there are, nor where a key comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from rag.retrieval.embedders.base import EmbedderError, Vectors, unit
from rag.text.unicode import whole

_AT_ONCE = 64
_LONGEST = 4_000
_SECONDS = 30.0


class Endpoint:
    """One model of one server. Connections are kept; safe from any thread."""

    def __init__(self, base_url: str, model: str, key: str = "") -> None:
        """`base_url` ends before /embeddings. Opens no connection yet."""
        self.name = f"{model} at {base_url}"
        self._model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=base_url.rstrip("/"), headers=headers, timeout=_SECONDS, trust_env=False)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`."""
        rows = [self._asked(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE)]
        return unit(np.concatenate(rows)) if rows else np.zeros((0, 1), np.float32)

    def _asked(self, texts: Sequence[str]) -> Vectors:
        said = [whole(text[:_LONGEST]).replace("\0", " ").strip() or "." for text in texts]
        try:
            reply = self._client.post("/embeddings", json={"model": self._model, "input": said})
            reply.raise_for_status()
            return _rows(reply.json(), len(said))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            raise EmbedderError(
                f"The embeddings model {self.name} gave no vectors ({type(error).__name__}); check that the server "
                "runs and has this model, or leave retrieval.embeddings empty."
            ) from error


def _rows(reply: dict[str, Any], count: int) -> Vectors:
    entries = sorted(reply["data"], key=lambda entry: int(entry["index"]))
    rows = np.array([entry["embedding"] for entry in entries], np.float32)
    if rows.ndim != 2 or len(rows) != count:
        raise ValueError("another number of vectors than of texts")
    return rows
