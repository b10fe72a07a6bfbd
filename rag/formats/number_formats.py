"""A number as its cell displays it: percent, thousands, leading zeros, dates, currencies.

Knows spreadsheets' format codes. Does not know cells or files; month names are English, a locale's own short date is
written year first, because the code does not say which locale.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

import regex

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
    14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "##0.0E+0", 49: "@",
}  # fmt: skip
"""The formats that a file need not spell out, by number."""
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKEN = regex.compile(
    r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[(h+|m+|s+)\]|\[[^\]]*\]|(AM/PM|A/P)|([yYdDhHsS]+|[mM]+)|(\.0+)|(.)',
    regex.I | regex.S,
)
_QUOTED = regex.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', regex.I)
_PLACES = regex.compile(r"[0#?][0#?,.]*")
_FRACTION = regex.compile(r"([0#?]+\s+)?[0#?]+\s*/\s*([0#?]+|\d+)")
_CURRENCY = regex.compile(r"\[\$([^\]-]*)[^\]]*\]")


def shown(value: str, code: str, *, epoch_1904: bool = False) -> str:
    """The text that a cell of format `code` shows for the number written as `value`; other values stay as they are."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    code = _section(code, number)
    if not code or code.strip().lower() in ("general", "@", "standard"):
        return general(number)
    try:
        if is_date(code):
            return _date(number, code, epoch_1904)
        return _number(number, code)
    except (ValueError, OverflowError, InvalidOperation):
        return general(number)


def general(number: Decimal) -> str:
    """A number without a format: at most 15 significant digits, no exponent where it is avoidable."""
    if number == number.to_integral_value() and abs(number) < Decimal(10) ** 15:
        return str(int(number))
    rounded = +Decimal(f"{number:.15g}")
    if Decimal("1e-10") <= abs(rounded) < Decimal("1e15"):
        text = f"{rounded:f}"
        # 0.1 + 0.2 is kept as 0.30000000000000004, and shows as 0.3.
        short = f"{Decimal(f'{number:.11g}'):f}"
        text = short if len(text) > 13 else text
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{float(number):.6g}"


@lru_cache(maxsize=1024)
def is_date(code: str) -> bool:
    """Whether a format code shows dates or times."""
    bare = _QUOTED.sub("", code)
    if "general" in bare.lower():
        return False
    return bool(regex.search(r"[ymdhs]", bare, regex.I)) and not _PLACES.search(
        regex.sub(r"\.0+|s\.0+", "", bare, flags=regex.I)
    )


def _section(code: str, number: Decimal) -> str:
    """The part of a code in up to four parts that is for this number."""
    parts = _sections(code)
    if len(parts) == 1:
        return parts[0]
    for part in parts:
        if condition := regex.match(r"\s*\[(<=|>=|<>|<|>|=)(-?[\d.]+)\]", part):
            limit = Decimal(condition[2])
            tests = {
                "<": number < limit, ">": number > limit, "=": number == limit,
                "<=": number <= limit, ">=": number >= limit, "<>": number != limit,
            }  # fmt: skip
            if tests[condition[1]]:
                return part
    if any(regex.match(r"\s*\[[<>=]", part) for part in parts):
        return parts[-1] if not parts[-1].lstrip().startswith("[") else parts[0]
    if number < 0:
        sign = "" if any(s in parts[1] for s in "-()") or regex.search(r"[(\-]", parts[1]) else "\\-"
        return sign + parts[1] if parts[1] else ""
    if number == 0 and len(parts) > 2:
        return parts[2]
    return parts[0]


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[str, ...]:
    parts, quoted, current = [], False, ""
    escaped = False
    for sign in code:
        if sign == '"' and not escaped:
            quoted = not quoted
        if sign == ";" and not quoted and not escaped:
            parts.append(current)
            current = ""
            continue
        escaped = sign == "\\" and not escaped
        current += sign
    return (*parts, current)


def _number(number: Decimal, code: str) -> str:
    code = _CURRENCY.sub(lambda mark: f'"{mark[1]}"', code)
    bare = _QUOTED.sub(lambda found: "\x00" * len(found[0]), code)
    places = _PLACES.search(bare)
    if places is None:
        # No digits are asked for: only the words, or nothing at all.
        return _literal(code).strip() or general(number)
    before, digits, after = code[: places.start()], places[0], code[places.end() :]
    size = abs(number)
    exponent = regex.match(r"E([+-])(0+)", bare[places.end() :], regex.I)
    if "%" not in bare and (parted := _FRACTION.search(bare)):
        minus = "-" if number < 0 and "-" not in before else ""
        return f"{minus}{_literal(before)}{_parted(size, parted)}{_literal(code[parted.end() :])}".strip()
    size *= Decimal(100) ** bare.count("%")
    while digits.endswith(","):
        digits, size = digits[:-1], size / 1000
    whole, _, decimals = digits.partition(".")
    if exponent:
        text = regex.sub(r"(?<=[+-])\d+$", lambda power: power[0].zfill(len(exponent[2])), f"{size:.{len(decimals)}E}")
        return ("-" if number < 0 else "") + _literal(before) + text + _literal(after[exponent.end() :])
    rounded = size.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    integer, _, fraction = f"{rounded:f}".partition(".")
    least = sum(sign == "0" for sign in whole)
    integer = integer.lstrip("0").rjust(least, "0")
    if "," in whole:
        integer = regex.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", integer)
    keep = max((at + 1 for at, sign in enumerate(decimals) if sign == "0"), default=0)
    while len(fraction) > keep and fraction.endswith("0"):
        fraction = fraction[:-1]
    if not rounded and not set(digits) & {"0", "#"}:
        return (_literal(before) + _literal(after)).strip()
    if not exponent and regex.search(r"[0#]", bare[places.end() :]) and not decimals:
        return _masked(f"{rounded:f}", code, bare)
    text = f"{integer or ('' if fraction else '0')}.{fraction}" if fraction else integer or "0"
    minus = "-" if number < 0 and not any(s in before for s in "-(") else ""
    return f"{minus}{_literal(before)}{text}{_literal(after)}".strip()


def _parted(size: Decimal, code: regex.Match[str]) -> str:
    """A number as a whole one and a fraction, as "# ?/?" shows it."""
    exact = Fraction(size)
    below = code[2]
    if below.isdecimal() and int(below) > 0:
        near = Fraction(round(exact * int(below)), int(below))
        lower = int(below)
    else:
        near = exact.limit_denominator(10 ** min(len(below), 6) - 1)
        lower = near.denominator
    whole, upper = divmod(int(near * lower), lower) if code[1] else (0, int(near * lower))
    if not upper:
        return str(whole)
    return f"{whole} {upper}/{lower}" if whole else f"{upper}/{lower}"


def _masked(digits: str, code: str, bare: str) -> str:
    """Digits from the right into a mask such as 000-0000."""
    left, text = list(digits), ""
    for sign, plain in zip(reversed(code), reversed(bare), strict=True):
        if plain in "0#?":
            text = (left.pop() if left else "0" if plain == "0" else "") + text
        elif sign not in '"\\':
            text = sign + text
    return "".join(left) + text


def _literal(code: str) -> str:
    text = ""
    for found in _TOKEN.finditer(code):
        if found[0].startswith("_"):
            text += " "
        elif found[1] is not None or found[2] is not None:
            text += found[1] or found[2] or ""
        elif found[3] is not None:
            text += found[3]
        elif found[0][0] not in "*[#?":
            text += found[0]
    return text


def _date(number: Decimal, code: str, epoch_1904: bool) -> str:
    first = datetime(1904, 1, 1) if epoch_1904 else datetime(1899, 12, 30)
    seconds = int((number * 86400).quantize(Decimal(1), ROUND_HALF_UP))
    if not epoch_1904 and 0 < number < 60:
        first += timedelta(days=1) if number >= 1 else timedelta()
    elapsed = regex.search(r"\[(h+|m+|s+)\]", code, regex.I)
    when = first + timedelta(seconds=seconds)
    half = bool(regex.search(r"AM/PM|A/P", code, regex.I))
    tokens = list(_TOKEN.finditer(code))
    text = ""
    for at, found in enumerate(tokens):
        if found[4] is not None:
            unit = {"h": 3600, "m": 60, "s": 1}[found[4][0].lower()]
            text += str(seconds // unit).rjust(len(found[4]), "0")
        elif found[5] is not None:
            text += ("AM", "PM")[when.hour >= 12] if len(found[5]) > 3 else "AP"[when.hour >= 12]
        elif found[6] is not None:
            text += _part(found[6].lower(), when, half, _minutes(tokens, at))
        elif found[7] is not None:
            continue
        else:
            text += _literal(found[0])
    text = " ".join(text.split())
    # Midnight adds nothing to a date.
    if not elapsed and number == number.to_integral_value() and regex.search(r"[yd]", code, regex.I):
        text = regex.sub(r"[ T]0?0:00(?::00)?$", "", text)
    return text


def _minutes(tokens: list[regex.Match[str]], at: int) -> bool:
    """Whether an "m" stands for minutes: hours come before it, or seconds after it."""
    before = next((t[6] or t[4] for t in reversed(tokens[:at]) if t[6] or t[4]), "")
    after = next((t[6] or t[4] for t in tokens[at + 1 :] if t[6] or t[4]), "")
    return before[:1].lower() == "h" or after[:1].lower() == "s"


def _part(token: str, when: datetime, half: bool, minutes: bool) -> str:
    two = len(token) > 1
    match token[0]:
        case "y":
            return str(when.year) if len(token) > 2 else f"{when.year % 100:02}"
        case "d":
            if len(token) > 2:
                return _DAYS[when.weekday()][: 3 if len(token) == 3 else None]
            return f"{when.day:02}" if two else str(when.day)
        case "h":
            hour = (when.hour - 1) % 12 + 1 if half else when.hour
            return f"{hour:02}" if two else str(hour)
        case "s":
            return f"{when.second:02}" if two else str(when.second)
        case _ if minutes and len(token) < 3:
            return f"{when.minute:02}" if two else str(when.minute)
        case _:
            name = _MONTHS[when.month - 1]
            if len(token) > 2:
                return name[0] if len(token) == 5 else name if len(token) > 3 else name[:3]
            return f"{when.month:02}" if two else str(when.month)
