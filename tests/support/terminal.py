"""Calling `tandem` as a person at a terminal does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from tests.support import warm

Tandem = Callable[..., Result]


def start(home: Path, *arguments: str, **environment: str) -> warm.Process:
    """Start the command line as a process of its own in `home`."""
    return warm.start(home, environment, "-m", "tandem", *arguments)
