"""What a sentence claims, and what only stands around its claim."""

from __future__ import annotations

import pytest

from rag.grounding import citations, claims
from rag.types import Passage, Support

MEASURING = "Our tool refuses to print a p95 from fewer than 60 observations and a p99 from fewer than 300."
BUDGET = """The budget for 2026 is £86,500:
- £31,000 for the server's depreciation
- £38,400 for 800 hours of the Model Desk
- £9,600 for workstation upgrades"""
KEYS = "A key belongs to one program and is valid for one year. Each key is limited to 60 requests a minute."
COPIES = (
    "The data folder is backed up every night at 02:15. Daily copies are kept for 14 days and monthly ones for a year."
)
TURKISH = "Yedek cihaz en çok on beş gün kullanılabilir. Destek masası hafta içi 09.00 ile 18.00 arasında açıktır."


def support(text: str, said: str, question: str = "") -> list[Support]:
    checked = citations.check(said, [Passage("p", "a.md", text, 0, len(text))], question)
    return [sentence.support for sentence in checked.sentences]


@pytest.mark.parametrize(
    ("text", "question", "good"),
    [
        (MEASURING, "How many observations does a p95 need?", "At least 60 observations."),
        (BUDGET, "How is the budget split up?", "Server 31,000, Model Desk 38,400, workstations 9,600 pounds."),
        (KEYS, "How long is a key valid?", "Yes, a key is valid for one year."),
        (
            KEYS,
            "How long is a key valid, and what is the wifi password?",
            "A key is valid for one year; the documents do not say what the wifi password is.",
        ),
        (COPIES, "When does the backup run?", "Every night at 02:15; daily copies are kept for 14 days."),
        (TURKISH, "Yedek cihaz kaç gün kullanılabilir?", "Cevap: en fazla on beş gün."),
    ],
)
def test_what_stands_around_a_claim_does_not_count_against_it(text: str, question: str, good: str) -> None:
    assert support(text, good, question) == [Support.SUPPORTED]


@pytest.mark.parametrize(
    ("text", "question", "wrong"),
    [
        (MEASURING, "How many observations does a p95 need?", "At least 90 observations."),
        (BUDGET, "How is the budget split up?", "Server 38,400, Model Desk 31,000, workstations 9,600 pounds."),
        (COPIES, "When does the backup run?", "Every night at 02:15; the canteen serves lunch."),
        (KEYS, "Is a key valid for two years?", "Yes, employees choose their own passwords."),
        (KEYS, "How long is a key valid?", "The documents do not say that, but employees get 40 days."),
        (KEYS, "Do keys allow 90 requests a minute?", "Yes, each key is limited to 90 requests a minute."),
    ],
)
def test_one_clause_without_support_is_enough(text: str, question: str, wrong: str) -> None:
    assert support(text, wrong, question) != [Support.SUPPORTED]


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "Hayır.",
        "That is not true.",
        "I apologise for any confusion.",
        "Sure, I can help with that.",
        "The documents do not say what the wifi password is.",
    ],
)
def test_agreeing_and_chatter_claim_nothing(text: str) -> None:
    assert support(KEYS, text) == [Support.NEUTRAL]


def test_no_before_a_noun_is_part_of_the_claim() -> None:
    assert support("No model decides about people.", "No model decides about people.") == [Support.SUPPORTED]


def test_clauses() -> None:
    assert claims.clauses("It opens at nine; it closes at six.") == ["It opens at nine", "it closes at six."]
    assert claims.clauses("Server 31,000, desk 38,400 and training 4,500") == [
        "Server 31,000",
        "desk 38,400",
        "training 4,500",
    ]
    assert len(claims.clauses("What: Audit log; Kept for: 5 years; Then: deleted")) == 1
    assert claims.clauses("It opens at 9, on Mondays.") == ["It opens at 9, on Mondays."]
