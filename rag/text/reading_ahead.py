"""Reads ahead what the first question in a language would otherwise wait for.

Knows which lists of words there are. Does not know what they are for.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.text import framing
from rag.text.analyser import stem, stop_terms
from rag.text.language import detect, stop_words
from rag.text.synonyms import related
from rag.text.written_forms import forms


def read(languages: Sequence[str]) -> None:
    """Read the short lists of all languages, these `languages` first; not the long ones by which spelling is told (see
    `rag.text.lexicon`).
    """
    framing.unframed("word")
    detect("word")
    forms("1 word 2000")
    for language in dict.fromkeys((*languages, *stop_words())):
        stop_terms(language)
        stem("word", language)
        related(("word",), language)
