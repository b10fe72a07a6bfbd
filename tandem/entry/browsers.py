"""What a browser calls itself, in the words of the person who uses it: "Firefox, Windows".

Knows what browsers send. Does not know who sent it: it is shown to its owner, and nothing is decided by it.
"""

from __future__ import annotations

# The first that is met counts: most browsers name the older ones that they are like.
_PROGRAMS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Vivaldi/": "Vivaldi", "Firefox/": "Firefox",
    "FxiOS/": "Firefox", "HeadlessChrome/": "Chrome", "CriOS/": "Chrome", "Chrome/": "Chrome", "Safari/": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS X": "macOS",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip
_MOST_CHARS = 80


def named(agent: str) -> str:
    """Program and system of a user agent; one that is not known stays as it is, shortened."""
    found = [next((name for mark, name in known.items() if mark in agent), "") for known in (_PROGRAMS, _SYSTEMS)]
    return ", ".join(filter(None, found)) if found[0] else agent[:_MOST_CHARS]
