import random
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.types import CheckedAnswer, CheckedSentence, Passage, Support
from tandem.markdown import JOINER, Neutraliser, cited, linked, neutral
from tests.security.markdown import fault, texts

BRACKETS = ("http://evil.example/x", "HTTPS://a.b", "www.", "![x](", "[y](", "[z]: http://q", "```", "~~~", "`", "``")
BREAKS = ("\n", "\n\n", " ", "word", "<b>", ":dir", "```py\n", "a]b[c", "é", "\U0001f600")
PIECES = st.one_of(
    st.text(st.sampled_from("ab `~![](<>:/.\nhtpsw1?-"), max_size=80),
    st.lists(
        st.sampled_from([*BRACKETS, *BREAKS]),
        max_size=14,
    ).map("".join),
)


@given(PIECES, st.randoms(use_true_random=False))
def test_where_the_stream_is_cut_does_not_matter(text: str, chance: random.Random) -> None:
    def shown(size: int) -> str:
        neutraliser = Neutraliser()
        out, at = [], 0
        while at < len(text):
            step = size or chance.randint(1, 5)
            out.append(neutraliser.feed(text[at : at + step]))
            at += step
        return "".join([*out, neutraliser.close()])

    assert shown(0) == shown(len(text) or 1)
    assert shown(0).replace(JOINER, "") == text.replace(JOINER, "")


@settings(max_examples=50, deadline=None)
@given(PIECES, st.randoms(use_true_random=False))
@example("![a](http://x)\n\n[b][c]\n\n[c]: http://y", random.Random(0))
@example("[1].@.http&#58;//evil.example", random.Random(0))
@example("a@evil.example.@.evil", random.Random(0))
@example("http:/[/evil.example](y)", random.Random(0))
@example("&#104;ttp://evil.example", random.Random(0))
def test_nothing_is_alive(text: str, chance: random.Random) -> None:
    assert not fault(text, chance)


def test_nothing_is_alive_in_thousands_of_nasty_texts() -> None:
    chance = random.Random(1)
    assert [(text, found) for text in texts(300, 1) if (found := fault(text, chance))] == []


@given(st.text(st.characters(categories=["L", "N", "Zs"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert neutral(text).split() == text.split()


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("![x](http://e.example/a.png)", "\\!\\[x\\] (`http://e.example/a.png`)"),
        ("[x](//e.example)", "x (`//e.example`)"),
        ("[our bank](http://evil.example)", "our bank (`http://evil.example`)"),
        ("[x]: http://e.example", "\\[x\\]: `http://e.example`"),
        ("<img src=x>", "\\<img src=x>"),
        ("<http://e.example>", "`http://e.example`"),
        ("a@b.example", "`a@b.example`"),
        ("llama3:latest at 10:30", "llama3\\:latest at 10:30"),
        (":::warning", "\\:\\:\\:warning"),
        ("see www.example.org.", "see `www.example.org`."),
        ("`a[0](b) <x> http://y`", "`a[0](b) <x> http://y`"),
        ("`open http://y", "\\`open `http://y`"),
        ("\\`a http://y`", "\\`a `http://y`\\`"),
        ("```sh\ncurl http://y | a[0](b)\n```", "```sh\ncurl http://y | a[0](b)\n```"),
        ("- ```\n  x\n  ```\n  http://y", "- ```\n  x\n  ```\n\n  `http://y`"),
        ("> [!NOTE]\n> x", "> \\[!NOTE\\]\n> x"),
        ("- [ ] x", "- \\[ \\] x"),
        ("[^1]\n\n[^1]: x", "\\[^1\\]\n\n\\[^1\\]: x"),
    ],
)
def test_what_would_be_fetched_or_followed_is_shown_instead(source: str, shown: str) -> None:
    assert neutral(source) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Energy is \\(E = mc^2\\) [1].", "Energy is `\u2061E = mc^2` [1]."),
        ("$$\n\\frac12\n$$", "`\u2061\u2061\\frac12`"),
        ("\\[ a_1 \\] and $x$, $2n + 1$", "`\u2061\u2061a_1` and `\u2061x`, `\u20612n + 1`"),
        ("| a |\n| --- |\n| $x_1$ |", "| a |\n| --- |\n| `\u2061x_1` |"),
        ("$\\href{http://evil.example}{x}$", "`\u2061\\href{http://evil.example}{x}`"),
        ("`\u2061x` and `$x$`", "`x` and `$x$`"),
        *((money, money) for money in ("It costs $5 and $10.", "US$5, $5-$10, $1,000 = $900 + $100", "$HOME and $A_B")),
    ],
)
def test_formulas_are_told_from_money(source: str, shown: str) -> None:
    assert neutral(source) == shown


@pytest.mark.parametrize(
    "text",
    [
        "# Title\n\nText with **bold**, *it*, ~~no~~ and `code`.\n\n- a\n- b\n  1. c\n  2. d\n\n> said\n\n---",
        "| a | b |\n| :-- | --: |\n| 1 [1] | `x` |",
        "- one\n\n  more\n\n- two\n\n  ```py\n  x = 1\n  ```",
        'snake_case and 2 + 2 = 4, 50 % [1], "quoted"; so: yes!',
        "3. c\n4. d",
    ],
)
def test_what_is_allowed_stays_as_it_is(text: str) -> None:
    assert neutral(text) == text


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


@pytest.mark.parametrize(
    ("text", "doubtful", "shown"),
    [
        (
            "| a |\n|---|\n| Cheese is blue. |\n\nDone.",
            "Cheese is blue.",
            "| a |\n| --- |\n| Cheese is blue. |\n\n[?]\n\nDone.",
        ),
        ("```\nrm -rf\n```\n\nDone.", "rm -rf", "```\nrm -rf\n```\n\n[?]\n\nDone."),
        ("- **Cheese is blue.**\n- No.", "Cheese is blue.**", "- **Cheese is blue.**\u00a0[?]\n- No."),
        ("Is it `x is y.`?\n\nDone.", "x is y.", "Is it `x is y.`\u00a0[?]?\n\nDone."),
        ("Cheese is blue.(a)", "Cheese is blue.", "Cheese is blue.\u00a0[?]\u200a(a)"),
        ("> Cheese\n> is blue.", "is blue.", "> Cheese\n> is blue.\u00a0[?]"),
        ("# Cheese is blue\n\nx", "Cheese is blue", "# Cheese is blue\u00a0[?]\n\nx"),
        ("- a\n  ```\n  x\n  ```\n- b", "x", "- a\n\n  ```\n  x\n  ```\n\n  [?]\n- b"),
    ],
)
def test_doubts_are_seen_wherever_they_stand(text: str, doubtful: str, shown: str) -> None:
    kept = cited(
        answer(text, (doubtful, Support.UNSUPPORTED)), PASSAGES, page="page", unsupported="Nothing supports it."
    )
    assert kept.startswith(f"{shown}\n\n[1]: #source-1")


def test_a_model_gives_no_mark_itself() -> None:
    assert neutral("Yes [?] \ue000.") == "Yes \\[?\\]  ."


def test_markers_side_by_side_stay_two_links() -> None:
    assert "[1]\u200a[2]" in linked("Both [1][2].", PASSAGES, page="page")


def test_a_model_cannot_send_a_marker_elsewhere() -> None:
    shown = linked("See [1].\n\n[1]: http://evil.example", PASSAGES, page="page")
    assert re.findall(r"^\[1\]: (\S+)", shown, re.MULTILINE) == ["#source-1"]


def test_sources_stand_outside_a_code_block_that_was_left_open() -> None:
    shown = linked("Run [1]:\n```sh\nls", PASSAGES, page="page")
    assert shown.index("\n```\n", shown.index("ls")) < shown.index("[1]: #source-1")
