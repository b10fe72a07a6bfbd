"""What Tandem says: one gettext catalogue for each language, named after it.

Knows the files: `languages()` lists them, `words()` reads one. A message's context is its place (chat, panel, notice,
...), its id a stable key. What the engine words itself (reasons, signals, notices, errors) stands in no English
catalogue: the engine's own sentence is the English one. Does not know when a text is said; `tandem.texts` does. Only
`en.po` has to be whole: what another one lacks is said in English.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
ENGLISH = "en"


@cache
def languages() -> tuple[str, ...]:
    """The codes of the languages that there is a catalogue for, English first."""
    return tuple(sorted((file.stem for file in FOLDER.glob("*.po")), key=lambda code: (code != ENGLISH, code)))


@cache
def words(language: str) -> dict[tuple[str, str], str]:
    """The wordings of `language` by place and key, without those that are not translated yet."""
    from babel.messages.pofile import read_po  # takes a while, and most commands say nothing of it

    with (FOLDER / f"{language}.po").open("rb") as file:
        catalogue = read_po(file)
    return {
        (message.context or "", str(message.id)): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }


def known(wanted: str) -> str:
    """The first language of `wanted` (a code as "de-AT", or a header's list of them) with a catalogue; "" if none."""
    by_tag = {code.lower().replace("_", "-"): code for code in languages()}
    for given in wanted.split(","):
        tag = given.split(";")[0].strip().lower().replace("_", "-")
        for candidate in (tag, tag.split("-")[0]):
            if candidate in by_tag:
                return by_tag[candidate]
    return ""
