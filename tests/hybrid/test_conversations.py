"""Which passages a follow-up's prompt holds and in which order, and that nothing comes back that is gone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from hybrid.answering.pipeline import answer
from hybrid.conversations import MOST_SHOWN, Conversations, arranged
from hybrid.engine import Engine
from hybrid.events import Finished
from hybrid.question import Question, Turn
from hybrid.runtimes.base import Usage
from hybrid.runtimes.scripted import Script, Scripted
from rag.principal import Principal
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support
from tests.hybrid.conftest import MakeEngine


def passages(names: str) -> tuple[Passage, ...]:
    return tuple(Passage(name, "a.md", f"Text {name}.", 0, 7) for name in names)


def names(found: tuple[Passage, ...]) -> str:
    return "".join(passage.id for passage in found)


@dataclass
class Shelf:
    """A search engine that only says what a passage is now."""

    held: dict[str, Passage] = field(default_factory=dict)

    def seen_by(self, principal: Principal, conversation: str = "", collections: object = None) -> Shelf:
        return self

    def passage(self, passage_id: str) -> Passage | None:
        return self.held.get(passage_id)


def test_what_was_shown_before_stands_first_in_its_old_order() -> None:
    assert names(arranged(passages("cxab"), passages("abd"))) == "abcx"


def scored(names: str, *scores: float) -> tuple[Passage, ...]:
    return tuple(replace(one, score=score) for one, score in zip(passages(names), scores, strict=True))


def test_for_a_cache_what_was_shown_stays_and_what_lies_far_behind_the_best_is_not_added() -> None:
    found = scored("xbyzw", 9.0, 8.0, 6.1, 5.9, 1.0)
    assert names(arranged(found, passages("abcde"), keep=True)) == "abcdexy"
    assert names(arranged(found, passages("abc"), keep=True, behind=math.inf)) == "abcxyzw"
    assert names(arranged(found, (), keep=True)) == "xbyzw", "a first question's prompt holds all that was found"


@given(st.permutations("abcdefghijk"), st.permutations("abcdefghijk"), st.integers(1, 5), st.integers(0, 8))
def test_the_best_are_there_once_and_the_prompt_is_bounded(a: list[str], b: list[str], n: int, m: int) -> None:
    found = scored("".join(a[:n]), *(5.0 - 1.4 * place for place in range(n)))
    told = arranged(found, passages("".join(b[:m])), keep=True)
    assert len(set(names(told))) == len(told) <= MOST_SHOWN
    assert set(names(found[:3])) <= set(names(told))


def test_only_what_the_library_still_has_as_it_was_comes_back() -> None:
    known, shelf = Conversations(), Shelf()
    a, b, c = passages("abc")
    first, later = Question("Why?", conversation="x"), Question("How?", (Turn("Why?", "So."),), conversation="x")
    known.read(first, "small", (a, b, c), Usage(9, 1, caching=True))
    shelf.held = {"a": replace(a, text="Rewritten."), "c": c}
    assert known.shown(later, shelf) == {"small": (c,)}
    assert known.caches("small") and not known.caches("large")
    assert known.shown(replace(later, conversation="y"), shelf) == {}, "another conversation"
    assert known.shown(first, shelf) == {}, "a question that begins anew"


def test_of_an_answer_its_supported_sentences_are_told_again() -> None:
    known = Conversations()
    one = CheckedSentence("25 days.", 0, 8, Support.SUPPORTED, 1.0)
    other = CheckedSentence("Or 99.", 9, 15, Support.UNSUPPORTED, 0.0)
    known.answered(Question("Leave?", conversation="x"), CheckedAnswer("25 days. Or 99.", (one, other)))
    asked = Question("And?", (Turn("Leave?", "25 days. Or 99."), Turn("Well?", "loop loop")), conversation="x")
    assert known.said(asked) == [("Leave?", "25 days."), ("Well?", "")]


async def said(engine: Engine, question: Question) -> Finished:
    events = [event async for event in answer(question, engine)]
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


async def test_a_follow_up_begins_with_the_passages_of_the_question_before(make_engine: MakeEngine) -> None:
    text = "Annual leave is 25 days per year for every employee [1]."
    runtime = Scripted({"small": Script(text, prefill_per_second=1e6)})
    engine = make_engine(runtime, draft="small", refine="small")
    await engine.models.refresh()
    first = await said(engine, Question("How many days of annual leave are there?", conversation="x"))
    turn = Turn("How many days of annual leave are there?", first.answer.text)
    asked = Question("How many weeks is parental leave at full pay?", (turn,), conversation="x")
    last = await said(engine, asked)
    before, after = (request.messages[1].content for request in runtime.requests)
    shared = before[: before.index("\n\nQuestion: ")]
    assert after.startswith(shared)
    order = last.answer.passages
    told = [place for place in runtime.requests[1].numbers if place]
    assert sorted(told)[:1] == [1] and len(order) >= max(told)
