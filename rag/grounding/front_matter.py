"""What stands before a page: its title, what it says, and settings of whatever shows the page.

Knows lines of the form "name: value". Does not know passages nor which of the lines are quoted (`rag.grounding.units`).
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

_FRONT = regex.compile(r"\p{L}[\p{L}\p{N} -]{0,40}: \S.*")
_SETTING = regex.compile(
    r"(?:layout|permalink|redirect|slug|template|cSpell|nav|step|questions|tags|keywords|aliases)\b|"
    r"[^:]+: (?:[/{\[]|(?:yes|no|\d+)$)"
)


def is_front_matter(said: Sequence[str]) -> bool:
    """Whether the first lines of a page name its title and more."""
    return bool(said) and said[0].startswith("title: ") and all(map(_FRONT.fullmatch, said))


def is_setting(line: str) -> bool:
    """Whether a line of these is for whatever shows or finds the page, not for who reads it."""
    return bool(_SETTING.match(line))


def links_to_project(said: Sequence[str]) -> bool:
    """Whether lines only say where a project is found."""
    return len(said) > 1 and all(map(_FRONT.fullmatch, said)) and sum(": http" in one for one in said) > 1
