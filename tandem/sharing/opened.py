"""What somebody sees of a copy that was shared with them, by the rights that they have at this moment.

Knows the rights, and whether a source is still there. Does not know how a share is kept or shown; what of an answer may
be seen, `reading` decides.
"""

from __future__ import annotations

from collections.abc import Callable

from rag.originals import finding
from tandem.context import AppContext
from tandem.sharing import reading
from tandem.sharing.snapshot import Snapshot, Source


def seen_by(context: AppContext, kept: Snapshot, who: str) -> list[reading.Seen]:
    """The turns of a copy, as somebody other than its owner may see them now. Blocks."""
    mine = context.rights.labels(context.rights.principal(who))
    everything = mine.issuperset(kept.labels) and context.rights.number == kept.rights
    return reading.seen(kept, _reader(context, mine), everything=everything)


def _reader(context: AppContext, mine: frozenset[str]) -> Callable[[Source], bool]:
    """Says whether a source may be read by who has these labels: its document could when it was shared, is still there,
    and may be read now."""
    known: dict[tuple[str, str], bool] = {}

    def may_read(source: Source) -> bool:
        key = source.passage, source.document
        if key not in known:
            now = finding.called(context.library, *key) if mine.intersection(source.labels) else []
            known[key] = bool(now) and all(mine.intersection(one.labels) for one in now)
        return known[key]

    return may_read
