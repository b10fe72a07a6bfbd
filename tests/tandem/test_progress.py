"""Progress where nobody watches a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from tandem.commands.progress import LINE_SECONDS, Lines


def test_a_pipe_gets_a_line_now_and_then() -> None:
    out, now = io.StringIO(), 0.0
    lines = Lines(Console(file=out), "Measuring", lambda: now)
    for done in range(100):
        now = done * LINE_SECONDS / 10
        lines(done, 100, "phi-4-mini: 1 at once")
    written = out.getvalue().splitlines()
    assert written[0] == "Measuring: 10 of 100, phi-4-mini: 1 at once"
    assert 8 <= len(written) <= 10
