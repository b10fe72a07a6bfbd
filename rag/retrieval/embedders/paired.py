"""Two encoders as one: the first finds, in all its languages; the second, of one language, weighs what was found.

Knows which is which, and who reads which languages. Does not know what is done with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.retrieval.embedders.base import Embedder, Reader, Vectors


@dataclass(frozen=True, slots=True)
class Paired:
    """The `first` encoder, with a `second` one beside it for texts in a `language`, and where there is one a `reader`
    for that language, and one for all `others`.
    """

    first: Embedder
    second: Embedder
    language: str
    reader: Reader | None = None
    others: Reader | None = None

    @property
    def name(self) -> str:
        """The first one's: its vectors are the same without the second."""
        return self.first.name

    def reads(self, *languages: str) -> Reader | None:
        """Who reads a question and a passage in these languages together, None where nobody does."""
        return self.reader if set(languages) == {self.language} else self.others

    def embed(self, texts: Sequence[str]) -> Vectors:
        """The first one's vectors; see `Embedder.embed`."""
        return self.first.embed(texts)
