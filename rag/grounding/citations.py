"""Checks a finished answer against the passages it was given: which sentence rests on which passage, and which on none.

Knows words, numbers and names, not meaning: it finds invention, not subtle error. A sentence rests on at most three
sentences of a passage and its headings. Its score is the share of its idf weight that they hold, where a word that the
question said already counts less; 0.6 is support, 0.4 doubt. A number or a name that no passage has makes it
unsupported whatever its score, and one that stands elsewhere, away from what it is said of, makes it doubtful at best.
Does not know models or who wrote the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from rag.grounding import claims, denial, figures, markers
from rag.grounding.claims import Asked, Claim
from rag.text import idf, phrases, sentences
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support

SUPPORTED, DOUBTFUL = 0.6, 0.4
_ORDER = (Support.NEUTRAL, Support.UNSUPPORTED, Support.DOUBTFUL, Support.SUPPORTED)
_AIM, _FAR_AIM, _RIVAL, _WINDOW, _ROW = 0.2, 0.4, 0.25, 3, 0.8

_Judged = tuple[Support, float, list[int], tuple[int, int] | None]
"""(verdict, score, places of the supporting passages best first, evidence span in the first)."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A passage as the check sees it: all its words, those of its headings, and those of each of its sentences; a
    sentence's numbers come with the stems beside each.
    """

    known: frozenset[str]
    numbers: frozenset[str]
    about: frozenset[str]
    spans: tuple[tuple[int, int], ...]
    sentence_words: tuple[frozenset[str], ...]
    sentence_numbers: tuple[Mapping[str, frozenset[str]], ...]
    sentence_denied: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Question and passages as one language reads them: what is a stop word, and which words have one stem."""

    language: str
    sources: Sequence[_Source]
    weights: idf.Idf
    asked: Asked


def check(answer: str, passages: Sequence[Passage], question: str = "") -> CheckedAnswer:
    """Align every sentence of `answer` with the passage that supports it best, and mend its markers.

    Out come the answer with valid markers only, at least one on every supported sentence, and a verdict for each
    sentence. Greetings, headings, questions, refusals, list numbers and what has no content make no claim and are
    NEUTRAL. What only repeats `question` is no evidence for itself.
    """
    spoken = (idf.language_of([answer]), idf.language_of([p.text for p in passages[:3]]))
    readings = [
        _reading(question, tuple(passages), language) for language in dict.fromkeys(filter(None, spoken)) or ("",)
    ]
    parts: list[str] = []
    checked: list[CheckedSentence] = []
    dropped: list[int] = []
    length = at = 0
    beneath = False
    alone = claims.is_number(markers.removed(answer))
    for piece in markers.pieces(answer):
        start, end = piece.start, piece.end
        gap = answer[at:start]
        at = end
        if piece.below is None:
            cited, plain = markers.numbers(answer[start:end]), markers.removed(answer[start:end]).strip()
        else:
            cited, plain = markers.numbers(answer[piece.body : end]), answer[start : piece.body]
        if not plain:  # only markers: they belonged to the sentence before
            dropped.extend(n for n in cited if not 1 <= n <= len(passages))
            continue
        support, score, best, evidence = max((_judge(plain, one, alone) for one in readings), key=_merit)
        kept = _kept(cited, best)
        dropped.extend(n for n in cited if n - 1 not in kept)
        text = markers.placed(plain, "".join(f"[{place + 1}]" for place in kept), piece.below)
        if beneath and gap.count("\n") == 1:  # what goes on would go on behind the marker
            gap = f"\n{gap}"
        beneath = piece.below is not None and bool(kept)
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


def prepare(question: str, passages: Sequence[Passage]) -> None:
    """Read the passages ahead, in their language, while an answer is being written."""
    language = idf.language_of([p.text for p in passages[:3]])
    if language:
        _reading(question, tuple(passages), language)


@lru_cache(maxsize=64)
def _reading(question: str, passages: tuple[Passage, ...], language: str) -> _Reading:
    sources, weights = _sources(passages, language)
    return _Reading(language, sources, weights, claims.asked(question, language, weights))


def _sources(passages: Sequence[Passage], language: str) -> tuple[list[_Source], idf.Idf]:
    sources: list[_Source] = []
    lists: list[tuple[tuple[str, str, int, int], ...]] = []
    for passage in passages:
        about = " ".join((*passage.headings, passage.document))
        spoken = passage.language or language
        spans = tuple(sentences.split(passage.text))
        texts = [passage.text[a:b] for a, b in spans]
        words = [idf.terms_of(text, spoken) for text in texts]
        if spoken != language:  # the answer's stems may differ from the passage's: keep both
            words = [w + idf.terms_of(text, language) for w, text in zip(words, texts, strict=True)]
        lists.extend(words)
        numbers = tuple(figures.beside(text, held, spoken) for text, held in zip(texts, words, strict=True))
        denied = tuple(denial.denied(text, held, spoken) for text, held in zip(texts, words, strict=True))
        names = figures.names(language)
        sets = tuple(
            frozenset(key for word in sentence for key in word[:2]).union(
                inside, (n for n in names if names[n] in inside)
            )
            for sentence, inside in zip(words, numbers, strict=True)
        )
        heading = frozenset(key for word in idf.terms_of(about, language) for key in word[:2])
        everywhere = frozenset(figures.of(about)).union(*numbers)
        sources.append(_Source(frozenset().union(heading, *sets), everywhere, heading, spans, sets, numbers, denied))
    return sources, idf.weights(lists, language)


def _merit(judged: _Judged) -> tuple[int, float]:
    return _ORDER.index(judged[0]), judged[1]


def _judge(plain: str, reading: _Reading, alone: bool) -> _Judged:
    """The verdict on a sentence; where it as a whole is not supported, that on its clauses if all of them are. Of one
    that claims one thing and says of another that the documents do not hold it, the verdict on what it claims.
    """
    whole = _verdict(plain, reading, alone)
    parts = claims.clauses(plain)
    halved = whole[0] is Support.NEUTRAL and phrases.refusal_sentence(plain)
    if len(parts) < 2 or not (halved or whole[0] in (Support.UNSUPPORTED, Support.DOUBTFUL)):
        return whole
    judged = [one for one in (_verdict(part, reading) for part in parts) if one[0] is not Support.NEUTRAL]
    weakest = min(judged, key=_merit, default=whole)
    if weakest[0] is not Support.SUPPORTED:
        return weakest if halved else whole
    best = list(dict.fromkeys(at for _, _, places, _ in judged for at in places))
    return Support.SUPPORTED, weakest[1], best[:_WINDOW], judged[0][3]


def _verdict(plain: str, reading: _Reading, alone: bool = False) -> _Judged:
    claim = claims.read(plain, reading.language, reading.weights, reading.asked, alone)
    sources = reading.sources
    if claim is None:
        return Support.NEUTRAL, 0.0, [], None
    if not sources:
        return Support.UNSUPPORTED, 0.0, [], None
    anywhere = frozenset().union(*(s.known for s in sources))
    everywhere = frozenset().union(*(s.numbers for s in sources))
    if claim.numbers.keys() - everywhere or any(name not in anywhere for name in claim.names):
        return Support.UNSUPPORTED, min(_share(claim, anywhere), DOUBTFUL / 2), [], None
    total = sum(weight for _, _, weight in claim.words) or 1.0
    windows = [_window(claim, source) for source in sources]
    scores = [_held(claim, known) / total for _, known in windows]
    placed = [_in_place(claim, source, window[0]) for source, window in zip(sources, windows, strict=True)]
    order = sorted(range(len(sources)), key=lambda i: (not placed[i], -scores[i], i))
    if scores[order[0]] < SUPPORTED:
        order.sort(key=lambda i: (-scores[i], i))
    best, score = [order[0]], scores[order[0]]
    in_place = placed[order[0]]
    contested = any(_contested(number, claim, sources) for number in claim.numbers)
    contested = contested or (not denial.denies(plain) and _denied(claim, sources[order[0]], windows[order[0]][0]))
    # A sentence may join what two passages say, a table's row may not.
    if (score < SUPPORTED or not in_place) and len(order) > 1 and not claim.row:
        order.sort(key=lambda i: (-scores[i], i))
        both = windows[order[0]][1] | windows[order[1]][1]
        joint = _held(claim, both) / total
        together = all(any(_near(n, claim, sources[i]) for i in order[:2]) for n in claim.numbers)
        if joint >= SUPPORTED and together and scores[order[1]] >= DOUBTFUL / 2:
            best, score, in_place = order[:2], joint, all(name in both for name in claim.names)
    if contested or (claim.row and score < _ROW):
        score = min(score, SUPPORTED - 0.01)
    elif not in_place:
        score = min(score, SUPPORTED - 0.01 if _all_known(claim, sources[best[0]]) else DOUBTFUL)
    if score < DOUBTFUL:
        return Support.UNSUPPORTED, score, [], None
    also = [i for i in order if i not in best and placed[i] and scores[i] >= max(SUPPORTED, 0.95 * score)]
    verdict = Support.SUPPORTED if score >= SUPPORTED else Support.DOUBTFUL
    return verdict, score, best + also[:2], _evidence(claim, sources[best[0]])


def _share(claim: Claim, known: Set[str]) -> float:
    return _held(claim, known) / (sum(weight for _, _, weight in claim.words) or 1.0)


def _held(claim: Claim, known: Set[str]) -> float:
    return sum(w for stem, word, w in claim.words if stem in known or word in known)


def _window(claim: Claim, source: _Source) -> tuple[list[int], frozenset[str]]:
    """The sentences that hold most of the claim together, best first, and what they and the headings hold.

    The sentence before the best one comes along: it may name what a pronoun stands for.
    """
    known: Set[str] = source.about
    chosen: list[int] = []
    for _ in range(1 if claim.row else max(_WINDOW, len(claim.numbers) + 1)):
        missing = [(stem, word, w) for stem, word, w in claim.words if stem not in known and word not in known]
        gains = [sum(w for stem, word, w in missing if stem in s or word in s) for s in source.sentence_words]
        best = max(range(len(gains)), key=gains.__getitem__, default=None)
        if best is None or gains[best] <= 0.0:
            break
        chosen.append(best)
        known = known | source.sentence_words[best]
        if len(chosen) == 1 and best and not claim.row:
            known = known | source.sentence_words[best - 1]
    return chosen, frozenset(known)


def _in_place(claim: Claim, source: _Source, window: Sequence[int]) -> bool:
    """Whether the numbers and names stand where the passage speaks of what the claim says of them."""
    if not all(_near(number, claim, source) for number in claim.numbers):
        return False
    if claim.bare and not claim.numbers:
        around = [source.sentence_words[i] | source.about for i in window[:1]]
        if claim.aim and not any(_aimed(claim, words) >= _AIM for words in around):
            return False
    return all(name in source.known for name in claim.names)


def _near(number: str, claim: Claim, source: _Source) -> bool:
    """Whether a sentence with this number is about what the claim is about: by most of its words, or by some of them
    and what stands beside the number.
    """
    if not claim.aim:
        return number in source.numbers
    unit = claim.numbers[number]
    for at, numbers in enumerate(source.sentence_numbers):
        if number in numbers:
            words = source.sentence_words[at]
            before = source.sentence_words[at - 1] if at else frozenset()
            close = _aimed(claim, words)
            around = max(close, 0.8 * _aimed(claim, words | before | source.about) if close else 0.0)
            alike = bool(unit & numbers[number]) or not (unit or claim.bare)
            whole = bool(claim.own) and claim.own <= words and (alike or not unit)
            if whole or around >= (_AIM if alike else _FAR_AIM):
                return True
    return False


def _contested(number: str, claim: Claim, sources: Sequence[_Source]) -> bool:
    """Whether a sentence that speaks more of what the claim is about has another number of the same kind."""
    unit = claim.numbers[number]
    own = far = 0.0
    for source in sources:
        for numbers, words in zip(source.sentence_numbers, source.sentence_words, strict=True):
            if number in numbers:
                own = max(own, _aimed(claim, words))
            elif unit and any(unit & beside for rival, beside in numbers.items() if rival not in claim.numbers):
                far = max(far, _aimed(claim, words))
    return not claim.bare and far > own + _RIVAL


def _denied(claim: Claim, source: _Source, window: Sequence[int]) -> bool:
    """Whether the sentence that holds most of the claim denies a word of it."""
    return any(not claim.own.isdisjoint(source.sentence_denied[at]) for at in window[:1])


def _aimed(claim: Claim, words: Set[str]) -> float:
    """Share of the claim's aim that these words hold."""
    return sum(w for stem, w in claim.aim.items() if stem in words) / (sum(claim.aim.values()) or 1.0)


def _all_known(claim: Claim, source: _Source) -> bool:
    return not claim.numbers.keys() - source.numbers and all(name in source.known for name in claim.names)


def _evidence(claim: Claim, source: _Source) -> tuple[int, int] | None:
    best, best_score = None, 0.0
    for span, words in zip(source.spans, source.sentence_words, strict=True):
        score = sum(w for stem, word, w in claim.words if stem in words or word in words)
        if score > best_score:
            best, best_score = span, score
    return best


def _kept(cited: Sequence[int], best: Sequence[int]) -> list[int]:
    """Places of the passages to mark: those cited rightly, in their order, else the best."""
    right = [n - 1 for n in dict.fromkeys(cited) if n - 1 in best]
    return right or list(best[:1])
