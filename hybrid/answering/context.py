"""What is left out when a prompt does not fit a model's context: passages, from the last; the question never.

Knows passages and deficits. Does not know tokens: the runtime counts them, with its own tokenizer, and says by how many
a prompt is too long (`ModelError.deficit`).
"""

from __future__ import annotations

from hybrid.errors import ModelError
from rag.types import Passage


def shortened(passages: tuple[Passage, ...], error: ModelError) -> tuple[Passage, ...] | None:
    """Fewer passages to try after `error`, or None when fewer would not help.

    A token is hardly ever shorter than a character, so dropping as many characters as tokens are too many is the least
    that can do; the runtime is asked again, and may ask for more. Without a known deficit, one passage goes.
    """
    if error.kind != "too_long" or not passages:
        return None
    left, dropped = len(passages) - 1, len(passages[-1].text)
    while left > 0 and error.deficit is not None and dropped < error.deficit:
        left -= 1
        dropped += len(passages[left].text)
    return passages[:left]
