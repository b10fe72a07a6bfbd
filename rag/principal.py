"""Who is asking, and what they may read: one argument from every front door to the index and the trace.

Knows identity, groups and roles, and that rights are told in labels. Does not know how somebody is recognised, nor
which labels there are (`rag.labels` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rag.labels import EVERYBODY

OWNER = "owner"
"""The role of whoever sits at a machine on which nobody signs in, and of its terminal."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. `identity` is "" for nobody in particular; `groups` and `roles` are what was granted to them.

    Equal principals may see the same: what is kept of an answer is kept by principal.
    """

    identity: str = ""
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def as_dict(self) -> dict[str, object]:
        """JSON-ready, for a trace."""
        return {"identity": self.identity, "groups": sorted(self.groups), "roles": sorted(self.roles)}


ANYBODY = Principal()
"""Somebody of whom nothing is known: they see what is for everybody."""
LOCAL = Principal("local", roles=frozenset({OWNER}))


class Rights(Protocol):
    """Says what somebody may read. Asked at every question, from any thread, and quick: a right that changes counts at
    the next one."""

    def labels(self, principal: Principal) -> frozenset[str]:
        """The labels that the principal may read; conversations' own files are not among them."""
        ...


class Open:
    """Rights where there is nothing but what is for everybody."""

    def labels(self, principal: Principal) -> frozenset[str]:
        return frozenset({EVERYBODY})
