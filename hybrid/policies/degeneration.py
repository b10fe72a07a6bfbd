"""What is left of a text once it goes wrong by its form alone: loops, echoes of the prompt, an end that is cut off.

Knows units of text (lines and sentences), how one repeats another, and how the scaffolding of a prompt looks. Does
not know passages, nor whether what is left is true. Small models go wrong in these ways and large ones now and then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import regex

from rag.text import sentences
from rag.text.analyser import casefold

LOOP, ECHO, CUT = "loop", "echo", "cut"

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_LABEL = regex.compile(
    r"\A(?:[\s>*_#\-–•]|\(?\d{1,3}[.)]\s|\[\d{1,3}\]\s*|"
    r"(?:answer|a|yanıt|cevap|y|c|response|final answer)\s*[:：]\s*)+",
    regex.I,
)
_TURN = regex.compile(
    r"\A[\s>*_#\-–•]*(?:\[?(?:question|q|soru|s|user|human|kullanıcı|system|assistant|instructions?|passages?|draft)\b"
    r"\s*\d*\]?\s*[:：]|={3,}|<[|｜]|</?(?:s|system|user|assistant|passages?|documents?)>)",
    regex.I,
)
_BREADCRUMB = regex.compile(r"\A\s*(?:\[\d+\]\s*)?[\w./\- ]+\.\p{L}{1,5} > ")
_AGAIN = regex.compile(r"\A[\s>*_#]*(?:answer|final answer|response|yanıt|cevap)\s*[:：]", regex.I)
_ITEM = regex.compile(r"\(?\d{1,3}[.)]")
_MARKER = regex.compile(r"\s*\[\d+(?:\s*[,;]\s*\d+)*\]")
_GRAM = 4
_ALIKE, _TOLD, _INSIDE, _SHORT = 0.8, 0.5, 0.45, 3
_LOOPED = 2
_MAX_UNITS = 400


@dataclass(frozen=True, slots=True)
class Sound:
    """What is left of a text, and what was taken off it: some of LOOP, ECHO and CUT, in this order."""

    text: str
    faults: tuple[str, ...] = ()


def sound(text: str, *, question: str = "", instructions: str = "", truncated: bool = False) -> Sound:
    """The part of `text` before it goes wrong, as it stands there.

    A unit that repeats an earlier one is left out, and where two do, so is all that follows; so is what comes after an
    echo of the prompt (`question`, `instructions`, a role, a fence), but for echoes at the very start, which go alone.
    Of a `truncated` text the unfinished last sentence goes, unless it is all there is.
    """
    kept: list[tuple[int, int]] = []
    faults: set[str] = set()
    seen: list[list[str]] = []
    told = _grams(_words(instructions))
    asked = _words(question)
    repeats = 0
    for start, end in _units(text):
        unit = text[start:end]
        if _is_echo(unit, asked, told):
            faults.add(ECHO)
            if kept:
                break
            continue
        label = _LABEL.match(unit)
        words = _words(unit[label.end() :] if label else unit)
        if not words:
            continue
        if _repeats(words, seen):
            repeats += 1
            if repeats >= _LOOPED:
                faults.add(LOOP)
                break
            continue
        if kept and _AGAIN.match(unit):  # the answer is there: this is the next turn of a conversation made up
            faults.add(ECHO)
            break
        if _inside(words):
            faults.add(LOOP)
            break
        seen.append(words)
        kept.append((start, end))
    if truncated and kept and kept[-1][1] == len(text.rstrip()) and not sentences.is_closed(text):
        faults.add(CUT)
        if len(kept) > 1:
            kept.pop()
    if not faults and not repeats and (kept or not text.strip()):
        return Sound(text)
    if not kept and not faults:  # list numbers and marks, but nothing said
        faults.add(LOOP if len(_ITEM.findall(text)) > 1 else CUT)
    return Sound(_joined(text, kept), tuple(fault for fault in (LOOP, ECHO, CUT) if fault in faults))


def same(text: str, said: Iterable[str]) -> bool:
    """Whether `text` says over again what one of the sentences `said` does, word for word or nearly so, with the same
    numbers.
    """
    words = _words(text)
    numbers = [word for word in words if word.isdigit()]
    others = [_words(other) for other in said]
    return _repeats(words, [other for other in others if [word for word in other if word.isdigit()] == numbers])


def _units(text: str) -> Iterator[tuple[int, int]]:
    """Lines, and the sentences of each; at most as many as a long answer has."""
    count = 0
    for line in regex.finditer(r"[^\n]+", text):
        item: int | None = None
        for start, end in sentences.split(line.group()):
            if _ITEM.fullmatch(line.group(), start, end):  # a list's number belongs to what follows
                item = start if item is None else item
                continue
            start, item = start if item is None else item, None
            yield line.start() + start, line.start() + end
            count += 1
            if count >= _MAX_UNITS:
                return


def _words(text: str) -> list[str]:
    return _WORD.findall(casefold(_MARKER.sub("", text)))


def _grams(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1)}


def _is_echo(unit: str, asked: list[str], told: set[tuple[str, ...]]) -> bool:
    if _TURN.match(unit) or _BREADCRUMB.match(unit):
        return True
    words = _words(unit)
    if asked and words == asked:
        return True
    grams = _grams(words)
    return len(grams) >= _SHORT and (tuple(words[:_GRAM]) in told or len(grams & told) >= _TOLD * len(grams))


def _repeats(words: list[str], seen: list[list[str]]) -> bool:
    """Whether the unit says an earlier one over again, word for word or nearly so."""
    if words in seen:
        return True
    if len(words) <= _GRAM:
        return False
    grams = _grams(words)
    return any(len(grams & _grams(other)) >= _ALIKE * len(grams) for other in seen if len(other) > _GRAM)


def _inside(words: list[str]) -> bool:
    """Whether one long unit goes round in itself."""
    if len(words) < 4 * _GRAM:
        return False
    grams = Counter(tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1))
    return 1.0 - len(grams) / grams.total() >= _INSIDE


def _joined(text: str, kept: list[tuple[int, int]]) -> str:
    """The kept units, with what lies between neighbours, or what separated a unit from the one before."""
    parts: list[str] = []
    for start, end in kept:
        gap = text[:start]
        gap = gap[len(gap.rstrip()) :] if parts else ""
        parts.append(gap + text[start:end])
    return "".join(parts)
