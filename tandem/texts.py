"""What Tandem says to people, in every language that has a catalogue: the one door to them.

Knows wordings by place and key, whose language applies, and how to word what the engine tells by code. Does not know
when a text is shown, nor how catalogues are kept: see `tandem.catalogues`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hybrid.answering.notices import TEXTS
from hybrid.errors import ModelError
from hybrid.events import Notice, Reason
from hybrid.runtimes.base import ModelInfo, ModelState
from rag.errors import DocumentError, LibraryError, UserFacingError
from tandem import catalogues
from tandem.catalogues import ENGLISH
from tandem.details import detail

Language = str

_ADDRESS = re.compile(
    r"https?://[^\s,;)\"'<>]*[^\s,;)\"'<>.:]|(?<![\w.])(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"(?:\b(?:run|see|with) )?`tandem [^`]*`[^.;]*", re.IGNORECASE)
# What is wrong with a model that somebody at the server has to see to.
_ADMINISTRATORS = {"refused", "protocol", "not_found", "unauthorised", "unavailable", "memory", "disk"}
_SHARES = {"support", "repetition", "confidence", "limit", "probability"}
# Those that the page, the answers' elements and the side panel draw.
_DRAWN = ("page", "answer", "panel", "first")


def languages() -> dict[Language, str]:
    """Every language there is a catalogue for, by its code, and what it calls itself."""
    return {code: word("name", code, "about") for code in catalogues.languages()}


def find(key: str, language: Language, place: str = "chat") -> str | None:
    """The wording of `key` with its places still open, in English where `language` has none; None where nobody has."""
    own = catalogues.words(language).get((place, key))
    return own if own is not None else catalogues.words(ENGLISH).get((place, key))


def word(key: str, language: Language, place: str = "chat") -> str:
    """As `find`. Raises KeyError where there is no such wording."""
    found = find(key, language, place)
    if found is None:
        raise KeyError(f"{place}: {key}")
    return found


def say(key: str, language: Language, **values: object) -> str:
    """The wording of `key` in the chat with `values` filled in."""
    return word(key, language).format(**values)


def labels(keys: Iterable[str], language: Language) -> dict[str, Any]:
    """The wordings of several keys, for an element that draws them, with how the language writes figures."""
    return {key: word(key, language) for key in keys} | _figures(language)


def drawn(language: Language) -> dict[str, Any]:
    """All that the page draws by itself: by place, "spans.load" as {"spans": {"load": ...}}, and how the language
    writes figures."""
    whole = catalogues.words(ENGLISH) | catalogues.words(language)
    found: dict[str, Any] = {place: _figures(language) for place in _DRAWN}
    for (place, key), text in whole.items():
        if place in found:
            *groups, last = key.split(".")
            within = found[place]
            for group in groups:
                within = within.setdefault(group, {})
            within[last] = text
    return {"language": language, **found}


def _figures(language: Language) -> dict[str, Any]:
    units = ("percent", "second", "minute", "hour")
    return {"locale": word("locale", language, "about"), "units": {key: word(key, language, "unit") for key in units}}


def everywhere(key: str) -> set[str]:
    """The wordings of `key` in all languages."""
    return {word(key, language) for language in catalogues.languages()}


def starters(language: Language) -> list[tuple[str, str]]:
    """Label and question of first questions about the documents that ship."""
    found: list[tuple[str, str]] = []
    while (label := find(f"label{len(found) + 1}", language, "starter")) is not None:
        found.append((label, word(f"question{len(found) + 1}", language, "starter")))
    return found


def language_for(chosen: str, configured: str, browser: str) -> Language:
    """The language to speak: what the person chose, else what is configured, else the browser's; "auto" passes on.
    English where there is no catalogue for it."""
    for wanted in (chosen, configured, browser):
        if wanted and wanted != "auto":
            return catalogues.known(wanted) or ENGLISH
    return ENGLISH


def reason(given: Reason, language: Language) -> str:
    """A decision's reason in words. Reasons without a wording stay in English."""
    wording = find(given.code, language, "reason")
    if language == ENGLISH or wording is None:
        return given.text
    share = word("share", language, "unit")
    values: dict[str, Any] = {
        key: share.format(n=f"{value * 100:.0f}") if key in _SHARES and isinstance(value, float) else value
        for key, value in given.values.items()
    }
    if "signals" in values:
        named = str(values["signals"]).split(", ")
        values["signals"] = ", ".join(find(name.replace(" ", "_"), language, "signal") or name for name in named)
    try:
        return wording.format(**values)
    except KeyError:
        return given.text


def notice(given: Notice, language: Language, *, staff: bool = False) -> str:
    """A notice in words, and what stands in it: other notices, and errors. Without a wording it stays in English.
    `staff` is as in `problem`."""
    language = catalogues.known(language) or ENGLISH
    wording = TEXTS.get(given.code) if language == ENGLISH else find(given.code, language, "notice")
    broken = any(isinstance(value, ModelError) for value in given.values.values())
    if wording is None or (language == ENGLISH and not (staff and broken)):
        return given.text
    return wording.format(**{key: _value(value, language, staff) for key, value in given.values.items()})


def _value(value: object, language: Language, staff: bool) -> object:
    if isinstance(value, Notice):
        return notice(value, language, staff=staff)
    return problem(value, language, staff=staff) if isinstance(value, UserFacingError) else value


def problem(error: UserFacingError, language: Language, *, staff: bool = False) -> str:
    """What went wrong, in words: by the kind of the error, with its own sentence where that has more to say. To
    `staff`, who do not administer, what only an administrator can mend is said as that."""
    if staff and isinstance(error, ModelError) and error.kind in _ADMINISTRATORS:
        return say("model_away", language)
    if language == ENGLISH:
        return str(error)
    if isinstance(error, ModelError):
        return find(error.kind, language, "model_error") or str(error)
    if not isinstance(error, LibraryError) and (known := detail(str(error), language)) != str(error):
        return known
    for kind, key in ((DocumentError, "document"), (LibraryError, "library")):
        if isinstance(error, kind) and (wording := find(key, language, "error")) is not None:
            return wording.format(detail=error)
    return str(error)


def without_addresses(text: str, language: Language) -> str:
    """A sentence for people who do not administer: where a model's server listens is no business of theirs."""
    return _ADDRESS.sub(say("model_server", language), text)


def for_staff(text: str, language: Language) -> str:
    """`without_addresses`, for people at the chat, who have no terminal to give a command in either."""
    return _COMMAND.sub(say("ask_administrator", language), without_addresses(text, language))


def waiting(seconds: int, language: Language) -> str:
    """So long, in the unit that one would say it in."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return word(unit, language, "unit").format(n=-(-seconds // length))
    return word("second", language, "unit").format(n=seconds)


def date(moment: datetime, language: Language) -> str:
    """A day as the language writes it: "27 November 2026"."""
    from babel.dates import format_date  # takes a while, and most of what is said is no date

    return format_date(moment, "long", locale=word("locale", language, "about").replace("-", "_"))


def model_label(info: ModelInfo, language: Language) -> str:
    """A model with its state, for a list: "gpt-oss-20b · to download, 12.0 GB"."""
    state = say(f"state_{info.state}", language)
    if info.state is ModelState.DOWNLOADABLE and info.size_mb:
        state = f"{state}, {info.size_mb / 1024:.1f} GB"
    return f"{info.alias} · {state}"
