"""Where markers stand, and that none changes what an answer's Markdown is made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.grounding import markers
from rag.grounding.citations import check
from rag.types import Passage

PORT = "The default port is 8000"
TABLE = "| Soup | Price |\n| --- | --- |\n| Soup | 4 euros |"
TEXT = f"Start it with tandem serve. {PORT}, and argv[1] names another one. Soup costs 4 euros.\n\n{TABLE}"
PASSAGES = [Passage("1", "a.md", TEXT, 0, len(TEXT))]
QUOTES = " \n>"  # signs of a quotation that holds nothing
PARSER = MarkdownIt("commonmark").enable("table")

BLOCKS = [
    f"{PORT}.",
    f"Run `argv[1]`, and {PORT.lower()}:",
    "```sh\ntandem serve\n\nport = argv[1]  # 8000\n```",
    "~~~~\n```\ntandem serve\n~~~~",
    f"- {PORT}\n- Soup costs 4 euros\n",
    "1. Run\n\n   ```\n   tandem serve\n   ```\n2. Soup costs 4 euros.",
    "> ```\n> tandem serve\n> ```\n> Soup costs 4 euros.",
    TABLE,
    f"{PORT}:\n\n    tandem serve --port 8000\n    port = argv[1]",
    f"> {PORT}:\n>\n>     tandem serve --port 8000\n",
    f"- {PORT}:\n\n      tandem serve --port 8000\n- Soup costs 4 euros",
    f"- Soup:\n\n  {TABLE.replace(chr(10), chr(10) + '  ')}\n- Soup costs 4 euros",
    f"# {PORT}",
    "## Soup costs 4 euros ##",
    f"> {PORT}.\n> Soup costs 4 euros.",
    f"{PORT}\n===",
    "Soup costs 4 euros\n---",
]


def shape(text: str) -> list[tuple[str, str]]:
    """What a text is made of: its blocks, and the code in them."""
    tokens = PARSER.parse(text)
    code = ("fence", "code_block")
    return [
        (token.type, token.content if token.type in code else "")
        for token in tokens
        if token.type in code
        or token.type.startswith(("table", "tr", "th", "td", "heading", "list", "ordered", "bullet"))
    ]


@given(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=4), st.sampled_from(["\n\n", "\n"]), st.data())
def test_markers_leave_the_blocks_of_an_answer_as_they_are(
    blocks: list[str], between: str, data: st.DataObject
) -> None:
    answer = between.join(blocks)
    checked = check(answer, PASSAGES)
    assert shape(checked.text) == shape(answer), checked.text
    assert "argv[1]" in checked.text or "argv" not in answer
    for sentence in checked.sentences:
        assert checked.text[sentence.start : sentence.end] == sentence.text
    again = check(checked.text, PASSAGES)
    assert shape(again.text) == shape(answer), again.text


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("```\ntandem serve\n``` [1]\n\nDone.", "```\ntandem serve\n```\n[1]\n\nDone."),
        (f"```\ntandem serve\n``` [1]\n{PORT}.", f"```\ntandem serve\n```\n[1]\n\n{PORT} [1]."),
        ("```\ntandem serve", "```\ntandem serve\n```\n[1]"),
        (f"$$\ntandem = serve\n$$ [1]\n\n{PORT}.", f"$$\ntandem = serve\n$$\n[1]\n\n{PORT} [1]."),
        ("\\[ tandem = serve \\] [1]", "\\[ tandem = serve \\]\n[1]"),
        ("    tandem serve\n    port = argv[1]", "    tandem serve\n    port = argv[1]\n\n[1]"),
        ("- Run\n\n      tandem serve [1]\n- b", "- Run\n\n      tandem serve\n\n  [1]\n\n- b"),
        ("- ~~~\n  tandem serve\n  ~~~", "- ~~~\n  tandem serve\n  ~~~\n  [1]"),
        (
            "| Soup | Price |\n| --- | --- |\n| Soup [1] | 4 euros |",
            "| Soup | Price |\n| --- | --- |\n| Soup | 4 euros [1] |",
        ),
        ("---\n## Soup costs 4 euros ##", "---\n## Soup costs 4 euros [1] ##"),
        ("Say `argv[1]` names another one [1].", "Say `argv[1]` names another one [1]."),
    ],
)
def test_where_a_marker_goes(answer: str, wanted: str) -> None:
    assert check(answer, PASSAGES).text == wanted


@given(st.text("`~[]12, \n>-.|$\\ab", max_size=60))
def test_pieces_hold_all_of_an_answer_in_order(text: str) -> None:
    at = 0
    for piece in markers.pieces(text):
        assert at <= piece.start < piece.body <= piece.end and not text[at : piece.start].strip(QUOTES)
        assert markers.removed(text[piece.body : piece.end]).strip() == ""
        at = piece.end
    assert not text[at:].strip(QUOTES)
