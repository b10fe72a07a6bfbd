"""Where a block of a page's lines is cut into paragraphs."""

from __future__ import annotations

import pytest

from rag.formats.layout import Block, Segment


def block(*lines: tuple[str, float]) -> Block:
    return Block(
        tuple(
            Segment(0.0, 100.0 - 12 * at, right, 110.0 - 12 * at, 10.0, False, text)
            for at, (text, right) in enumerate(lines)
        )
    )


@pytest.mark.parametrize("number", ["5.", "12."])
def test_a_number_at_the_end_of_a_short_line_is_no_end_where_a_small_letter_follows(number: str) -> None:
    found = block((f"Ara sınavlar her ders için {number}", 60.0), ("hafta ile 14. hafta arasında yapılır.", 100.0))
    assert found.paragraphs() == [f"Ara sınavlar her ders için {number} hafta ile 14. hafta arasında yapılır."]


def test_a_short_line_that_ends_a_sentence_ends_the_paragraph() -> None:
    found = block(("The office opens at 9.", 60.0), ("Guests wait in the hall, which is heated in winter.", 100.0))
    assert found.paragraphs() == ["The office opens at 9.", "Guests wait in the hall, which is heated in winter."]
