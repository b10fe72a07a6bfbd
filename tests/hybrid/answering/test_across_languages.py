"""What is found in another language than the question's is said to be."""

from __future__ import annotations

import pytest

from hybrid.answering.notices import across


@pytest.mark.parametrize(
    ("language", "spoken", "said"),
    [
        ("en", "tr", "What was found is in Turkish."),
        ("tr", "en", "What was found is in English."),
        ("de", "en", "What was found is in English."),
    ],
)
def test_the_language_is_named(language: str, spoken: str, said: str) -> None:
    found = across(language, spoken)
    assert found is not None
    assert found.text == said


@pytest.mark.parametrize(("language", "spoken"), [("en", "en"), ("", "tr"), ("en", ""), ("en", "xx")])
def test_nothing_is_said_where_there_is_nothing_to_say(language: str, spoken: str) -> None:
    assert across(language, spoken) is None
