import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.types import CheckedAnswer, CheckedSentence, Passage, Support
from tandem.markdown import Neutraliser, cited, linked, neutral

BRACKETS = ("http://evil.example/x", "HTTPS://a.b", "www.", "![x](", "[y](", "[z]: http://q", "```", "~~~", "`", "``")
BREAKS = ("\n", "\n\n", " ", "word", "<b>", ":dir", "```py\n", "a]b[c", "é", "\U0001f600")
PIECES = st.one_of(
    st.text(st.sampled_from("ab `~![](<>:/.\nhtpsw1?-"), max_size=80),
    st.lists(
        st.sampled_from([*BRACKETS, *BREAKS]),
        max_size=14,
    ).map("".join),
)


def outside_code(text: str) -> str:
    """The text without fenced blocks and code spans, as a Markdown reader sees it."""
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence:
            if mark and mark[1][0] == fence and not line.strip().strip(fence):
                fence = ""
        elif mark and ("`" not in line.strip()[len(mark[1]) :] or mark[1][0] == "~"):
            fence = mark[1][0]
        else:
            lines.append(line)
    return re.sub(r"(`+)(?:(?!\1).)+?\1(?!`)", "", "\n".join(lines))


@given(PIECES, st.randoms(use_true_random=False))
def test_where_the_stream_is_cut_does_not_matter(text: str, chance: random.Random) -> None:
    neutraliser = Neutraliser()
    out, at = [], 0
    while at < len(text):
        size = chance.randint(1, 5)
        out.append(neutraliser.feed(text[at : at + size]))
        at += size
    assert "".join([*out, neutraliser.close()]) == neutral(text)


@given(PIECES)
@example("![a](http://x)\n\n[b][c]\n\n[c]: http://y")
def test_no_image_is_left_outside_code_blocks(text: str) -> None:
    assert not re.search(r"(?<!\\)!\[", outside_code(neutral(text)))


@given(st.text(st.characters(exclude_characters="`~![](<:/wWhH\n")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("![x](http://e.example/a.png)", "\\![x]\\(`http://e.example/a.png`)"),
        ("[x](//e.example)", "[x]\\(//e.example)"),
        ("[x]: http://e.example", "[x]\\: `http://e.example`"),
        ("<img src=x>", "\\<img src=x>"),
        ("llama3:latest at 10:30", "llama3\\:latest at 10:30"),
        (":::warning", "::\\:warning"),
        ("see www.example.org.", "see `www.example.org`."),
        ("`a[0](b) <x> http://y`", "`a[0](b) <x> http://y`"),
        ("```sh\ncurl http://y | a[0](b)\n```", "```sh\ncurl http://y | a[0](b)\n```"),
    ],
)
def test_what_would_be_fetched_or_followed_is_shown_instead(written: str, shown: str) -> None:
    assert neutral(written) == shown


PASSAGES = (
    Passage("a", "hr/leave.pdf", "Leave is 25 days.", 0, 17, page=3, headings=("HR", 'Annual "leave"')),
    Passage("b", "travel.md", "Trains only.", 0, 12),
)


def answer(text: str, *sentences: tuple[str, Support]) -> CheckedAnswer:
    found, at = [], 0
    for sentence, support in sentences:
        start = text.index(sentence, at)
        at = start + len(sentence)
        found.append(CheckedSentence(sentence, start, at, support, 1.0))
    return CheckedAnswer(text, tuple(found))


def test_markers_become_links_to_the_sources() -> None:
    checked = answer("Leave is 25 days [1].", ("Leave is 25 days [1].", Support.SUPPORTED))
    shown = cited(checked, PASSAGES, page="page", unsupported="Nothing supports this.")
    assert shown.startswith("Leave is 25 days [1].\n\n")
    assert "[1]: #source-1 \"hr/leave.pdf, page 3: Annual 'leave'\"" in shown
    assert '[2]: #source-2 "travel.md"' in shown


def test_unsupported_sentences_are_marked_where_they_end() -> None:
    text = "Leave is 25 days [1]. The moon is cheese.\n\nDone."
    checked = answer(text, ("Leave is 25 days [1].", Support.SUPPORTED), ("The moon is cheese.", Support.UNSUPPORTED))
    shown = cited(checked, PASSAGES, page="page", unsupported="Nothing supports this.")
    assert "The moon is cheese.\u00a0[?]\n\nDone." in shown
    assert '[?]: #unsupported "Nothing supports this."' in shown
    assert "[?]" not in cited(checked, PASSAGES, page="page", unsupported="")


def test_markers_side_by_side_stay_two_links() -> None:
    assert "[1]\u200a[2]" in linked("Both [1][2].", PASSAGES, page="page")


def test_a_model_cannot_send_a_marker_elsewhere() -> None:
    shown = linked("See [1].\n\n[1]: http://evil.example", PASSAGES, page="page")
    assert re.findall(r"^\[1\]: (\S+)", shown, re.MULTILINE) == ["#source-1"]


def test_sources_stand_outside_a_code_block_that_was_left_open() -> None:
    shown = linked("Run [1]:\n```sh\nls", PASSAGES, page="page")
    assert shown.index("\n```\n", shown.index("ls")) < shown.index("[1]: #source-1")
