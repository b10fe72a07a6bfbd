"""Waiting for what comes about beside a test: up to a deadline, and no longer than it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold in time."""
    until, pause = time.monotonic() + seconds, threading.Event()
    while not (held := holds()) and time.monotonic() < until:
        pause.wait(0.05)
    return held or holds()
