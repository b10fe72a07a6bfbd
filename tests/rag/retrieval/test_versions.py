"""The current version of a document first."""

from __future__ import annotations

from rag.retrieval.versions import current_first
from rag.types import Passage


def passage(document: str, text: str, *headings: str) -> Passage:
    return Passage(document, document, text, 0, len(text), headings=headings, language="en")


OLD = passage("travel-policy-2023.md", "Hotels may cost at most 120 euros per night in every city.", "Hotels")
NEW = passage("travel-policy-2025.md", "Hotels may cost at most 140 euros per night in every city.", "Hotels")


def names(question: str, *passages: Passage) -> list[str]:
    return [one.document for one in current_first(question, passages)[0]]


def test_the_newer_one_comes_first_and_is_named() -> None:
    found, chosen = current_first("How much may a hotel cost?", [OLD, NEW])
    assert [one.document for one in found] == [NEW.document, OLD.document]
    assert chosen == (NEW.document, OLD.document)
    assert current_first("How much may a hotel cost?", [NEW, OLD])[1] == (NEW.document, OLD.document)


def test_a_version_that_is_asked_for_stays_first() -> None:
    assert names("How much might a hotel cost in 2023?", OLD, NEW) == [OLD.document, NEW.document]


def test_versions_are_numbers_not_decimals() -> None:
    older = passage("guide-v2.9.md", "Press the red button to stop the press.")
    newer = passage("guide-v2.10.md", "Press the green button to stop the press.")
    assert names("Which button stops the press?", older, newer) == ["guide-v2.10.md", "guide-v2.9.md"]


def test_what_is_called_old_or_deprecated_comes_last() -> None:
    old = passage("archive/leave.md", "Leave is 20 days a year for every employee.")
    new = passage("leave.md", "Leave is 25 days a year for every employee.")
    assert names("How much leave is there?", old, new) == ["leave.md", "archive/leave.md"]


def test_the_minutes_of_two_meetings_are_no_versions() -> None:
    january = passage("minutes-2024-01.md", "The board chose the colour of the new boat.", "Boat")
    march = passage("minutes-2024-03.md", "Prices of bread rose; the canteen asked for help.", "Canteen")
    assert names("Which colour did the board choose?", january, march) == [january.document, march.document]
    assert current_first("?", [january, march])[1] is None


def test_nothing_is_lost() -> None:
    assert current_first("?", []) == ((), None)
    other = passage("x.md", "Something else.")
    assert sorted(names("?", OLD, other, NEW, other)) == sorted([OLD.document, "x.md", NEW.document, "x.md"])
