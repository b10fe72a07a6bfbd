"""How a passage looks in a terminal and as JSON. Knows nothing of where it came from."""

from __future__ import annotations

from typing import Any

from rag.types import Passage


def place(passage: Passage) -> str:
    """Where a passage stands, in words: document, page, headings."""
    page = f", page {passage.page}" if passage.page is not None else ""
    headings = f": {' > '.join(passage.headings)}" if passage.headings else ""
    return f"{passage.document}{page}{headings}"


def as_record(passage: Passage) -> dict[str, Any]:
    """A passage for JSON; `heading` is the path from the outermost heading to the innermost."""
    return {
        "id": passage.id,
        "document": passage.document,
        "page": passage.page,
        "heading": " > ".join(passage.headings),
        "text": passage.text,
        "score": passage.score,
    }
