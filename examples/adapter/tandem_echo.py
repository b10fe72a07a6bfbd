"""A runtime adapter in its smallest form: it answers with the question, word by word.

Knows the protocol of a runtime; does not know any model. Install it beside Tandem (`pip install ./examples/adapter`),
then ask with `--draft echo`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.types import Message


class Echo:
    """Repeats the last message."""

    models = ("echo",)

    def load(self, model: str) -> None:
        """Nothing to load; a real adapter reads its weights here, once."""

    def stream(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float | None,
        seed: int | None,
    ) -> Iterator[str]:
        """The last paragraph of the last message, a word at a time."""
        paragraph = messages[-1].content.strip().split("\n\n")[-1]
        yield from re.findall(r"\s*\S+", paragraph)[:max_tokens]
