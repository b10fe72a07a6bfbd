"""What an answer looks like by what is asked: a length of time, a count, a sum, a moment, an address, yes or no.

Knows the words of such questions and answers in English, Turkish and German. Does not know passages, nor how much each
sign says (`rag/grounding/weights.json` does). A question that it does not understand asks for nothing in particular.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import regex

from rag.text.analyser import casefold, fold, stem

_NUMBER = (
    r"(?:\d[\d.,]*|\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|"
    r"sixty|ninety|several|few|half|bir|iki|üç|dört|beş|alti|yedi|sekiz|dokuz|on|yirmi|otuz|kirk|elli|altmiş|eine?[mr]?|"
    r"zwei|drei|vier|fünf|sechs|sieben|acht|zehn)\b)"
)
_FOLDED_NUMBER = regex.compile(fold(_NUMBER))
_UNIT = (
    r"(?:(?:milli)?seconds?|ms|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|quarters?|years?|yrs?|saniye\w*|"
    r"dakika\w*|saat\w*|gün\w*|hafta\w*|ay|ay[aidl]\w*|yil\w*|sekunden?|minuten?|stunden?|tagen?|wochen?|monate?n?|"
    r"jahre?n?)"
)
_LASTS = regex.compile(
    rf"{_NUMBER}\)?[\s\-‑–]?(?:\(?\d*\)?\s?)?(?:\p{{L}}+[\s-]){{0,2}}{_UNIT}\b|\b(?:permanent|indefinite|forever)"
)
_SUM = regex.compile(
    r"[$€£¥₺]\s?\d|\d[\d.,]*\s?(?:[$€£¥₺%]|per ?cent\b|(?:dollar|euro|pound)s?\b|lira|(?:tl|usd|eur|gbp)\b)|%\s?\d|"
    r"\byüzde \w|\b(?:free|ücretsiz|kostenlos)\b"
)
_NAMED_TIMES = """
january february march april june july august september october november december ocak şubat mart nisan mayıs haziran
temmuz ağustos eylül ekim kasım aralık januar februar märz mai juni juli oktober dezember monday tuesday wednesday
thursday friday saturday sunday pazartesi salı çarşamba perşembe cuma cumartesi pazar montag dienstag mittwoch
donnerstag freitag samstag sonntag
"""
_MOMENT = regex.compile(
    rf"\b\d{{1,2}}(?::\d\d)?\s?[ap]\.?m?\b|\b\d{{1,2}}[:.]\d\d\b|\b(?:19|20)\d\d\b|"
    rf"\b(?:{'|'.join(casefold(_NAMED_TIMES).split())}|may \d)\w?\b|"
    r"\b(?:within|by|before|after|until|at least|no later than|up to|every|each|first|last|next|beginning of|start of|"
    rf"end of|middle of)\s(?:(?:the|each|every|\w+)\s){{0,2}}(?:{_NUMBER}[\s-]?)?(?:\p{{L}}+\s)?{_UNIT}\b|"
    rf"{_NUMBER}\s(?:\w+\s)?{_UNIT}\s(?:before|after|prior|in advance|ahead|from|of|içinde|önce|sonra)|"
    r"\b(?:quarterly|annually|yearly|daily|weekly|monthly|immediately|right away)\b"
)
_ADDRESS = regex.compile(
    r"\S+@\S+\.\w+|https?://|\bwww\.|\b[\w-]+\.(?:com|org|gov|net|io|edu|tr|de)\b|(?<![\w&/])#[a-z][\w-]+|"
    r"\+?\d[\d ()-]{7,}\d"
)
_RULES = regex.compile(
    r"\b(?:not|never|cannot|only|must|may|should|shall|can|allowed|permitted|prohibited|forbidden|requires?d?|unless|"
    r"except|without|mandatory|optional|needs?|always|yes|no|eligible|entitled|değil|zorunlu\w*|gerek\w*|edilemez|"
    r"edilebilir|yasak\w*|izin\w*|nicht|kein\w*|muss|müssen|darf|dürfen|kann|können|soll\w*|"
    r"\w+(?:amaz|emez|abilir|ebilir|mali|meli)\w*)\b|n['’]t\b"
)
_DENIES = regex.compile(
    r"\b(?:not?|never|cannot|without|unless|except|prohibited|forbidden|un\w{4,}|non-?\w{4,}|değil|yasak\w*|nicht|"
    r"kein\w*|\w+(?:maz|mez)\w*)\b|n['’]t\b"
)
_OPPOSITE = ("un", "non", "in", "im", "dis")
_SHORTEST = 4
"""Letters that a word has at least to be the opposite of one with such a beginning."""


def _any_of(listed: str) -> regex.Pattern[str]:
    """What finds one of the phrases `listed` between commas."""
    phrases = (" ".join(casefold(phrase).split()) for phrase in listed.split(","))
    return regex.compile(rf"\b(?:{'|'.join(map(regex.escape, phrases))})\b")


_ASKS_LENGTH = _any_of(
    "how long, how much time, how much notice, how soon, how far ahead, how far in advance, how early, how late,"
    "how old, how many seconds, how many minutes, how many hours, how many days, how many weeks, how many months,"
    "how many years, ne kadar süre, ne kadar sürer, kaç saniye, kaç dakika, kaç saat, kaç gün, kaç hafta, kaç ay,"
    "kaç yıl, wie lange"
)
_ASKS_SUM = _any_of(
    "how much, what does it cost, price, cost, costs, fee, fees, what percent, what percentage, kaç lira, ne kadar,"
    "wie viel, wieviel"
)
_ASKS_MOMENT = _any_of(
    "when, what time, what times, what day, which day, what date, deadline, hours, how often, how early, how late,"
    "how soon, how far ahead, ne zaman, saat kaçta, ne sıklıkla, wann, wie oft"
)
_ASKS_ADDRESS = _any_of(
    "email, e-mail, mail address, phone, contact, url, address, link, website, site, channel, reach, where do i,"
    "where can i find, e-posta, telefon, adres"
)
_COUNTED = regex.compile(r"\b(?:how many|wie viele|kaç)\s+([\p{L}\p{N}'’-]+)(?:\s+([\p{L}\p{N}'’-]+))?")
_ASKS_RULING = regex.compile(
    r"(?:^|[,;.!—-])\s*(?:(?:so|but|and|or)\s+)?(?:is|are|am|was|were|can|could|do|does|did|may|must|should|shall|will|"
    r"would|has|have|had|(?:is|are|can|do|does)n['’]t|can['’]t|ist|sind|kann|können|darf|dürfen|muss|müssen|soll|sollte|"
    r"wird|hat|haben|gibt)\b|\bm[iuü](?:y[iuü][mz]|d[iuü]r|s[iu]n\w*)?\b"
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a question asks for; `counted` are the words of what it asks the number of, folded."""

    length: bool = False
    sum: bool = False
    moment: bool = False
    address: bool = False
    ruling: bool = False
    counted: frozenset[str] = frozenset()


def sought(question: str) -> Sought:
    """What `question` asks for. Several things may be; all false where it asks for none of them."""
    said = " ".join(casefold(question).split())
    length = _ASKS_LENGTH.search(said) is not None
    return Sought(
        length=length,
        sum=not length and _ASKS_SUM.search(said) is not None,
        moment=_ASKS_MOMENT.search(said) is not None,
        address=_ASKS_ADDRESS.search(said) is not None,
        ruling=_ASKS_RULING.search(said) is not None,
        counted=frozenset(fold(word) for found in _COUNTED.finditer(said) for word in found.groups() if word),
    )


@dataclass(frozen=True, slots=True)
class Signs:
    """What of what is asked for a text has; false what is not asked for."""

    length: bool
    sum: bool
    moment: bool
    address: bool
    rules: bool
    denies: bool


def signs(asked: Sought, text: str) -> Signs:
    """What `text` has of what is `asked`."""
    said = casefold(text)
    return Signs(
        length=asked.length and _LASTS.search(said) is not None,
        sum=asked.sum and _SUM.search(said) is not None,
        moment=asked.moment and _MOMENT.search(said) is not None,
        address=asked.address and _ADDRESS.search(said) is not None,
        rules=asked.ruling and _RULES.search(said) is not None,
        denies=asked.ruling and _DENIES.search(said) is not None,
    )


def counts(words: Sequence[tuple[str, str, int, int]], counted: Collection[str]) -> bool:
    """Whether one of the stems `counted` stands in a sentence with a number up to four words before it.

    `words` are the sentence's, as `rag.text.idf.terms_of` gives them.
    """
    return any(
        word[0] in counted and any(_is_number(before[1]) for before in words[max(0, at - 4) : at])
        for at, word in enumerate(words)
    )


def _is_number(folded: str) -> bool:
    return folded not in ("a", "an") and _FOLDED_NUMBER.fullmatch(folded) is not None


def opposites(folded: str, language: str) -> tuple[str, ...]:
    """The word that another word is the opposite of by its beginning, and its stem: "unpaid" of "paid"."""
    if not folded.startswith(_OPPOSITE):
        return ()
    for beginning in _OPPOSITE:
        bare = folded.removeprefix(beginning).lstrip("-")
        if bare != folded and len(bare) >= _SHORTEST:
            return bare, stem(bare, language)
    return ()
