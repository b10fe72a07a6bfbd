"""What is left of a text once it goes wrong by its form alone: loops, echoes of the prompt, an end that is cut off.

Knows units of text (lines and sentences), how one repeats another, and how the scaffolding of a prompt looks. Does
not know passages, nor whether what is left is true. Small models go wrong in these ways and large ones now and then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache

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
_OPEN_MARKER = regex.compile(r"\s*\[\d{0,3}(?:\s*[,;]\s*\d{0,3})*\s*\Z")
_LONE_NUMBER = regex.compile(r"\s*\d{1,3}\.\s*")
_IDLE_NUMBER = regex.compile(r"\A\s*\(?\d{1,3}[.)]\s*\n\s*(?=\S)")
_GRAM = 4
_ALIKE, _TOLD, _INSIDE, _SHORT = 0.8, 0.5, 0.45, 3
_MOSTLY = 0.7
_LOOPED = 2
_TURNS = 3
_MAX_UNITS = 400
# What may still change where a sentence ends: a marker behind it, a month after an ordinal, a small letter.
_LOOK_AHEAD = 32
_LONGEST_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Sound:
    """What is left of a text, and what was taken off it: some of LOOP, ECHO and CUT, in this order.

    `turns` are the answers that the text gives after the first, each behind an echo of the prompt or an "Answer:" of
    its own and without it: a small model that finds no end asks itself again. Each stands there once, a few at most.
    """

    text: str
    faults: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()


def sound(
    text: str, *, question: str = "", instructions: str = "", headings: Iterable[str] = (), truncated: bool = False
) -> Sound:
    """The part of `text` before it goes wrong, as it stands there.

    A unit that repeats an earlier one is left out, and where two do, so is all that follows; so is what comes after an
    echo of the prompt (`question`, `instructions`, one of `headings`, a role, a fence), but for echoes at the very
    start, which go alone, with the number before a heading that stands there.
    Of a `truncated` text the unfinished last sentence goes, unless it is all there is, and a marker that was begun; so
    does a number of a list that stands alone before the text.
    """
    text = _IDLE_NUMBER.sub("", _OPEN_MARKER.sub("", text) if truncated else text)
    if _LONE_NUMBER.fullmatch(text):  # no list's: it is all there is
        return Sound(text)
    reading, *later = _readings(text, _Prompt(question, instructions, headings))
    kept, faults, repeats = reading.kept, reading.faults, reading.repeats
    if truncated and not sentences.is_closed(text):
        until = len(text.rstrip())
        if kept and kept[-1][1] == until:
            faults.add(CUT)
            if len(kept) > 1 or reading.recited(text):
                kept.pop()
        elif later and later[-1].kept and later[-1].kept[-1][1] == until:
            later[-1].kept.pop()
    if not faults and not repeats and (kept or not text.strip()):
        return Sound(text)
    if not kept and not faults:  # list numbers and marks, but nothing said
        faults.add(LOOP if len(_ITEM.findall(text)) > 1 else CUT)
    left = _joined(text, kept)
    return Sound(left, tuple(fault for fault in (LOOP, ECHO, CUT) if fault in faults), _turns(text, left, later))


def same(text: str, said: Iterable[str]) -> bool:
    """Whether `text` says over again what one of the sentences `said` does, word for word or nearly so, with the same
    numbers.
    """
    words = _words(text)
    numbers = [word for word in words if word.isdigit()]
    others = [_words(other) for other in said]
    seen = _Seen()
    for other in others:
        if [word for word in other if word.isdigit()] == numbers:
            seen.add(other)
    return seen.repeats(words)


class Growing:
    """A text that is still being written, heard piece by piece: every unit is judged once, when it has ended."""

    def __init__(self, *, question: str = "", instructions: str = "") -> None:
        self._reading = _Reading(_Prompt(question, instructions))
        self._tail = ""
        self._over = False

    @property
    def faults(self) -> Set[str]:
        """LOOP and ECHO, as far as the text shows them by now."""
        return self._reading.faults

    @property
    def said(self) -> bool:
        """Whether anything was said that is worth keeping."""
        return bool(self._reading.kept)

    def add(self, piece: str) -> None:
        """Take in what comes next; the cost is that of the piece and of the unit it belongs to."""
        if self._over:
            return
        self._tail += piece
        settled, whole = 0, len(self._tail) - _LOOK_AHEAD
        spans = list(_units(self._tail))
        for start, end in spans:
            if end > whole and (start > settled or len(self._tail) - settled < _LONGEST_TAIL):
                break
            settled = end
            if not self._reading.take(self._tail, start, end):
                self._over = True
                break
        if not spans and not self._reading.kept and len(_ITEM.findall(self._tail)) > 1:  # numbers, but nothing said
            self._reading.faults.add(LOOP)
        self._tail = "" if not spans and len(self._tail) > _LONGEST_TAIL else self._tail[settled:]


class _Prompt:
    """What a text was asked with, as far as it may recite it."""

    def __init__(self, question: str, instructions: str, headings: Iterable[str] = ()) -> None:
        self.headings = frozenset(tuple(_words(one)) for one in headings) - {()}
        self.asked = tuple(_words(question))
        self.whole = self.headings.union({self.asked} - {()})
        self.told = _told(instructions)


class _Reading:
    """The units of one text, read in their order: which are kept, and what is wrong."""

    def __init__(self, prompt: _Prompt) -> None:
        self.kept: list[tuple[int, int]] = []
        self.faults: set[str] = set()
        self.repeats = 0
        self._prompt = prompt
        self._numbered = False
        self._seen = _Seen()

    def take(self, text: str, start: int, end: int) -> bool:
        """Judge the next unit; False where the text ends for whoever reads it."""
        unit = text[start:end]
        if _is_echo(unit, self._prompt) or self._recites(unit):
            self.faults.add(ECHO)
            if self._numbered and _said(unit) in self._prompt.headings:  # "1", then a passage from its heading on
                self.kept, self._numbered, self._seen = [], False, _Seen()
            return not self.kept
        label = _LABEL.match(unit)
        words = _words(unit[label.end() :] if label else unit)
        if not words:
            return True
        if self._seen.repeats(words):
            self.repeats += 1
            if self.repeats >= _LOOPED:
                self.faults.add(LOOP)
            return self.repeats < _LOOPED
        if self.kept and _AGAIN.match(unit):  # the answer is there: this is the next turn of a conversation made up
            self.faults.add(ECHO)
            return False
        if _inside(words):
            self.faults.add(LOOP)
            return False
        self._seen.add(words)
        self._numbered = not self.kept and len(words) == 1 and words[0].isdigit()
        self.kept.append((start, end))
        return True

    def recited(self, text: str) -> bool:
        """Whether the text breaks off in a heading, recited like those before it."""
        said = _said(text[slice(*self.kept[-1])])
        return ECHO in self.faults and any(heading[: len(said)] == said for heading in self._prompt.headings)

    def _recites(self, unit: str) -> bool:
        """Whether the unit is most of a heading and nothing else, with a word left out perhaps, or begins one and
        breaks off at a comma.
        """
        said = _said(unit)
        if unit.rstrip().endswith(",") and any(heading[: len(said)] == said for heading in self._prompt.headings):
            return True
        if len(said) < _GRAM:
            return False
        for heading in self._prompt.headings:
            if _MOSTLY * len(heading) <= len(said) <= len(heading):
                rest = iter(heading)
                if all(word in rest for word in said):
                    return True
        return False


class _Seen:
    """Units that were read, found again by what they share with another."""

    def __init__(self) -> None:
        self._whole: set[tuple[str, ...]] = set()
        self._having: dict[tuple[str, ...], list[int]] = {}

    def add(self, words: list[str]) -> None:
        number = len(self._whole)
        self._whole.add(tuple(words))
        if len(words) > _GRAM:
            for gram in _grams(words):
                self._having.setdefault(gram, []).append(number)

    def repeats(self, words: list[str]) -> bool:
        """Whether the unit says an earlier one over again, word for word or nearly so."""
        if tuple(words) in self._whole:
            return True
        if len(words) <= _GRAM:
            return False
        grams = _grams(words)
        shared = Counter(number for gram in grams for number in self._having.get(gram, ()))
        return max(shared.values(), default=0) >= _ALIKE * len(grams)


def _readings(text: str, prompt: _Prompt) -> list[_Reading]:
    """The text up to where it ends for whoever reads it; and where an echo ends it, what stands between one and the
    next, until one goes round.
    """
    reading = _Reading(prompt)
    readings = [reading]
    for start, end in _units(text):
        if reading.take(text, start, end):
            continue
        if LOOP in reading.faults or len(readings) > _TURNS:
            break
        reading = _Reading(prompt)
        reading.take(text, start, end)
        readings.append(reading)
    return readings


def _turns(text: str, first: str, later: Iterable[_Reading]) -> tuple[str, ...]:
    found = [first]
    for reading in later:
        turn = _joined(text, reading.kept)
        label = _LABEL.match(turn)
        turn = turn[label.end() :] if label else turn
        if turn and not same(turn, found):
            found.append(turn)
    return tuple(found[1:])


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


@lru_cache(maxsize=8)
def _told(instructions: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_grams(_words(instructions)))


def _is_echo(unit: str, prompt: _Prompt) -> bool:
    if _TURN.match(unit) or _BREADCRUMB.match(unit):
        return True
    words = _words(unit)
    asked, told = prompt.asked, prompt.told
    if _said(unit) in prompt.whole or (len(asked) >= _GRAM and tuple(words[-len(asked) :]) == asked):
        return True
    grams = _grams(words)
    return len(grams) >= _SHORT and (tuple(words[:_GRAM]) in told or len(grams & told) >= _TOLD * len(grams))


def _said(unit: str) -> tuple[str, ...]:
    """The words of a unit without the label and the number before them."""
    label = _LABEL.match(unit)
    return tuple(_words(unit[label.end() :] if label else unit))


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
