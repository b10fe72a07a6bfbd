"""How a passage looks in a terminal and as JSON. Knows nothing of where it came from."""

from __future__ import annotations

from typing import Any

import regex

from rag.types import Passage

_CONTROL = regex.compile(r"[\p{Cc}--[\n\t]]", regex.V1)


def plain(text: str) -> str:
    """Text from models, and names of files, without what a terminal would obey rather than show."""
    return _CONTROL.sub("", text)


def place(passage: Passage) -> str:
    """Where a passage stands, in words: document, page, headings."""
    page = f", page {passage.page}" if passage.page is not None else ""
    page += ", read from a picture" if passage.picture is not None else ""
    headings = f": {' > '.join(passage.headings)}" if passage.headings else ""
    return plain(f"{passage.document}{page}{headings}")


def as_record(passage: Passage) -> dict[str, Any]:
    """A passage for JSON; `heading` is the path from the outermost heading to the innermost."""
    return {
        "id": passage.id,
        "document": passage.document,
        "page": passage.page,
        "picture": passage.picture,
        "heading": " > ".join(passage.headings),
        "text": passage.text,
        "score": passage.score,
    }
