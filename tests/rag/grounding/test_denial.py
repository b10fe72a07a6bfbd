"""A claim that says what its sentence denies is doubtful."""

from __future__ import annotations

import pytest

from rag.grounding import citations, denial
from rag.text import idf
from rag.types import Passage, Support


def check(text: str, said: str) -> Support:
    passage = Passage("p", "a.md", text, 0, len(text), language="en")
    return citations.check(said, [passage]).sentences[0].support


THREADS = "The number of threads should equal the number of physical cores, not of logical ones. Leave one core free."


@pytest.mark.parametrize(
    ("text", "said", "supported"),
    [
        (THREADS, "The number of threads should equal the number of physical cores.", True),
        (THREADS, "The number of threads should equal the number of logical ones.", False),
        (THREADS, "The number of threads should not equal the number of logical ones.", True),
        ("Travel is not reimbursed by the institute.", "Travel is reimbursed by the institute.", False),
        ("Travel is not only booked but reimbursed too.", "Travel is booked and reimbursed.", True),
    ],
)
def test_what_is_denied_is_not_supported(text: str, said: str, supported: bool) -> None:
    assert (check(text, said) is Support.SUPPORTED) is supported


def test_only_what_follows_up_to_the_next_comma_is_denied() -> None:
    text = "Keys do not expire, but passwords do."
    assert denial.denied(text, idf.terms_of(text, "en"), "en") == {"expir"}
    assert denial.denied(
        "Ein Schlüssel läuft nicht ab.", idf.terms_of("Ein Schlüssel läuft nicht ab.", "de"), "de"
    ) <= {"ab"}
    assert denial.denies("No key expires.") and not denial.denies("The key expires.")
