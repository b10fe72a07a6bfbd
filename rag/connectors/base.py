"""What a place that documents come from says of itself: one protocol for all of them.

Knows items, sources and what goes wrong with them. Does not know any one kind of place, nor where its files are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rag.errors import UserFacingError

LARGEST = 100_000_000
"""Bytes of the largest item that is fetched."""


class SourceError(UserFacingError):
    """A place cannot be reached, or does not let one in; what came from it before stays."""


@dataclass(frozen=True, slots=True)
class Source:
    """A place as it is configured. `secret` is a password or token, "" for none; `work` is a folder of its own."""

    name: str
    kind: str
    address: str
    user: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    work: Path = Path()


@dataclass(frozen=True, slots=True)
class Item:
    """One document of a place: its `path` there with `/`, and a `version` that changes when it does.

    `read` gives its bytes and may raise SourceError; it is called only where the version is another than before, and
    before the next item is asked for.
    """

    path: str
    version: str
    read: Callable[[], bytes]


class Connector(Protocol):
    """Lists what a place holds. Every connector passes tests/contracts/test_connectors.py."""

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        """Every document of the place; `known` are the versions by path of those that were fetched before.

        What is not listed is gone from the place. Raises SourceError, one sentence, where the list is not whole: then
        nothing counts as gone.
        """
        ...
