"""Whether a word belongs to a language, as `simplemma` lists its words.

Knows how its dictionaries become small: only hashes are kept, made once beside whatever goes on. A language with a
million forms takes seconds, and no question waits for that. Does not know the library or spelling.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_left

from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES, DefaultDictionaryFactory

from rag.text.analyser import casefold

_NAMES = {"no": "nb"}
_PATIENCE_S = 1.0
"""How long after its beginning a language's list is waited for."""

_lists: dict[str, array[int]] = {}
_made: dict[str, tuple[float, threading.Event]] = {}
_lock = threading.Lock()


def is_word(word: str, language: str) -> bool:
    """Whether `word` is one of the language's, in any case; False for a language without a list. While the list is
    still being made every word may be one: nothing is corrected that need not be.
    """
    name = _NAMES.get(language, language)
    if name not in SUPPORTED_LANGUAGES:
        return False
    prepare(language)
    begun, made = _made[name]
    if not made.wait(max(0.0, begun + _PATIENCE_S - time.monotonic())):
        return True
    known, one = _lists[name], hash(casefold(word))
    at = bisect_left(known, one)
    return at < len(known) and known[at] == one


def ready(language: str, seconds: float) -> bool:
    """Wait for a language's list at most so long; whether questions need not wait for it any more."""
    prepare(language)
    name = _NAMES.get(language, language)
    return name not in _made or _made[name][1].wait(seconds)


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
    # Nothing here may run outside Python's lock: a program that ends meanwhile would abort.
    _lists[name] = array("q", sorted(set(map(hash, folded))))
    _made[name][1].set()
