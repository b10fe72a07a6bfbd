"""What the chat says in its own words, in English and Turkish.

Knows wordings by key, and whose language applies. Does not know when a text is shown. The labels inside the panel and
under an answer belong to the elements in public/elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from hybrid.answering.notices import why
from hybrid.errors import ModelError
from hybrid.events import Reason
from hybrid.runtimes.base import ModelInfo, ModelState
from rag.errors import DocumentError, LibraryError, UserFacingError
from tandem.catalogues import english, turkish

Language = Literal["en", "tr"]

TEXTS: dict[Language, dict[str, str]] = {"en": english.TEXTS, "tr": turkish.TEXTS}
STARTERS: dict[Language, tuple[tuple[str, str], ...]] = {"en": english.STARTERS, "tr": turkish.STARTERS}
_ADDRESS = re.compile(
    r"https?://[^\s,;)\"'<>]*[^\s,;)\"'<>.:]|(?<![\w.])(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}\b",
    re.IGNORECASE,
)
_SHARES = {"support", "repetition", "confidence", "limit", "probability"}


def say(key: str, language: Language, **values: object) -> str:
    """The wording of `key` with `values` filled in."""
    return TEXTS[language][key].format(**values)


def labels(keys: Iterable[str], language: Language) -> dict[str, str]:
    """The wordings of several keys, for an element that draws them."""
    return {key: TEXTS[language][key] for key in keys}


def language_for(chosen: str, configured: str, browser: str) -> Language:
    """The language to speak: what the person chose, else what is configured, else the browser's; "auto" passes on."""
    for wanted in (chosen, configured, browser):
        if wanted and wanted != "auto":
            return "tr" if wanted.lower().startswith("tr") else "en"
    return "en"


def reason(given: Reason, language: Language) -> str:
    """A decision's reason in words. Reasons without a Turkish wording stay in English."""
    if language == "en" or given.code not in turkish.REASONS:
        return given.text
    values: dict[str, Any] = {
        key: f"% {value * 100:.0f}" if key in _SHARES and isinstance(value, float) else value
        for key, value in given.values.items()
    }
    if "signals" in values:
        named = str(values["signals"]).split(", ")
        values["signals"] = ", ".join(turkish.SIGNALS.get(name.replace(" ", "_"), name) for name in named)
    try:
        return turkish.REASONS[given.code].format(**values)
    except KeyError:
        return given.text


def problem(error: UserFacingError, language: Language) -> str:
    """What went wrong, in words: by the kind of the error, with its own sentence where that has more to say."""
    if language == "en":
        return str(error)
    if isinstance(error, ModelError):
        return why(error, language)
    for kind, wording in ((DocumentError, turkish.DOCUMENT_ERROR), (LibraryError, turkish.LIBRARY_ERROR)):
        if isinstance(error, kind):
            return wording.format(detail=error)
    return str(error)


def without_addresses(text: str, language: Language) -> str:
    """A sentence for people who do not administer: where a model's server listens is no business of theirs."""
    return _ADDRESS.sub(say("model_server", language), text)


def model_label(info: ModelInfo, language: Language) -> str:
    """A model with its state, for a list: "gpt-oss-20b · to download, 12.0 GB"."""
    state = say(f"state_{info.state}", language)
    if info.state is ModelState.DOWNLOADABLE and info.size_mb:
        state = f"{state}, {info.size_mb / 1024:.1f} GB"
    return f"{info.alias} · {state}"
