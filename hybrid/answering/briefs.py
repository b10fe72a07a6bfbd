"""Executive briefings: passages in, sections of cited claims out, whatever the length of the source.

Knows how a source is cut into sections, how each is asked for, and that a claim without a source is left out. Does not
know how a section is written (`hybrid.answering.pipeline` does) nor how a briefing is printed. The small model drafts
every section; the large one refines where the policy says so, or all of them when the briefing has high priority.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from math import log

import regex

from hybrid.answering.pipeline import answer
from hybrid.engine import Engine
from hybrid.errors import ModelError
from hybrid.events import Answer, Failed, Finished
from hybrid.policies import degeneration
from hybrid.question import Options, Question
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.settings import Escalate
from rag.principal import ANYBODY, Principal
from rag.text.analyser import stop_terms, tokens
from rag.types import Passage, SearchResult, Support

SECTION_WORDS = 60
SECTION_PASSAGES = 6
_MARKER = regex.compile(r"\s*\[\d+\]")
_ASK = {
    "en": "Brief an executive on {topic}: the key points, figures, decisions and dates, in about {words} words.",
    "tr": "Bir yönetici için {topic} konusunu özetle: ana noktalar, sayılar, kararlar ve tarihler, yaklaşık {words} "
    "sözcükle.",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence, and the numbers (from 1) of the briefing's sources that it rests on; never none."""

    text: str
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """`sources` are the passages that this section is the first to rest on, in the order of their numbers;
    `left_out` counts its claims that no passage supported; `quoted` says that the documents are quoted in place of what
    a model wrote, which did not hold.
    """

    heading: str
    claims: tuple[Claim, ...]
    model: str
    escalated: bool
    sources: tuple[Passage, ...] = ()
    left_out: int = 0
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """A briefing. `sources` are numbered from 1 in this order; `left_out` counts claims that no passage supported, and
    `empty` names the sections in which nothing could be said.
    """

    title: str
    sections: tuple[Section, ...]
    sources: tuple[Passage, ...]
    left_out: int
    empty: tuple[str, ...] = ()

    @property
    def quoted(self) -> tuple[str, ...]:
        """The sections in which the documents are quoted because what was written did not hold."""
        return tuple(section.heading for section in self.sections if section.quoted)

    @property
    def words(self) -> int:
        return sum(len(claim.text.split()) for section in self.sections for claim in section.claims)


@dataclass(frozen=True, slots=True)
class Part:
    """What one section is written from."""

    heading: str
    passages: tuple[Passage, ...]


def parts(passages: Sequence[Passage], words: int) -> list[Part]:
    """Cut a source's passages, in reading order, into as many sections as `words` have room for.

    A section is a run of passages under one heading, or several short ones; of more than six passages, those that share
    most with the rest of their section are kept.
    """
    groups: list[list[Passage]] = []
    for passage in passages:
        last = groups[-1][-1] if groups else None
        if last is not None and (last.document, last.headings[:2]) == (passage.document, passage.headings[:2]):
            groups[-1].append(passage)
        else:
            groups.append([passage])
    most = max(1, words // SECTION_WORDS)
    while len(groups) > most:  # join the two neighbours that are shortest together
        at = min(range(len(groups) - 1), key=lambda i: len(groups[i]) + len(groups[i + 1]))
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    return [Part(_heading(group), _central(group)) for group in groups]


def _heading(group: Sequence[Passage]) -> str:
    """What the passages are about: their innermost headings, two at most, or the document's name."""
    inner = dict.fromkeys(passage.headings[-1] for passage in group if passage.headings)
    return "; ".join(list(inner)[:2]) or group[0].document


def _central(group: Sequence[Passage]) -> tuple[Passage, ...]:
    """The six passages whose words matter most in the group, in reading order."""
    if len(group) <= SECTION_PASSAGES:
        return tuple(group)
    terms = [{token.term for token in tokens(p.text, p.language)} - stop_terms(p.language or "en") for p in group]
    frequency = Counter(term for one in terms for term in one)
    scores = [
        sum(log(frequency[term]) for term in one if frequency[term] < len(group)) / (1 + len(one)) ** 0.5
        for one in terms
    ]
    best = sorted(sorted(range(len(group)), key=lambda i: -scores[i])[:SECTION_PASSAGES])
    return tuple(group[i] for i in best)


async def write(
    title: str,
    given: Sequence[Part],
    engine: Engine,
    *,
    words: int,
    high: bool = False,
    options: Options | None = None,
    conversation: str = "",
    user: str = "",
    principal: Principal = ANYBODY,
) -> AsyncGenerator[Section | Brief, None]:
    """Write the sections one by one, as they are done, and at the end the Brief. What one section claims, no later one
    claims again; a section nothing could be said in has no claims, and is not in the Brief. `conversation`, `user` and
    `principal` are as in `hybrid.question.Question`.

    Raises ModelError where a section cannot be written by anything. Closing the generator stops what runs.
    """
    options = options or Options()
    escalation = options.escalation or engine.escalation
    if high:
        escalation = escalation.model_copy(update={"mode": Escalate.ALWAYS})
    options = replace(options, escalation=escalation)
    numbers: dict[str, int] = {}
    sections: list[Section] = []
    said: list[str] = []
    for part in given:
        asked = _question(part, max(20, words // len(given)), options, conversation, user, principal)
        done = await _answered(part, asked, engine)
        sources: list[Passage] = []
        claims: list[Claim] = []
        left_out = 0
        for sentence in done.checked.sentences:
            if sentence.support in (Support.SUPPORTED, Support.DOUBTFUL) and sentence.passages:
                text = " ".join(_MARKER.sub("", sentence.text).split())
                if degeneration.same(text, said):  # another section made this claim already
                    continue
                said.append(text)
                for passage in done.passages:
                    if passage.id in sentence.passages and passage.id not in numbers:
                        sources.append(passage)
                        numbers[passage.id] = len(numbers) + 1
                claims.append(Claim(text, tuple(sorted(numbers[id] for id in sentence.passages))))
            elif sentence.support is not Support.NEUTRAL:
                left_out += 1
        quoted = done.runtime == EXTRACTIVE and bool(done.withheld)
        made = Section(part.heading, tuple(claims), done.model, done.escalated, tuple(sources), left_out, quoted)
        sections.append(made)
        yield sections[-1]
    yield brief_of(title, sections)


def brief_of(title: str, sections: Sequence[Section]) -> Brief:
    """The briefing that these sections make, in the order they were written."""
    return Brief(
        title,
        tuple(section for section in sections if section.claims),
        tuple(passage for section in sections for passage in section.sources),
        sum(section.left_out for section in sections),
        tuple(section.heading for section in sections if not section.claims),
    )


def _question(part: Part, words: int, options: Options, conversation: str, user: str, principal: Principal) -> Question:
    wording = _ASK.get(part.passages[0].language, _ASK["en"])
    text = wording.format(topic=part.heading, words=words)
    return Question(text, conversation=conversation, user=user, principal=principal, options=options)


async def _answered(part: Part, question: Question, engine: Engine) -> Answer:
    found = SearchResult(part.passages, part.heading, 1.0, part.passages[0].language)
    async with aclosing(answer(question, engine, found)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.answer
            if isinstance(event, Failed):
                raise ModelError(event.message, kind="unavailable")
    raise ModelError(f"The section {part.heading} was not written; ask again.", kind="unavailable")
