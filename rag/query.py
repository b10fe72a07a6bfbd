"""Reads a question: its filters, quoted phrases and excluded words, and its terms with their weights.

Knows the query language and which words carry the topic. Does not know how passages are scored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import log

import regex

from rag.analysis import casefold, fold, stem, stop_terms, tokens
from rag.language import detect

MAX_CHARACTERS = 2_000
MAX_TERMS = 64
_FILTER = regex.compile(r"(?<!\S)(document|folder|type|after|before):(?:\"([^\"]*)\"|(\S+))", regex.I)
_PHRASE = regex.compile(r"(?<![\p{L}\p{N}])[\"“„«]([^\"“”„«»]{1,300})[\"”“»](?![\p{L}\p{N}])")
_EXCLUDED = regex.compile(r"(?<!\S)-([\p{L}\p{N}][\p{L}\p{M}\p{N}_]*)")
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


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the question. `stems` are its alternatives (one for each language it may be in), `folded` its surface.

    `frequency` counts the passages that hold it; `idf` is ln(1 + (N - n + 0.5) / (n + 0.5)), zero for a stop word
    unless the question has no other words. `corrected` is the word searched in its place, "" where it was known.
    """

    word: str
    stems: tuple[str, ...]
    folded: str
    frequency: int
    idf: float
    stop: bool
    corrected: str = ""


def parse(question: str) -> Parsed:
    """Take `document:`, `folder:`, `type:`, `after:`, `before:`, "phrases" and -words out of a question.

    Dates are YYYY, YYYY-MM or YYYY-MM-DD; a filter that cannot be understood is noted and searched as words.
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
    excluded = tuple(match[1] for match in _EXCLUDED.finditer(text))
    text = _EXCLUDED.sub(" ", text)
    phrases = tuple(match[1].strip() for match in _PHRASE.finditer(text) if match[1].strip())
    kinds = tuple(_EXTENSIONS.get(k.lower().lstrip("."), k.lower().lstrip(".")) for k in found["type"])
    return Parsed(
        text.strip(), phrases, excluded, tuple(found["document"]), tuple(f.strip("/") for f in found["folder"]), kinds,
        times.get("after"), times.get("before"), tuple(notes),
    )  # fmt: skip


def _time(value: str) -> float | None:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None


def analyse(
    text: str, languages: tuple[str, ...], passages: int, frequency: Callable[[str, str], int]
) -> tuple[str, list[Term]]:
    """The language of a question and its terms in order, each once.

    `languages` are the library's, commonest first; `passages` is its size N; `frequency(field, term)` counts passages.
    A word is stemmed in the question's language and in each of the library's, so that a name finds documents of all.
    """
    language = detect(text, default=languages[0] if languages else "")
    stop = stop_terms(language)
    ways = tuple(dict.fromkeys((language, *languages[:3])))
    terms: list[Term] = []
    seen: set[tuple[str, ...]] = set()
    for token in tokens(text, language):
        if len(terms) >= MAX_TERMS:
            break
        word = text[token.start : token.end]
        plain = casefold(word)
        stems = (token.term,)
        if len(ways) > 1 and token.end - token.start > 1 and token.term != token.folded[:1]:
            stems = tuple(dict.fromkeys((token.term, *(stem(plain, way) for way in ways[1:]))))
        if stems in seen:
            continue
        seen.add(stems)
        counts = [frequency("terms", one) for one in stems]
        known = tuple(s for s, n in zip(stems, counts, strict=True) if n) or stems[:1]
        count = min(passages, max(counts, default=0))
        terms.append(Term(word, known, token.folded, count, idf(passages, count), fold(token.folded) in stop))
    if any(not term.stop for term in terms):
        terms = [replace(term, idf=0.0) if term.stop else term for term in terms]
    return language, terms


def idf(passages: int, count: int) -> float:
    """Inverse document frequency as Lucene and tantivy have it: ln(1 + (N - n + 0.5) / (n + 0.5))."""
    return log(1.0 + (passages - count + 0.5) / (count + 0.5))
