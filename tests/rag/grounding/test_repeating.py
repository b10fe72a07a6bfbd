"""What two documents say in nearly the same words is said once."""

from __future__ import annotations

import pytest

from rag.grounding.repeating import says_again

_RULE = (
    "MADDE 24 – (1) Sınavlar, birimler tarafından hazırlanan ve en az on beş gün önce ilan edilen programa göre "
    "belirlenen zaman ve yerlerde yapılır."
)
_REQUEST = "You should submit leave requests at least three business days in advance, and make timely edits."


@pytest.mark.parametrize(
    ("said", "before", "again"),
    [
        (_RULE.replace("24", "27"), _RULE, True),  # the same article of another regulation
        (_RULE.replace("on beş", "yirmi beş"), _RULE, False),  # another number
        (_RULE.replace("yapılır", "yapılmaz"), _RULE, False),  # the opposite
        (_REQUEST.replace("leave requests", "absence requests"), _REQUEST, True),
        (_REQUEST.replace("three", "seven"), _REQUEST, False),
        (_REQUEST.replace("should submit", "should not submit"), _REQUEST, False),
        (_REQUEST.replace("leave requests", "Rippling requests"), _REQUEST, False),  # another name
        ("This Azure account is only for short tests; what it holds is destroyed on every single Friday evening.",
         "This AWS account is only for short tests; what it holds is destroyed on every single Friday evening.", False),
        ("You may bring guests.", "You may bring guests.", False),  # too short to be sure
        ("Der Antrag ist spätestens drei Wochen vor Beginn des Urlaubs bei der Leitung zu stellen.",
         "Der Antrag ist spätestens zwölf Wochen vor Beginn des Urlaubs bei der Leitung zu stellen.", False),
    ],
)  # fmt: skip
def test_nearly_the_same_words_say_the_same_but_for_numbers_names_and_denials(
    said: str, before: str, again: bool
) -> None:
    assert says_again(said, [before]) is again
