"""Arithmetic that a text states: finds `a op b = c` in prose and works out whether it holds.

Knows numbers as people write them (thousands, decimals, currencies, per cent, fractions, units between), operators and
rounding. Does not know algebra: a statement with a variable is left alone, and a plausible conversion of units holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

_MAX_CHARS = 20_000
_MAX_ITEMS = 60
_MAX_UNIT_WORDS = 4

_ANNOTATION = regex.compile(r"<<([^<>\n]{0,200})>>")
_CONTINUED = regex.compile(r"[^\S\n]*\n\s*(?=[=≈])")
_PIECE = regex.compile(r"\n|[;:!?…]+|[.,](?!\d)")
_BOLD = regex.compile(r"(?<!\d\s?)\*\*|\*\*(?!\s?[\d(])|__")
_FRACTION = regex.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_COMMAND = regex.compile(r"\\(times|cdot|div|approx|text|mathrm|left|right|[()\[\],$%])(?![A-Za-z])")
_COMMANDS = {"times": "*", "cdot": "*", "div": "/", "approx": "≈", "%": "%"}
_EQUALS = regex.compile(r"(?<![<>=!])([=≈≅])(?!=)")
_TOKEN = regex.compile(
    r"(?P<number>(?<![\p{L}\d.])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?!\d))"
    r"|(?P<op>\*\*|\\?[*×·⋅÷/+^−–-]|(?<=[\d)%\s])[xX](?=[\s$€£(\d]))"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<percent>%|(?:per ?cent)\b)|(?P<skip>[\s$€£₺¥¢]+)"
    r"|(?P<word>[\p{L}\p{M}'’]+)|(?P<other>.)"
)
_THOUSANDS = regex.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_OPERATORS = {"×": "*", "·": "*", "⋅": "*", "x": "*", "÷": "/", "−": "-", "–": "-", "^": "**"}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "bin": 1e3, "milyon": 1e6, "milyar": 1e9}
_ARITHMETIC = frozenset({"+", "-", "*", "/", "**"})
_CONVERSIONS = (7, 12, 16, 24, 36, 52, 60, 100, 365, 1000, 3600, 5280)


@dataclass(frozen=True, slots=True)
class Statement:
    """One `left = right`: the numbers computed with, the value written on the right, and whether it is right."""

    operands: tuple[float, ...]
    result: float
    holds: bool


def statements(text: str) -> tuple[Statement, ...]:
    """The arithmetic statements of `text`, in order; those of its first 20 000 characters.

    A chain `a + b = c = d` gives one statement for each pair whose left side computes something. Annotations
    `<<3*4=12>>` are read like any other arithmetic, and the text around them without them. A statement made twice
    counts once.

    >>> [s.holds for s in statements("So 3 boxes * $4 = $12, and 12 + 5 = 18.")]
    [True, False]
    """
    return _statements(text[:_MAX_CHARS])


@lru_cache(maxsize=64)
def _statements(text: str) -> tuple[Statement, ...]:
    found: dict[tuple[tuple[float, ...], float], Statement] = {}
    for line in _plain(text).split("\n"):
        pieces = [note[1] for note in _ANNOTATION.finditer(line)]
        pieces += _PIECE.split(_ANNOTATION.sub("", line))
        for piece in pieces:
            if "=" in piece or "≈" in piece:
                for statement in _chain(piece):
                    found.setdefault((statement.operands, round(statement.result, 2)), statement)
    return tuple(found.values())


def _plain(text: str) -> str:
    """Without Markdown's emphasis and TeX's commands, each equation on one line."""
    text = _FRACTION.sub(r"((\1)/(\2))", text)
    text = _COMMAND.sub(lambda m: _COMMANDS.get(m[1], " "), text)
    return _CONTINUED.sub(" ", _BOLD.sub("", text))


def _chain(piece: str) -> list[Statement]:
    parts = _EQUALS.split(piece)
    sides = [_items(part) for part in parts[::2]]
    found = []
    for left, sign, right in zip(sides, parts[1::2], sides[1:], strict=False):
        computed, stated = _last_expression(left), _first_expressions(right)
        if computed is None or not stated or not computed.operators:
            continue
        holds = any(_equal(computed, value, sign != "=") for value in stated)
        found.append(Statement(computed.numbers, stated[0].values[0], holds))
    return found


@dataclass(frozen=True, slots=True)
class _Item:
    """A number, an operator or bracket, or a word that ends an expression ("")."""

    text: str
    value: float = 0.0
    decimals: int = 0
    percent: bool = False
    tight: bool = False
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Side:
    """A parsed expression: its value in each possible reading, its numbers, and what rounding and units it has."""

    values: tuple[float, ...]
    numbers: tuple[float, ...]
    operators: int
    decimals: int
    percent: bool
    units: bool


def _items(part: str) -> list[_Item]:
    """The tokens of one side, units attached to their numbers."""
    tokens = [m for m in _TOKEN.finditer(part) if m.lastgroup != "skip"]
    items: list[_Item] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        kind, text = token.lastgroup, token.group()
        follows = tokens[at + 1] if at + 1 < len(tokens) else None
        at += 1
        if kind == "number":
            digits = text.replace(",", "" if _THOUSANDS.fullmatch(text) else ".")
            decimals = len(digits.partition(".")[2])
            items.append(_Item("0", float(digits), decimals))
        elif kind == "percent" and items and items[-1].text == "0":
            last = items[-1]
            items[-1] = _Item("0", last.value / 100.0, last.decimals, True)
        elif kind == "op":
            operator = _OPERATORS.get(text.strip("\\").lower(), text.strip("\\"))
            if operator == "/" and follows is not None and follows.lastgroup == "word":
                at += 1  # miles/hour
                continue
            tight = operator == "/" and token.start() > 0 and token.end() < len(part)
            tight = tight and not part[token.start() - 1].isspace() and not part[token.end()].isspace()
            items.append(_Item(operator, tight=tight))
        elif kind == "open":
            closed = _words_only(tokens, at)
            if closed:
                at = closed
            else:
                items.append(_Item("("))
        elif kind == "close":
            items.append(_Item(")"))
        elif kind == "word":
            at = _word(tokens, at - 1, items)
        else:
            items.append(_Item(""))
    return items[-_MAX_ITEMS:]


def _words_only(tokens: Sequence[regex.Match[str]], at: int) -> int:
    """Where a bracket with nothing but words ends, 0 if it is none."""
    end = at
    while end < len(tokens) and tokens[end].lastgroup == "word":
        end += 1
    return end + 1 if end > at and end < len(tokens) and tokens[end].lastgroup == "close" else 0


def _word(tokens: Sequence[regex.Match[str]], at: int, items: list[_Item]) -> int:
    """Take the run of words at `at`: a scale, "of", a unit of the number before, or the end of an expression."""
    end = at
    while end < len(tokens) and tokens[end].lastgroup == "word":
        end += 1
    words = [token.group().casefold() for token in tokens[at:end]]
    last = items[-1] if items else None
    if last is not None and last.text == "0" and words[0] in _SCALES:
        items[-1] = last = _Item("0", last.value * _SCALES[words.pop(0)], 0, last.percent)
    if not words:
        return end
    follows = tokens[end].lastgroup if end < len(tokens) else None
    if last is not None and last.text in ("0", ")"):
        if words == ["of"] and follows in ("number", "open"):
            items.append(_Item("*"))
            return end
        if len(words) <= _MAX_UNIT_WORDS and follows in (None, "op", "close") and all(len(w) > 1 for w in words):
            if last.text == "0":
                items[-1] = _Item("0", last.value, last.decimals, last.percent, units=tuple(words))
            return end
    items.append(_Item(""))
    return end


def _last_expression(items: Sequence[_Item]) -> _Side | None:
    """The expression that ends the side, if it is one from the last plain word on."""
    start = max((i + 1 for i, item in enumerate(items) if item.text == ""), default=0)
    side = _parsed(items[start:])
    return side[0] if side is not None and side[1] == len(items) - start else None


def _first_expressions(items: Sequence[_Item]) -> list[_Side]:
    """The expression that begins the side, and its first number alone."""
    end = next((i for i, item in enumerate(items) if item.text == ""), len(items))
    whole = _parsed(items[:end])
    if whole is None:
        return []
    return [whole[0], _of_number(items[0])] if items[0].text == "0" else [whole[0]]


def _of_number(item: _Item) -> _Side:
    values = (item.value, item.value * 100.0) if item.percent else (item.value,)
    return _Side(values, (item.value,), 0, item.decimals, item.percent, bool(item.units))


def _parsed(items: Sequence[_Item]) -> tuple[_Side, int] | None:
    """The longest expression at the start of `items` and its length, or None."""
    values: list[float] = []
    length = 0
    readings = (False, True) if any(item.tight for item in items) else (False,)
    for fractions in readings:
        parser = _Parser(items, fractions)
        try:
            value = parser.sum()
        except (_NoExpression, ZeroDivisionError, OverflowError, RecursionError):
            continue
        if isinstance(value, complex) or not abs(value) <= 1e15:  # nor what is no number
            continue
        values.append(value)
        length = max(length, parser.at)
    if not values:
        return None
    used = [item for item in items[:length] if item.text == "0"]
    percent = any(item.percent for item in used)
    if percent:
        values += [value * 100.0 for value in values]
    side = _Side(
        tuple(dict.fromkeys(values)),
        tuple(item.value for item in used),
        sum(item.text in _ARITHMETIC for item in items[:length]),
        max((item.decimals for item in used), default=0),
        percent,
        any(item.units for item in used),
    )
    return side, length


class _NoExpression(Exception):
    """The items do not begin with an expression."""


class _Parser:
    """Recursive descent over items. With `fractions`, an unspaced 1/2 binds tighter than a spaced division."""

    def __init__(self, items: Sequence[_Item], fractions: bool) -> None:
        self.items = items
        self.fractions = fractions
        self.at = 0

    def sum(self) -> float:
        value = self._product()
        while self._next("+", "-"):
            operator, back = self._take(), self.at - 1
            try:
                other = self._product()
            except _NoExpression:
                self.at = back
                return value
            value = value + other if operator == "+" else value - other
        return value

    def _product(self) -> float:
        value = self._power()
        while self._next("*", "/"):
            operator, back = self._take(), self.at - 1
            try:
                other = self._power()
            except _NoExpression:
                self.at = back
                return value
            value = value * other if operator == "*" else value / other
        return value

    def _power(self) -> float:
        value = self._base()
        if self._next("**"):
            self._take()
            exponent = self._power()
            if abs(exponent) > 100:
                raise _NoExpression
            value = value**exponent
        return value

    def _base(self) -> float:
        if self._next("-"):
            self._take()
            return -self._base()
        if self._next("("):
            self._take()
            value = self.sum()
            if not self._next(")"):
                raise _NoExpression
            self._take()
            return value
        if not self._next("0"):
            raise _NoExpression
        value = self._number()
        while self.fractions and self._next("/") and self.items[self.at].tight and self._is("0", 1):
            self._take()
            value /= self._number()
        return value

    def _number(self) -> float:
        self.at += 1
        return self.items[self.at - 1].value

    def _take(self) -> str:
        self.at += 1
        return self.items[self.at - 1].text

    def _is(self, text: str, ahead: int) -> bool:
        return self.at + ahead < len(self.items) and self.items[self.at + ahead].text == text

    def _next(self, *texts: str) -> bool:
        return self.at < len(self.items) and self.items[self.at].text in texts


def _equal(computed: _Side, stated: _Side, roughly: bool) -> bool:
    """Whether some reading of both is equal, within the rounding of what is written."""
    for value in computed.values:
        for result in stated.values:
            gap = abs(value - result)
            size = max(abs(value), abs(result))
            if gap <= 1e-9 * max(1.0, size):
                return True
            if stated.decimals and gap <= 1.001 * 10.0**-stated.decimals:
                return True
            if roughly and gap <= max(1.0, 0.05 * size):
                return True
            if computed.decimals >= 2 and gap <= 0.006 * size:  # computed from rounded numbers
                return True
            if (computed.units or stated.units) and min(abs(value), abs(result)) > 0:
                ratio = size / min(abs(value), abs(result))
                if any(abs(ratio - factor) < 1e-6 * factor for factor in _CONVERSIONS):
                    return True
    return False
