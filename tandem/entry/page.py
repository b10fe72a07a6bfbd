"""The form of these pages: a title, sentences, forms and tables, all of it escaped.

Knows its own HTML, which has no script in it. Does not know people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse

from tandem.texts import Language, say

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    # Without an address at all a browser would not say from which site a form was sent.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "private, no-store",
}


LOGO = (
    '<picture><source media="(prefers-color-scheme: dark)" srcset="/public/logo_dark.svg">'
    '<img class="logo" src="/public/logo_light.svg" alt=""></picture>\n'
)


def response(
    language: Language, title: str, parts: Iterable[str], status: int = 200, *, style: str = "", alone: bool = False
) -> HTMLResponse:
    """A whole page; `style` is the address of a sheet of its own. What stands `alone` is one form, with the logo."""
    own = f'<link rel="stylesheet" href="{escape(style)}">\n' if style else ""
    body = "\n".join(parts)
    opening = f'<main class="narrow">\n{LOGO}' if alone else "<main>\n"
    html = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)} · Tandem</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="/favicon">\n'
        f'<link rel="stylesheet" href="/sign-in/static/entry.css">\n{own}'
        f"</head>\n<body>\n{opening}<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )
    return HTMLResponse(html, status, HEADERS)


def sentence(text: str, *, bad: bool = False) -> str:
    """One sentence that answers what was done."""
    role = "alert" if bad else "status"
    return f'<p class="said{" bad" if bad else ""}" role="{role}">{escape(text)}</p>' if text else ""


def words(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def form(action: str, button: str, *fields: str, quiet: bool = False, broad: bool = False) -> str:
    """A form that is sent to `action`: a `quiet` one is a button in a line, a `broad` one has much in it."""
    kind = ' class="quiet"' if quiet else ' class="broad"' if broad else ""
    return (
        f'<form method="post" action="{escape(action)}"{kind}>{"".join(fields)}'
        f'<button type="submit">{escape(button)}</button></form>'
    )


def choose(sure: str, otherwise: str) -> str:
    """A form with nothing but its button, for what cannot be taken back, and the way that leaves it."""
    return f'<div class="choose">{sure}{otherwise}</div>'


def field(
    name: str,
    label: str,
    kind: str = "text",
    *,
    value: str = "",
    hint: str = "",
    attributes: Mapping[str, str] | None = None,
    needed: bool = True,
    known: Sequence[str] = (),
) -> str:
    """A line to write in; one that is `needed` may not stay empty. What is `known` is offered, and anything else may be
    written."""
    named = {"id": f"field-{name}", **({"list": f"known-{name}"} if known else {}), **(attributes or {})}
    extra = "".join(f' {key}="{escape(text)}"' for key, text in named.items())
    below = f'<span class="hint">{escape(hint)}</span>' if hint else ""
    offered = "".join(f'<option value="{escape(one)}"></option>' for one in known)
    offers = f'<datalist id="known-{name}">{offered}</datalist>' if known else ""
    return (
        f'<label for="{named["id"]}">{escape(label)}</label>'
        f'<input name="{name}" type="{kind}" value="{escape(value)}"{extra}{" required" if needed else ""}>'
        f"{offers}{below}"
    )


def hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


@dataclass(frozen=True, slots=True)
class Tick:
    """One of several that may be ticked: what is sent for it, its words and a note beside them; `depth` is how far down
    it is in a tree, and what is `fixed` cannot be ticked."""

    value: str
    said: str
    ticked: bool = False
    note: str = ""
    depth: int = 0
    fixed: bool = False


def ticks(
    name: str, label: str, rows: Sequence[Tick], *, kind: str = "checkbox", hint: str = "", tree: bool = False
) -> str:
    """Several that may be ticked, or with the kind "radio" one of several; nothing where there are none. Without a
    `label`, what is around says what they are. Of a `tree` each has a line of its own, in a frame that scrolls."""
    if not rows:
        return ""
    inner = "".join(
        f'<label class="tick{f" in-{min(one.depth, 8)}" if one.depth else ""}"><input type="{kind}" name="{name}" '
        f'value="{escape(one.value)}"{" checked" if one.ticked else ""}{" disabled" if one.fixed else ""}>'
        f" <span>{escape(one.said)}{f' <small>{escape(one.note)}</small>' if one.note else ''}</span></label>"
        for one in rows
    )
    below = f'<span class="hint">{escape(hint)}</span>' if hint else ""
    if not label:
        return f'<div class="row">{inner}</div>'
    opening, inner = ('<fieldset class="tree">', f"<div>{inner}</div>") if tree else ("<fieldset>", inner)
    return f"{opening}<legend>{escape(label)}</legend>{inner}{below}</fieldset>"


def section(label: str, *parts: str) -> str:
    """Fields of one kind, under a name."""
    return f'<fieldset class="section"><legend>{escape(label)}</legend>{"".join(parts)}</fieldset>'


def choice(name: str, label: str, options: Sequence[tuple[str, str]], chosen: str = "") -> str:
    """One of several; `options` are values and their wordings."""
    inner = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(said)}</option>'
        for value, said in options
    )
    return f'<label for="field-{name}">{escape(label)}</label><select name="{name}" id="field-{name}">{inner}</select>'


def way(href: str, text: str, *, strong: bool = False, quiet: bool = False) -> str:
    """A way to another page; a `quiet` one is in a line of a table, beside quiet forms."""
    kind = " strong" if strong else " quiet" if quiet else ""
    return f'<a class="way{kind}" href="{escape(href)}">{escape(text)}</a>'


def row(label: str, ways: Sequence[tuple[str, str]], here: str) -> str:
    """Several ways in a row, called `label`, of which `here` is the one that one is at."""
    marked = {here: ' aria-current="page"'}
    links = (f'<a class="way" href="{escape(href)}"{marked.get(href, "")}>{escape(text)}</a>' for href, text in ways)
    return f'<nav aria-label="{escape(label)}">{"".join(links)}</nav>'


def link(href: str, text: str) -> str:
    return f'<a href="{escape(href)}">{escape(text)}</a>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], nothing: str = "") -> str:
    """A table; the cells are HTML already. One without rows is told by the words `nothing`, where there are any."""
    if nothing and not rows:
        return words(nothing)
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    # On a phone each row is a card, and each cell says what it is.
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-head="{escape(head)}"><div>{cell}</div></td>' for head, cell in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def moment(text: str, language: Language) -> str:
    """A moment as a cell."""
    short = text[:16].replace("T", " ") if text else say("never", language)
    return f'<time datetime="{escape(text)}">{escape(short)}</time>' if text else escape(short)
