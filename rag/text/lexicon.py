"""Whether a word belongs to a language, as `simplemma` lists its words.

Knows how its dictionaries become small: only hashes are kept, which a language's first question waits for. Does not
know the library or spelling.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES, DefaultDictionaryFactory

from rag.text.analyser import casefold

_NAMES = {"no": "nb"}


def is_word(word: str, language: str) -> bool:
    """Whether `word` is one of the language's, in any case; False for a language without a list."""
    if language not in SUPPORTED_LANGUAGES and language not in _NAMES:
        return False
    known = _hashes(_NAMES.get(language, language))
    one = np.int64(hash(casefold(word)))
    at = int(np.searchsorted(known, one))
    return at < len(known) and bool(known[at] == one)


@cache
def _hashes(language: str) -> NDArray[np.int64]:
    """The hashes of a language's words, in order."""
    # A factory of its own, which keeps nothing: the dictionary is a hundred times as large as these.
    words = DefaultDictionaryFactory(cache_max_size=0).get_dictionary(language)
    keys = {*words, *words.values()}
    return np.unique(np.array([hash(casefold(_text(key))) for key in keys], np.int64))


def _text(key: str | bytes) -> str:
    return key.decode("utf-8") if isinstance(key, bytes) else key
