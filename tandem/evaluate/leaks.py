"""Whether anything of a collection reaches somebody who may not read it: random questions over planted secrets.

Knows how to plant secrets (in texts, headings, titles and names of files), how people pry, and what is heard of a
secret: in passages, answers, notices, corrections, counts, lists, traces, and in what others share. Every question is
also put to a library that holds only what its asker may read: the two must find the same. Does not know who may read
what (`tandem.auth.rights` says), how anything is found, nor how it is shared (`passed_on` does).
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from hybrid.events import Answer, Failed, Finished, Notice, Retrieved
from hybrid.question import Question, Turn
from hybrid.settings import ModelSettings
from rag import labels
from rag.formats.markdown import read_markdown
from rag.ingest.document_builder import build
from rag.labels import PUBLIC
from rag.library import Library
from rag.principal import ANYBODY
from rag.storage.records import NewDocument
from rag.text.analyser import casefold, fold
from rag.types import SearchResult
from tandem.auth.collections import Folder, Made
from tandem.context import AppContext
from tandem.evaluate import passed_on
from tandem.evaluate.passed_on import Said
from tandem.settings import CollectionSettings, ServerSettings, Settings
from tandem.ui import starters

CLOSED = ("board", "clinic", "works")
OPEN = "handbook"
IN_CHAT = "works"
"""Which of the closed ones an administrator makes in the chat; the settings name the others."""
_DOCUMENTS = 6
_SYLLABLES = [
    "zor",
    "ni",
    "vex",
    "qua",
    "lu",
    "mir",
    "teb",
    "osk",
    "fen",
    "dra",
    "yul",
    "pex",
    "gri",
    "hob",
    "wim",
    "saj",
]
_SUBJECTS = ["budget", "parking", "travel", "holiday", "laptop", "canteen", "training", "visitor", "badge", "salary"]
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Secret:
    """A word that stands in the documents of one collection only, and a sentence that holds it."""

    word: str
    collection: str
    subject: str

    @property
    def sentence(self) -> str:
        return f"The {self.subject} code of the {self.collection} is {self.word} and it changes in spring."


@dataclass(slots=True)
class Tally:
    """What was asked, and what leaked, in words that can be read."""

    asked: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    found: int = 0
    shares: int = 0
    whole: int = 0
    held_back: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "questions": self.asked,
            "kinds": dict(sorted(self.by_kind.items())),
            "own_secrets_found": self.found,
            "shares_opened": self.shares,
            "shown_whole": self.whole,
            "pieces_held_back": self.held_back,
            "leaks": len(self.leaks),
            "differences": len(self.differences),
            "shown": [*self.leaks[:_SHOWN], *self.differences[:_SHOWN]],
        }


def plant(draw: random.Random) -> tuple[list[Secret], list[NewDocument]]:
    """The secrets of the closed collections, and the documents of all of them."""
    secrets: list[Secret] = []
    documents: list[NewDocument] = []
    known: set[str] = set()
    for collection in (OPEN, *CLOSED):
        label = PUBLIC if collection == OPEN else frozenset({label_of(collection)})
        for number in range(_DOCUMENTS):
            own = [Secret(_word(draw, known), collection, subject) for subject in draw.sample(_SUBJECTS, 4)]
            secrets += own
            name = f"{own[0].word}-{number}.md" if collection != OPEN else f"{_SUBJECTS[number]}.md"
            read = read_markdown(_document(own, draw).encode())
            made = build(read, name=f"{collection}/{name}", kind="md", modified=1.7e9 + number, passage_chars=400)
            documents.append(replace(made, labels=label))
    return [secret for secret in secrets if secret.collection != OPEN], documents


def label_of(collection: str) -> str:
    """The label of a closed collection's documents."""
    return labels.collection(f"-{collection}" if collection == IN_CHAT else collection)


def made_in_chat(settings: Settings) -> Made:
    """The collection that is made in the chat."""
    folder = Folder(str(settings.documents[0].resolve()), IN_CHAT)
    return Made(f"-{IN_CHAT}", IN_CHAT, (IN_CHAT,), (), (folder,))


def opened(document: NewDocument) -> NewDocument:
    """The document, for everybody."""
    return replace(document, labels=PUBLIC)


def _word(draw: random.Random, known: set[str]) -> str:
    while (word := "".join(draw.sample(_SYLLABLES, 4))) in known:
        pass
    known.add(word)
    return word


def _document(secrets: Sequence[Secret], draw: random.Random) -> str:
    lines = [f"# {secrets[0].word.capitalize()} and the {secrets[0].subject}", ""]
    for secret in secrets[1:]:
        about = " ".join(f"Who asks for a {word} fills in form {draw.randint(1, 99)}." for word in _SUBJECTS[:4])
        lines += [f"## {secret.subject.capitalize()} {secret.word}", "", secret.sentence, about, ""]
    lines += [secrets[0].sentence]
    return "\n".join(lines)


def readings() -> list[tuple[str, ...]]:
    """Every choice of closed collections."""
    return [own for count in range(len(CLOSED) + 1) for own in combinations(CLOSED, count)]


def settings_for(data: Path) -> Settings:
    """An installation whose people are called after the groups that they are in."""
    people = {"+".join(own) or "nobody": own for own in readings()}
    return Settings(
        data_dir=data,
        documents=(data / "documents",),
        collections=tuple(
            CollectionSettings(name=name, folders=(data / "documents" / name,), readers=(name,))
            for name in CLOSED
            if name != IN_CHAT
        ),
        groups={name: tuple(who for who, own in people.items() if name in own) for name in CLOSED},
        server=ServerSettings(users={who: SecretStr("x" * 12) for who in people}),
        models=ModelSettings(draft="extractive", foundry=False),
    )


def questions(secrets: Sequence[Secret], draw: random.Random) -> Iterator[tuple[str, str, Secret]]:
    """For good: (kind, question, the secret that it is after)."""
    kinds: dict[str, Callable[[Secret], str]] = {
        "subject": lambda one: f"What is the {one.subject} code?",
        "collection": lambda one: f"What is the {one.subject} code of the {one.collection}?",
        "exact": lambda one: f"What do you know of {one.word}?",
        "misspelt": lambda one: f"When does {_slip(one.word, draw)} change?",
        "beginning": lambda one: f"What is {one.word[: draw.randint(4, len(one.word) - 1)]}?",
        "quoted": lambda one: f'"code of the {one.collection} is"',
        "document": lambda one: f"{one.subject} code document:{one.word[:5]}",
        "folder": lambda one: f"codes folder:{one.collection}",
        "excluded": lambda one: f"{one.subject} code -handbook",
        "summary": lambda one: f"Summarise the document about {one.subject}",
        "library": lambda one: "What documents do you have?",
        "vague": lambda one: one.subject,
        "two": lambda one: f"What is the {one.subject} code, and which codes change in spring?",
    }
    while True:
        secret = draw.choice(secrets)
        kind = draw.choice(list(kinds))
        yield kind, kinds[kind](secret), secret


def _slip(word: str, draw: random.Random) -> str:
    at = draw.randint(1, len(word) - 2)
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    return draw.choice(
        (word[:at] + word[at + 1 :], word[:at] + letter + word[at:], word[:at] + letter + word[at + 1 :])
    )


async def evaluate(
    context: AppContext,
    twins: Mapping[tuple[str, ...], Library],
    secrets: Sequence[Secret],
    count: int,
    seed: int,
    advance: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Tally:
    """Ask `count` random questions of random people. `twins` are libraries that hold, open to everybody, only what
    somebody in these groups may read."""
    draw, tally = random.Random(seed), Tally()
    people = list(context.settings.server.users)
    for who in people:
        _look_around(context, twins[_groups(context, who)], who, secrets, tally)
    before: dict[str, tuple[tuple[Turn, ...], Said]] = {}
    for kind, text, secret in questions(secrets, draw):
        if tally.asked >= count:
            return tally
        who = draw.choice(people)
        earlier = before.get(who) if draw.random() < 0.2 else None
        turns = earlier[0] if earlier is not None else ()
        heard, found, answer = await _ask(context, who, text, turns)
        if answer is not None:
            talk = [*([earlier[1]] if earlier is not None else []), passed_on.said(tally.asked, text, answer)]
            before[who] = (Turn(text, answer.text),), talk[-1]
            _pass_on(context, who, talk, secrets, draw, tally)
        tally.asked += 1
        tally.by_kind[kind] += 1
        typed = fold(casefold(" ".join((text, *(turn.question for turn in turns)))))
        own = _groups(context, who)
        if secret.collection in own and secret.word in heard and secret.word not in typed:
            tally.found += 1
        for other in secrets:
            if other.collection not in own and other.word in heard and other.word not in typed:
                tally.leaks.append(f"{who} asked {text!r} ({kind}) and heard {other.word} of {other.collection}")
        alone = twins[own].search(text, history=[(turn.question, turn.answer) for turn in turns])
        if _told(found) != _told(alone):
            tally.differences.append(f"{who} asked {text!r} ({kind}) and found otherwise than without the rest")
        advance(tally.asked, count, who)
    return tally


def _pass_on(
    context: AppContext, owner: str, talk: Sequence[Said], secrets: Sequence[Secret], draw: random.Random, tally: Tally
) -> None:
    """Share it with everybody, the last answer or all of it, and look over the shoulder of one of them."""
    kept = passed_on.shared(context, owner, talk, alone=draw.random() < 0.5)
    if kept is None:
        return
    reader = draw.choice([name for name in context.settings.server.users if name != owner])
    shown, hidden = passed_on.shown(context, kept, reader)
    heard, typed = fold(casefold(shown)), fold(casefold(" ".join(one.question for one in talk)))
    tally.shares += 1
    tally.whole += not hidden
    tally.held_back += hidden
    own = _groups(context, reader)
    for secret in secrets:
        if secret.collection not in own and secret.word in heard and secret.word not in typed:
            tally.leaks.append(f"{reader} read what {owner} shares of {talk[-1].question!r} and saw {secret.word}")


def _groups(context: AppContext, who: str) -> tuple[str, ...]:
    return tuple(name for name in CLOSED if name in context.rights.groups_of(who))


async def _ask(
    context: AppContext, who: str, text: str, turns: tuple[Turn, ...]
) -> tuple[str, SearchResult, Answer | None]:
    """(all that is heard, what a search finds, the answer)."""
    principal = context.rights.principal(who)
    heard: list[str] = []
    answer: Answer | None = None
    async with aclosing(context.answer(Question(text, turns, user=who, principal=principal))) as events:
        async for event in events:
            match event:
                case Retrieved():
                    heard.append(repr(event.result))
                case Notice():
                    heard.append(event.text)
                case Finished():
                    answer = event.answer
                    heard += [answer.text, repr(event.answer), json.dumps(event.trace.as_dict())]
                case Failed():
                    heard.append(event.message)
    found = context.library.search(text, principal=principal, history=[(turn.question, turn.answer) for turn in turns])
    heard.append(repr(found))
    return fold(casefold(" ".join(heard))), found, answer


def _told(found: SearchResult) -> tuple[object, ...]:
    passages = tuple((one.document, one.text) for one in found.passages)
    return passages, found.corrections, found.notes, found.language, round(found.confidence, 3)


def _look_around(context: AppContext, twin: Library, who: str, secrets: Sequence[Secret], tally: Tally) -> None:
    """What somebody is shown and what is counted for them without a question: lists, first questions, frequencies."""
    principal, own = context.rights.principal(who), _groups(context, who)
    shelf = context.library.seen_by(principal)
    view = context.library.searcher.view(context.rights.labels(principal))
    shown = fold(casefold(repr((shelf.documents(), starters.questions(shelf, "en")))))
    for one in secrets:
        if one.collection in own:
            continue
        counts = [view.vocabulary.frequency(name, one.word) for name in ("terms", "title", "surface")]
        read = context.library.searcher.analyse(one.word, view=view), twin.searcher.analyse(one.word)
        if one.word in shown or any(counts) or read[0] != read[1]:
            tally.leaks.append(f"{who} is shown or counted {one.word} of {one.collection}")
    if shelf.size() != twin.seen_by(ANYBODY).size():
        tally.leaks.append(f"{who} counts {shelf.size()} documents and passages")
