"""What a refinement changed: the sentences of two checked answers, side by side.

Knows sentences and how alike two are. Does not know who wrote them.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

import regex

from rag.types import CheckedAnswer, CheckedSentence, Support

Kind = Literal["same", "changed", "dropped", "added"]

_MARKER = regex.compile(r"\s*\[\d+\]")
_ALIKE = 0.4
_MAX_SENTENCES = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One sentence of the draft and what became of it; `before` or `after` is "" where there is none.

    The supports are verdicts of the citation check ("" beside an empty text).
    """

    kind: Kind
    before: str
    after: str
    before_support: Support | Literal[""] = ""
    after_support: Support | Literal[""] = ""


def changes(draft: CheckedAnswer, refined: CheckedAnswer) -> tuple[Change, ...]:
    """The refinement as an edit of the draft, in the refinement's order; the first 200 sentences of each."""
    old, new = draft.sentences[:_MAX_SENTENCES], refined.sentences[:_MAX_SENTENCES]
    matcher = SequenceMatcher(None, [_plain(s) for s in old], [_plain(s) for s in new], autojunk=False)
    found: list[Change] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            found.extend(_change("same", x, y) for x, y in zip(old[a:b], new[c:d], strict=True))
        else:
            found.extend(_replaced(old[a:b], new[c:d]))
    return tuple(found)


def _replaced(old: tuple[CheckedSentence, ...], new: tuple[CheckedSentence, ...]) -> list[Change]:
    """Pair each new sentence with the first old one that it is much like; the rest was dropped or added."""
    found: list[Change] = []
    at = 0
    for sentence in new:
        likeness = [SequenceMatcher(None, _plain(x).split(), _plain(sentence).split()).ratio() for x in old[at:]]
        best = max(range(len(likeness)), key=likeness.__getitem__, default=0)
        if likeness and likeness[best] >= _ALIKE:
            found.extend(_change("dropped", x, None) for x in old[at : at + best])
            found.append(_change("changed", old[at + best], sentence))
            at += best + 1
        else:
            found.append(_change("added", None, sentence))
    found.extend(_change("dropped", x, None) for x in old[at:])
    return found


def _change(kind: Kind, before: CheckedSentence | None, after: CheckedSentence | None) -> Change:
    return Change(
        kind,
        before.text if before else "",
        after.text if after else "",
        before.support if before else "",
        after.support if after else "",
    )


def _plain(sentence: CheckedSentence) -> str:
    return " ".join(_MARKER.sub("", sentence.text).casefold().split())
