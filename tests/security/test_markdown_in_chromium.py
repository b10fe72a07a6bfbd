"""Kind 8: what models write is rendered by the page itself, in Chromium, and nothing in it is alive."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.markdown_in_chromium import caught, shown

pytestmark = pytest.mark.browser


def test_nasty_answers_in_the_chat(tmp_path: Path) -> None:
    seen = shown(tmp_path, 60, seed=3)
    assert (seen.alive, seen.asked) == ([], [])
    assert seen.texts == 60
    assert seen.markers >= seen.answers


ALIVE = (
    "<p>x <a href='http://evil.example'>y</a></p>",
    "<a href='#else'>y</a>",
    "<img src='data:image/png;base64,AA=='>",
    "<p onclick='alert(1)'>x</p>",
    "<input type='checkbox'>",
    "<svg><image href='http://evil.example/i.png'/></svg>",
)
OWN = "<p>x <a href='#source-1'>1</a> <a href='#unsupported'>?</a></p><pre><code>y</code></pre>"


def test_what_is_alive_is_caught() -> None:
    *alive, own = caught(*ALIVE, OWN)
    assert all(alive) and own == []
