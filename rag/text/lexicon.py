"""Whether a word belongs to a language, as `simplemma` lists its words.

Knows how its dictionaries become small: only hashes are kept, made once beside whatever goes on. A language with a
million forms takes seconds, and no question waits for that. Does not know the library or spelling.
"""

from __future__ import annotations

import threading
import time

import numpy as np
from numpy.typing import NDArray
from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES, DefaultDictionaryFactory

from rag.text.analyser import casefold

_NAMES = {"no": "nb"}
_PATIENCE_S = 1.0
"""How long after its beginning a language's list is waited for."""

_lists: dict[str, NDArray[np.int64]] = {}
_made: dict[str, tuple[float, threading.Event]] = {}
_lock = threading.Lock()


def is_word(word: str, language: str) -> bool:
    """Whether `word` is one of the language's, in any case; False for a language without a list. While the list is
    still being made every word may be one: nothing is corrected that need not be.
    """
    name = _NAMES.get(language, language)
    if name not in SUPPORTED_LANGUAGES:
        return False
    known = _lists.get(name)
    if known is None:
        prepare(language)
        begun, made = _made[name]
        made.wait(max(0.0, begun + _PATIENCE_S - time.monotonic()))
        known = _lists.get(name)
        if known is None:
            return True
    one = np.int64(hash(casefold(word)))
    at = int(np.searchsorted(known, one))
    return at < len(known) and bool(known[at] == one)


def prepare(language: str) -> None:
    """Begin to make a language's list, unless that has begun; returns at once."""
    name = _NAMES.get(language, language)
    with _lock:
        if name in _made or name not in SUPPORTED_LANGUAGES:
            return
        _made[name] = time.monotonic(), threading.Event()
    threading.Thread(target=_make, args=(name,), name=f"words of {name}", daemon=True).start()


def _make(name: str) -> None:
    """Keep the hashes of a language's words, in order."""
    # A factory of its own, which keeps nothing: the dictionary is a hundred times as large as these.
    words = DefaultDictionaryFactory(cache_max_size=0).get_dictionary(name)
    # Every lemma is a key of its own too. One text is folded in a tenth of the time of a million words.
    folded = casefold("\n".join(words)).split("\n")
    _lists[name] = np.unique(np.fromiter(map(hash, folded), np.int64, len(folded)))
    _made[name][1].set()
