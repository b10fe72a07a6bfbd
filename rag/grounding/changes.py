"""What tells what was changed in a version, and what asks for it.

Knows what changelogs and their sections are called, in English, German and Turkish. Does not know versions
(`rag.retrieval.versions`): a line of a changelog says how something became what it is, and seldom how it is.
"""

from __future__ import annotations

import regex

from rag.types import Passage

_CALLED = regex.compile(
    r"(?:^|[/_.\s-])(?:change[-_ ]?log|changes|history|release[-_ ]?notes|releases|what[-_ ]?s[-_ ]?new|news|"
    r"änderungen|versionshinweise|değişiklikler|sürüm notları)(?=$|[/_.\s-]|\d)",
    regex.I,
)
_ASKED = regex.compile(
    r"\b(?:new(?:s|er|est)?|chang\w+|since|version\w*|releas\w+|upgrad\w+|updat\w+|migrat\w+|added|removed|"
    r"deprecat\w+|fixed|introduced|dropped|latest|history|backwards?|"
    r"neu\w*|geändert\w*|änderung\w*|seit|yeni\w*|değiş\w+|sürüm\w*|güncel\w*)\b|\d\.\d",
    regex.I,
)


def tells(passage: Passage) -> bool:
    """Whether a passage is of a changelog, by its document's name and titles."""
    return any(_CALLED.search(said.replace("’", "").replace("'", "")) for said in (passage.document, *passage.headings))


def asked(question: str) -> bool:
    """Whether a question is about a version, or what changed."""
    return bool(_ASKED.search(question))
