"""What is meant by what was typed: a question about passages, about a document, about the library, or no question.

Knows the patterns of `intents.yaml` (English, Turkish, German) and how a question falls into parts. Does not know
documents: a topic that no document is called by is a question like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import regex
import yaml

from rag.text import sentences
from rag.text.analyser import casefold, fold, stop_terms, tokens
from rag.text.language import detect

_MARKS = regex.compile(r"(?<![\s?!.…？。！؟])[\s?!.…？。！؟]++$")
_ENDS = regex.compile(r"(?<=[?？؟])\s+(?=\S)")
_QUOTES = " '\"“”‘’«»„"
_MOST_PARTS = 4
_LONGEST = 200
"""More characters than this are a question in every case: nobody greets at such length."""


class Kind(StrEnum):
    ASK = "ask"
    GREETING = "greeting"
    THANKS = "thanks"
    ABILITIES = "abilities"
    LIBRARY = "library"
    DOCUMENT = "document"
    MENTIONS = "mentions"
    VAGUE = "vague"


_AFTER_GREETING = (Kind.GREETING, Kind.THANKS, Kind.ABILITIES, Kind.LIBRARY, Kind.DOCUMENT)


@dataclass(frozen=True, slots=True)
class Intent:
    """`topic` is what a document is called, "" where it is the one at hand ("this file"), or what documents are to
    mention; `language` the one whose pattern was met, "" where none was.
    """

    kind: Kind
    topic: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class _Wording:
    whole: tuple[tuple[Kind, regex.Pattern[str]], ...]
    greeted: regex.Pattern[str]
    documents: tuple[regex.Pattern[str], ...]
    mentions: regex.Pattern[str]
    generic: frozenset[str]
    this: regex.Pattern[str]
    vague: regex.Pattern[str]
    asks: regex.Pattern[str]
    joined: regex.Pattern[str]


@cache
def _wordings() -> dict[str, _Wording]:
    return {language: _wording(language, block) for language, block in _blocks().items() if language != "at_hand"}


@cache
def _blocks() -> dict[str, Any]:
    blocks: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "intents.yaml").read_text(encoding="utf-8"))
    return blocks


@cache
def _at_hand() -> tuple[regex.Pattern[str], ...]:
    return tuple(regex.compile(pattern, regex.I) for pattern in _blocks()["at_hand"].values())


def of_the_file(text: str) -> str | None:
    """The question without its words for the file at hand ("in this file", "ekteki dosyada"); None: it has none."""
    for pattern in _at_hand():
        if pattern.search(text):
            return " ".join(pattern.sub(" ", text).split())
    return None


def _wording(language: str, block: dict[str, Any]) -> _Wording:
    said = (Kind.GREETING, Kind.THANKS, Kind.ABILITIES, Kind.LIBRARY)
    asks, joins = block["asks"], block["joins"]
    if language == "tr":  # the question word stands late: "... kim ve ... kaç?"
        joined = rf"(?<=\b{asks}\b[^,;]{{0,40}}?){joins}\s+(?=.*\b{asks}\b)"
    else:
        joined = rf"{joins}\s+(?={asks}\b|(?:by|from|for|in|at|to|on|since|until) (?:what|which|whom|when)\b)"
    return _Wording(
        tuple((kind, regex.compile(block[kind.value], regex.I)) for kind in said),
        regex.compile(rf"(?:{block['greeting']})[\s,;:!.]+(?=\S)", regex.I),
        tuple(regex.compile(pattern, regex.I) for pattern in block["document"]),
        regex.compile(block["mentions"], regex.I),
        frozenset(fold(casefold(word)) for word in block["generic"].split()),
        regex.compile(block["this"], regex.I),
        regex.compile(block["vague"], regex.I),
        regex.compile(rf"\b{asks}\b", regex.I),
        regex.compile(joined, regex.I),
    )


def recognise(text: str) -> Intent:
    """What is meant. VAGUE is a topic without a question; a DOCUMENT's topic may turn out to be none."""
    said = _MARKS.sub("", " ".join(text.split()))
    if not said or len(said) > _LONGEST:
        return Intent(Kind.ASK)
    for language, wording in _wordings().items():
        for kind, pattern in wording.whole:
            if pattern.fullmatch(said):
                return Intent(kind, language=language)
    for wording in _wordings().values():
        if (greeted := wording.greeted.match(said)) and (
            rest := recognise(said[greeted.end() :])
        ).kind in _AFTER_GREETING:
            return rest
    for language, wording in _wordings().items():
        if named := wording.mentions.fullmatch(said):
            return Intent(Kind.MENTIONS, named["topic"].strip(_QUOTES), language)
    for language, wording in _wordings().items():
        for pattern in wording.documents:
            found = pattern.fullmatch(said)
            if found:
                topic = found["topic"].strip(_QUOTES)
                return Intent(Kind.DOCUMENT, "" if wording.this.fullmatch(topic) else topic, language)
    for language, wording in _wordings().items():
        found = wording.vague.fullmatch(said)
        if found and _content(found["topic"]) == 1 and not wording.asks.search(found["topic"]):
            return Intent(Kind.VAGUE, found["topic"], language)
    if len(said.split()) <= 3 and _content(said) == 1 and not any(w.asks.search(said) for w in _wordings().values()):
        return Intent(Kind.VAGUE, said)
    return Intent(Kind.ASK)


def _content(text: str) -> int:
    """Words that say something, counting names of things with digits or signs as two: they are not vague."""
    language = detect(text)
    stop = stop_terms(language or "en")
    words = [token.folded for token in tokens(text, language)]
    signs = bool(regex.search(r"\d|[_/\\@.]\w|\p{Lu}\w*\p{Lu}", text))
    return sum(word not in stop for word in words) + signs


def topic_words(topic: str) -> list[str]:
    """The words of a document's name as it was called, without "the", "page", "belgesi" and the like."""
    generic = frozenset().union(*(wording.generic for wording in _wordings().values()))
    words = [token.folded for token in tokens(topic.replace("_", " ").replace("-", " "), "")]
    return [word for word in words if word not in generic] or words


def parts(text: str) -> tuple[str, ...]:
    """The questions that `text` asks, in order; itself where it asks but one.

    Two questions are told by their marks ("When? And where?") or by a second question word after "and".
    """
    said = " ".join(text.split())
    if len(said) > 4 * _LONGEST:
        return (text,)
    pieces: list[str] = []
    for sentence in _ENDS.split(said):
        pieces.extend(_joined(sentence))
    whole = list(dict.fromkeys(pieces))
    if len(whole) > 1:
        whole = [piece for piece in whole if _content(piece)]
    if len(whole) < 2 or len(whole) > _MOST_PARTS or not all(_asks(piece) for piece in whole):
        return (text,)
    return tuple(whole)


def _asks(piece: str) -> bool:
    return piece.endswith(sentences.QUESTION_MARKS) or any(w.asks.search(piece) for w in _wordings().values())


def _joined(sentence: str) -> list[str]:
    """A sentence cut where a second question begins; what is told before a question is not."""
    if len(list(sentences.split(sentence))) > 1:
        return [sentence]
    language = detect(sentence)
    wording = _wordings().get(language) or _wordings()["en"]
    pieces: list[str] = []
    begin = 0
    for found in wording.joined.finditer(sentence):
        before = sentence[begin : found.start()]
        if wording.asks.search(before) and len(before.split()) >= 2:
            pieces.append(before.strip(" ,;"))
            begin = found.end()
    pieces.append(sentence[begin:].strip(" ,;"))
    return [piece for piece in pieces if piece]
