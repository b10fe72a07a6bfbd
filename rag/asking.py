"""What kind of answer a question asks for: a number, a time or a name.

Knows question words of several languages. A question it does not understand asks for nothing in particular.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.analysis import casefold, fold
from rag.features import AMOUNT, CAPITAL, MONTH, NUMBER, YEAR

_NUMBER_PHRASES = """
how many, how much, how long, how old, how far, how large, how big, how tall, how high, how often, how fast,
what percentage, what percent, what number, what amount, what size, what price, what is the cost, what is the
population, kaç, kaçıncı, ne kadar, yüzde kaç, wie viele, wie viel, wieviel, wie lange, wie hoch, wie groß, combien,
cuántos, cuántas, cuánto, cuánta, quanti, quante, quanto, quantos, quantas, hoeveel, сколько, كم
"""
_TIME_PHRASES = """
when, what year, which year, what date, what day, what month, what century, what decade, in what year, ne zaman,
hangi yıl, hangi tarihte, hangi yılda, wann, welchem jahr, welches jahr, quand, quelle année, cuándo, qué año, quando,
wanneer, когда, каком году, متى
"""
_NAME_PHRASES = """
who, whom, whose, where, what city, what country, which city, which country, what is the name, what was the name, kim,
kime, kimin, kimdir, nerede, nereye, nereden, wer, wem, wen, wo, woher, qui, où, quién, quiénes, dónde, chi, dove, quem,
onde, wie heißt, waar, кто, где, من, أين
"""
_KINDS = tuple(
    (flags, tuple(tuple(fold(casefold(word)) for word in phrase.split()) for phrase in phrases.split(",")))
    for flags, phrases in (
        (YEAR | MONTH | NUMBER, _TIME_PHRASES),
        (NUMBER | AMOUNT, _NUMBER_PHRASES),
        (CAPITAL, _NAME_PHRASES),
    )
)
KINDS = ("time", "number", "name")


def asks_for(sequence: Sequence[str]) -> tuple[str, int]:
    """The kind of answer (one of `KINDS`, or "") that the folded words of a question ask for, and the word flags
    (`rag.features`) that such an answer has. The phrase that stands first decides.
    """
    best, found = len(sequence), ("", 0)
    for name, (flags, phrases) in zip(KINDS, _KINDS, strict=True):
        for phrase in phrases:
            size = len(phrase)
            for at in range(min(best, len(sequence) - size + 1)):
                if tuple(sequence[at : at + size]) == phrase:
                    best, found = at, (name, flags)
                    break
    return found
