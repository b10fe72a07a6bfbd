"""Checks a finished answer against the passages it was given: which sentence rests on which passage, and which on none.

Knows words, numbers and names, not meaning: it finds invention, not subtle error. A sentence's score is the share of
its idf weight that a passage holds; 0.6 is support, 0.4 doubt, and a number or a name that no passage has makes it
unsupported whatever its score. Does not know models or who wrote the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import regex

from rag.text import idf, phrases, sentences
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support

SUPPORTED, DOUBTFUL = 0.6, 0.4
_MARKER = regex.compile(
    r"[^\S\n]*(?:\[|【)\s*(?:(?:passages?|sources?|kaynak|pasaj)\s*)?"
    r"(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*(?:†[^\]】]*)?(?:\]|】)",
    regex.I,
)
_NUMBER = regex.compile(r"\d+(?:[.,'’\u00a0]\d+)*")
_LIST_NUMBER = regex.compile(r"^\s*(?:\d{1,3}[.)]\s+|[-*•–]\s+|#{1,6}\s+)")
_CLOSING = regex.compile(r"[.!?…。！？]+[\"'”’»)\]*_]*$")
_NUMBER_WORDS = {
    word: str(number)
    for number, names in enumerate(
        (
            ("zero", "sıfır"), ("one", "bir"), ("two", "iki"), ("three", "üç"), ("four", "dört"), ("five", "beş"),
            ("six", "altı"), ("seven", "yedi"), ("eight", "sekiz"), ("nine", "dokuz"), ("ten", "on"),
            ("eleven",), ("twelve",),
        )
    )
    for word in names
}  # fmt: skip
_COMMON_NOUN_CAPITALS = frozenset({"de"})


@dataclass(frozen=True, slots=True)
class _Source:
    """A passage as the check sees it: all its words, and those of each of its sentences."""

    known: frozenset[str]
    numbers: frozenset[str]
    spans: tuple[tuple[int, int], ...]
    sentence_words: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of the answer without its markers: (stem, surface, weight) of its words, its numbers and names."""

    words: tuple[tuple[str, str, float], ...]
    numbers: frozenset[str]
    names: frozenset[str]


def check(answer: str, passages: Sequence[Passage]) -> CheckedAnswer:
    """Align every sentence of `answer` with the passage that supports it best, and mend its markers.

    Out come the answer with valid markers only, at least one on every supported sentence, and a verdict for each
    sentence. Greetings, headings, questions and refusals make no claim and are NEUTRAL.
    """
    language = idf.language_of([answer]) or idf.language_of([p.text for p in passages[:3]])
    sources, weights = _sources(passages, language)
    parts: list[str] = []
    checked: list[CheckedSentence] = []
    dropped: list[int] = []
    length = at = 0
    for start, end in sentences.split(answer):
        gap = answer[at:start]
        at = end
        cited = [int(n) for m in _MARKER.finditer(answer, start, end) for n in regex.split(r"\s*[,;]\s*", m[1])]
        plain = _MARKER.sub("", answer[start:end]).strip()
        if not plain:  # only markers: they belonged to the sentence before
            dropped.extend(n for n in cited if not 1 <= n <= len(passages))
            continue
        support, score, best, evidence = _judge(plain, language, sources, weights)
        kept = _kept(cited, best)
        dropped.extend(n for n in cited if n - 1 not in kept)
        text = _with_markers(plain, kept)
        parts.extend((gap, text))
        length += len(gap)
        checked.append(
            CheckedSentence(
                text=text,
                start=length,
                end=length + len(text),
                support=support,
                score=round(score, 3),
                passages=tuple(passages[i].id for i in kept),
                evidence=evidence,
            )
        )
        length += len(text)
    return CheckedAnswer("".join(parts), tuple(checked), tuple(dict.fromkeys(dropped)))


def _sources(passages: Sequence[Passage], language: str) -> tuple[list[_Source], idf.Weights]:
    sources: list[_Source] = []
    lists: list[tuple[tuple[str, str, int, int], ...]] = []
    for passage in passages:
        about = " ".join((*passage.headings, passage.document))
        spoken = passage.language or language
        spans = tuple(sentences.split(passage.text))
        words = [idf.terms_of(passage.text[a:b], spoken) for a, b in spans]
        if spoken != language:  # the answer's stems may differ from the passage's: keep both
            words = [w + idf.terms_of(passage.text[a:b], language) for w, (a, b) in zip(words, spans, strict=True)]
        lists.extend(words)
        sets = tuple(frozenset(key for word in sentence for key in word[:2]) for sentence in words)
        heading = frozenset(key for word in idf.terms_of(about, language) for key in word[:2])
        text = passage.text + " " + about
        numbers = _numbers(text) | {_NUMBER_WORDS[w] for s in sets for w in s if w in _NUMBER_WORDS}
        sources.append(_Source(frozenset().union(heading, *sets), frozenset(numbers), spans, sets))
    return sources, idf.weights(lists, language)


def _judge(
    plain: str, language: str, sources: Sequence[_Source], weights: idf.Weights
) -> tuple[Support, float, list[int], tuple[int, int] | None]:
    """(verdict, score, places of the supporting passages best first, evidence span in the first)."""
    claim = _claim(plain, language, weights)
    if claim is None:
        return Support.NEUTRAL, 0.0, [], None
    if not sources:
        return Support.UNSUPPORTED, 0.0, [], None
    total = sum(weight for _, _, weight in claim.words) or 1.0
    scores = [sum(w for stem, word, w in claim.words if stem in s.known or word in s.known) / total for s in sources]
    order = sorted(range(len(sources)), key=lambda i: (-scores[i], i))
    best, score = [order[0]], scores[order[0]]
    if score < SUPPORTED and len(order) > 1:  # a sentence may join what two passages say
        both = sources[order[0]].known | sources[order[1]].known
        joint = sum(w for stem, word, w in claim.words if stem in both or word in both) / total
        if joint >= SUPPORTED and scores[order[1]] >= DOUBTFUL / 2:
            best, score = order[:2], joint
    held = [sources[i] for i in best]
    numbers = frozenset().union(*(s.numbers for s in held))
    known = frozenset().union(*(s.known for s in held))
    if claim.numbers - numbers or any(name not in known for name in claim.names):
        everywhere = frozenset().union(*(s.numbers for s in sources))
        anywhere = frozenset().union(*(s.known for s in sources))
        if claim.numbers - everywhere or any(name not in anywhere for name in claim.names):
            return Support.UNSUPPORTED, min(score, DOUBTFUL / 2), [], None
        score = min(score, SUPPORTED - 0.01)  # each is somewhere, but not together
    if score < DOUBTFUL:
        return Support.UNSUPPORTED, score, [], None
    also = [i for i in order if i not in best and scores[i] >= max(SUPPORTED, 0.95 * score)]
    verdict = Support.SUPPORTED if score >= SUPPORTED else Support.DOUBTFUL
    return verdict, score, best + also[:2], _evidence(claim, held[0])


def _evidence(claim: _Claim, source: _Source) -> tuple[int, int] | None:
    best, best_score = None, 0.0
    for span, words in zip(source.spans, source.sentence_words, strict=True):
        score = sum(w for stem, word, w in claim.words if stem in words or word in words)
        if score > best_score:
            best, best_score = span, score
    return best


def _claim(plain: str, language: str, weights: idf.Weights) -> _Claim | None:
    """The words, numbers and names of a sentence, or None when it makes no claim."""
    body = _LIST_NUMBER.sub("", plain).strip(" *_`")
    if plain.lstrip().startswith("#") or body.endswith(("?", "？")) or phrases.refusal_sentence(body):
        return None
    words = idf.terms_of(body, language)
    content = [w for w in words if w[1] not in weights.stop]
    numbers = _numbers(body)
    if not content or (len(content) <= 2 and body.endswith((":", "：", "!")) and not numbers):
        return None
    names = frozenset(
        word
        for at, (_, word, start, end) in enumerate(words)
        if at
        and language not in _COMMON_NOUN_CAPITALS
        and _is_name(body[start:end], body, start)
        and word not in weights.stop
    )
    return _Claim(tuple((stem, word, weights.of(stem, word)) for stem, word, _, _ in words), frozenset(numbers), names)


def _is_name(word: str, sentence: str, start: int) -> bool:
    before = sentence[:start].rstrip(" \"'“‘(*_`")
    return word[0].isupper() and len(word) > 1 and bool(before) and before[-1] not in ":.!?\n–—"


def _numbers(text: str) -> set[str]:
    return {_plain_number(m.group()) for m in _NUMBER.finditer(text)}


def _plain_number(number: str) -> str:
    digits = "".join(sign for sign in number if sign.isdecimal())
    return digits.lstrip("0") or "0"


def _kept(cited: Sequence[int], best: Sequence[int]) -> list[int]:
    """Places of the passages to mark: those cited rightly, in their order, else the best."""
    right = [n - 1 for n in dict.fromkeys(cited) if n - 1 in best]
    return right or list(best[:1])


def _with_markers(plain: str, kept: Sequence[int]) -> str:
    if not kept:
        return plain
    marks = "".join(f"[{i + 1}]" for i in kept)
    close = _CLOSING.search(plain)
    if close is None:
        return f"{plain} {marks}"
    return f"{plain[: close.start()]} {marks}{close.group()}"
