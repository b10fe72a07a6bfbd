"""Which stretches of passages answer best: around the best units, as far as there is room.

Knows units with their scores, and which of them can be read beside others. Does not know what the scores are made of
(`rag.grounding.unit_features`), what goes with a stretch so that it is whole (`rag.grounding.stretches`,
`rag.grounding.completing`), nor what stands beside the best passage's (`rag.grounding.composing`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import regex
from numpy.typing import NDArray

from rag.grounding.code_lines import only_imports
from rag.grounding.leaning import leans
from rag.grounding.pointers import is_contents, refers
from rag.grounding.spans import Span, cut_off, ended, leads_on, lone, to_the_point, unrepeated
from rag.grounding.stretches import (
    PICTURE,
    TELLING,
    defines,
    grow,
    is_default,
    is_sentence,
    list_of,
    shortened,
    text_of,
    under,
)
from rag.grounding.unit_features import Sentence, word_count
from rag.grounding.units import Kind, Unit
from rag.text import sentences
from rag.types import Passage

_SURE = 0.85
_NEAR_ITEM = 1.0
_SHORTEST = 3
_GOES_ON = regex.compile(r"(?:[,;]|\b(?:and|or|ve|veya|und|oder|et|ou))\s*$")
_SPOKEN = regex.compile(r"(?:Them|You|Me|Us|Interviewer|Ben|Siz|Du|Ihr):\s")
"""What begins a line of a dialogue, which says nothing without the others."""
_VALUE = regex.compile(r"[\p{N}:=@/]")
_DATED = regex.compile(
    r"(?:effective|last|date|updated|published|reviewed|revised|modified|created|version|stand|gültig|letzte|zuletzt|"
    r"yürürlük|son|yayın|güncelleme|revizyon)\b[\p{L} ]{0,30}:?\s[^:;]{0,24}\p{N}{2}[^:;]{0,24}(?::\d\d.*)?",
    regex.I,
)
"""A line that says of which day a page is."""
_FEW = 3
_LONG_WORD = regex.compile(r"\p{L}{4,}")
_TITLED = 0.8
_FAR = 4.0
"""A stretch this far behind the best one (in natural logarithms of the odds) is not quoted beside it; one of a list or
of another document that does not say much of the question, not half as much.
"""
_SAYS_MUCH, _SHARED = 0.35, 0.12
"""How much of the question says much of it, and how much of it a further stretch says at least, in its words or in
others for them; twice as much where it stands in another document than the best.
"""


def choose(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    scores: NDArray[np.float64],
    max_words: int,
    near: NDArray[np.float64] | None = None,
) -> list[Span]:
    """Spans around the best units, until they hold nearly all of what the scores give to all, or `max_words` are full.

    Spans that touch are one. All are in the language of the best: a sentence in another is no part of its answer; nor
    is what says nothing of the question, by what `near` has of each unit, where the best says something.
    """
    odds = np.exp(scores - scores.max())
    chances = odds / odds.sum()
    chosen: dict[int, set[int]] = {}
    order: dict[int, float] = {}
    sure, used = 0.0, 0
    taken: set[int] = set()
    listed: set[tuple[int, int]] = set()
    shown: dict[int, Unit] = {}
    best, first = float(scores.max()), int(scores.argmax())
    home, spoken = passages[found[first].passage].document, passages[found[first].passage].language
    for i in np.argsort(-scores, kind="stable").tolist():
        if i in taken:
            continue
        if taken and scores[i] < best - _FAR:
            break
        elsewhere = passages[found[i].passage].document != home
        if taken and _beside(scores, near, first, i, elsewhere):
            continue
        if taken and passages[found[i].passage].language != spoken:
            continue
        kind, group = found[i].unit.kind, (found[i].passage, found[i].unit.group)
        item = kind is Kind.ITEM and scores[i] >= best - _NEAR_ITEM and _stands_alone(passages, found[i])
        item = item and not defines(passages, found, i)
        if taken and kind is not Kind.SENTENCE and (scores[i] < best - _FAR / 2 or (group in listed and not item)):
            continue
        wanted = _on_with(found, taken, i) if group in listed else grow(passages, found, i, scores)
        grown = to_the_point(passages, found, [k for k in wanted if k not in taken])
        cut = shortened(passages, found, grown, i)
        size = sum(word_count(passages[found[k].passage].text[u.start : u.end]) for k, u in cut.items())
        if taken and used + size > max_words and kind is Kind.ITEM and group not in listed:
            grown = [k for k in list_of(passages, found, i, max_words - used) if k not in taken]
            cut = shortened(passages, found, grown, i, max_words - used)
            size = sum(word_count(passages[found[k].passage].text[u.start : u.end]) for k, u in cut.items())
        if taken and used + size > max_words:
            grown = [i] if group not in listed and _stands_alone(passages, found[i]) else []
            cut = {i: found[i].unit}
            size = word_count(text_of(passages, found[i]))
            if used + size > max_words:
                continue
        if not _says_something(passages, found, grown, bool(taken)) or (taken and _torn(passages, found, grown, taken)):
            continue
        taken.update(grown)
        shown |= cut
        for place, k in enumerate(grown):
            if found[k].unit.kind is Kind.ITEM:
                listed.add((found[k].passage, found[k].unit.group))
            chosen.setdefault(found[k].passage, set()).add(k)
            order.setdefault(found[k].passage, float(scores[i]) - place * 1e-6)  # a list may go on in the next passage
        used += size
        sure += float(sum(chances[k] for k in grown))
        if sure >= _SURE or used >= max_words:
            break
    made: list[Span] = []
    for passage in sorted(order, key=lambda p: -order[p]):
        run: list[int] = []
        for k in sorted(chosen[passage]):
            if run and not _touching(found, run[-1], k):
                made.append(_span(found, ended(passages, found, run), shown, scores))
                run = []
            run.append(k)
        made.append(_span(found, ended(passages, found, run), shown, scores))
    return unrepeated(passages, made)


def _beside(scores: NDArray[np.float64], near: NDArray[np.float64] | None, first: int, i: int, elsewhere: bool) -> bool:
    """Whether unit `i` has too little to do with the question where the `first` one has enough, or is of another
    document, far behind and says not much of it either.
    """
    if elsewhere and scores[i] < scores[first] - _FAR / 2 and (near is None or near[i] < _SAYS_MUCH):
        return True
    least = _SHARED * (1 + elsewhere)
    return near is not None and bool(near[i] < least <= near[first])


def _on_with(found: Sequence[Sentence], taken: Collection[int], i: int) -> list[int]:
    """Item `i` with the items between it and the nearest one of its list that is quoted, and what it stands under."""
    own = (found[i].passage, found[i].unit.group)
    near = min((k for k in taken if (found[k].passage, found[k].unit.group) == own), key=lambda k: abs(k - i))
    run = range(min(near, i), max(near, i) + 1)
    group = [k for k in range(run[0]) if (found[k].passage, found[k].unit.group) == own]
    return under(found, group, run)


def _stands_alone(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a unit can be read without those around it."""
    said = text_of(passages, one)
    if one.unit.kind is Kind.ITEM and len(one.words) < TELLING + 1 and not sentences.PAUSE.search(said):
        return False
    return one.unit.kind is Kind.ROW or (
        (is_sentence(one) or one.unit.kind is Kind.ITEM)
        and not said.endswith((":", "："))
        and not leans(said)
        and len(one.words) >= 4
    )


def _says_something(passages: Sequence[Passage], found: Sequence[Sentence], grown: Sequence[int], more: bool) -> bool:
    """Whether a stretch is more than questions, headings and what leads into nothing; code alone, a few words and
    the end of a torn sentence say something only where nothing was quoted yet.
    """
    content = [
        found[k]
        for k in grown
        if not found[k].unit.question
        and not _asks(passages, found[k])
        and found[k].unit.kind is not Kind.HEADING
        and not text_of(passages, found[k]).rstrip().endswith((":", "：", "::"))
        and not (is_sentence(found[k]) and leads_on(passages, found[k]))
        and not refers(passages, found[k])
        and not _SPOKEN.match(text_of(passages, found[k]))
        and not (found[k].unit.kind is Kind.CODE and only_imports(text_of(passages, found[k])))
        and not (more and (_adds_nothing(passages, found, k) or cut_off(passages, found, k)))
    ]
    if not content or is_contents(passages, content, sum(_asks(passages, found[k]) for k in grown)):
        return False
    if not more:
        return True
    torn = content[0].unit.kind is Kind.SENTENCE and text_of(passages, content[0])[:1].islower()
    telling = any(
        one.unit.kind is Kind.ROW or len(one.words) >= TELLING - 1 or _answers_its_heading(passages, one)
        for one in content
    )
    prose = any(found[k].unit.kind is not Kind.CODE for k in grown)
    return prose and telling and not torn


def _torn(passages: Sequence[Passage], found: Sequence[Sentence], grown: Sequence[int], taken: Collection[int]) -> bool:
    """Whether a further stretch leans on what is not quoted, or is one item of several that go on from it."""
    first = found[grown[0]]
    leaning = is_sentence(first) and leans(text_of(passages, first)) and grown[0] - 1 not in taken
    if leaning and passages[first.passage].text[: first.start].strip():  # what opens a passage may lean on its heading
        return True
    items = [k for k in grown if found[k].unit.kind is Kind.ITEM]
    if len(items) > 1 and len(items) == len(grown) and _from_the_midst(found[items[0]].unit.mark):
        return True
    if len(items) != 1 or any(is_sentence(found[k]) and not found[k].unit.leads for k in grown):
        return False
    only = found[items[0]]
    if lone(passages, found, items[0]) or (len(grown) == 1 and not _stands_alone(passages, only)):
        return True
    own = (Kind.ITEM, only.passage, only.unit.group)
    others = sum((one.unit.kind, one.passage, one.unit.group) == own for one in found) > 1
    text = passages[only.passage].text
    ends = not text[: only.start].strip(" -*•–") and text[only.end :].strip() and grown[-1] == items[0]
    if ends and not others:  # the last one of a list that began in another passage
        return True
    return others and (any(found[k].unit.leads for k in grown) or bool(_GOES_ON.search(text_of(passages, only))))


def _from_the_midst(mark: str) -> bool:
    """Whether the mark of an item is a number that a list does not begin with."""
    number = mark.strip("().")
    return number.isdecimal() and int(number) > 1


def _adds_nothing(passages: Sequence[Passage], found: Sequence[Sentence], k: int) -> bool:
    """Whether a unit is the description of a picture, a few words or a title without an end, the date of its page, or a
    default that does not say of what.
    """
    one, said = found[k], text_of(passages, found[k])
    if one.unit.kind is not Kind.SENTENCE:
        return False
    open_ended = not sentences.PAUSE.search(said)
    fragment = open_ended and len(one.words) < TELLING and (said[:1].islower() or not _VALUE.search(said))
    aside = said.startswith("(") and said.endswith(")")
    named = k > 0 and found[k - 1].passage == one.passage and found[k - 1].unit.kind is Kind.HEADING
    nameless = is_default(said) and not named
    return said.startswith(PICTURE) or aside or fragment or nameless or is_dated(said) or is_title(said)


def is_dated(said: str) -> bool:
    """Whether a line only says of which day its page is."""
    return word_count(said) <= 2 * TELLING and _DATED.fullmatch(said) is not None


def _asks(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether an item of a list is a question."""
    return one.unit.kind is Kind.ITEM and text_of(passages, one).rstrip().endswith(sentences.QUESTION_MARKS)


def is_title(said: str) -> bool:
    """Whether nearly all long words of a line without an end have a capital."""
    long = _LONG_WORD.findall(said)
    capital = len(long) > _FEW and sum(word[0].isupper() for word in long) >= _TITLED * len(long)
    return capital and not sentences.PAUSE.search(said)


def _answers_its_heading(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a few words are a whole sentence right under a heading: "Enable the setting." says what that asks."""
    passage = passages[one.passage]
    said = text_of(passages, one)
    whole = is_sentence(one) and len(one.words) >= _SHORTEST and bool(sentences.ENDING.search(said))
    return whole and bool(passage.headings) and not passage.text[: one.start].strip() and said[:1].isupper()


def _span(
    found: Sequence[Sentence], run: Sequence[int], shown: Mapping[int, Unit], scores: NDArray[np.float64]
) -> Span:
    best = round(float(max(scores[k] for k in run)), 4)
    return Span(found[run[0]].passage, tuple(shown[k] for k in run), best)


def _touching(found: Sequence[Sentence], a: int, b: int) -> bool:
    same_table = found[a].unit.group == found[b].unit.group and found[a].unit.kind is Kind.ROW
    return found[a].passage == found[b].passage and (b == a + 1 or same_table)
