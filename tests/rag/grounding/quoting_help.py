"""What is shown of a passage, whole or in part."""

from __future__ import annotations

from rag.grounding.quoting import Composer
from rag.grounding.spans import Span
from rag.grounding.units import Kind, units
from rag.types import Passage


def composed(text: str) -> Composer:
    """All of a passage quoted in one span."""
    passage = Passage("7", "a.md", text, 0, len(text), language="en")
    composer = Composer([passage])
    composer.quote(Span(0, tuple(u for u in units(text) if u.kind is not Kind.NOISE), 1.0))
    return composer


def some_of(text: str, *starts: str, edges: tuple[str, str] = ("", "")) -> str:
    """What is shown of a text where only the units that begin so are quoted."""
    made = tuple(unit for unit in units(text) if text[unit.start : unit.end].startswith(starts))
    composer = Composer([Passage("7", "a.md", text, 0, len(text), language="en", edges=edges)])
    composer.quote(Span(0, made, 1.0))
    return composer.checked().text
