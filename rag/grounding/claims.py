"""What a sentence of an answer claims: its words, figures and names, less its markers and what only introduces it.

Knows sentences, how much each word says, and what the question said already. Does not know whether a passage supports
the claim (`rag.grounding.citations` does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from rag.grounding import figures, markers
from rag.text import idf, phrases
from rag.text.analyser import casefold, fold

_LIST_NUMBER = regex.compile(r"^\s*(?:\d{1,3}[.)]\s+|[-*•–]\s+|#{1,6}\s+)")
_ASKS = regex.compile(r"[?？][\"'”’»)\]]*\Z")
_ONLY_NUMBER = regex.compile(r"(?:\(?\d{1,3}[.):]*\)?|[\p{P}\p{S}\s]+)")
_LONE_NUMBER = regex.compile(r"\s*\d{1,3}\.?\s*")
_NAMED = r"(?:passage|document|text|source|context|handbook|manual|guide|policy|page|file|note)s?"
_LEAD = regex.compile(
    r"(?:the\s+)?(?:answer|question|passage|source|text|note|draft|yanıt|cevap|soru|kaynak|not|a|c|y)"
    r"(?:\s*\d{1,3})?(?:\s+is)?\s*[:：]\s*"
    rf"|(?:according\s+to|based\s+on|as\s+stated\s+in)\s+(?:the\s+)?(?:\p{{L}}+\s+)?{_NAMED},\s*"
    rf"|(?:the\s+)?(?:\p{{L}}+\s+)?{_NAMED}\s+(?:says?|states?|mentions?|explains?|notes?|indicates?)\s+that\s+"
    r"|(?:belge|metin|kaynak|kılavuz|el kitabı)\p{L}*\s+göre,?\s*",
    regex.I,
)
_OPENER = regex.compile(
    r"(?:yes|no|yep|nope|sure|certainly|of course|indeed|okay|ok|well|evet|hayır|tabii|elbette|ja|nein|oui|non)"
    r"(?:[,.!;:]\s*|\s*\Z|\s+[–—-]\s+)",
    regex.I,
)
_NO_CLAIM = regex.compile(
    r"(?:i(?:['’]m| am)?(?: very)? (?:sorry|apologi[sz]e)\b.*|i(?: can|['’]d be (?:glad|happy) to|['’]ll) help\b.*|"
    r"(?:that|this|it)(?:['’]s| is)(?: not| also)? (?:correct|right|true|incorrect|wrong|false)|"
    r"you(?:['’]re| are) (?:correct|right)|correct|right|true|incorrect|wrong|false|"
    r"(?:bu )?(?:doğru|yanlış)(?: değil)?|özür dilerim|(?:das ist )?(?:richtig|falsch))[.!]*",
    regex.I,
)
_CLAUSE = regex.compile(r"[;；]\s+|,\s+(?:but|yet|aber|doch|mais|ama|fakat|ancak)\s+", regex.I)
_LISTED = regex.compile(r",\s+|\s+(?:and|und|et|ve)\s+", regex.I)
_FIGURE, _LETTERS = regex.compile(r"\d"), regex.compile(r"\p{L}{2}")
_ROUGH_WORDS = """
least most about around approximately roughly exactly nearly almost some circa only just altogether total mindestens
höchstens etwa ungefähr rund knapp genau nur insgesamt az çok fazla yaklaşık tam yalnızca sadece toplam environ moins
plus exactement
"""
_ROUGHLY = frozenset(fold(casefold(word)) for word in _ROUGH_WORDS.split())
_ASKED_WEIGHT, _FEW = 0.7, 2
_COMMON_NOUN_CAPITALS = frozenset({"de"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the question says: its words, the weight of those that matter, and its numbers."""

    words: frozenset[str]
    content: Mapping[str, float]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the answer without its markers: (stem, surface, weight) of its words, its numbers and names.

    `own` are its other words that matter; `aim` is what its numbers and names are said of: those, and where there are
    few (`bare`), the question's. The cells of a table's `row` belong together: they stand in one row of the source.
    """

    words: tuple[tuple[str, str, float], ...]
    numbers: Mapping[str, frozenset[str]]
    names: frozenset[str]
    own: frozenset[str]
    aim: Mapping[str, float]
    bare: bool
    row: bool


def asked(question: str, language: str, weights: idf.Idf) -> Asked:
    """What a question says."""
    words = idf.terms_of(question, language)
    content = {
        stem: weights.of(stem, word) for stem, word, _, _ in words if word not in weights.stop and not word.isdigit()
    }
    return Asked(frozenset(key for word in words for key in word[:2]), content, frozenset(figures.of(question)))


def said(sentence: str) -> str:
    """A sentence without its markers, its number in a list, and what only introduces it ("Answer:")."""
    plain = _LIST_NUMBER.sub("", markers.removed(sentence).strip())
    lead = _LEAD.match(plain)
    return plain if lead is None else plain[lead.end() :]


def is_rough(word: str) -> bool:
    """Whether a folded word only says how exact a figure is ("least", "about")."""
    return word in _ROUGHLY


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence that could be sentences of their own; of a list of figures, each with what it is of.

    The cells of a table's row ("Kept for: 5 years; Then: deleted") are none: they speak of what the first one names.
    """
    parts = [part for part in _CLAUSE.split(sentence) if part.strip()]
    if len(parts) > 1:
        return [sentence] if _is_row(parts) else parts
    listed = _LISTED.split(sentence)
    return listed if all(_FIGURE.search(part) and _LETTERS.search(part) for part in listed) else parts


def _is_row(parts: Sequence[str]) -> bool:
    return len(parts) > 1 and 2 * sum(": " in part for part in parts) >= len(parts)


def is_number(text: str) -> bool:
    """Whether the text is one small number, with or without a stop, and nothing else."""
    return _LONE_NUMBER.fullmatch(text) is not None


def read(plain: str, language: str, weights: idf.Idf, asked: Asked, alone: bool = False) -> Claim | None:
    """The claim of a sentence without markers, or None when it makes none. A number and nothing else claims something
    where it stands `alone`: it is the whole answer, not a list's.
    """
    body = _LIST_NUMBER.sub("", plain).strip(" *_`")
    opener = _OPENER.match(body)
    body = body if opener is None else body[opener.end() :]
    if not body or _NO_CLAIM.fullmatch(body):
        return None
    if plain.lstrip().startswith("#") or _ASKS.search(body) or phrases.refusal_sentence(body):
        return None
    if _ONLY_NUMBER.fullmatch(body) and not alone:
        return None
    lead = _LEAD.match(body)
    words = [w for w in idf.terms_of(body, language) if lead is None or w[2] >= lead.end()]
    said = body if lead is None else " " * lead.end() + body[lead.end() :]
    spelled = figures.spelled(said, words, language)
    stated = figures.of(said).union(number for _, _, number in spelled)
    numbers = {
        number: beside
        for number, beside in figures.beside(said, words, language, spelled).items()
        if number in stated  # a small number in words is a word like others
    }
    words = [w for w in words if not any(start <= w[2] < end for start, end, _ in spelled)]
    if numbers or any(w[1] in figures.names(language) for w in words):  # "at least 60" says 60
        words = [w for w in words if w[1] not in _ROUGHLY]
    content = [w for w in words if w[1] not in weights.stop]
    if not (content or numbers) or (len(content) <= 2 and body.endswith((":", "：", "!")) and not numbers):
        return None
    names = frozenset(
        word
        for at, (_, word, start, end) in enumerate(words)
        if at
        and language not in _COMMON_NOUN_CAPITALS
        and _is_name(body[start:end], body, start)
        and word not in weights.stop
    )
    weighed = tuple(
        (stem, word, weights.of(stem, word) * (_ASKED_WEIGHT if stem in asked.words or word in asked.words else 1.0))
        for stem, word, _, _ in words
    )
    aim = {stem: weights.of(stem, word) for stem, word, _, _ in content if not word[0].isdigit()}
    own = frozenset(aim)
    bare = len(own - asked.words) < _FEW
    if bare:
        aim = {**asked.content, **aim}
    row = _is_row([part for part in _CLAUSE.split(body) if part.strip()])
    return Claim(weighed, numbers, names, own, aim, bare, row)


def _is_name(word: str, sentence: str, start: int) -> bool:
    before = sentence[:start].rstrip(" \"'“‘(*_`")
    return word[0].isupper() and len(word) > 1 and bool(before) and before[-1] not in ":.!?\n–—"
