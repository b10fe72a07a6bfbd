"""Does the citation check find the faults of a model that invents and cites wrongly?

Knows how faults are planted: into answers of good sentences, quoted and in the reference's own words, go sentences that
the passages do not hold, figures that they state otherwise, and markers that point to the wrong passage. A scripted
model says them; what the check makes of each is counted. Does not know how the check works.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from hybrid.answering.pipeline import Options, Question
from hybrid.events import Event, Failed, Finished
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings
from rag.errors import UserFacingError
from rag.grounding import extractive, overlap
from rag.text import sentences
from rag.types import CheckedAnswer, Passage, Support
from tandem.evaluate.answers import contains
from tandem.evaluate.questions import Asked

MODEL = "planted"
QUOTED, WRITTEN, FOREIGN, FIGURE, WRONG, NOWHERE = (
    "quoted",
    "written",
    "unsupported",
    "wrong_figure",
    "wrong_passage",
    "no_such_passage",
)
GOOD = (QUOTED, WRITTEN)
FAULTS = (FOREIGN, FIGURE, WRONG, NOWHERE)

_MARKER = regex.compile(r"\s*\[\d+\]")
_FIGURE = regex.compile(r"(?<![\p{L}\d.,])\d{1,4}(?![\p{L}\d]|[.,]\d)")
_HELD = overlap.NAMES.index("content_precision")
_ELSEWHERE = 0.5
_QUOTED_WORDS = 60


@dataclass(frozen=True, slots=True)
class Planted:
    """One sentence of a scripted answer, without its marker; `cited` is the number it carries, 0 for none."""

    text: str
    kind: str
    cited: int


@dataclass(slots=True)
class Planter:
    """Writes the scripted answers and remembers what it planted, by question. The same seed plants the same."""

    questions: Sequence[Asked]
    seed: int = 0
    planted: dict[str, list[Planted]] = field(default_factory=dict)

    def runtime(self) -> Scripted:
        """The runtime whose model says what was planted."""
        return Scripted({MODEL: Script(self._answer)})

    def _answer(self, request: ChatRequest) -> str:
        chance = random.Random(f"{self.seed}:{request.typed}")
        said = self._sentences(request.typed, request.passages, chance)
        chance.shuffle(said)
        self.planted[request.typed] = said
        return " ".join(_marked(one) for one in said)

    def _sentences(self, question: str, passages: Sequence[Passage], chance: random.Random) -> list[Planted]:
        quotes = extractive.quote(question, passages, max_words=_QUOTED_WORDS)
        good = [(" ".join(quote.text.split()), quote.passage + 1) for quote in quotes if "\n" not in quote.text.strip()]
        said = [Planted(text, QUOTED, number) for text, number in good]
        sources = "\n".join(passage.text for passage in passages)
        said += self._written(question, passages, sources)
        foreign = [
            asked.answer
            for asked in self.questions
            if asked.answer
            and asked.question != question
            and overlap.measure(asked.answer, sources)[_HELD] < _ELSEWHERE
        ]
        for text in chance.sample(foreign, min(2, len(foreign)) if passages else 0):
            said.append(Planted(text, FOREIGN, chance.randint(1, len(passages))))
        said.extend(self._figures(good, sources, chance))
        for text, right in good[:1]:
            wrong = [n for n, p in enumerate(passages, 1) if overlap.measure(text, p.text)[_HELD] < _ELSEWHERE]
            if wrong:
                said = [one for one in said if one.text != text]
                said.append(Planted(text, WRONG, chance.choice(wrong)))
            elif right:
                said.append(Planted(text, NOWHERE, len(passages) + chance.randint(1, 9)))
        return said

    def _written(self, question: str, passages: Sequence[Passage], sources: str) -> list[Planted]:
        """The reference answer, in words of its own, where the passages hold its key facts."""
        asked = next(asked for asked in self.questions if asked.question == question)
        right = [number for number, passage in enumerate(passages, 1) if passage.document in asked.documents]
        if not right or not all(contains(sources, wordings) for wordings in asked.facts):
            return []
        return [Planted(asked.answer[a:b], WRITTEN, right[0]) for a, b in sentences.split(asked.answer)]

    def _figures(self, good: Sequence[tuple[str, int]], sources: str, chance: random.Random) -> list[Planted]:
        """A quoted sentence with one of its figures altered to one that no passage has."""
        for text, number in good:
            found = list(_FIGURE.finditer(text))
            if found:
                at = chance.choice(found)
                other = next((n for n in range(int(at[0]) + 1, int(at[0]) + 500) if str(n) not in sources), None)
                if other is not None:
                    return [Planted(f"{text[: at.start()]}{other}{text[at.end() :]}", FIGURE, number)]
        return []


def _marked(one: Planted) -> str:
    body = one.text.rstrip(".!?…")
    return f"{body} [{one.cited}]{one.text[len(body) :] or '.'}"


async def evaluate(
    planter: Planter,
    answer: Callable[[Question], AsyncIterator[Event]],
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Ask every question; the share of each fault that was marked, and of good sentences that were marked wrongly.

    An unsupported sentence is marked when the check does not call it supported; a wrong marker when it is gone from the
    sentence. Raises UserFacingError.
    """
    options = Options(draft=MODEL, escalation=EscalationSettings(mode=Escalate.NEVER), accept_all=True)
    seen: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    missed: list[dict[str, str]] = []
    for number, asked in enumerate(planter.questions, 1):
        async for event in answer(Question(asked.question, options=options)):
            if isinstance(event, Failed):
                raise UserFacingError(f"Question {asked.id} was not answered: {event.message}")
            if isinstance(event, Finished):
                for one in planter.planted.get(asked.question, ()):  # what is answered already is asked of no model
                    is_marked = _is_marked(one, event.answer.checked, event.answer.passages)
                    seen[one.kind] += 1
                    marked[one.kind] += is_marked
                    if is_marked is (one.kind in GOOD):
                        missed.append({"id": asked.id, "kind": one.kind, "text": _marked(one)})
        progress(number, len(planter.questions))
    faults, good = (sum(seen[kind] for kind in kinds) for kinds in (FAULTS, GOOD))
    return {
        "faults_marked": round(sum(marked[kind] for kind in FAULTS) / max(1, faults), 4),
        "good_marked": round(sum(marked[kind] for kind in GOOD) / max(1, good), 4),
        "faults": faults,
        "good": good,
        "marked_by_kind": {kind: round(marked[kind] / seen[kind], 4) for kind in (*GOOD, *FAULTS) if seen[kind]},
        "missed": missed,
    }


def _is_marked(one: Planted, checked: CheckedAnswer, passages: Sequence[Passage]) -> bool:
    numbers = {passage.id: number for number, passage in enumerate(passages, 1)}
    wanted = _plain(one.text)
    parts = [s for s in checked.sentences if _plain(s.text) == wanted] or [
        s for s in checked.sentences if _plain(s.text) and (_plain(s.text) in wanted or wanted in _plain(s.text))
    ]
    if one.kind in (WRONG, NOWHERE):
        return all(one.cited not in {numbers[p] for p in part.passages} for part in parts)
    return any(part.support in (Support.UNSUPPORTED, Support.DOUBTFUL) for part in parts)


def _plain(text: str) -> str:
    return " ".join(_MARKER.sub("", text).casefold().split()).rstrip(".!?… ")
