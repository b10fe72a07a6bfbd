"""How the items of a list are shown in Markdown: how deep each stands, by which mark, and where some were left out; and
where rows of a table were.

Knows marks and what else of its list or table a passage has. Does not know what an item says nor how it is cited
(`rag.grounding.quoting`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

import regex

from rag.grounding.units import Kind, Unit, units
from rag.text import sentences
from rag.text.list_marks import MARK

_PARAGRAPH = regex.compile(r"\(\d{1,2}\)")
"""The mark of a paragraph of rules, which stands above all others."""
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list: what stands before the item, the item, None where others were left out, how many these are, 0
    where that is not known, and whether the item goes on where its passage ends.
    """

    before: str
    unit: Unit | None = None
    lost: int = 0
    cut: bool = False


def is_paragraph(unit: Unit) -> bool:
    """Whether an item is a paragraph of rules: "(2)"."""
    return unit.kind is Kind.ITEM and _PARAGRAPH.fullmatch(unit.mark) is not None


def lines(
    run: Sequence[Unit],
    text: str,
    said: Collection[int],
    *,
    goes_on: bool = False,
    edges: tuple[str, str] = ("", ""),
) -> list[Line]:
    """The lines of items of a passage's `text`, of which those that begin at the places `said` are shown as well; the
    list may be one that `goes_on` from what is shown before it. Of items without an order the sign that others were
    left out stands below all; letters say by themselves what is before them. `edges` as in `Passage.edges`.
    """
    own = [unit for unit in units(text) if unit.kind is not Kind.NOISE]
    place = {unit.start: at for at, unit in enumerate(own)}
    depths = [min(_DEEPEST, depth) for depth in _depths(run)]
    shown: list[Line] = []
    for number, (unit, depth) in enumerate(zip(run, depths, strict=True)):
        at, before = place[unit.start], own[place[run[number - 1].start]] if number else None
        lost = _lacks(unit, own[:at], before, said) if at else not goes_on and _begins_before(unit, edges[0])
        if not (lost or number or goes_on) and (steps := _steps_before(unit, own[:at], said)):
            shown.append(Line("  " * depth + "- ", lost=steps))
        elif lost and not is_paragraph(unit):
            shown.append(Line("  " * depth + "- ", lost=_above(own[:at], unit, said, edges[0])))
        torn = at == len(own) - 1 and _is_torn(edges[1]) and not sentences.ENDING.search(text[: unit.end])
        shown.append(Line(f"{'  ' * depth}{mark(unit.mark)} ", unit, cut=torn))
    after = next(iter(own[place[run[-1].start] + 1 :]), None)
    if after is None and not is_paragraph(run[-1]):
        on = [depth for unit, depth in zip(run, depths, strict=True) if _goes_on(unit, edges[1].lstrip("\n"))]
        alone = edges[1] and not shown[-1].cut and _is_first(run[-1].mark) and not on
        on = [depths[-1]] if alone else on
        shown.extend(Line("  " * depth + "- ") for depth in on[-1:])
    elif after is not None and _of_one_list(run[-1], after) and not is_paragraph(after) and after.start not in said:
        rises = max(0, run[-1].depth - after.depth) // 2
        below = _missed(own[place[run[-1].start] + 1 :], run[-1], said)
        known = below[-1] is not own[-1] or not _goes_on(own[-1], edges[1].lstrip("\n"))
        shown.append(Line("  " * max(0, depths[-1] - rises) + "- ", lost=_count(below) * known))
    numbers = any(unit.mark[:1].isdecimal() for unit in run)
    if goes_on or numbers or not any(line.unit is None for line in shown):
        return shown
    if any(_is_numbered(unit.mark) for unit in run):  # letters say what is before the first
        return shown[shown[0].unit is None and not depths[0] :]
    signs = [line.lost for line in shown if line.unit is None]
    if any(depths):
        opens = shown[0].unit is None and not depths[0]
        ends = shown[-1].unit is None
        if opens and ends and shown[-1].before == "- ":
            shown[-1] = Line("- ", lost=_sum([shown[0].lost, shown[-1].lost]))
        return [*shown[opens:], *([shown[0]] if opens and not ends else [])]
    return [*(line for line in shown if line.unit is not None), Line("- ", lost=_sum(signs))]


def _sum(counts: Sequence[int]) -> int:
    """How many items are left out in all; 0 where that is not known of some."""
    return sum(counts) if all(counts) else 0


def _above(own: Sequence[Unit], unit: Unit, said: Collection[int], before: str) -> int:
    """How many items of the list of `unit` are not shown above it, of the units `own` of its passage and those before
    it, which ends with `before`; 0 where that is not known.
    """
    missed = _missed(own[::-1], unit, said)
    first = missed[-1] if missed else unit
    if len(missed) < len(own) or not _begins_before(first, before):
        return _count(missed)
    bare = unit.mark.strip("().")
    return int(bare) - 1 if bare.isdecimal() else 0


def _missed(beside: Sequence[Unit], unit: Unit, said: Collection[int]) -> list[Unit]:
    """Which of the units `beside` one, in the order from it, are items of its list that are not shown."""
    return list(takewhile(lambda one: _of_one_list(one, unit) and one.start not in said, beside))


def _count(items: Sequence[Unit]) -> int:
    """How many items there are, without what stands below one of them."""
    return sum(one.depth == min(other.depth for other in items) for one in items)


def rows_left_out(run: Sequence[Unit], text: str) -> set[int | None]:
    """Where rows of a table in a passage's `text` were left out: before the shown rows of `run` that begin at these
    places, and after the last where there is None among them.
    """
    own = [unit.start for unit in units(text) if unit.kind is Kind.ROW and unit.group == run[0].group]
    shown = [unit.start for unit in run]
    gaps: set[int | None] = {
        start for above, start in zip([None, *own], own, strict=False) if start in shown and above not in (None, *shown)
    }
    return gaps | ({None} if own and own[-1] not in shown else set())


def _lacks(unit: Unit, above: Sequence[Unit], before: Unit | None, said: Collection[int]) -> bool:
    """Whether the item above `unit` in its list is neither `before` it in the answer nor elsewhere in it."""
    last = above[-1]
    return last is not before and _of_one_list(last, unit) and not is_paragraph(last) and last.start not in said


def _steps_before(unit: Unit, above: Sequence[Unit], said: Collection[int]) -> int:
    """How many steps there are before a numbered one whose steps have other things between them, where the one before
    it is in its passage and not shown.
    """
    number = unit.mark[:-1]
    steps = {one.mark: one.start for one in above if one.kind is Kind.ITEM and one.depth == unit.depth}
    before = steps.get(f"{int(number) - 1}{unit.mark[-1]}") if number.isdecimal() else None
    return int(number) - 1 if before is not None and before not in said else 0


def _is_first(own: str) -> bool:
    """Whether an item's number or letter is the first of a list."""
    return own in ("1.", "1)", "a)", "a.")


def _begins_before(unit: Unit, above: str) -> bool:
    """Whether the list of a passage's first unit begins in the passage before it, which ends with `above`."""
    return _is_later(unit.mark) or (not _is_numbered(unit.mark) and _alike(unit.mark, above))


def _goes_on(unit: Unit, below: str) -> bool:
    """Whether the list of a passage's last unit goes on in the next passage, which begins with `below`."""
    found = MARK.match(below)
    later = found is not None and (_is_later(found[0].strip()) or not _is_numbered(found[0]))
    return later and _alike(unit.mark, below)


def _is_torn(below: str) -> bool:
    """Whether the last item of a passage goes on in the next one, which begins with `below`, as in `Passage.edges`."""
    return bool(below) and not (below.startswith("\n") or MARK.match(below))


def _alike(own: str, line: str) -> bool:
    """Whether a line begins with a mark of the same kind: a number, a letter or the same sign."""
    found = MARK.match(line)
    if found is None:
        return False
    other = found[0].strip()
    return own == other or (_is_numbered(own) and _is_numbered(other) and own[-1:] == other[-1:])


def _is_numbered(own: str) -> bool:
    return any(sign.isalnum() for sign in own)


def _of_one_list(one: Unit, other: Unit) -> bool:
    return one.kind is other.kind is Kind.ITEM and one.group == other.group


def _is_later(own: str) -> bool:
    """Whether an item's number or letter is one that no list begins with."""
    bare = own.strip("().").casefold()
    return bare.isalnum() and bare not in ("1", "a", "i")


def _depths(run: Sequence[Unit]) -> list[int]:
    """How deep each item of a list stands in it: as far as it is set in or, where none is, as its kind of mark came up:
    numbers below letters that lead into them, letters below the numbers of paragraphs.
    """
    shallow = min(unit.depth for unit in run)
    if any(unit.depth != shallow for unit in run):
        return [(unit.depth - shallow) // 2 for unit in run]
    kinds: list[str] = []
    depths: list[int] = []
    for unit in run:
        kind = regex.sub(r"\d+|\p{L}+", lambda found: "1" if found[0].isdecimal() else "a", mark(unit.mark))
        if is_paragraph(unit):
            kinds = []
        kinds = kinds[: kinds.index(kind) + 1] if kind in kinds else [*kinds, kind]
        depths.append(len(kinds) - 1)
    return depths


def mark(own: str) -> str:
    """An item's mark in Markdown, which knows numbers: letters of rules are named by theirs."""
    if own[:1].isdigit():
        return own
    return f"- {own}" if _is_numbered(own) and own != "o:" else "-"
