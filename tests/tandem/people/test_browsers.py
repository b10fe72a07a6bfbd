"""Browsers by the names that people know them by."""

from __future__ import annotations

import pytest

from tandem.entry.browsers import named

LIKE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (LIKE, "Chrome, Windows"),
        (f"{LIKE} Edg/140.0.0.0", "Edge, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141", "Chrome, Linux"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", "Firefox, Linux"),
        (f"{PHONE} Version/18.0 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        (f"{PHONE} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome, iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("x" * 200, "x" * 80),
    ],
)
def test_a_browser_has_the_name_that_people_know(agent: str, name: str) -> None:
    assert named(agent) == name
