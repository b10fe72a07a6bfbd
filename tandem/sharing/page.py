"""What is shared as a page: questions, what may be seen of their answers, and the sources beneath.

Knows its own HTML, in which nothing of an answer or a source is markup, link or picture. Does not know who reads it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from tandem.entry import page
from tandem.markdown import MARKER
from tandem.people.shares import Share
from tandem.sharing.reading import Seen
from tandem.texts import Language, say

# The text is harmless Markdown already (tandem.markdown); what could be fetched or followed is not even read here.
_PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 30}).enable(["table", "strikethrough"])
_PARSER.disable(["link", "image", "autolink", "reference", "html_inline", "html_block"])


def _text(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: dict[str, Any]) -> str:
    """Text, in which markers lead to the sources beneath."""
    known, turn = env["known"], env["turn"]

    def marker(found: re.Match[str]) -> str:
        number = int(found[1])
        return f'<a href="#source-{turn}-{number}">[{number}]</a>' if number in known else found[0]

    return MARKER.sub(marker, escape(tokens[at].content))


_PARSER.add_render_rule("text", _text)


def turns(shown: Sequence[Seen], language: Language) -> list[str]:
    """Each question with its answer and its sources."""
    return [_turn(number, one, language) for number, one in enumerate(shown, 1)]


def _turn(number: int, one: Seen, language: Language) -> str:
    known = {source.number for source in one.sources} | set(one.hidden)
    withheld = f'<p class="withheld" role="note">{escape(say("share_withheld", language))}</p>'
    env = {"known": known, "turn": number}
    body = "".join(_PARSER.render(piece, dict(env)) if piece is not None else withheld for piece in one.pieces)
    return (
        f'<section class="turn"><h2 class="asked">{escape(one.question)}</h2>'
        f'<div class="answer" dir="auto">{body}</div>{_sources(number, one, language)}</section>'
    )


def _sources(number: int, one: Seen, language: Language) -> str:
    rows = {hidden: f"<em>{escape(say('share_hidden', language))}</em>" for hidden in one.hidden}
    for source in one.sources:
        place = source.document if source.page is None else f"{source.document}, {say('page', language)} {source.page}"
        above = f' <span class="hint">{escape(" › ".join(source.headings))}</span>' if source.headings else ""
        marked = [text for text, mark in source.parts if mark]
        quotes = "".join(f'<blockquote dir="auto">{escape(text)}</blockquote>' for text in marked)
        named = f'<a href="{escape(source.link)}">{escape(place)}</a>' if source.link else escape(place)
        rows[source.number] = f"{named}{above}{quotes}"
    items = "".join(f'<li value="{key}" id="source-{number}-{key}">{html}</li>' for key, html in sorted(rows.items()))
    return f"<h3>{escape(say('sources', language))}</h3><ol>{items}</ol>" if items else ""


def about(share: Share, language: Language) -> str:
    """Whose it is, of when, and until when."""
    made = say("share_by", language, name=share.owner, moment=share.created[:16].replace("T", " "))
    until = say("share_until", language, moment=share.until[:16].replace("T", " ")) if share.until else ""
    return page.words(" ".join(filter(None, (made, until, say("share_read_only", language)))))


def readers(share: Share, language: Language) -> str:
    """Who may open it, as a cell."""
    named = [*sorted(share.people), *(say("share_group", language, name=name) for name in sorted(share.groups))]
    return escape(", ".join(named))
