"""The address of a citation: which passage is opened, which of its sentences are marked, and what else was cited.

Knows how that is written into an address, in numbers only, and read back from whatever comes in. Does not know
passages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tandem.viewer import traces

MOST = 60
MOST_SPANS = 20
_LONGEST = 8_000
_ID = re.compile(r"[1-9][0-9]{0,17}")
_ONE = re.compile(rf"({_ID.pattern})((?:\.[0-9]{{1,8}}-[0-9]{{1,8}}){{0,{MOST_SPANS}}})(?:~({traces.PATTERN}))?")


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage by its id, with the (start, end) of the sentences in its text that were cited; none: all of it. Its
    `trace` finds it again when it has another id (`tandem.viewer.traces`)."""

    passage: str
    spans: tuple[tuple[int, int], ...] = ()
    trace: str = ""


def is_id(value: str) -> bool:
    """Whether this may be the id of a passage or a document."""
    return _ID.fullmatch(value) is not None


def written(cited: Sequence[Cited]) -> str:
    """The citations of an answer as they stand in an address.

    >>> written([Cited("12", ((0, 9), (20, 31))), Cited("7")])
    '12.0-9.20-31,7'
    """
    return ",".join(
        one.passage
        + "".join(f".{start}-{end}" for start, end in one.spans[:MOST_SPANS])
        + (f"~{one.trace}" if one.trace else "")
        for one in cited[:MOST]
    )


def read(value: str) -> tuple[Cited, ...]:
    """The citations in an address; what is none is left out."""
    found: list[Cited] = []
    for part in value[:_LONGEST].split(",")[:MOST]:
        if match := _ONE.fullmatch(part):
            spans = (span.split("-") for span in match[2].split(".")[1:])
            pairs = tuple((int(start), int(end)) for start, end in spans)
            found.append(Cited(match[1], tuple(pair for pair in pairs if pair[0] < pair[1]), match[3] or ""))
    return tuple(found)


def link(passage: str, of: str, trace: str = "") -> str:
    """Where a passage is opened, beside the citations `of` an answer (see `written`); `trace` is that of a passage
    which is none of them."""
    values = "&".join(f"{name}={value}" for name, value in (("of", of), ("as", trace)) if value)
    return f"/source/passage/{passage}" + (f"?{values}" if values else "")
