"""Which units of the passages are quoted together with one, so that it can be read: the neighbours of a sentence, a
list with what leads into it, the like rows of a table.

Knows units and where they stand. Does not know what answers (`rag.grounding.unit_features`)
nor how much is quoted in all (`rag.grounding.extractive`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import dropwhile, zip_longest

import numpy as np
import regex
from numpy.typing import NDArray

from rag.grounding.code_lines import is_torn, only_imports
from rag.grounding.leaning import excepts, leans
from rag.grounding.unit_features import Sentence, word_count
from rag.grounding.units import Kind, Unit
from rag.text import sentences
from rag.types import Passage

PICTURE = "Picture: "
"""What the description of a picture begins with (`rag.formats`)."""
TELLING = 6
"""Words from which on a sentence says something by itself."""
_SPAN_WORDS, _MORE, _LIST_WORDS, _CODE_WORDS, _ENOUGH = 45, 30, 110, 60, 22
_ROWS, _NEAR_ROW = 5, 1.2
_ANY = 1_000
_DEFINITIONS = regex.compile(
    r"\b(?:tanımlar|tanım ve kısaltmalar|yönetmelikte geçen|yönergede geçen|esaslarda geçen|kanunda geçen|definitions|"
    r"glossary|terminology|begriffe|begriffsbestimmungen|glossar)\b",
    regex.I,
)
"""What stands over or before a list of definitions."""
_TERM = 60
"""Characters of a term at most."""
_NAMED = regex.compile(r"\S*(?:[\p{Lu}\p{N}_(=/\\:-]|\.\S)")
"""A first word that is a name, not the middle of a sentence."""
_VALUED = regex.compile(r"\S{1,12}: \S{1,20}\.")
"""A label with its value."""
_DEFAULT = regex.compile(r"(?:the )?(?:default|type|standard|varsayılan)s?(?: value)?(?: is\b|:\s)", regex.I)


def text_of(passages: Sequence[Passage], sentence: Sentence) -> str:
    return passages[sentence.passage].text[sentence.start : sentence.end]


def grow(
    passages: Sequence[Passage], found: Sequence[Sentence], i: int, scores: NDArray[np.float64] | None = None
) -> list[int]:
    """Places of the units to quote with unit `i` so that it can be read: the neighbours of a sentence, a list with its
    lead-in, the like rows of a table, what follows a question or a heading.
    """
    unit = found[i].unit
    match unit.kind:
        case Kind.ROW:
            return _rows(found, i, scores)
        case Kind.ITEM:
            return list_of(passages, found, i)
        case Kind.CODE:
            return _code(passages, found, i)
    if unit.leads and _below(found, i):
        below = _below(found, i)
        if found[below[0]].unit.kind is Kind.ITEM:
            return list_of(passages, found, below[0])
        return [i, *below[:_ROWS]] if found[below[0]].unit.kind is Kind.ROW else _code(passages, found, below[0])
    if unit.question or unit.kind is Kind.HEADING:
        after = i + 1
        if after < len(found) and _follows(found, i, after) and not found[after].unit.question:
            rest = grow(passages, found, after, scores) if found[after].unit.kind is not Kind.HEADING else []
            return [k for k in rest if k > i]
        return []
    return _neighbours(passages, found, i)


def is_default(said: str) -> bool:
    """Whether a sentence says what something is by default, but not what: "Default: 10."."""
    return bool(_DEFAULT.match(said)) and word_count(said) < TELLING


def is_adrift(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a sentence leans on what was said before its passage begins, or is, as code may be, the end of what began
    there.
    """
    passage = passages[one.passage]
    if one.place or passage.text[: one.start].strip():
        return False
    said = text_of(passages, one)
    if not is_sentence(one):
        return one.unit.kind is Kind.CODE and is_torn(said)
    return leans(said) or _is_tail(passages, one)


def _is_tail(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a sentence is the end of one that was torn before it: it begins with a small letter, and no name does."""
    said = text_of(passages, one)
    return said[:1].islower() and not _NAMED.match(said) and not _titled(said, passages[one.passage])


def _titled(said: str, passage: Passage) -> bool:
    """Whether the first word of a sentence is one of the heading above it: a name written without a capital."""
    return said.split()[0].casefold() in " ".join(passage.headings[-1:]).casefold()


def is_sentence(one: Sentence) -> bool:
    return one.unit.kind is Kind.SENTENCE and not one.unit.question


def _follows(found: Sequence[Sentence], a: int, b: int) -> bool:
    return found[a].passage == found[b].passage


def _below(found: Sequence[Sentence], i: int) -> list[int]:
    """The list, table or code that unit `i` leads into."""
    after = i + 1
    if after >= len(found) or not _follows(found, i, after):
        return []
    first = found[after].unit
    if first.kind not in (Kind.ITEM, Kind.ROW, Kind.CODE):
        return []
    return [k for k in range(after, len(found)) if _follows(found, i, k) and found[k].unit.group == first.group]


def _rows(found: Sequence[Sentence], i: int, scores: NDArray[np.float64] | None) -> list[int]:
    if scores is None:
        return [i]
    group = _group(found, i)
    near = sorted((k for k in group if scores[k] >= scores[i] - _NEAR_ROW), key=lambda k: -scores[k])
    return sorted(near[:_ROWS])


def _code(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    """Code from its first line on, with what leads into it, as far as there is room: without what it only names to use
    it, where there is none for all, nor the end of code that began in another passage.
    """
    group = _group(found, i)
    kept: list[int] = []
    if not passages[found[i].passage].text[: found[group[0]].start].strip():
        group = list(dropwhile(lambda k: is_torn(text_of(passages, found[k])), group)) or group
    does = [k for k in group if not only_imports(text_of(passages, found[k]))]
    whole = sum(word_count(text_of(passages, found[k])) for k in group) <= _CODE_WORDS
    for k in group if whole or not does else range(does[0], group[-1] + 1):
        if kept and sum(word_count(text_of(passages, found[j])) for j in (*kept, k)) > _CODE_WORDS:
            break
        kept.append(k)
    if i not in kept:
        kept = [i]
    return [*_leading(passages, found, group[0]), *kept]


def list_of(passages: Sequence[Passage], found: Sequence[Sentence], i: int, room: int = _ANY) -> list[int]:
    """The list of item `i` with what leads into it, or as much of it as there is room for."""
    group = _whole_list(passages, found, i)
    before = _leading(passages, found, group[0])
    room = min(_LIST_WORDS, room - sum(word_count(text_of(passages, found[k])) for k in before))
    kept = [i] if defines(passages, found, i) else group
    if len(kept) > 1 and _ways(passages, found, group, i, room) is None:
        # the item with those around it, the next before the last
        sizes = {k: word_count(text_of(passages, found[k])) for k in group}
        kept = _steps_to(passages, found, group, i, room) or [i]
        low, high = min(kept), max(kept)
        while True:
            nearest = [k for k in (high + 1, low - 1) if k in sizes and _follows(found, k, i)]
            fits = [k for k in nearest if sum(sizes[j] for j in kept) + sizes[k] <= room * 2 // 3]
            if not fits:
                break
            kept.append(fits[0])
            low, high = min(low, fits[0]), max(high, fits[0])
        kept = under(found, group, sorted(kept))
    after = [
        k for k in (kept[-1] + 1,) if k < len(found) and _follows(found, k, kept[-1]) and _goes_on(passages, found[k])
    ]
    return [*before, *kept, *(after or _told_below(passages, found, kept[-1]))]


def _steps_to(
    passages: Sequence[Passage], found: Sequence[Sentence], group: Sequence[int], i: int, room: int
) -> list[int]:
    """The numbered items of a list from the first one to item `i`, where there is room for them."""
    steps = [k for k in group if k <= i]
    numbered = all(found[k].unit.mark.strip("().").isdecimal() for k in steps)
    return steps if numbered and _ways(passages, found, steps, i, room) is not None else []


def under(found: Sequence[Sentence], group: Sequence[int], kept: Sequence[int]) -> list[int]:
    """Items of a list with the one that the first of them stands under: an answer with its question."""
    depth = found[kept[0]].unit.depth
    above = [k for k in group if k < kept[0] and found[k].unit.depth < depth and _follows(found, k, kept[0])]
    return [*above[-1:], *kept]


def defines(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> bool:
    """Whether the list of item `i` says what words mean: each item is read by itself, as one looks up a word."""
    items = _group(found, i)
    led = [text_of(passages, found[k]) for k in _leading(passages, found, items[0])]
    named = any(_DEFINITIONS.search(one) for one in (*passages[found[i].passage].headings[-1:], *led))
    return named and sum(":" in text_of(passages, found[k])[:_TERM] for k in items) * 2 > len(items)


def _told_below(passages: Sequence[Passage], found: Sequence[Sentence], last: int) -> list[int]:
    """The code that the last item of a list leads into, where it is short."""
    below = _below(found, last) if text_of(passages, found[last]).rstrip().endswith((":", "：")) else []
    code = bool(below) and found[below[0]].unit.kind is Kind.CODE
    short = sum(word_count(text_of(passages, found[k])) for k in below) <= _CODE_WORDS
    return below if code and short else []


def _leading(passages: Sequence[Passage], found: Sequence[Sentence], first: int) -> list[int]:
    """The sentence before a list or code, with those of its paragraph before it that it leans on; no label with its
    value."""
    before: list[int] = []
    k = first - 1
    while k >= 0 and _follows(found, k, first) and is_sentence(found[k]) and len(before) <= 2:
        if _VALUED.fullmatch(text_of(passages, found[k])):
            break
        if before and found[k].unit.group != found[before[0]].unit.group:
            break
        before.insert(0, k)
        if found[k].unit.leads or not leans(text_of(passages, found[k])):  # "This is how:" leans on what is below it
            break
        k -= 1
    return before


def _goes_on(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a sentence is the end of one that a list interrupts: "by writing to the desk."."""
    return is_sentence(one) and text_of(passages, one)[:1].islower()


def _ways(
    passages: Sequence[Passage], found: Sequence[Sentence], items: Sequence[int], i: int, room: int
) -> dict[int, int] | None:
    """Where each item ends so that all of them fit: whole, each but item `i` with the sentence that says what it means,
    or with its first one alone. None where they do not.
    """
    for least in (None, TELLING, 1):
        ends = {
            k: len(text_of(passages, found[k]))
            if least is None or k == i
            else _first_sentence(passages, found[k], least)
            for k in items
        }
        if sum(word_count(text_of(passages, found[k])[:end]) for k, end in ends.items()) <= room:
            return ends
    return None


def _whole_list(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    """The places of a list's items, with those in the passage before and after where the list goes across."""
    group = _group(found, i)
    ends = group[-1] + 1 == len(found) or not _follows(found, group[-1], group[-1] + 1)
    begins = group[0] == 0 or not _follows(found, group[0] - 1, group[0])
    own = passages[found[i].passage]
    for at, passage in enumerate(passages):
        if passage.document != own.document or at == found[i].passage or passage.headings != own.headings:
            continue
        there = [k for k, s in enumerate(found) if s.passage == at]
        if ends and there and own.is_before(passage) and found[there[0]].unit.kind is Kind.ITEM:
            group = [*group, *_group(found, there[0])]
        elif begins and there and passage.is_before(own) and found[there[-1]].unit.kind is Kind.ITEM:
            group = [*_group(found, there[-1]), *group]
    return group


def _group(found: Sequence[Sentence], i: int) -> list[int]:
    """The places of the units that are one list, table or code with unit `i`."""
    return [k for k, s in enumerate(found) if s.passage == found[i].passage and s.unit.group == found[i].unit.group]


def _first_sentence(passages: Sequence[Passage], one: Sentence, least: int) -> int:
    """Where the first sentence of a unit ends that has so many words, with those before it and what it is not true
    without.
    """
    text = text_of(passages, one)
    places = sentences.split(text)
    for (_, end), after in zip_longest(places, places[1:]):
        # "Cut off." is a label, not yet what it means
        if word_count(text[:end]) >= least and not (after and excepts(text[slice(*after)])):
            return end
    return len(text)


def shortened(
    passages: Sequence[Passage], found: Sequence[Sentence], run: Sequence[int], i: int, room: int = _ANY
) -> dict[int, Unit]:
    """The units of a run by their places; the items of a list that is too long with their first sentences only, but for
    item `i`, for which they are quoted.
    """
    items = [k for k in run if found[k].unit.kind is Kind.ITEM]
    if not items:
        return {k: found[k].unit for k in run}
    room = min(_LIST_WORDS, room - sum(word_count(text_of(passages, found[k])) for k in run if k not in items))
    ends = _ways(passages, found, items, i, room) or {}
    return {k: replace(found[k].unit, end=found[k].start + ends[k]) if k in ends else found[k].unit for k in run}


def _neighbours(passages: Sequence[Passage], found: Sequence[Sentence], i: int) -> list[int]:
    """Sentence `i` with what it leans on before it, and what goes on after it in its paragraph; a default with the
    setting's name and what it is.
    """
    if is_default(text_of(passages, found[i])) and (setting := _setting(found, i)):
        return [*setting, i]
    kept = [i]
    size = word_count(text_of(passages, found[i]))
    first = i
    while (
        first > 0
        and _follows(found, first - 1, i)
        and is_sentence(found[first - 1])
        and not found[first - 1].unit.leads
        and not text_of(passages, found[first - 1]).startswith(PICTURE)
        and (
            found[first - 1].unit.group == found[i].unit.group
            or sentences.PAUSE.search(text_of(passages, found[first - 1]))
        )
        and (
            leans(text_of(passages, found[first]))
            or _is_tail(passages, found[first])
            or (
                first == i
                and found[first - 1].unit.group == found[i].unit.group
                and size < _ENOUGH
                and not is_adrift(passages, found[first - 1])
            )
        )
        and size + word_count(text_of(passages, found[first - 1])) <= _SPAN_WORDS + _ENOUGH
        and i - first < 2
    ):
        first -= 1
        kept.insert(0, first)
        size += word_count(text_of(passages, found[first]))
    last = i
    while (
        last + 1 < len(found)
        and _follows(found, i, last + 1)
        and is_sentence(found[last + 1])
        and found[last + 1].unit.group == found[i].unit.group
        and not found[last + 1].unit.leads
        and size + word_count(text_of(passages, found[last + 1])) <= _SPAN_WORDS
    ):
        last += 1
        kept.append(last)
        size += word_count(text_of(passages, found[last]))
    kept.extend(_announced(passages, found, last + 1, i, _SPAN_WORDS + _MORE - size))
    if first > 0 and _follows(found, first - 1, i):
        above = found[first - 1].unit
        if above.question and leans(text_of(passages, found[first])):  # "Yes, it will." needs what was asked
            return [first - 1, *kept]
        if above.kind is Kind.HEADING and not above.question:
            return [first - 1, *kept]
    return kept


def _setting(found: Sequence[Sentence], i: int) -> list[int]:
    """The heading over unit `i` and the sentence under it; none where they are beside it."""
    above = i - 1
    while above >= 0 and _follows(found, above, i) and found[above].unit.kind is not Kind.HEADING:
        above -= 1
    if above < 0 or not _follows(found, above, i) or above + 1 >= i or not is_sentence(found[above + 1]):
        return []
    return [above, above + 1]


def _announced(passages: Sequence[Passage], found: Sequence[Sentence], at: int, i: int, room: int) -> list[int]:
    """What the paragraph of sentence `i` ends with at `at`: what leads into a list or code, and these, where there is
    room for all of it.
    """
    if at >= len(found) or not _follows(found, i, at) or found[at].unit.group != found[i].unit.group:
        return []
    below = _below(found, at) if found[at].unit.leads else []
    if not below or found[below[0]].unit.kind is Kind.ROW:
        return []
    run = [at, *below]
    return run if sum(word_count(text_of(passages, found[k])) for k in run) <= room else []
