"""What goes with quoted spans so that they are read whole: the rest of their paragraphs, lists and tables, what they
lean on, and what comes after them where there is room.

Knows the units around spans. Does not know what answers (`rag.grounding.extractive` chooses) nor which spans stand
beside each other (`rag.grounding.composing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, takewhile

import regex

from rag.grounding.leaning import excepts, is_pointing
from rag.grounding.pointers import is_contents, is_labelled
from rag.grounding.shown_lists import is_paragraph
from rag.grounding.spans import CLAUSE, CLOSED, Span, cut_off, ended, leads_on, said_by, size_of, to_the_point
from rag.grounding.stretches import PICTURE, TELLING, defines, is_adrift, is_sentence, text_of
from rag.grounding.unit_features import Sentence, word_count
from rag.grounding.units import TO_FILL_IN, Kind, Unit
from rag.text import sentences
from rag.types import Passage

_SHORT = 4
"""How many words are few."""
_OVER, _EXCEPTION = 30, 40
"""Words that the paragraph which a quote leans on, or the rest of code, may have more than there is room; and words of
an exception at most.
"""
_A_FEW, _NEARLY_ALL = 3, 15
"""Items or rows that a list or table is short of, at most, and words that these may have more than there is room."""
_SAYS_SOME, _ENOUGH = 0.3, 70
"""How much of the question a paragraph says that is quoted because it comes next, where so many words are quoted."""
_CAPTION = regex.compile(
    r"(?:an? )?(?:example|screenshot|screen shot|illustration|photo|picture|image|diagram) of [^.:;!?]{3,120}\.?|"
    r"(?:figure|fig\.|şekil|resim|abbildung|abb\.) \d+[.:]? [^.:;!?]{3,120}\.?",
    regex.I,
)
"""What stands below a picture: "Example of a request sent by mail." """
_BOX = regex.compile(r"[☐☑☒✓✔✗✘]|\[[ xX]\]")
"""What stands before an entry of a form that is ticked or not: it labels nothing below it."""


def completed(
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    made: Sequence[Span],
    says: Mapping[tuple[int, int], float],
    max_words: int,
) -> list[Span]:
    """The spans with what is between those of one passage and the rest of their paragraphs, and then with what comes
    after these in their section and, by what `says` has of the units of passages, says some of the question, as far as
    there is room: first for the first passage's.
    """

    def telling(own: Sequence[Sentence], block: Sequence[int], left: int) -> bool:
        return max_words - left < _ENOUGH or any(
            says.get((own[k].passage, own[k].start), 0.0) >= _SAYS_SOME for k in block
        )

    room = max_words - sum(size_of(passages, span) for span in made)
    spans = list(made)
    for rounded in (_paragraphs, _opening, _steps, _listed, partial(_further, telling=telling)):
        whole: list[Span] = []
        for passage in dict.fromkeys(span.passage for span in spans):
            own = [one for one in found if one.passage == passage]
            quoted = {unit.start: unit for span in spans if span.passage == passage for unit in span.units}
            kept = [at for at, one in enumerate(own) if one.start in quoted]
            sizes = [word_count(text_of(passages, one)) for one in own]
            more = rounded(passages, own, kept, sizes, room)
            room -= sum(sizes[k] for k in more)
            best = max(span.score for span in spans if span.passage == passage)
            for run in _runs(own, sorted({*kept, *more})):
                shown = list(ended(passages, own, to_the_point(passages, own, run)))
                while len(shown) > 1 and _is_label(passages, own[shown[-1]]):
                    if _same(own, *shown[-2:]) and not CLAUSE.fullmatch(text_of(passages, own[shown[-1]])):
                        break
                    shown.pop()
                whole.append(Span(passage, tuple(quoted.get(own[k].start, own[k].unit) for k in shown), best))
        spans = whole
    return [_without_marks(passages, span) for span in spans]


def with_exceptions(passages: Sequence[Passage], found: Sequence[Sentence], spans: Sequence[Span]) -> list[Span]:
    """The spans with the sentence after each that takes back some of what it ends with, in its passage or the next."""
    said = {(span.passage, unit.start) for span in spans for unit in span.units}
    whole: list[Span] = []
    for span in spans:
        whole.append(span)
        after = _after(passages, found, span)
        if after is None or (after.passage, after.start) in said or not excepts(text_of(passages, after)):
            continue
        torn = leads_on(passages, after) or cut_off(passages, [after], 0)
        if torn or word_count(text_of(passages, after)) > _EXCEPTION:
            continue
        if after.passage == span.passage:
            whole[-1] = replace(span, units=(*span.units, after.unit))
        else:
            whole.append(Span(after.passage, (after.unit,), span.score))
    return whole


def _after(passages: Sequence[Passage], found: Sequence[Sentence], span: Span) -> Sentence | None:
    """What comes after a span in its passage, or in the one that follows that."""
    one, last = passages[span.passage], span.units[-1]
    own = [other for other in found if other.passage == span.passage and other.start > last.start]
    next_ = [at for at, other in enumerate(passages) if one.is_before(other)]
    return next(iter(own or [other for other in found if other.passage in next_]), None)


def _without_marks(passages: Sequence[Passage], span: Span) -> Span:
    """A span without what says nothing to readers: a reference to a label of the source, a few words on a picture,
    the caption of one that is not there."""
    said = {unit.start: said_by(passages, span.passage, unit) for unit in span.units}
    kept = [
        unit
        for unit in span.units
        if not is_labelled(said[unit.start])
        and not (said[unit.start].startswith(PICTURE) and word_count(said[unit.start]) <= TELLING)
        and not (unit.kind is Kind.SENTENCE and _CAPTION.fullmatch(said[unit.start]))
    ]
    return replace(span, units=tuple(kept or span.units))


def _paragraphs(
    passages: Sequence[Passage], own: Sequence[Sentence], kept: Sequence[int], sizes: Sequence[int], room: int
) -> list[int]:
    """What lies between the units `kept` of a passage, and the rest of the paragraphs that they begin and end in, as
    far as there is room for it.
    """
    more: list[int] = []

    def take(some: Sequence[int], over: int = 0) -> bool:
        nonlocal room
        size = sum(sizes[k] for k in some)
        if fits := size <= room + over:
            more.extend(some)
            room -= size
        return fits

    first, last = kept[0], kept[-1]
    for before, after in pairwise(kept):
        between = range(before + 1, after)
        asked = any(own[k].unit.question for k in between)
        looked_up = own[after].unit.kind is Kind.ITEM and defines(passages, own, after)
        if own[before].unit.kind is not Kind.ROW and not (asked or looked_up or _names(passages, own, between)):
            take(between)
    if own[first].unit.kind is Kind.SENTENCE:
        begun = list(takewhile(lambda k: _same(own, first, k), range(first - 1, -1, -1)))
        take([k for k in begun if not is_adrift(passages, own[k])])
    rest = list(takewhile(lambda k: _same(own, last, k), range(last + 1, len(own))))
    if own[last].unit.kind is Kind.SENTENCE:
        for k in rest:
            if not take([k]):
                break
    elif own[last].unit.kind is Kind.CODE:
        take(rest, _OVER)
    elif own[last].unit.kind is Kind.ITEM and not defines(passages, own, last):
        take(rest)
    return more


def _opening(
    passages: Sequence[Passage], own: Sequence[Sentence], kept: Sequence[int], sizes: Sequence[int], room: int
) -> list[int]:
    """What comes before each stretch of the units `kept` of a passage that leans on it: the paragraph before the first,
    the sentence before another.
    """
    more: list[int] = []
    for at, first in enumerate(kept):
        follows = at > 0 and kept[at - 1] == first - 1
        if follows or not is_sentence(own[first]) or not is_pointing(text_of(passages, own[first])):
            continue
        taken: list[int] = []
        k = first
        while k and k - 1 not in kept and _leans_on(passages, own, k, k == first, not at):
            k -= 1
            taken.insert(0, k)
        led = bool(taken) and own[taken[0]].unit.kind is not Kind.CODE  # code that nothing leads into is no help
        if led and sum(sizes[k] for k in (*more, *taken)) <= room + _OVER:
            more.extend(taken)
    return more


def _steps(
    passages: Sequence[Passage], own: Sequence[Sentence], kept: Sequence[int], sizes: Sequence[int], room: int
) -> list[int]:
    """What is before the first of the units `kept` of a passage that is a numbered step, from the first step of its
    list on, where that is there and there is room for it.
    """
    first = next((k for k in kept if own[k].unit.kind is Kind.ITEM), -1)
    number = own[first].unit.mark[:-1] if first >= 0 else ""
    if not number.isdecimal() or number in ("0", "1"):
        return []
    end, depth = own[first].unit.mark[-1], own[first].unit.depth
    of = {one.unit.mark: k for k, one in enumerate(own[:first]) if one.unit.depth == depth and one.unit.mark}
    steps = [of.get(f"{one}{end}", -1) for one in range(1, int(number))]
    if -1 in steps or steps != sorted(steps):
        return []
    start = steps[0] - (steps[0] > 0 and own[steps[0] - 1].unit.leads)
    before = [k for k in range(start, first) if k not in kept]
    apart = any(own[k].unit.kind is not Kind.ITEM for k in range(steps[0], first))
    return before if apart and sum(sizes[k] for k in before) <= room + _OVER else []


def _leans_on(passages: Sequence[Passage], own: Sequence[Sentence], k: int, first: bool, opens: bool) -> bool:
    """Whether what leans on what is before it, and has reached unit `k`, needs the one before that too: a sentence, or
    a list or code with what leads into it; the rest of its paragraph where it `opens` what is quoted of its passage.
    """
    before = own[k - 1]
    if before.unit.kind is Kind.ITEM and (first or _same(own, k - 1, k)):
        return True
    if own[k].unit.kind is Kind.ITEM:
        return before.unit.leads
    if before.unit.kind is Kind.CODE:
        return first or _same(own, k - 1, k)
    if own[k].unit.kind is Kind.CODE:
        return before.unit.leads or (before.unit.kind is Kind.ITEM and leads_on(passages, before))
    return is_sentence(before) and (first or (opens and is_sentence(own[k]) and _same(own, k - 1, k)))


def _listed(
    passages: Sequence[Passage], own: Sequence[Sentence], kept: Sequence[int], sizes: Sequence[int], room: int
) -> list[int]:
    """What leads into each list of which there are items among the units `kept` of a passage, and the rest of it, as of
    a table, where that is no more than a few, or all but one item, and there is room for nearly all of it.
    """
    more: list[int] = []
    for group in dict.fromkeys(own[k].unit.group for k in kept if own[k].unit.kind in (Kind.ITEM, Kind.ROW)):
        every = [k for k, one in enumerate(own) if one.unit.group == group]
        lead = [k for k in (every[0] - 1,) if k >= 0 and own[k].unit.leads and k not in kept]
        if lead and _SHORT <= sizes[lead[0]] <= room + _OVER:
            more.extend(lead)
            room -= sizes[lead[0]]
        lacking = [k for k in every if k not in kept]
        size = sum(sizes[k] for k in lacking)
        rules = any(is_paragraph(own[k].unit) for k in every)  # each of which says something else
        few = len(lacking) <= _A_FEW or (len(every) == len(lacking) + 1 and own[every[0]].unit.kind is Kind.ITEM)
        if rules or not few or size > room + _NEARLY_ALL or defines(passages, own, every[0]):
            continue
        if not _names(passages, own, every):
            more.extend(lacking)
            room -= size
    return more


def _further(
    passages: Sequence[Passage],
    own: Sequence[Sentence],
    kept: Sequence[int],
    sizes: Sequence[int],
    room: int,
    *,
    telling: Callable[[Sequence[Sentence], Sequence[int], int], bool],
) -> list[int]:
    """The paragraphs after the units `kept` of a passage, with the lists and code that they lead into, as far as there
    is room for each of them and a paragraph is `telling`; without what points elsewhere at the end.
    """
    last = kept[-1]
    if last + 1 < len(own) and _same(own, last, last + 1):
        return []
    more: list[int] = []
    while (block := _block(passages, own, last + 1)) and sum(sizes[k] for k in block) <= room:
        if own[block[0]].unit.kind is Kind.SENTENCE and not telling(own, block, room):
            break
        room -= sum(sizes[k] for k in block)
        more.extend(block)
        last = block[-1]
    while more and _is_label(passages, own[more[-1]]):
        more.pop()
    return more


def _block(passages: Sequence[Passage], own: Sequence[Sentence], first: int) -> list[int]:
    """The paragraph that begins at `first`, with the list, table or code that it leads into; none where a heading is, a
    list of names under a few words ("Fact sheets:"), or the same code for another kind of file.
    """
    block: list[int] = []
    if 0 < first < len(own) and own[first].unit.kind is own[first - 1].unit.kind is Kind.CODE:
        return block
    for k in range(first, len(own)):
        unit = own[k].unit
        if unit.kind is Kind.HEADING or unit.question:
            break
        if block and not _same(own, block[-1], k) and not _leads_into(passages, own[block[-1]], unit):
            break
        block.append(k)
    if any(TO_FILL_IN.search(text_of(passages, own[k])) for k in block) or _names(passages, own, block):
        return []
    brief = len(block) > 1 and own[first].unit.leads and len(own[first].words) < _SHORT
    return [] if brief and all(_is_name(text_of(passages, own[k])) for k in block[1:]) else block


def _names(passages: Sequence[Passage], own: Sequence[Sentence], places: Sequence[int]) -> bool:
    """Whether there is a list among these units that names sections or asks what they answer."""
    listed = [own[k] for k in places if own[k].unit.kind is Kind.ITEM]
    asked = sum(text_of(passages, one).rstrip().endswith(sentences.QUESTION_MARKS) for one in listed)
    return is_contents(passages, listed, asked)


def _leads_into(passages: Sequence[Passage], one: Sentence, below: Unit) -> bool:
    """Whether a unit leads into the one below it: it says so, or it is a line without an end over a list or table."""
    listed = below.kind in (Kind.ITEM, Kind.ROW, Kind.CODE)
    return one.unit.leads or (listed and _is_label(passages, one))


def _is_label(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a unit is a line without an end that only names what is below it, or the number of a clause."""
    said = text_of(passages, one)
    open_ended = not CLOSED.search(said) and ":" not in said and not _BOX.match(said)
    return is_sentence(one) and (bool(CLAUSE.fullmatch(said)) or open_ended)


def _is_name(said: str) -> bool:
    """Whether a few words have a capital and no end, as titles have."""
    return said[:1].isupper() and word_count(said) <= TELLING and not CLOSED.search(said)


def _runs(own: Sequence[Sentence], places: Sequence[int]) -> list[list[int]]:
    """Places in stretches that touch; rows of one table do."""
    runs: list[list[int]] = []
    for k in places:
        if runs and (k == runs[-1][-1] + 1 or (own[k].unit.kind is Kind.ROW and _same(own, runs[-1][-1], k))):
            runs[-1].append(k)
        else:
            runs.append([k])
    return runs


def _same(own: Sequence[Sentence], a: int, b: int) -> bool:
    """Whether two units are of one paragraph, list, table or code."""
    one, other = own[a].unit, own[b].unit
    return one.group == other.group and one.kind is other.kind and one.question is other.question
