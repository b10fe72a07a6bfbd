"""What stands right before and after passages that begin with an item of a list, or end with one or with code, so that
whoever shows it can tell whether it is whole.

Knows that the passages of a document have rows in reading order. Does not know what is shown of a passage.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from rag.storage.protocols import PassageStore
from rag.text.list_marks import MARK
from rag.types import Passage


def with_edges(store: PassageStore, found: Mapping[int, Passage], labels: Set[str] | None) -> dict[int, Passage]:
    """The passages by row, those that begin or end with an item, or end with code, with the `edges` of the ones they
    touch.
    """
    sought = {row: (bool(MARK.match(one.text)), _may_go_on(_last(one.text))) for row, one in found.items()}
    wanted = {row - 1 for row, (begins, _) in sought.items() if begins}
    wanted |= {row + 1 for row, (_, ends) in sought.items() if ends}
    known = {**found, **store.passages(sorted(wanted - found.keys()), labels=labels)} if wanted else found

    def edges(row: int) -> tuple[str, str]:
        one, (begins, ends) = found[row], sought[row]
        before, after = known.get(row - 1) if begins else None, known.get(row + 1) if ends else None
        return (
            _last(before.text) if before is not None and _touch(before, one) else "",
            _gap(one, after) + after.text.partition("\n")[0] if after is not None and _touch(one, after) else "",
        )

    return {row: replace(one, edges=edges(row)) if any(sought[row]) else one for row, one in found.items()}


def _last(text: str) -> str:
    """The last item of a text where it ends with one, else its last line."""
    lines = text.rstrip().rpartition("\n\n")[2].split("\n")
    return next((line for line in reversed(lines) if MARK.match(line)), lines[-1])


def _may_go_on(last: str) -> bool:
    """Whether the last line of a passage is an item, or set in as code is."""
    return last[:1].isspace() or MARK.match(last) is not None


def _gap(one: Passage, after: Passage) -> str:
    """The blank line between two passages, and how far in the latter begins; nothing where there is no such line."""
    size = after.start - one.end
    return "\n\n" + " " * (size - 2) if size > 1 else ""


def _touch(one: Passage, after: Passage) -> bool:
    return one.headings == after.headings and one.is_before(after)
