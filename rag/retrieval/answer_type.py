"""What kind of answer a question asks for: a number, a time, a name, an amount of money, a count of something.

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
_OF_MONEY = """
cost, costs, price, prices, fee, fees, pay, pays, paid, charge, charged, amount, worth, expensive, salary, salaries,
wage, wages, rent, deposit, fine, premium, deductible, excess, budget, discount, dollar, dollars, euro, euros, pound,
pounds, lira, liralık, ücret, ücreti, ücretin, fiyat, fiyatı, maaş, maaşı, para, parası, burs, bedel, bedeli, bütçe,
bütçesi, harç, masraf, masrafı, öder, ödenir, ödüyor, ödeniyor, kosten, kostet, preis, gebühr, gebühren, gehalt, lohn,
miete, rabatt, bezahlt, prix, coût, coûte, tarif, frais, salaire, loyer, precio, coste, cuesta, costo, sueldo,
salario, tarifa, prezzo, stipendio, affitto, tariffa, preço, custo, custa, salário, prijs, kost, salaris, huur, loon
"""
_NO_AMOUNT = """
why, who, when, where, how, neden, niçin, niye, nasıl, kim, ne zaman, nerede, warum, wieso, weshalb, wer, wann, wo, wie,
pourquoi, comment, qui, quand, où, por, cómo, quién, cuándo, dónde, perché, come, chi, quando, dove, porque, como, quem,
onde, waarom, hoe, wie, wanneer, waar
"""
_COUNTS = """
how many, kaç, wie viele, combien de, cuántos, cuántas, quanti, quante, quantos, quantas, hoeveel, сколько
"""
_COUNTED = 2
"""So many words after a word that counts are looked at for what is counted."""
KINDS = ("time", "number", "name")
_FLAGS = {"time": YEAR | MONTH | NUMBER, "number": NUMBER | AMOUNT, "name": CAPITAL}
_MONEY, _ELSE = (frozenset(fold(casefold(word.strip())) for word in one.split(",")) for one in (_OF_MONEY, _NO_AMOUNT))
_COUNTING = [tuple(fold(casefold(word)) for word in phrase.split()) for phrase in _COUNTS.split(",")]
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


def asks_amount(sequence: Sequence[str]) -> bool:
    """Whether a question of these folded words asks for an amount of money: one that speaks of money and does not begin
    with a word that asks for something else, as "why" or "how" do.
    """
    return not _MONEY.isdisjoint(sequence) and (sequence[0] not in _ELSE or asks_for(sequence)[0] == "number")


def counted(sequence: Sequence[str]) -> Sequence[str]:
    """The folded words of a question among which is what it counts; none where it counts nothing."""
    for words in _COUNTING:
        for at in range(len(sequence) - len(words) + 1):
            if tuple(sequence[at : at + len(words)]) == words:
                behind = at + len(words)
                return sequence[behind : behind + _COUNTED]
    return ()
