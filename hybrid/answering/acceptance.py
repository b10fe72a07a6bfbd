"""The one test that whatever is about to be shown has to pass: draft, refinement, a brief's section, a text asked anew.

Knows what is wrong with a text by its form (`hybrid.policies.degeneration`) and by its evidence
(`rag.grounding.evidence`), and what each model has shown of itself so far. Does not know who wrote it, what else could
be shown, nor how a person is told. A text that goes wrong half way is judged by what it said before.

The limits were set on the drafts of two real weak models over the shipped questions (`tests/hybrid/answering/
weak_drafts.jsonl`), labelled by key facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import regex

from hybrid.policies import degeneration
from hybrid.policies.signals import language_mismatch
from rag import prompts
from rag.grounding import citations, evidence
from rag.text import phrases, sentences
from rag.types import CheckedAnswer, CheckedSentence, Likes, Passage, Support

UNSUPPORTED = "unsupported"
STRONG = 0.6
SUPPORTED = 0.6
QUOTED, ELSEWHERE, MENDED = 0.07, 0.25, 0.15
QUOTED_SHORT, ELSEWHERE_SHORT = 0.15, 0.3
BOUND, HELD = 0.6, 0.9
FITTING, SPOKEN_OF = 0.4, 0.25
PARTS = 3
WHOLE = 4
_FIRST_ITEM = regex.compile(r"\(?1[.)]")
_ITEM = regex.compile(r"^\s*(?:\(?\d{1,2}[.)]|[-*•–])\s", regex.M)
_STOP = regex.compile(rf"[{sentences.MARKS}]|\Z")
_LATER_ITEM = regex.compile(r"(?<!\S)\(?(?:[2-9]|[1-9]\d)[.)](?=\s)")


@dataclass(frozen=True, slots=True)
class Searched:
    """What the text had to answer: the question, the passages it was given and how sure the search is of them.

    `query` is the question with the words of the conversation that it needs, `likes` has the words that are like them.
    `given` says that all the passages matter alike: anything that they carry is to the point. `free` says that the
    question asks for something else than what documents hold (a script, say): only the form is judged.
    """

    question: str
    passages: Sequence[Passage]
    confidence: float
    answerable: bool
    instructions: str = ""
    given: bool = False
    free: bool = False
    query: str = ""
    likes: Likes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`checked` is the text as it may be shown, with its citations checked. `why` is "" where it is accepted, else the
    code of the reason: empty, loop, echo, cut, language, refusal, nothing_found, nothing_said, unsupported, beside,
    unproved.
    `faults` are what was taken off the text (`hybrid.policies.degeneration`), or UNSUPPORTED: what its supported
    beginning was followed by. `strayed` is then the text with what followed, by which it is decided who writes on.
    """

    checked: CheckedAnswer
    why: str = ""
    faults: tuple[str, ...] = ()
    refused: bool = False
    strayed: CheckedAnswer | None = None

    @property
    def written(self) -> CheckedAnswer:
        """What the model wrote, with what strayed."""
        return self.strayed or self.checked

    @property
    def sound(self) -> bool | None:
        """Whether the text speaks for the model that wrote it; None where it says nothing either way."""
        if self.refused or self.why in ("nothing_found", "empty"):
            return None
        return not self.faults and self.checked.supported_share >= SUPPORTED

    @property
    def accepted(self) -> bool:
        return not self.why


def prepare(searched: Searched) -> None:
    """Read the question and its passages ahead, while the text is being written."""
    citations.prepare(searched.question, searched.passages)
    evidence.prepare(searched.question, searched.passages, searched.query, searched.likes)


def judge(text: str, searched: Searched, *, truncated: bool = False, trusted: bool = False) -> Verdict:
    """Whether `text` may be shown. `truncated` says that it was cut off before its end."""
    truncated = truncated and not _ends_as_its_source(text, searched.passages)
    sound = degeneration.sound(
        text,
        question=searched.question,
        instructions=searched.instructions,
        headings=[prompts.about(one) for one in searched.passages if len(one.headings) > 1],
        truncated=truncated,
    )
    checked = citations.check(sound.text, searched.passages, searched.question)
    said = any(one.support is Support.SUPPORTED for one in checked.sentences)
    if not said and phrases.is_refusal(sound.text):  # what says something may speak of refusing
        plain = CheckedAnswer(sound.text, (CheckedSentence(sound.text, 0, len(sound.text), Support.NEUTRAL, 0.0),))
        denied = searched.answerable and searched.confidence >= STRONG
        return Verdict(plain, "refusal" if denied else "", sound.faults, refused=True)
    if sound.faults:
        checked = _supported_part(checked, searched)
    why = _why(text, checked, sound.faults, searched, trusted)
    if why == UNSUPPORTED and not sound.faults:  # it may have begun well
        begun = _supported_part(checked, searched)
        if begun is not checked and not _why(text, begun, (UNSUPPORTED,), searched, trusted):
            return Verdict(begun, "", (UNSUPPORTED,), strayed=checked)
    later = _best(sound.turns, sound.faults, searched) if why else None
    if later is not None:
        return Verdict(later, "", sound.faults, strayed=checked)
    return Verdict(checked, why, sound.faults)


def _best(turns: Sequence[str], faults: tuple[str, ...], searched: Searched) -> CheckedAnswer | None:
    """Of a text that answers several times over, the answer that ranks best among those that could be shown if each
    were all of it; None where none could.
    """
    fit: list[tuple[float, CheckedAnswer]] = []
    for turn in turns:
        checked = _supported_part(citations.check(turn, searched.passages, searched.question), searched)
        said = any(one.support is Support.SUPPORTED for one in checked.sentences)
        if said and not _why(turn, checked, faults, searched, trusted=False):
            found = evidence.measure(searched.question, searched.passages, checked, searched.query, searched.likes)
            fit.append((found["chance"], checked))
    return max(fit, key=lambda one: one[0])[1] if fit else None


def _why(text: str, checked: CheckedAnswer, faults: tuple[str, ...], searched: Searched, trusted: bool) -> str:
    if not text.strip():
        return "empty"
    if not checked.text.strip():
        return faults[0] if faults else UNSUPPORTED
    if searched.free:
        return "language" if language_mismatch(searched.question, checked.text) else ""
    claims = [s for s in checked.sentences if s.support is not Support.NEUTRAL]
    if not searched.answerable:
        return "nothing_found"
    if language_mismatch(searched.question, checked.text):
        return "language"
    if not claims:
        return "nothing_said"
    broke_off = not {*faults} <= {degeneration.CUT} and _LATER_ITEM.search(checked.text)
    if broke_off and not _ends_with_its_source(claims, searched.passages):
        return faults[0]  # a list that broke off is no list
    if searched.given and not faults:
        return "" if any(s.support is Support.SUPPORTED for s in claims) else UNSUPPORTED
    found = evidence.measure(searched.question, searched.passages, checked, searched.query, searched.likes)
    if (1.0 + found["supported"] - found["unsupported"]) / 2.0 < SUPPORTED:  # a doubtful claim is half a claim
        return faults[0] if faults else UNSUPPORTED
    if trusted and not faults:
        return ""
    quoted = bool(found["quoted"])
    if found["only"]:
        least = QUOTED_SHORT if quoted else ELSEWHERE_SHORT
    else:
        least = MENDED if faults else QUOTED if quoted else ELSEWHERE
    spoken_of = found["bound"] >= BOUND or found["held"] >= HELD
    if faults:  # what wandered off says much by the way: all of it has to be worth saying
        least = max(least, MENDED * min(found["parts"], PARTS))
        spoken_of = spoken_of and found["parts"] < PARTS
    if found["mistyped"]:  # nothing of the kind that was asked for
        return "" if found["chance"] >= least and not found["only"] else "beside"
    fits = found["fitting"] >= FITTING and found["held"] >= SPOKEN_OF and found["parts"] <= 1
    return "" if found["chance"] >= least or spoken_of or fits else "beside"


def _ends_as_its_source(text: str, passages: Sequence[Passage]) -> bool:
    """Whether the last sentence is one of a passage, word for word to its end, but for the stop."""
    spans = sentences.split(text)
    last = " ".join(text[spans[-1][0] : spans[-1][1]].split()) if spans else ""
    if len(last.split()) < WHOLE:
        return False
    sources = [" ".join(one.text.split()) for one in passages if last[:1] in one.text]
    return any(_STOP.match(source, source.find(last) + len(last)) for source in sources if last in source)


def _ends_with_its_source(claims: Sequence[CheckedSentence], passages: Sequence[Passage]) -> bool:
    """Whether a list ends where the list that it was taken from does."""
    last = claims[-1]
    source = next((one for one in passages if one.id in last.passages[:1]), None)
    if source is None or last.evidence is None or not _ITEM.search(source.text):
        return False
    return not _ITEM.search(source.text, last.evidence[1])


def _supported_part(checked: CheckedAnswer, searched: Searched) -> CheckedAnswer:
    """Of a text that went wrong, its first claims that are supported in a row; of a list, with the first number."""
    begun = number = None
    end = 0
    for sentence in checked.sentences:
        bad = sentence.support in (Support.UNSUPPORTED, Support.DOUBTFUL)
        if bad and begun is not None:
            break
        if sentence.support is Support.SUPPORTED:  # what claims nothing stays between claims, not behind the last
            begun = sentence.start if begun is None else begun
            end = sentence.end
        elif begun is None:
            number = sentence.start if _FIRST_ITEM.fullmatch(sentence.text) else None
    kept = checked.text[begun or 0 : end]
    if number is not None and _LATER_ITEM.search(kept):
        kept = checked.text[number:end]
    return checked if kept == checked.text else citations.check(kept, searched.passages, searched.question)
