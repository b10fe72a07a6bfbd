"""Reads a question: its filters, quoted phrases and excluded words, and its terms with their weights.

Knows the query language and which words carry the topic. Does not know how passages are scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log1p
from typing import NamedTuple

import regex

from rag.text import framing, sentences
from rag.text.analyser import Token, casefold, fold, stem, stop_terms, tokens
from rag.text.language import detect
from rag.text.synonyms import related
from rag.text.written_forms import Form, forms

MAX_CHARACTERS = 2_000
MAX_TERMS = 64
_FILTER = regex.compile(r"(?<!\S)(document|folder|type|after|before):(?:\"([^\"]*)\"|(\S+))", regex.I)
_PHRASE = regex.compile(r"(?<![\p{L}\p{N}])[\"“„«]([^\"“”„«»]{1,300})[\"”“»](?![\p{L}\p{N}])")
_EXCLUDED = regex.compile(r"(?:(?<=\S)\s+-(\p{L}[\p{L}\p{M}\p{N}_]+))+\s*$")
_DAY, _MONTH = regex.compile(r"\d{4}-\d\d-\d\d"), regex.compile(r"\d{4}-\d\d")
_ASKING_WORDS = """
what which how whose hangi kaç welche welcher welches welchem welchen quel quelle quels quelles qué cuál
"""
ASKING = frozenset(_ASKING_WORDS.split())
_NUMBERED_WORDS = """
number no nr nos rule step clause section item point article paragraph chapter part question requirement
numara numaralı kural adım madde bölüm kısım nokta soru bent fıkra
nummer regel schritt punkt abschnitt absatz ziffer artikel paragraf kapitel teil frage
numéro règle étape point article paragraphe chapitre número regla paso punto artículo sección
"""
_APOSTROPHES = "'’ʼ"
_FEW = 5
_MEASURING = frozenset(("how", "wie"))
_NUMBERED = frozenset(fold(casefold(word)) for word in _NUMBERED_WORDS.split())
_EXTENSIONS = {"word": "docx", "excel": "xlsx", "powerpoint": "pptx", "markdown": "md", "text": "txt", "htm": "html"}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A question taken apart. `text` is what is left to search, phrases included; times are seconds since 1970."""

    text: str
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    after: float | None = None
    before: float | None = None
    notes: tuple[str, ...] = ()


class Term(NamedTuple):
    """A word of the question. `stems` are its alternatives (one for each language it may be in), `folded` its surface.

    `kind` is "number", "name" (capitalised), "focus" (what a question word asks for: "what *year*") or "other".
    `frequency` counts the passages that hold it; `weight` is that of Robertson and Sparck Jones (1976),
    ln(1 + p / (1 - p) * (N - n + 0.5) / (n + 0.5)), where p is the chance that an answering passage holds the word; it
    is zero for a stop word unless the question has no other words. `corrected` is the word searched in its place, ""
    where it was known. `related` are stems of words that people use in its place; `near` are those among them that
    only the library suggests (compounds with the word, a name spelt almost alike), which are searched too.
    """

    word: str
    stems: tuple[str, ...]
    folded: str
    kind: str
    frequency: int
    chance: float
    weight: float
    stop: bool
    corrected: str = ""
    related: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched: its language, its terms in order, each once, and the folded words of the whole
    question in sequence, stop words included.
    """

    language: str
    terms: tuple[Term, ...]
    sequence: tuple[str, ...]

    @property
    def content(self) -> tuple[Term, ...]:
        """The terms that count."""
        return tuple(term for term in self.terms if term.weight > 0)


def parse(question: str) -> Parsed:
    """Take `document:`, `folder:`, `type:`, `after:`, `before:`, "phrases" and -words out of a question.

    Dates are YYYY, YYYY-MM or YYYY-MM-DD; a filter that cannot be understood is noted and searched as words. Words
    after a minus are left out where they end a query of keywords, which is noted too; elsewhere a minus is a sign of a
    number, or an option's.
    """
    notes: list[str] = []
    text = question
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS]
        notes.append(f"Only the first {MAX_CHARACTERS:,} characters of the question were searched.")
    found: dict[str, list[str]] = {"document": [], "folder": [], "type": []}
    times: dict[str, float] = {}

    def take(match: regex.Match[str]) -> str:
        name, value = match[1].lower(), (match[2] if match[2] is not None else match[3]).strip()
        if name in ("after", "before"):
            time = _time(value)
            if time is None:
                notes.append(f"The date in “{match[0]}” was ignored; write it as 2026, 2026-05 or 2026-05-31.")
                return " "
            times[name] = time
        elif value:
            found[name].append(value)
        return " "

    text = _FILTER.sub(take, text)
    text, excluded = _without_excluded(text)
    for word in excluded:
        notes.append(
            f"Passages with “{word}” were left out, because the query ends in “-{word}”; write it without the minus to "
            "search for it."
        )
    phrases = tuple(match[1].strip() for match in _PHRASE.finditer(text) if match[1].strip())
    kinds = tuple(_EXTENSIONS.get(k.lower().lstrip("."), k.lower().lstrip(".")) for k in found["type"])
    return Parsed(
        text.strip(), phrases, excluded, tuple(found["document"]), tuple(f.strip("/") for f in found["folder"]), kinds,
        times.get("after"), times.get("before"), tuple(notes),
    )  # fmt: skip


def asked(question: str) -> str:
    """What is searched of a question: all of it but its filters and what frames it."""
    return framing.unframed(parse(question).text)


def meant(names: Sequence[str], written: Sequence[str]) -> list[str]:
    """Of the documents whose names hold what was written, those that are called exactly so, where any are."""
    called = {one.casefold() for one in written}
    exact = [name for name in names if not called.isdisjoint({name.casefold(), name.casefold().rpartition("/")[2]})]
    return exact if len(exact) >= len(called) else list(names)


def _without_excluded(text: str) -> tuple[str, tuple[str, ...]]:
    """A query without the words it excludes, and these."""
    found = _EXCLUDED.search(text)
    if found is None:
        return text, ()
    rest = text[: found.start()]
    words = tokens(rest, "")
    language = detect(rest)
    asks = any(token.folded in stop_terms(language) or token.folded in stop_terms("en") for token in words)
    if not words or asks or rest.rstrip().endswith(sentences.QUESTION_MARKS):
        return text, ()
    return rest, tuple(found.captures(1))


def _time(value: str) -> float | None:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None


def spoken(text: str, languages: tuple[str, ...]) -> str:
    """The language of a question to a library in these `languages`, commonest first."""
    return detect(text, default=languages[0] if languages else "")


def words(text: str, languages: tuple[str, ...]) -> list[str]:
    """Those words of a question to a library in these `languages` that may carry its topic, as they are written."""
    language = spoken(text, languages)
    stop = stop_terms(language)
    found = (text[token.start : token.end] for token in tokens(text, language) if token.folded not in stop)
    return list(dict.fromkeys(found))[:MAX_TERMS]


def analyse(
    text: str,
    languages: tuple[str, ...],
    passages: int,
    frequencies: Callable[[Sequence[str]], Sequence[int]],
    chance: Callable[[str, tuple[str, ...], str], float],
) -> Query:
    """The question's language, terms and words.

    `languages` are the library's, commonest first; `passages` is its size N; `frequencies` counts the passages
    with each of many terms, and is asked once; `chance(language, stems, kind)` is the p of `Term`.
    A word is stemmed in the question's language and in each of the library's, so that a name finds documents of all.
    """
    language = spoken(text, languages)
    stop = stop_terms(language)
    ways = tuple(dict.fromkeys((language, *languages[:3])))
    drawn: list[tuple[str, tuple[str, ...], str, int, float, bool, tuple[str, ...], str]] = []
    seen: set[tuple[str, ...]] = set()
    found = tokens(text, language)[: 4 * MAX_TERMS]
    stemmed = [_stems(text, token, ways) for token in found]
    written = _asked_forms(text)
    asked = list(dict.fromkeys((*(one for stems in stemmed for one in stems), *(form.term for form in written))))
    held = dict(zip(asked, frequencies(asked), strict=True))
    otherwise = [(form.start, form.end) for form in written if held[form.term]]
    for place, (token, stems) in enumerate(zip(found, stemmed, strict=True)):
        if len(drawn) >= MAX_TERMS:
            break
        if stems in seen:
            continue
        word = text[token.start : token.end]
        seen.add(stems)
        counts = [held[one] for one in stems]
        known = tuple(s for s, n in zip(stems, counts, strict=True) if n) or stems[:1]
        count = min(passages, max(counts, default=0))
        kind = _kind(word, found[place - 1].folded if place else None, language)
        if language == "tr" and kind == "other" and _has_ending(text, token.end):
            kind = "name"
        if kind == "name" and not count and related(stems, language):
            kind = "other"  # a word that the library has another for, in capitals: RAM
        # What the library writes another way is not unknown to it: "3 April 2026" where it says 2026-04-03, or "rule 3"
        # where a list of rules says 3.
        said = any(a <= token.start < b for a, b in otherwise) or _counts(found, place, held) or _measures(found, place)
        idle = token.folded in stop or (not count and said) or (language == "tr" and _is_ending(text, token.start))
        drawn.append((word, known, kind, count, chance(language, stems, kind), idle, stems, token.folded))
    for form in written:
        count = held[form.term]
        if count and (form.term,) not in seen and len(drawn) < MAX_TERMS:
            seen.add((form.term,))
            only = (form.term,)
            p = chance(language, only, "number")
            drawn.append((text[form.start : form.end], only, "number", count, p, False, only, form.term))
    topical = any(not is_stop for _, _, _, _, _, is_stop, _, _ in drawn)
    terms = tuple(
        Term(
            word,
            known,
            folded,
            kind,
            count,
            p,
            0.0 if is_stop and topical else term_weight(p, passages, count),
            is_stop,
            related=() if is_stop else related(stems, language),
        )
        for word, known, kind, count, p, is_stop, stems, folded in drawn
    )
    return Query(language, terms, tuple(token.folded for token in found))


def _counts(found: Sequence[Token], place: int, held: Mapping[str, int]) -> bool:
    """Whether a word of a question only says what is counted by the number beside it ("rule number 3", "4. madde"),
    and so few passages hold that number that it leads there.
    """
    if found[place].folded not in _NUMBERED:
        return False
    beside = (found[at] for at in (place - 1, place + 1, place + 2) if 0 <= at < len(found))
    return any(one.folded[:1].isdecimal() and 0 < held[one.term] <= _FEW for one in beside)


def _is_ending(text: str, start: int) -> bool:
    """Whether the Turkish word that begins there is but the ending of a name, from which an apostrophe sets it apart:
    "Almanya'ya", "Ankara’daki".
    """
    return start > 1 and text[start - 1] in _APOSTROPHES and text[start - 2].isalnum()


def _has_ending(text: str, end: int) -> bool:
    """Whether a Turkish word that ends there has an ending set apart by an apostrophe, as names have."""
    return text[end : end + 1] in tuple(_APOSTROPHES) and text[end + 1 : end + 2].isalpha()


def _measures(found: Sequence[Token], place: int) -> bool:
    """Whether a word says in what a quantity is asked for: "how high", "wie lange"; the answer is a number."""
    return place > 0 and found[place - 1].folded in _MEASURING


def _asked_forms(text: str) -> list[Form]:
    """What else a question's pieces are written as; a date to the day stands for that day alone."""
    found = forms(text)
    days = {(form.start, form.end) for form in found if _DAY.fullmatch(form.term)}
    return [form for form in found if (form.start, form.end) not in days or not _MONTH.fullmatch(form.term)]


def _stems(text: str, token: Token, ways: Sequence[str]) -> tuple[str, ...]:
    """What a word of the question is in each of the languages."""
    if len(ways) == 1 or token.end - token.start == 1 or token.term == token.folded[:1]:
        return (token.term,)
    plain = casefold(text[token.start : token.end])
    return tuple(dict.fromkeys((token.term, *(stem(plain, way) for way in ways[1:]))))


def _kind(word: str, before: str | None, language: str) -> str:
    if any(letter.isdigit() for letter in word):
        return "number"
    # In Turkish the same question in capitals must find the same passage, so capitals say nothing there.
    if before is not None and word[0].isupper() and language != "tr":
        return "name"
    return "focus" if before in ASKING else "other"


def term_weight(chance: float, passages: int, count: int) -> float:
    """The weight of a word that `count` of `passages` hold; see `Term`. `chance` 0.5 gives Lucene's idf.

    While passages come in, more may hold a word than were there when they were counted.
    """
    return log1p(chance / (1.0 - chance) * (max(0, passages - count) + 0.5) / (count + 0.5))
