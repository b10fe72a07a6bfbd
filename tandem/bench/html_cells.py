"""How a value of a report becomes a piece of HTML.

Knows numbers, shares and texts, and that every text is escaped. Does not know what they are of, nor the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tandem.bench import plots
from tandem.bench.schema import Share


def share(found: Share) -> str:
    """A share with its interval, or a dash."""
    if found.value is None:
        return "-"
    return f"{found.value:.2f}<br><span class=soft>{found.low:.2f} to {found.high:.2f}</span>"


def milliseconds(value: float | None) -> str:
    """A time, or nothing."""
    return "" if value is None else f"{number(value)} ms"


def number(value: float | None) -> str:
    """A number as the figures write it, or a dash."""
    return "-" if value is None else plots.number(value)


def bullets(sentences: Iterable[str]) -> str:
    """Sentences as a list, or nothing."""
    items = "".join(f"<li>{safe(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def safe(text: str) -> str:
    """Text without anything that a browser would take for markup."""
    return escape(text, quote=True)
