"""What kind of answer a question asks for: a number, a time or a name.

Knows question words of several languages. A question it does not understand asks for nothing in particular.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.storage.passage_terms import AMOUNT, CAPITAL, MONTH, NUMBER, YEAR
from rag.text.analyser import casefold, fold

_NUMBER_PHRASES = """
how many, how much, how long, how old, how far, how large, how big, how tall, how high, how often, how fast,
what percentage, what percent, what number, what amount, what size, what price, what is the cost, what is the
population, kaç, kaça, kaçta, kaçtan, kaçtır, kaçıncı, ne kadar, yüzde kaç, wie viele, wie viel, wieviel, wie lange,
wie hoch, wie groß, combien,
cuántos, cuántas, cuánto, cuánta, quanti, quante, quanto, quantos, quantas, hoeveel, сколько, كم
"""
_TIME_PHRASES = """
when, what year, which year, what date, what day, what month, what century, what decade, in what year, ne zaman,
hangi yıl, hangi tarihte, hangi yılda, wann, welchem jahr, welches jahr, quand, quelle année, cuándo, qué año, quando,
wanneer, когда, каком году, متى
"""
_NAME_PHRASES = """
who, whom, whose, where, what city, what country, which city, which country, what is the name, what was the name, kim,
kime, kimin, kimdir, kimde, kimdedir, kimden, kimindir, kimler, nerede, nerededir, nereye, nereden, neresi, neresidir,
wer, wem, wen, wo, woher, qui, où, quién, quiénes, dónde, chi, dove, quem,
onde, wie heißt, waar, кто, где, من, أين
"""
KINDS = ("time", "number", "name")
_FLAGS = {"time": YEAR | MONTH | NUMBER, "number": NUMBER | AMOUNT, "name": CAPITAL}
_BY_FIRST_WORD: dict[str, list[tuple[tuple[str, ...], str]]] = {}
for _kind, _phrases in zip(KINDS, (_TIME_PHRASES, _NUMBER_PHRASES, _NAME_PHRASES), strict=True):
    for _phrase in _phrases.split(","):
        _words = tuple(fold(casefold(word)) for word in _phrase.split())
        _BY_FIRST_WORD.setdefault(_words[0], []).append((_words, _kind))
for _entries in _BY_FIRST_WORD.values():
    _entries.sort(key=lambda entry: -len(entry[0]))


def asks_for(sequence: Sequence[str]) -> tuple[str, int]:
    """The kind of answer (one of `KINDS`, or "") that the folded words of a question ask for, and the word flags
    (`rag.storage.passage_terms`) that such an answer has. The phrase that stands first decides, the longest among
    several.
    """
    for at, word in enumerate(sequence):
        for words, kind in _BY_FIRST_WORD.get(word, ()):
            if tuple(sequence[at : at + len(words)]) == words:
                return kind, _FLAGS[kind]
    return "", 0
