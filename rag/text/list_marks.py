"""The marks before the items of a list and the articles of rules, the titles of these, and items on one line.

Knows bullets, numbers and letters, in the order of the Latin alphabets. Does not know passages nor what an item says.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.text import sentences

MARK = regex.compile(
    r"[^\S\n]*(?:(?:[-*•–‣▪◦+\p{Co}]|o:|\(?(?:\d{1,3}|\p{Latin})[.)])[^\S\n]+(?=\S)|\(\d{1,2}\)(?=\p{Lu}\p{Ll}))"
)
"""The mark of an item, by `o:` and signs for private use too, which the bullets of printed pages are read as."""
BARE = regex.compile(r"(?:\p{N}{1,3}|\p{Latin})[.)]?|[-*•–‣▪◦+\p{Co}]")
LETTER = regex.compile(r"\(?[\p{Latin}][.)]")
ARTICLE = regex.compile(
    r"(?:(?:GEÇİCİ |EK |Geçici |Ek )?(?:MADDE|Madde)|ARTICLE|Article|SECTION|Section|Artikel|§|ART\.|Art\.)\s*"
    r"(?:\d{1,3}|[IİVXl|]{1,4})\s*(?:[-–—.:]|\(1\)|$)"
)
"""The number with which an article of rules begins."""
LED = regex.compile(r"(?P<lead>[^|\n]{1,80}[;:]) \| (?P<mark>\(?a[.)]) \| (?=\S)")
"""What leads into a list that is laid out as a table, with the mark of its first item."""
_BAR = regex.compile(r"\|[^\S\n]+")
"""What is between a mark and its item there."""
_INNER = regex.compile(r"(?<=[.;:,)]|[.;]\d{1,3}) ?(\(?)(\p{Ll})([.)])[^\S\n](?=\p{L})")
_TITLE = regex.compile(r"\p{Lu}[^.;:!?]{1,110}[^.;:,!?\d]")
_ORDERS = ("abcçdefgğhıijklmnoöpqrsştuüvwxyz", "abcdefghijklmnopqrstuvwxyz")


def apart(text: str, start: int, end: int, mark: str) -> list[tuple[int, int, str]]:
    """The (start, end, mark) of the items in an item `mark` at `text[start:end]`: that itself, and those on its line
    whose letters are the next ones.

    >>> apart("a) Bread, b) Milk; c) Tea", 3, 25, "a)")
    [(3, 9, 'a)'), (13, 18, 'b)'), (22, 25, 'c)')]
    """
    found: list[tuple[int, int, str]] = []
    if bar := _BAR.match(text, start, end):
        start = bar.end()
    for inner in _INNER.finditer(text, start, end):
        said = f"{inner[1]}{inner[2]}{inner[3]}"
        if said in _following(mark):
            found.append((start, inner.start(), mark))
            start, mark = inner.end(), said
    return [*found, (start, end, mark)]


def _following(mark: str) -> set[str]:
    """The marks that may come after a letter's."""
    letter = mark.strip("().")
    after = {order[order.index(letter) + 1 :][:1] for order in _ORDERS if letter and letter in order}
    return {mark.replace(letter, one) for one in after if one}


def titles(said: Sequence[str]) -> set[int]:
    """The places of the lines that are titles of articles: short ones before one, that no sentence goes through."""
    found: set[int] = set()
    for number, line in enumerate(said):
        if ARTICLE.match(line):
            before = number - 1
            while before >= 0 and _TITLE.fullmatch(said[before]):
                found.add(before)
                before -= 1
            if before >= 0 and not sentences.PAUSE.search(said[before]):
                found.discard(before + 1)  # the end of what was said before
    return found
