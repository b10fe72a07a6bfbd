"""Where the time of an answer goes while it is still being written, as far as a person can follow it.

Knows which part of the answer each thing shown stands for, and a clock. The trace, which is exact, takes its place in
the end. Does not know who shows it.
"""

from __future__ import annotations

import time
from typing import Any

# What is told while an answer comes about, and the span of the waterfall that it is part of.
_SPANS = {
    "searching": "retrieve",
    "queued": "queue",
    "next": "queue",
    "loading": "load",
    "reading": "first_token",
    "thinking": "first_content",
    "quoting": "last_token",
    "drafting": "last_token",
    "refining": "last_token",
    "escalating": "first_token",
    "checking": "verify",
}
_OWN = ("searching", "checking")


class LiveSpans:
    """The spans so far; the last one is still open."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._spans: list[dict[str, Any]] = []

    def enter(self, status: str, stage: str) -> bool:
        """Something else is going on: `status` as it is shown, in `stage`. Whether that changes the picture."""
        name = _SPANS.get(status)
        stage = "" if status in _OWN else stage
        if name is None or (self._spans and (self._spans[-1]["name"], self._spans[-1]["stage"]) == (name, stage)):
            return False
        now = self._now()
        if self._spans:
            self._spans[-1]["duration_ms"] = round(now - self._spans[-1]["start_ms"], 1)
        self._spans.append({"name": name, "stage": stage, "start_ms": now, "duration_ms": None})
        return True

    def shown(self) -> dict[str, Any]:
        """As the panel draws them: the spans, the open one without a duration, and how long it has been until now."""
        return {"spans": [dict(span) for span in self._spans], "total_ms": self._now()}

    def _now(self) -> float:
        return round((time.monotonic() - self._began) * 1000, 1)
