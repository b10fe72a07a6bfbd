"""Whether a word belongs to a language, as `simplemma` lists its words.

Knows how its dictionaries become small: only hashes are kept, made once beside whatever goes on, in steps so short
that whatever goes on is not held up. A language with a million forms takes seconds, and no question waits for that.
Does not know the library or spelling.
"""

from __future__ import annotations

import sys
import threading
import time
from array import array
from bisect import bisect_left
from itertools import islice

from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES, DefaultDictionaryFactory

from rag.memory import give_back
from rag.text.analyser import casefold

_NAMES = {"no": "nb"}
_PATIENCE_S = 1.0
"""How long after its beginning a language's list is waited for."""

_PARTS, _AT_ONCE = 256, 10_000
"""In how many parts a language's hashes are put in order, and how many words are folded at once."""

_lists: dict[str, array[int]] = {}
_made: dict[str, tuple[float, threading.Event]] = {}
_lock, _making = threading.Lock(), threading.Lock()


def is_word(word: str, language: str, *, patient: bool = True) -> bool:
    """Whether `word` is one of the language's, in any case; False for a language without a list. While the list is
    still being made every word may be one: nothing is corrected that need not be. It is waited for a moment, but not
    where one is not `patient`.
    """
    name = _NAMES.get(language, language)
    if name not in SUPPORTED_LANGUAGES:
        return False
    prepare(language)
    begun, made = _made[name]
    if not made.wait(max(0.0, begun + _PATIENCE_S - time.monotonic()) if patient else 0.0):
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
    with _making:  # a dictionary of a million words takes hundreds of megabytes until it is small: never two at once
        _lists[name] = _hashes(name)
        _made[name][1].set()
        give_back()


def _hashes(name: str) -> array[int]:
    # A factory of its own, which keeps nothing: the dictionary is a hundred times as large as these.
    words = DefaultDictionaryFactory(cache_max_size=0).get_dictionary(name)
    # Every lemma is a key of its own too. One text is folded in a tenth of the time of many words.
    parts: list[set[int]] = [set() for _ in range(_PARTS)]
    forms = iter(words)
    while some := list(islice(forms, _AT_ONCE)):
        for one in map(hash, casefold("\n".join(some)).split("\n")):
            parts[one * _PARTS >> sys.hash_info.width].add(one)  # below zero they count from the end
    # Nothing here may run outside Python's lock: a program that ends meanwhile would abort.
    hashes = array("q")
    for part in (*parts[_PARTS // 2 :], *parts[: _PARTS // 2]):
        hashes.extend(sorted(part))
    return hashes
