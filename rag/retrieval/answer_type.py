"""What kind of answer a question asks for: a number, a time, a name, an amount of money, a count of something.

Knows question words of several languages. A question it does not understand asks for nothing in particular.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from rag.storage.passage_terms import AMOUNT, CAPITAL, MONTH, NUMBER, YEAR
from rag.text.analyser import COMPOUNDING, casefold, fold, stem

_NUMBER_PHRASES = """
how many, how much, how long, how old, how far, how large, how big, how tall, how high, how often, how fast,
what percentage, what percent, what number, what amount, what size, what price, what is the cost, what is the
population, kaç, kaça, kaçta, kaçtan, kaçtır, kaçı, kaçını, kaçıncı, ne kadar, yüzde kaç, wie viele, wie viel,
wieviel, wie lange, wie hoch, wie groß, combien,
cuántos, cuántas, cuánto, cuánta, quanti, quante, quanto, quantos, quantas, hoeveel, сколько, كم
"""
_TIME_PHRASES = """
when, what year, which year, what date, what day, what month, what century, what decade, in what year, ne zaman,
hangi yıl, hangi tarihte, hangi yılda, wann, welchem jahr, welches jahr, quand, quelle année, cuándo, qué año, quando,
wanneer, когда, каком году, متى
"""
_NAME_PHRASES = """
who, whom, whose, where, what city, what country, which city, which country, what is the name, what was the name, kim,
kime, kimin, kimdir, kimde, kimdedir, kimden, kimindir, kimler, nerede, nerededir, nereye, nereden, nerelerde, neresi,
neresidir, wer, wem, wen, wo, woher, qui, où, quién, quiénes, dónde, chi, dove, quem,
onde, wie heißt, waar, кто, где, من, أين
"""
_OF_MONEY = {
    "en": """cost, costs, price, prices, fee, fees, expensive, salary, salaries, wage, wages, rent, deposit, fine,
        premium, deductible, excess, budget, discount, dollar, dollars, euro, euros, pound, pounds""",
    "tr": """lira, liralık, tl, avro, euro, dolar, ücret, ücreti, fiyat, fiyatı, maaş, maaşı, para, parası, burs, bursu,
        bedel, bedeli, bütçe, bütçesi, harç, harcı, harçlık, masraf, masrafı, kira, kirası, hibe, ödenek""",
    "de": "kosten, kostet, preis, preise, gebühr, gebühren, gehalt, lohn, miete, rabatt, euro, budget, kaution",
    "fr": "prix, coût, coûte, tarif, frais, salaire, loyer, euro, budget",
    "es": "precio, coste, cuesta, costo, sueldo, salario, tarifa, euro, presupuesto",
    "it": "costo, costa, prezzo, stipendio, affitto, tariffa, euro",
    "pt": "preço, custo, custa, salário, euro, orçamento",
    "nl": "prijs, kost, kosten, salaris, huur, loon, euro",
}
"""By language: words are a language's own, "para" is money in Turkish and "for" in Spanish."""
_OF_PAYING = """
pay, pays, paid, charge, charged, amount, worth, öder, ödenir, ödüyor, ödeniyor, bezahlt
"""
_NO_AMOUNT = """
why, who, when, where, how, warum, wieso, weshalb, wer, wann, wo, wie,
pourquoi, comment, qui, quand, où, por, cómo, quién, cuándo, dónde, perché, come, chi, quando, dove, porque, como, quem,
onde, waarom, hoe, wie, wanneer, waar
"""
_NO_AMOUNT_IN_PLACE = {
    "tr": """neden, niçin, niye, nasıl, kim, kime, kimin, kimden, kimler, ne zaman, nerede, nereye, nereden, hangi,
        hangisi, hangileri"""
}
"""The same where a question's word stands wherever its answer would."""
_MUCH = """
how much, how many, kaç, ne kadar, wie viel, wie viele, wieviel, wie hoch, combien, cuánto, cuánta, cuántos, cuántas,
quanto, quanta, quanti, quante, quantos, quantas, hoeveel, сколько, كم
"""
_COUNTS = """
how many, kaç, wie viele, combien de, cuántos, cuántas, quanti, quante, quantos, quantas, hoeveel, сколько
"""
_WHOLE = 5
_COUNTED = 2
"""So many words after a word that counts are looked at for what is counted."""
KINDS = ("time", "number", "name")
_FLAGS = {"time": YEAR | MONTH | NUMBER, "number": NUMBER | AMOUNT, "name": CAPITAL}
_PAYING, _ELSE = (
    frozenset(fold(casefold(word.strip())) for word in one.split(",")) for one in (_OF_PAYING, _NO_AMOUNT)
)
_QUANTITY, _COUNTING, *_listed = (
    [tuple(fold(casefold(word)) for word in phrase.split()) for phrase in one.split(",")]
    for one in (_MUCH, _COUNTS, *_NO_AMOUNT_IN_PLACE.values())
)
_ELSE_IN_PLACE = dict(zip(_NO_AMOUNT_IN_PLACE, _listed, strict=True))
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


def asks_amount(sequence: Sequence[str], language: str = "en") -> bool:
    """Whether a question of these folded words in a language asks for an amount of money: it speaks of money and begins
    with no word that asks for something else, as "why" or "how" do (nor has one, where these stand in place), or it
    asks how much of it, or how much is paid.
    """
    money = any(_is_money(word, language) for word in sequence)
    if money and sequence[0] not in _ELSE and _behind(_ELSE_IN_PLACE.get(language, ()), sequence) is None:
        return True
    return (money or not _PAYING.isdisjoint(sequence)) and _behind(_QUANTITY, sequence) is not None


def _is_money(word: str, language: str) -> bool:
    """Whether a folded word is one of money: as it is listed, with another ending (the English ones are all listed),
    or, where words are written together, at the end of a longer one.
    """
    listed, stems = _of_money(language)
    if word in listed:
        return True
    if language == "en":
        return False
    return stem(word, language) in stems or (language in COMPOUNDING and word.endswith(_long(listed)))


@cache
def _of_money(language: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of money in a language, in any where it is none of those known, folded; and their stems."""
    lists = [_OF_MONEY[language]] if language in _OF_MONEY else _OF_MONEY.values()
    words = frozenset(casefold(word.strip()) for one in lists for word in one.split(","))
    return frozenset(map(fold, words)), frozenset(stem(fold(word), language) for word in words)


@cache
def _long(words: frozenset[str]) -> tuple[str, ...]:
    """Those that may be told at the end of another word."""
    return tuple(word for word in words if len(word) >= _WHOLE)


def counted(sequence: Sequence[str]) -> Sequence[str]:
    """The folded words of a question among which is what it counts; none where it counts nothing."""
    behind = _behind(_COUNTING, sequence)
    return () if behind is None else sequence[behind : behind + _COUNTED]


def _behind(phrases: Sequence[tuple[str, ...]], sequence: Sequence[str]) -> int | None:
    """The place behind the first of some phrases that stands in a question."""
    for words in phrases:
        at = sequence.index(words[0]) if words[0] in sequence else len(sequence)
        if tuple(sequence[at : at + len(words)]) == words:
            return at + len(words)
    return None
