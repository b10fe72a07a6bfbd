"""What may be shown, held against drafts of two real weak models over the shipped questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybrid.answering.acceptance import Searched, Verdict, judge
from hybrid.models.reliability import Reliability
from rag.grounding import citations, evidence
from rag.library import Library
from rag.settings import RetrievalSettings
from rag.types import Passage, Support
from tandem.evaluate.answers import contains
from tandem.evaluate.questions import Asked, read

ROOT = Path(__file__).parents[3]
DRAFTS = Path(__file__).with_name("weak_drafts.jsonl")
LEAVE = "Annual leave is 25 days per year for every employee. Unused days may be carried over until the end of March."
DESK = "The Model Desk reviews a new release within 10 working days. It has 4 members, led by Maya Kurt."
ASK = "How many days of annual leave do employees have?"


def searched(question: str = ASK, confidence: float = 0.9, answerable: bool = True) -> Searched:
    passages = [Passage(f"p{n}", f"{n}.md", text, 0, len(text), language="en") for n, text in enumerate((LEAVE, DESK))]
    return Searched(question, passages, confidence, answerable)


@pytest.mark.parametrize(
    "text",
    [
        "Employees have 25 days of annual leave per year [1].",
        "25 days.",
        "According to the handbook, annual leave is 25 days a year. Unused days may be carried over until March.",
        "Answer: 25 days [1]\n" * 30,
    ],
)
def test_what_the_passages_carry_is_accepted(text: str) -> None:
    verdict = judge(text, searched())
    assert verdict.accepted and verdict.checked.sentences[0].support is Support.SUPPORTED
    assert verdict.checked.text.count("25 days") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("1. 1. 2. 2. 3. 3.", "loop"),
        ("Answer: 10 [2]\n" * 40, "loop"),
        ("Managers receive forty golden tickets and a yacht each summer.", "unsupported"),
        ("The Model Desk reviews a new release within 10 working days [2].", "beside"),
        ("1. Annual leave is 25 days per year.\n2. It has 4 members.\n" + "3. It has 4 members.\n" * 20, "loop"),
        ("Thank you for your question!", "nothing_said"),
        ("The documents do not contain an answer to this.", "refusal"),
        ("Les employés disposent de vingt-cinq jours de congés annuels par année civile complète.", "language"),
    ],
)
def test_what_is_withheld_says_why(text: str, why: str) -> None:
    assert judge(text, searched()).why == why


TABLE = (
    "Limit: First token; Default: 120 seconds; Reason: a large model may still be loading.\n"
    "Limit: Connect; Default: 5 seconds; Reason: a live host accepts at once."
)
BOARD = "The board meets every month and publishes its minutes. The chair is Professor Ingrid Sallows."
LOCK = "After eight wrong passwords an account is locked for 15 minutes."


@pytest.mark.parametrize(
    ("about", "text", "question", "said", "shown"),
    [
        ("Limits", TABLE, "What is the limit for the first token?", "The limit for the first token is 120 seconds.", 1),
        ("Limits", TABLE, "What is the limit for the first token?", "The limit for the first token is 5 seconds.", 0),
        ("AI Board", BOARD, "Who chairs the AI Board?", "The chair of the AI Board is Professor Ingrid Sallows.", 1),
        ("Locks", LOCK, "After how many wrong passwords is an account locked?", "Eight.", 1),
        ("Locks", LOCK, "After how many wrong passwords is an account locked?", "15 minutes.", 0),
        ("Locks", LOCK, "After how many wrong passwords is an account locked?", "1. The account is locked.", 0),
        ("Leave", LEAVE, ASK, 'A good question is "How much leave can be carried over?"', 0),
        ("Leave", LEAVE, ASK, f"Answer in one short sentence, please: {ASK}\n\nAnswer: 25 days.", 1),
    ],
)
def test_a_figure_or_a_name_has_to_be_that_of_what_was_asked(
    about: str, text: str, question: str, said: str, shown: bool
) -> None:
    passages = [Passage("p", "a.md", text, 0, len(text), headings=(about,), language="en"), *searched().passages]
    assert judge(said, Searched(question, passages, 0.9, True)).accepted is bool(shown)


LISTED = "Flagged topics are listed in the policy of the board. It names contracts and liability."
ADDED = "A head of department may add flagged topics; only the Harbour Council strikes one. Ask Maya Kurt for a list."


@pytest.mark.parametrize(
    ("question", "said", "shown"),
    [
        ("Who leads the Model Desk?", "Kurt.", 1),
        ("Who leads the Model Desk?", "Unused.", 0),
        ("Who is allowed to take a topic off the flagged list?", "The Harbour Council.", 1),
        ("Who is allowed to take a topic off the flagged list?", "Contracts and liability.", 0),
    ],
)
def test_a_name_alone_answers_who_where_its_sentence_is_the_best_that_has_a_name(
    question: str, said: str, shown: int
) -> None:
    passages = [Passage(f"l{n}", "l.md", text, 0, len(text), language="en") for n, text in enumerate((LISTED, ADDED))]
    assert judge(said, Searched(question, [*passages, *searched().passages], 0.9, True)).accepted is bool(shown)


def test_of_a_text_that_wandered_off_every_part_has_to_be_worth_saying() -> None:
    given = Searched("Who leads the Model Desk?", searched().passages, 0.9, True)
    led, strayed = "It has 4 members, led by Maya Kurt.", "\nQuestion: What else is there?"
    assert judge(led + strayed, given).accepted
    assert judge(f"{led} {LEAVE}", given).accepted
    assert judge(f"{led} {LEAVE}{strayed}", given).why == "beside"


def test_of_a_text_that_begins_well_and_invents_the_rest_the_beginning_is_shown() -> None:
    invented = " Managers receive a yacht in summer. Their golden tickets are printed by whales."
    verdict = judge(f"Annual leave is 25 days per year.{invented}", searched())
    assert verdict.accepted and verdict.checked.text == "Annual leave is 25 days per year [1]."
    assert verdict.faults == ("unsupported",) and not verdict.sound
    assert judge(f"The Model Desk has 4 members.{invented}", searched()).why == "unsupported"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("5 seconds.\n\nAnswer: 120 seconds.\n\nAnswer: 30 seconds.", "120 seconds [1]."),
        ("5 seconds.\n\nAnswer: 30 seconds.\n\nAnswer: 120 whales.", ""),
    ],
)
def test_of_several_answers_in_one_draft_the_one_that_its_source_carries_is_shown(said: str, shown: str) -> None:
    passages = [Passage("p", "a.md", TABLE, 0, len(TABLE), headings=("Limits",), language="en"), *searched().passages]
    verdict = judge(said, Searched("What is the limit for the first token?", passages, 0.9, True))
    assert (verdict.checked.text if verdict.accepted else "") == shown
    assert not verdict.sound and not (shown and verdict.faults != ("echo",))


def test_what_was_cut_off_where_its_source_ends_is_whole() -> None:
    kept = "Annual leave is 25 days per year for every employee. Unused days may be carried over until the end of March"
    assert judge(kept, searched(), truncated=True).checked.text.endswith("until the end of March [1]")
    assert judge(kept.removesuffix(" March"), searched(), truncated=True).faults == ("cut",)


STEPS = "1. Look at the receipt page.\n2. Search for a rare word.\n3. Run the repair, which checks the index."
AGAIN = "\nQuestion: What else is there?"


def test_a_list_that_goes_as_far_as_that_of_its_source_did_not_break_off() -> None:
    passages = [Passage("p", "a.md", STEPS, 0, len(STEPS), language="en"), *searched().passages]
    given = Searched("How do I search for a rare word and check the index with the repair?", passages, 0.9, True)
    assert judge(STEPS + AGAIN, given).accepted
    assert judge(STEPS.rsplit("\n", 1)[0] + AGAIN, given).why == "echo"


TRIED = "In the exercise 25 hidden instructions were planted, and the model obeyed 6. It cost 12 per cent more."


@pytest.mark.parametrize(
    ("question", "said", "shown"),
    [
        ("How many hidden instructions did the model obey in the exercise?", "25% of the hidden instructions.", 0),
        ("How many hidden instructions were planted in the exercise?", "25 hidden instructions were planted.", 1),
        ("How much more did the exercise cost?", "It cost 12% more.", 1),
    ],
)
def test_a_count_is_no_percentage(question: str, said: str, shown: int) -> None:
    passages = [Passage("p", "a.md", TRIED, 0, len(TRIED), language="en")]
    assert judge(said, Searched(question, passages, 0.9, True)).accepted is bool(shown)


ADAPTER = "The adapter was trained on 8,400 answer pairs in eleven hours. The first call takes 4 to 4.5 seconds."


@pytest.mark.parametrize(
    ("question", "said", "shown"),
    [
        ("How many training pairs were used for the adapter?", "8,400", 1),
        ("How many training pairs were used for the adapter?", "Answer: 11.", 0),
        ("How many members does the Model Desk have?", "4.", 1),
        ("How many members does the Model Desk have?", "10", 0),
        ("Who leads the Model Desk?", "4.", 0),
        ("How many hours was the adapter trained?", "Answer: 11.", 1),
        ("When was the adapter trained?", "The answer is: 11", 0),
        ("How long does the first call take?", "4 to 4.5 seconds.", 1),
        ("How long does the first call take?", "4.5 seconds.", 1),
        ("How long does the first call take?", "4 seconds.", 0),
    ],
)
def test_a_bare_number_counts_what_was_asked_and_half_a_range_is_none(question: str, said: str, shown: int) -> None:
    passages = [Passage("p", "a.md", ADAPTER, 0, len(ADAPTER), language="en"), *searched().passages]
    assert judge(said, Searched(question, passages, 0.9, True)).accepted is bool(shown)


def test_a_part_that_says_the_one_before_over_again_is_none_of_its_own() -> None:
    passages = searched().passages
    once, twice = "25 days.", "25 days. Every employee has 25 days."
    parts = [evidence.measure(ASK, passages, citations.check(text, passages, ASK))["parts"] for text in (once, twice)]
    assert parts == [1, 1]
    assert evidence.measure(ASK, passages, citations.check(LEAVE, passages, ASK))["parts"] == 2


def test_what_claims_nothing_does_not_trail_behind_what_is_kept() -> None:
    verdict = judge("Annual leave is 25 days per year. Is that all?\nQuestion: What else is there?", searched())
    assert verdict.checked.text == "Annual leave is 25 days per year [1]."


def test_a_list_that_was_cut_off_keeps_its_first_number_and_a_single_item_has_none() -> None:
    two = "1. Annual leave is 25 days per year.\n2. Unused days may be carried over until the end of March."
    assert judge(f"{two}\n3. It has", searched(), truncated=True).checked.text.startswith("1. Annual leave is 25 days")
    alone = judge("1. Annual leave is 25 days per year.\nQuestion: What else is there?", searched())
    assert alone.checked.text == "Annual leave is 25 days per year [1]."


def test_where_nothing_was_found_only_a_refusal_is_accepted() -> None:
    nothing = searched(confidence=0.05, answerable=False)
    assert judge("Employees have 25 days of annual leave per year.", nothing).why == "nothing_found"
    assert judge("The documents do not contain an answer to this.", nothing).accepted


def test_what_says_something_is_no_refusal_though_it_speaks_of_one() -> None:
    text = 'Press the thumb down and choose "the documents do not say this". The report goes to the Model Desk.'
    passages = [Passage("p", "a.md", text, 0, len(text), language="en"), *searched().passages]
    verdict = judge(text, Searched(ASK, passages, 0.4, True))
    assert not verdict.refused and verdict.why == "beside"


def test_a_model_that_proved_itself_is_believed_and_one_that_fails_is_not() -> None:
    known = Reliability()
    text = "The Model Desk reviews a new release within 10 working days [2]."
    assert judge(text, searched(), trusted=True).accepted
    for _ in range(5):
        known.learn("good", True)
        known.learn("bad", False)
    assert known.trusted("good") and not known.distrusted("good")
    assert known.distrusted("bad") and not known.trusted("bad")
    assert not known.trusted("new") and not known.distrusted("new")


Draft = tuple[Asked, dict[str, Any], Verdict]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Draft]]:
    """Every recorded draft, with its question and the verdict on it."""
    questions = read(ROOT / "docs_corpus" / "questions.yaml")
    asked = {one.id: one for one in questions.questions}
    settings = RetrievalSettings()
    library = Library.open(tmp_path_factory.mktemp("data"), settings, write=True)
    library.sync([questions.source])
    found = {}
    drafts: list[Draft] = []
    for line in DRAFTS.read_text(encoding="utf-8").splitlines():
        draft = json.loads(line)
        if draft["id"] not in asked:
            continue
        one = asked[draft["id"]]
        result = found.setdefault(one.id, library.search(one.question, limit=5))
        answerable = bool(result.passages) and result.confidence >= settings.minimum_confidence
        given = Searched(one.question, result.passages, result.confidence, answerable)
        drafts.append((one, draft, judge(draft["text"], given, truncated=draft["cut"])))
    library.close()
    yield drafts


def test_wrong_drafts_of_real_weak_models_are_not_shown_as_supported(judged: list[Draft]) -> None:
    wrong = [(one, v) for one, draft, v in judged if not right(one, draft["text"])]
    shown = [
        (one.id, v.checked.text)
        for one, v in wrong
        if v.accepted and any(s.support is Support.SUPPORTED for s in v.checked.sentences)
    ]
    assert len(wrong) > 150
    assert len(shown) <= 0.05 * len(wrong), shown


def test_right_drafts_of_real_weak_models_are_shown(judged: list[Draft]) -> None:
    """Right is what holds the key facts; `mixed` are those that say something wrong in the same breath."""
    good = [(one, v) for one, draft, v in judged if right(one, draft["text"]) and not draft.get("mixed")]
    withheld = [(one.id, v.why, v.checked.text) for one, v in good if not v.accepted]
    assert len(good) > 20 and len(withheld) <= 0.05 * len(good), withheld


def test_nothing_that_repeats_itself_is_shown(judged: list[Draft]) -> None:
    for _, _, verdict in judged:
        if verdict.accepted:
            said = [s.text for s in verdict.checked.sentences if s.support is not Support.NEUTRAL]
            assert len(said) == len(set(said)), said


def right(asked: Asked, text: str) -> bool:
    """Whether the text holds every key fact."""
    return bool(asked.facts) and all(contains(text, wordings) for wordings in asked.facts)
