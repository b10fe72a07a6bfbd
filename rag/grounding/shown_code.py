"""How code of a passage is shown: how far in its lines stand, where it is cut, and that it goes on.

Knows lines, brackets and what else of its code a passage has. Does not know what code says nor how it is cited
(`rag.grounding.quoting`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.grounding.code_lines import is_comment, is_cut_off, is_torn, opened
from rag.grounding.units import Kind, Unit, units
from rag.text.list_marks import MARK
from rag.types import Passage

LEFT_OUT = "…"
"""What stands for lines that are not shown."""
_MOST_LINES, _STEP, _DEEPEST = 24, 4, 24


def shown(run: Sequence[Unit], text: str, *, goes_on: bool = False) -> str:
    """The code of a passage's `text` from the first to the last of the units of `run`, as far in as it was written
    there, with a sign where lines before it, within or after it are not shown; code that the passage ends with may be
    known to `goes_on` in the next one.
    """
    lines = _set_in(text[run[0].start : run[-1].end].split("\n"), text[: run[0].start].rpartition("\n")[2])
    after = next((unit for unit in units(text) if unit.start >= run[-1].end), None)
    whole = lines[: cut(lines, _MOST_LINES)]
    while after is None and len(whole) > 1 and is_comment(whole[-1]):  # on what comes after it
        whole.pop()
    code = "\n".join(whole)
    if after is not None:
        goes_on = (after.kind, after.group) == (Kind.CODE, run[-1].group)
    if len(whole) < len(lines) or goes_on or (after is None and is_cut_off(code)):
        code = f"{code.rstrip()}\n{LEFT_OUT}"
    return f"{LEFT_OUT}\n{code}" if not text[: run[0].start].strip() and is_torn(code) else code


def goes_on(run: Sequence[Unit], passage: Passage) -> bool:
    """Whether code that a passage ends with goes on in the next one: what stands there, as `Passage.edges` has it, is
    further in than the first line of what is shown.
    """
    first, below = passage.text[: run[0].start].rpartition("\n")[2], passage.edges[1]
    inside = below.removeprefix("\n\n")
    depth = len(inside) - len(inside.lstrip(" "))
    return below.startswith("\n\n") and not first.strip() and len(first) < depth <= _DEEPEST and not MARK.match(inside)


def cut(lines: Sequence[str], most: int) -> int:
    """How many of the first lines of code are shown where there are to be no more than `most`: all that are before a
    line at which as little as can be is open, not less than half.
    """
    if len(lines) <= most:
        return len(lines)

    def torn(at: int) -> tuple[int, int, int]:
        below = next((line for line in lines[at:] if line.strip()), "")
        return opened("\n".join(lines[:at])), len(below) - len(below.lstrip()), -at

    return min(range(most // 2, most + 1), key=torn)


def _set_in(lines: Sequence[str], before: str) -> list[str]:
    """The lines as far in as they stand to each other; `before` is what stands before the first in its line."""
    rest = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    known = bool(before) and not before.strip()
    first = len(before) if known else _depth(lines[0], rest)
    dent = min([first, *rest])
    return [" " * (first - dent) + lines[0].lstrip(), *(line[dent:] for line in lines[1:])]


def _depth(first: str, rest: Sequence[int]) -> int:
    """How far in the first line of code stands that its passage does not say of: as far as the second, or as what is
    around that where the first opens it.
    """
    second = rest[0] if rest else 0
    if not (opened(first) or first.rstrip().endswith((":", "\\"))):
        return second
    return max((one for one in rest if one < second), default=max(0, second - _STEP))
