"""What commands of a LaTeX document stand for, written out: its own, and those of common packages that a reader sees.

Knows how commands are defined and called. Does not know headings, tables or formulas; runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

_DEFINED = regex.compile(
    r"\\(?:(?:re)?newcommand|providecommand|DeclareRobustCommand|newrobustcmd)\*?\s*"
    r"(?:\{\s*\\([a-zA-Z@]+)\s*\}|\\([a-zA-Z@]+))\s*(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?\s*\{"
    r"|\\(?:[gex]?def)\s*\\([a-zA-Z@]+)((?:#\d)*)\s*\{"
)
_LONGEST_GROUP = 5_000
_ROUNDS = 4
_MOST_GROWTH = 200_000
_VERB = regex.compile(r"\\(?:verb|lstinline)\*?([^\s\w*{])(.*?)\1")
_FONT = regex.compile(
    r"\\(?:texttt|textsf|textrm|textup|textmd|textnormal|path|nolinkurl|url|num|ang|unit|si|ulem|uline|sout|hl)\s*(?=\{)"
)
_LINK = regex.compile(r"\\href\s*\{([^{}]*)\}\s*(?=\{)")
_QUANTITY = regex.compile(r"\\(?:SI|qty)\s*(?:\[[^\]]*\])?\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_UNIT = regex.compile(r"\\([a-zA-Z]+)\s*|[.~]")
_UNITS = {
    "kilo": "k", "mega": "M", "giga": "G", "milli": "m", "micro": "µ", "nano": "n", "centi": "c", "deci": "d",
    "hecto": "h", "gram": "g", "metre": "m", "meter": "m", "second": "s", "litre": "l", "liter": "l", "ampere": "A",
    "kelvin": "K", "mole": "mol", "hertz": "Hz", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W",
    "volt": "V", "ohm": "Ω", "tonne": "t", "minute": "min", "hour": "h", "day": "d", "hectare": "ha",
    "degreeCelsius": "°C", "celsius": "°C", "degree": "°", "percent": "%", "per": "/", "square": "²", "squared": "²",
    "cubic": "³", "cubed": "³", "byte": "B", "decibel": "dB",
}  # fmt: skip
_SIGNS = {
    "pounds": "£", "textsterling": "£", "euro": "€", "EUR": "€", "texteuro": "€", "textdegree": "°", "degree": "°",
    "S": "§", "P": "¶", "copyright": "©", "textregistered": "®", "texttrademark": "™", "textmu": "µ",
    "texttimes": "×", "checkmark": "✓", "textonehalf": "½", "textnumero": "№", "textcelsius": "°C", "celsius": "°C",
}  # fmt: skip
_SIGN = regex.compile(rf"\\({'|'.join(_SIGNS)})(?![a-zA-Z@])(?:\{{\}})?")
_DEGREE = regex.compile(r"\$?\^\{?\\circ\}?\s*(?:\\(?:mathrm|text)\{([CFK])\})?\s*\$?")
_NOTHING = regex.compile(
    r"\\(?:maketitle|tableofcontents|listof\w+|newpage|clearpage|pagebreak|noindent|centering|raggedright|indent|par"
    r"|appendix|bigskip|medskip|smallskip|hfill|vfill|protect|xspace|sloppy|frontmatter|mainmatter|backmatter)(?![a-zA-Z@])"
)
_NAMED_ITEM = regex.compile(r"\\item\s*\[((?:[^\[\]{}]|\{[^{}]*\})*)\]")


@dataclass(frozen=True, slots=True)
class _Command:
    body: str
    arguments: int
    default: str | None


def group(text: str, start: int) -> str:
    """What stands between a brace before `start` and its partner."""
    depth = 1
    for at in range(start, min(len(text), start + _LONGEST_GROUP)):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            return text[start:at]
    return text[start : start + 200]


def written_out(text: str) -> str:
    """`text` with its own commands and those of common packages replaced by what they print."""
    text = _VERB.sub(lambda one: regex.sub(r"([\\{}$&#_%^~])", _escaped, one[2]), text)
    commands, text = _commands(text)
    if commands:
        text = _called(text, commands)
    text = _LINK.sub("", text)
    text = _QUANTITY.sub(lambda one: f"{one[1]} {_unit(one[2])}", text)
    text = _DEGREE.sub(lambda one: f"°{one[1] or ''}", text)
    text = _SIGN.sub(lambda one: _SIGNS[one[1]], _FONT.sub("", text))
    return _NAMED_ITEM.sub(r"\\item \1: ", _NOTHING.sub(" ", text))


def _escaped(sign: regex.Match[str]) -> str:
    return {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}.get(sign[1], f"\\{sign[1]}")


def _unit(source: str) -> str:
    return _UNIT.sub(lambda one: _UNITS.get(one[1], one[1]) if one[1] else " ", source).strip()


def _commands(text: str) -> tuple[dict[str, _Command], str]:
    """The commands that a text defines, and the text without their definitions."""
    commands: dict[str, _Command] = {}
    kept: list[str] = []
    at = 0
    for one in _DEFINED.finditer(text):
        if one.start() < at:
            continue
        body = group(text, one.end())
        name = one[1] or one[2] or one[5]
        count = int(one[3]) if one[3] else one[6].count("#") if one[6] else 0
        commands[name] = _Command(body, count, one[4])
        kept.append(text[at : one.start()])
        at = one.end() + len(body) + 1
    return commands, "".join((*kept, text[at:]))


def _called(text: str, commands: dict[str, _Command]) -> str:
    """The text with calls replaced, also those in what replaced others, as far as it does not grow without bound."""
    names = "|".join(sorted(map(regex.escape, commands), key=len, reverse=True))
    call = regex.compile(rf"\\({names})(?![a-zA-Z@])")
    for _ in range(_ROUNDS):
        if not call.search(text):
            break
        grown = "".join(_replaced(text, call, commands))
        if len(grown) > len(text) + _MOST_GROWTH:
            break
        text = grown
    return text


def _replaced(text: str, call: regex.Pattern[str], commands: dict[str, _Command]) -> Iterator[str]:
    at, room = 0, _MOST_GROWTH
    for one in call.finditer(text):
        if one.start() < at:
            continue
        yield text[at : one.start()]
        command, at = commands[one[1]], one.end()
        arguments: list[str] = []
        if command.default is not None:
            given = regex.compile(r"\s*\[([^\]]*)\]").match(text, at)
            arguments.append(given[1] if given else command.default)
            at = given.end() if given else at
        while len(arguments) < command.arguments:
            opened = regex.compile(r"\s*(?:(\{)|(\\[a-zA-Z]+|\S))").match(text, at)
            if opened is None:
                break
            argument = group(text, opened.end()) if opened[1] else opened[2]
            at = opened.end() + (len(argument) + 1 if opened[1] else 0)
            arguments.append(argument)
        body = command.body
        for place, argument in enumerate(arguments, 1):
            body = body.replace(f"#{place}", argument)
        room -= len(body)
        yield body if room > 0 else ""
    yield text[at:]
