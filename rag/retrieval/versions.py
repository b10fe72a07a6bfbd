"""Which of several versions of a document is the current one, and its passages first.

Knows versions, dates and words such as "old" in names and headings, and that two passages say the same thing in other
words. Does not search. Documents of a series (minutes of two meetings) are no versions of one another: what they say
differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import regex

from rag.text.analyser import casefold, fold, tokens
from rag.types import Passage

_OUTDATED_WORDS = """
old older outdated deprecated archive archived archives obsolete superseded legacy previous former expired retired
eski arsiv arsivi gecersiz onceki veraltet ancien viejo
"""
_OUTDATED = frozenset(_OUTDATED_WORDS.split())
_DRAFT = frozenset(("draft", "taslak", "entwurf", "brouillon", "borrador"))
_CURRENT_WORDS = "current latest new final newest guncel yeni aktuell neu actuel nuevo"
_CURRENT = frozenset(_CURRENT_WORDS.split())
_SAYS_SO = regex.compile(
    r"\b(?:deprecated|obsolete|superseded by|replaced by|no longer (?:valid|applies|in force|in use|maintained)|"
    r"yürürlükten kalk\w*|geçerliliğini yitir\w*|artık geçerli değil)\b",
    regex.I,
)
_NUMBER = regex.compile(r"\d+")
_PART = regex.compile(r"[\p{L}\p{M}]+|\d+(?:\.\d+)*")
_ALIKE, _ALIKE_UNDER_ONE_HEADING = 0.45, 0.2
"""Share of the words of two passages that both have, from which on they speak of the same."""


@dataclass(frozen=True, slots=True)
class Version:
    """How current a document or section is: `rank` grows with it. `key` is its name without what tells versions apart,
    `marks` are the words that do.
    """

    key: str
    rank: tuple[int, tuple[int, ...]]
    marks: frozenset[str]


def version_of(passage: Passage) -> Version:
    """The version that a passage belongs to, by the name of its document and its headings."""
    name = _named(passage.document)
    standing = name.rank[0]
    about = " ".join(passage.headings)
    if _SAYS_SO.search(about) or {fold(casefold(word)) for word in _PART.findall(about)} & {"deprecated", "obsolete"}:
        standing = -2
    elif _SAYS_SO.search(passage.text[:300]):
        standing = min(standing, -1)
    return replace(name, rank=(standing, name.rank[1]))


@lru_cache(maxsize=4096)
def _named(document: str) -> Version:
    """The version that the name of a document tells."""
    key: list[str] = []
    numbers: list[int] = []
    marks: set[str] = set()
    standing = 0
    for part in _PART.findall(document.rsplit(".", 1)[0] if "." in document else document):
        word = fold(casefold(part))
        if word[0].isdigit():
            numbers.extend(int(n) for n in _NUMBER.findall(word)[:4] if len(n) <= 8)
            marks.add(word)
        elif word in _OUTDATED or word in _DRAFT or word in _CURRENT:
            standing = min(standing, -2 if word in _OUTDATED else -1) if word not in _CURRENT else max(standing, 1)
            marks.add(word)
        elif word not in ("v", "ver", "version", "rev", "revision", "surum"):
            key.append(word)
    return Version(" ".join(key), (standing, tuple(numbers)), frozenset(marks))


def current_first(question: str, passages: Sequence[Passage]) -> tuple[tuple[Passage, ...], tuple[str, str] | None]:
    """(the passages, each after those of a more current version that say the same; the names of the current document
    and of the older one, where any was moved or was first already).

    A question that names a version ("the policy of 2023") is left alone.
    """
    keys = [_named(passage.document).key for passage in passages]
    pairs = [
        (at, other)
        for at, other in combinations(range(len(passages)), 2)
        if keys[at] and keys[at] == keys[other] and passages[at].document != passages[other].document
    ]
    if not pairs:
        return tuple(passages), None
    versions = [version_of(passage) for passage in passages]
    asked = {fold(casefold(word)) for word in _PART.findall(question)}
    order = list(range(len(passages)))
    chosen: tuple[str, str] | None = None
    for at, other in pairs:
        a, b = versions[at], versions[other]
        if a.rank == b.rank or (a.marks ^ b.marks) & asked or not _alike(passages[at], passages[other]):
            continue
        newer, older = (at, other) if a.rank > b.rank else (other, at)
        if order.index(newer) > order.index(older):
            order.remove(newer)
            order.insert(order.index(older), newer)
        chosen = chosen or (passages[newer].document, passages[older].document)
    return tuple(passages[i] for i in order), chosen


def _alike(one: Passage, other: Passage) -> bool:
    """Whether two passages speak of the same: in some of the same words under one heading, or in most."""
    same = bool(one.headings and other.headings and one.headings[-1] == other.headings[-1])
    a, b = ({token.folded for token in tokens(passage.text, "")} for passage in (one, other))
    return len(a & b) >= (_ALIKE_UNDER_ONE_HEADING if same else _ALIKE) * max(1, len(a | b))
