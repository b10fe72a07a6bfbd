"""Calling `tandem` as a person at a terminal does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Tandem = Callable[..., Result]


def start(home: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command line as a process of its own in `home`."""
    # A child of a shell's background job would inherit that Ctrl-C is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "tandem", *arguments],
            cwd=home,
            env={**os.environ, "PYTHONUTF8": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
    finally:
        signal.signal(signal.SIGINT, before)
