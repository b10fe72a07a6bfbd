"""What is asked in what was typed, without what people write around a question.

Knows the courtesies, requests for a form and openings of `framing.yaml` (English, Turkish, German, French, Spanish),
and that capitals throughout mean nothing. Does not know what is searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import regex
import yaml

from rag.text import sentences
from rag.text.analyser import casefold, fold, stop_terms, tokens
from rag.text.language import detect

_LONGEST = 1_000
"""A longer text is no question with a few words around it."""
_SHOUTED = 3
_MARK = r"[\s.!…。:,;)–-]*"
_WORD = regex.compile(r"\p{L}{2,}")
_HEADER = regex.compile(
    r"^[ \t>]*(?:from|to|cc|bcc|subject|date|sent|reply-to|von|an|betreff|datum|gesendet|kimden|kime|konu|tarih|"
    r"de|à|objet|para|asunto|fecha):[ \t].*$",
    regex.I | regex.M,
)
_SALUTATION = regex.compile(
    r"^[ \t>]*(?:dear|hello|hi|hey|liebe[rs]?|hallo|sehr geehrte[rs]?|sayın|merhaba|sevgili|bonjour|hola)\b[^\n?]{0,40}"
    r",[ \t]*$",
    regex.I | regex.M,
)
_CLOSING = regex.compile(
    r"^[ \t>]*(?:--|(?:(?:with |my )?(?:kind|best|warm|many)(?: regards| wishes| thanks)?|regards|sincerely(?: yours)?|"
    r"yours(?: sincerely| faithfully| truly)?|cheers|thanks(?: in advance| a lot)?|thank you|mit freundlichen grüßen|"
    r"(?:viele|beste|liebe) grüße|mfg|saygılar(?:ımla|ımızla)?|iyi çalışmalar|teşekkürler|cordialement|saludos)[,.!]?)"
    r"[ \t]*$",
    regex.I | regex.M,
)


@dataclass(frozen=True, slots=True)
class _Frame:
    courtesy: regex.Pattern[str]
    before: regex.Pattern[str]
    after: regex.Pattern[str]
    chatter: frozenset[str]


@cache
def _frames() -> tuple[_Frame, ...]:
    blocks = yaml.safe_load((Path(__file__).parent / "framing.yaml").read_text(encoding="utf-8"))
    return tuple(
        _Frame(
            regex.compile(rf"(?:{block['courtesy']}{_MARK})++\??", regex.I),
            regex.compile(rf"^{block['before']}", regex.I),
            regex.compile(rf"{block['after']}(?=[\s?.!]*$)", regex.I),
            frozenset(fold(casefold(word)) for word in block.get("chatter", "").split()) | stop_terms(language),
        )
        for language, block in blocks.items()
    )


@lru_cache(maxsize=256)
def unframed(text: str) -> str:
    """What `text` asks. The text itself where nothing would be left, and where it is too long to be told apart.

    >>> unframed("Hi! Can you please tell me how long backups are kept? Thanks in advance.")
    'how long backups are kept?'
    >>> unframed("My boss wants to know this. I work part time. May I park here?")
    'I work part time. May I park here?'
    """
    said = text.strip()
    if not said or len(said) > _LONGEST:
        return text
    said = _calm(_letter(said) or said)
    kept = [one for one in (said[start:end] for start, end in sentences.split(said)) if not _is_courtesy(one)]
    if any(map(_asks, kept)):
        kept = [one for one in kept if _asks(one) or not _is_chatter(one)]
    asked = " ".join(filter(None, map(_bare, kept)))
    return asked if _WORD.search(asked) or any(map(str.isdigit, asked)) else text


def _letter(text: str) -> str:
    """A text of several lines without the head of a letter and what follows its closing."""
    if "\n" not in text:
        return text
    closing = _CLOSING.search(text)
    text = _HEADER.sub("", text[: closing.start()] if closing else text)
    return _SALUTATION.sub("", text, count=1).strip()


def _asks(sentence: str) -> bool:
    return sentence.rstrip(" \"'”’)").endswith(sentences.QUESTION_MARKS)


def _is_chatter(sentence: str) -> bool:
    """Whether a sentence says nothing but words that tell nothing, in one of the languages."""
    words = {token.folded for token in tokens(sentence, "")}
    return any(frame.chatter.issuperset(words) for frame in _frames())


def _calm(text: str) -> str:
    """A text in capitals throughout, in small letters."""
    if not text.isupper() or len(_WORD.findall(text)) < _SHOUTED:
        return text
    return (text.replace("İ", "i").replace("I", "ı") if detect(text) == "tr" else text).lower()


def _is_courtesy(sentence: str) -> bool:
    return any(frame.courtesy.fullmatch(sentence.strip()) for frame in _frames())


def _bare(sentence: str) -> str:
    """A question's sentence without what opens and closes it."""
    bare, before = sentence.strip(), ""
    while bare != before:
        before = bare
        for frame in _frames():
            rest = frame.after.sub("", frame.before.sub("", bare, count=1), count=1)
            if _WORD.search(rest):
                bare = rest.strip()
    return bare
