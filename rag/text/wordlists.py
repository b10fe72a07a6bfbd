"""The lists of words that ship beside this module as YAML: by language, lines of words that belong together.

Knows where they lie and how they are read. Does not know what any of them is for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml


@cache
def word_lists(name: str) -> dict[str, list[str]]:
    """Language -> lines of `name`.yaml, read once in a process, whatever the language: nobody may change it."""
    path = Path(__file__).parent / f"{name}.yaml"
    lists: dict[str, list[str]] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return lists
