"""The page around a document: its name, where one is in it, the ways on, and what there is to say.

Knows its own HTML, which has neither script nor style in it. Does not know documents, nor how their text is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rag.originals.pictures import Picture
from tandem.texts import Language, say

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "private, no-store",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One of several: where one is (from 1), of how many, and the addresses before and after, "" where there are
    none. `kind` is page, part or citation."""

    kind: str
    number: int
    count: int
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a page shows. `notes` are sentences above the document; `quotes` are cited sentences that could not be
    marked in it; `other` is (wording, address) of the other way to look at the document. `body` is HTML."""

    name: str
    language: Language
    steps: Sequence[Step]
    body: str
    download: str = ""
    other: tuple[str, str] = ("", "")
    notes: Sequence[str] = ()
    quotes: Sequence[str] = ()
    spoken: str = ""


def html(shown: Shown) -> str:
    """The whole page."""
    folder, _, name = shown.name.rpartition("/")
    path = f'<span class="folder">{escape(folder)}/</span>' if folder else ""
    ways = [_step(step, shown.language) for step in shown.steps]
    if shown.other[1]:
        ways.append(f'<a class="way" id="other" href="{escape(shown.other[1])}">{escape(shown.other[0])}</a>')
    if shown.download:
        text = escape(say("viewer_download", shown.language))
        ways.append(f'<a class="way" id="download" href="{escape(shown.download)}" download>{text}</a>')
    notes = "".join(f'<p class="note" role="status">{escape(note)}</p>' for note in shown.notes)
    quotes = "".join(
        f'<blockquote dir="auto"{" id=sentence" if number == 0 else ""}><mark>{escape(quote)}</mark></blockquote>'
        for number, quote in enumerate(shown.quotes)
    )
    spoken = f' lang="{escape(shown.spoken)}"' if shown.spoken else ""
    return _whole(
        shown.language,
        name,
        f'<header><h1 title="{escape(shown.name)}">{path}{escape(name)}</h1><nav>{"".join(ways)}</nav></header>\n'
        f"<main>{notes}{quotes}<article{spoken}>{shown.body}</article></main>",
    )


def message(language: Language, text: str) -> str:
    """A page that says one sentence."""
    title = say("viewer_title", language)
    return _whole(language, title, f'<main><p class="note" role="alert">{escape(text)}</p></main>')


def picture(drawn: Picture, address: str, language: Language, step: Step) -> str:
    """A drawn page with its boxes, and over it its words, unseen, to be chosen and read aloud."""
    alt = escape(say(f"viewer_{step.kind}", language, number=step.number, count=step.count))
    boxes = "".join(
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="3"/>'
        for left, top, width, height in drawn.boxes
    )
    name = ' id="sentence"' if boxes else ""
    words = "".join(
        f'<text x="{left}" y="{top + height * 4 // 5}" font-size="{max(1, height * 4 // 5)}" textLength="{width}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(said)}\n</text>'
        for (left, top, width, height), said in drawn.lines
    )
    return (
        f'<figure><img src="{escape(address)}" width="{drawn.width}" height="{drawn.height}" alt="{alt}">'
        f'<svg viewBox="0 0 {drawn.width} {drawn.height}" aria-hidden="true"><g{name}>{boxes}</g></svg>'
        f'<svg class="words" viewBox="0 0 {drawn.width} {drawn.height}">{words}</svg></figure>'
    )


def _step(step: Step, language: Language) -> str:
    said = escape(say(f"viewer_{step.kind}", language, number=step.number, count=step.count))
    parts = [f'<span class="step" data-step="{step.kind}">']
    for way, sign, address in (("before", "‹", step.before), ("after", "›", step.after)):
        if way == "after":
            parts.append(f'<span class="count">{said}</span>')
        label = escape(say(f"viewer_{way}_{step.kind}", language))
        if address:
            named = f'aria-label="{label}" title="{label}"'
            parts.append(f'<a class="way" data-way="{way}" href="{escape(address)}" {named}>{sign}</a>')
        else:
            parts.append(f'<span class="way off" aria-hidden="true">{sign}</span>')
    return "".join((*parts, "</span>"))


def _whole(language: Language, title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        '<link rel="stylesheet" href="/source/static/viewer.css">\n'
        '<script src="/source/static/viewer.js" defer></script>\n'
        f"</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
