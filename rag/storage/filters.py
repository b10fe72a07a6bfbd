"""Which passages a search may find.

Knows labels, names, folders, kinds, dates and words. Does not know where passages are kept.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from rag.labels import PUBLIC


@dataclass(frozen=True, slots=True)
class Filters:
    """Which passages may be found: those of documents that have one of the `labels` (None: of all, where the asker may
    read every label there is), as far as the rest allows. Empty sets of the rest restrict nothing. Times are seconds
    since 1970.
    """

    labels: frozenset[str] | None = PUBLIC
    documents: tuple[str, ...] | None = None
    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    after: float | None = None
    before: float | None = None
    required: tuple[tuple[str, ...], ...] = ()
    """Stems each of which must be in the passage; the members of a group are alternatives."""
    excluded: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether anything but the labels is restricted."""
        return bool(self.documents is not None or self.folders or self.kinds or self.required or self.excluded) or not (
            self.after is None and self.before is None
        )

    def allow(self, labels: Set[str], name: str, kind: str, modified: float) -> bool:
        """Whether a document may be found."""
        return (
            (self.labels is None or not self.labels.isdisjoint(labels))
            and (self.documents is None or name in self.documents)
            and (not self.folders or any(name.startswith(f"{folder}/") for folder in self.folders))
            and (not self.kinds or kind in self.kinds)
            and (self.after is None or modified >= self.after)
            and (self.before is None or modified < self.before)
        )
