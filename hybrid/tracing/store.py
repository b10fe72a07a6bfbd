"""What a store of traces is, whatever keeps them.

Knows how traces are asked for and counted; tests/contracts/test_trace_stores.py asks it of each. Does not know a
database, nor what a trace's parts mean beyond the figures that are summed up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from hybrid.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of `count` values: median, 95th percentile (None below 20 values: too few to carry one) and the largest."""

    count: int
    p50: float
    p95: float | None
    maximum: float


class TraceStore(Protocol):
    """One row a question. All methods are safe to call from any thread.

    `save` never waits. The readers wait for what was saved before, and touch the disk: from an event loop, call them
    through `asyncio.to_thread`. Traces are side data: neither a file that is damaged nor a server that is away ever
    stops an answer, and a reader gives nothing rather than raise.
    """

    @property
    def problem(self) -> str:
        """What is amiss, in a sentence that names no place; "" where nothing is."""

    def save(self, trace: Trace) -> None:
        """Keep a finished trace; a second save of the same id replaces the first. After `close` it does nothing."""

    def get(self, trace_id: str) -> dict[str, Any] | None:
        """One trace as a dictionary (see `Trace.as_dict`), or None."""

    def recent(self, conversation: str | None = None, limit: int = 50, since: str = "") -> list[dict[str, Any]]:
        """The latest traces, newest first, of one conversation or of all; `since` (ISO 8601, UTC) leaves out older."""

    def percentiles(self, conversation: str | None = None) -> dict[str, Percentiles]:
        """Figures over the finished questions of one conversation or of all: `total_ms`, `first_content_ms` (from the
        question's arrival) and `tokens_per_second`. A figure nobody measured is missing."""

    def costs(self, conversation: str) -> list[dict[str, Any]]:
        """What each question of a conversation cost (`Trace.costs`), oldest first; what was cancelled counts too."""

    def forget(self, conversation: str) -> None:
        """Delete the traces of one conversation, those that wait to be written too. Raises LibraryError."""

    def flush(self) -> None:
        """Wait until everything saved so far is on disk, or for a few seconds: a slow disk holds up no answer."""

    def close(self) -> None:
        """Write what waits, and stop."""
