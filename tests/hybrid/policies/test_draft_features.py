"""hybrid.policies.draft_features: what a question and a draft show of each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.policies import draft_features
from hybrid.policies.draft_features import NAMES, Draft, vector

QUESTION = "A crate holds 12 bottles. How many bottles are in 5 crates after 7 break?"
GOOD = "5 crates hold 5 * 12 = 60 bottles.\nAfter 7 break there are 60 - 7 = 53.\n53"


def value(name: str, text: str, question: str = QUESTION) -> float:
    return float(vector(question, text)[NAMES.index(name)])


@pytest.mark.parametrize(
    ("name", "worse", "better"),
    [
        ("faulty_arithmetic", "5 * 12 = 65, and 65 - 7 = 58.", GOOD),
        ("faulty_share", "5 * 12 = 65, and 65 - 7 = 58.", GOOD),
        ("unfinished", "5 crates hold 5 * 12 = 60 bottles and after 7", GOOD),
        ("unfinished", "The limit is given by <<5*12", "The limit is 60"),
        ("unused_numbers", "A crate holds 12, so there are 12.", GOOD),
        ("invented_operands", "13 * 41 = 533 bottles.", GOOD),
        ("dangling_results", "5 * 12 = 60. Then 12 - 7 = 5.", GOOD),
        ("answer_is_given", "There are 12.", GOOD),
        ("answer_not_computed", "5 * 12 = 60, so it is 41.", GOOD),
        ("answer_once", "There are 53.", GOOD),
        ("uneven_count", "5 * 12 = 60, 60 / 7 = 8.57", GOOD),
        ("odd_results", "60 / 7 = 8.571428", GOOD),
        ("fractional_results", "60 / 7 = 8.57", GOOD),
        ("negative_result", "7 - 12 = -5", GOOD),
        ("calculates_nothing", "There are 53 bottles.", GOOD),
        ("corrections", "Actually, assume that it is 60; however, it is about 53.", GOOD),
        ("hedging", "It is probably 53, perhaps.", GOOD),
        ("algebra", "Let b be the bottles: b + 7 = 60.", GOOD),
        ("repetition", "a crate holds twelve bottles and " * 6, GOOD),
        ("new_words", "Whales migrate across oceans every winter.", GOOD),
    ],
)
def test_a_worse_draft_scores_higher(name: str, worse: str, better: str) -> None:
    assert value(name, worse) > value(name, better)


def test_coverage_is_the_share_of_the_questions_words() -> None:
    asked = "Who approves laptops for contractors?"
    assert value("question_coverage", "The board approves laptops for contractors.", asked) == 1.0
    assert value("question_coverage", "Nobody knows.", asked) == 0.0


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("question_comparisons", "Aaron has 5 gems more than Bo, fewer than half of Raymond's, who is as old as Ann."),
        ("question_comparisons", "Ali'den daha çok kitabı olan kim?"),
        ("question_rates", "Each box costs 8 per week."),
        ("question_money", "It costs $8.50. How much?"),
        ("question_names", "There, Wendi and Carla meet."),
    ],
)
def test_what_makes_a_question_hard_is_counted(name: str, question: str) -> None:
    assert value(name, "", question) > value(name, "", "What is it?") == 0.0


def test_a_product_is_seen() -> None:
    assert value("multiplies", "5 * 12 = 60") == value("multiplies", "5 x $12 is 60") == 1.0
    assert value("multiplies", "5 + 12 = 17, and the box is *blue*") == 0.0


def test_numbers_in_words_count_as_given() -> None:
    assert value("invented_operands", "3 * 41 = 123", "There are three boxes of 41 each. How many?") == 0.0


@pytest.mark.parametrize("ending", ["", "\n#### 53", "\n**53**", "\nAnswer: 53"])
def test_how_a_data_set_marks_its_answers_says_nothing_about_the_end(ending: str) -> None:
    """A value alone on the last line is an end, however it is dressed."""
    assert value("unfinished", "After 7 break there are 60 - 7 = 53 bottles." + ending) == 0.0


def test_the_list_of_features_is_frozen() -> None:
    """A fitted policy names its features; adding or renaming one makes stored weights refer to nothing."""
    assert len(NAMES) == len(set(NAMES)) == 37
    assert all(function.__doc__ for function in draft_features.FEATURES)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.text(alphabet="0123456789+-*/=.,%$ abc\nIf\"'#<>", max_size=400))
def test_every_vector_is_finite(question: str, text: str) -> None:
    found = vector(question, text)
    assert found.shape == (len(NAMES),)
    assert np.isfinite(found).all()


def test_a_huge_draft_is_read_in_part() -> None:
    assert len(Draft("", "1 + 1 = 2 " * 100_000).plain) <= 20_000


@pytest.mark.parametrize(
    "draft", ["The answer is {}.", "{0} - {0} = 7", "{} * 2 = 4", "5 * 12 = {}", "{} million - 3 = 0"]
)
@pytest.mark.parametrize("question", [QUESTION, "How many are {}?"])
def test_hundreds_of_digits_are_no_number(draft: str, question: str) -> None:
    digits = "1" + "0" * 400
    assert np.isfinite(vector(question.replace("{}", digits), draft.replace("{}", digits).replace("{0}", digits))).all()
