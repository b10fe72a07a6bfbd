"""hybrid.comparison: what a refinement changed, with the support of each version."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybrid.comparison import changes
from rag.grounding import citations
from rag.types import CheckedAnswer, CheckedSentence, Passage, Support

PASSAGE = Passage("7", "leave.md", "Annual leave is 25 days per year. Unused days expire at the end of March.", 0, 74)


def checked(*texts: str) -> CheckedAnswer:
    return CheckedAnswer(" ".join(texts), tuple(CheckedSentence(t, 0, len(t), Support.NEUTRAL, 0.0) for t in texts))


def test_every_kind_of_change_is_told_with_its_support() -> None:
    draft = citations.check(
        "Annual leave is 25 days per year. Whales sing beneath emerald glaciers. Unused days expire in June.", [PASSAGE]
    )
    refined = citations.check("Annual leave is 25 days per year. Unused days expire at the end of March.", [PASSAGE])
    found = changes(draft, refined)
    assert [change.kind for change in found] == ["same", "dropped", "changed"]
    assert found[1].before_support is Support.UNSUPPORTED and found[1].after_support == ""
    assert found[2].after_support is Support.SUPPORTED and "June" in found[2].before


def test_markers_and_case_are_no_change() -> None:
    assert [c.kind for c in changes(checked("It is 25 days [1]."), checked("It is 25 days [2]."))] == ["same"]


def test_new_sentences_are_added() -> None:
    found = changes(checked("It is 25 days."), checked("It is 25 days.", "Ask the office for the form."))
    assert [(c.kind, c.after) for c in found][1] == ("added", "Ask the office for the form.")


SENTENCES = st.lists(
    st.sampled_from(["It is 25 days.", "It is 16 weeks.", "Ask the office.", "Whales sing."]), max_size=6
)


@given(SENTENCES, SENTENCES)
def test_both_texts_can_be_read_off_the_changes(before: list[str], after: list[str]) -> None:
    found = changes(checked(*before), checked(*after))
    assert [c.before for c in found if c.before] == before
    assert [c.after for c in found if c.after] == after
