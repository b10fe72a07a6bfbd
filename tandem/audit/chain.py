"""Entries of the audit log and the chain that holds them together: a hash covers the entry and the hash before it.

Knows the canonical form and what breaks the chain. Does not know where entries lie.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rag.text.unicode import whole

BEGINNING = "0" * 64
"""What stands in the place of a hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did. `details` is a JSON object in its canonical form, `at` ISO 8601 in UTC."""

    number: int
    at: str
    actor: str
    action: str
    object: str
    details: str
    hash: str = ""

    def chained(self, previous: str) -> str:
        """The hash that belongs to this entry after one with the hash `previous`."""
        content = {**asdict(self), "previous": previous}
        del content["hash"]
        return hashlib.sha256(canonical(content).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that is not as it was written, and why."""

    number: int
    reason: str


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: equal content gives equal text."""
    return whole(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str))


def broken(entries: Iterable[Entry]) -> tuple[int, str, Broken | None]:
    """How many entries were looked at, the last good one's hash, and the first that breaks the chain, if one does."""
    previous, number = BEGINNING, 0
    for entry in entries:
        number += 1
        if entry.number != number:
            return number, previous, Broken(number, f"it is missing: entry {entry.number} stands in its place")
        if entry.hash != entry.chained(previous):
            return number, previous, Broken(number, "its content is not what its hash was made of")
        previous = entry.hash
    return number, previous, None


def as_line(entry: Entry) -> str:
    """The entry as one line of an export."""
    return canonical(asdict(entry))


def from_line(line: str) -> Entry:
    """An entry of an export. Raises ValueError where it is none."""
    value = json.loads(line)
    if not isinstance(value, dict) or set(value) != set(Entry.__slots__):
        raise ValueError("it is no entry of an audit log")
    number, hashed = value.pop("number"), value
    if not isinstance(number, int) or not all(isinstance(text, str) for text in hashed.values()):
        raise ValueError("it is no entry of an audit log")
    return Entry(number=number, **hashed)
