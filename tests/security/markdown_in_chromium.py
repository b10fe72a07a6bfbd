"""Nasty Markdown as answers of a model, in real Chromium, and whether anything in it is alive on the page.

    python -m tests.security.markdown_in_chromium 2000

prints JSON: how many texts were shown, and what was alive. A scripted endpoint says the texts, several to an answer,
and the chat shows them with its own renderer: while they come in, and when they are whole. Looked at are the elements
of the answers, as soon as they are there, and every request of the page. Does not know Markdown: `markdown` makes it.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, sync_playwright

from tests.security.markdown import texts
from tests.support import chromium
from tests.support.openai_server import OpenAIServer, Reply
from tests.ui.conftest import PATIENCE_MS, Person, expect, serving

SETTINGS = """
documents: papers
models:
  foundry: false
  draft: model
  endpoints:
    - {{name: local, base_url: "{url}"}}
escalation:
  mode: never
"""
QUESTION = "How many days of paid holiday does every employee have?"
TO_AN_ANSWER = 8
ANSWERS_TO_A_PAGE = 25
# Notes what is alive in an answer at any moment; what the page itself puts around answers stands outside of them.
WATCH = """
window.alive = []
window.alert = (what) => window.alive.push(`an alert: ${what}`)
const REACHES = /^on|^src|^xlink|^action$|^formaction$|^poster$/i
const OWN = /^#(source-[0-9]+|unsupported)$/
const judge = (element) => {
  const tag = element.tagName.toLowerCase()
  if (tag === 'a' ? !OWN.test(element.getAttribute('href') || '') || element.hasAttribute('ping') : !KEPT.has(tag))
    window.alive.push(element.outerHTML.slice(0, 200))
  else if (tag !== 'a' && element.hasAttribute('href') || [...element.attributes].some((one) => REACHES.test(one.name)))
    window.alive.push(element.outerHTML.slice(0, 200))
}
const KEPT = new Set(('p div span h1 h2 h3 h4 h5 h6 ul ol li blockquote code pre em strong del hr br table thead tbody '
  + 'tr th td math semantics annotation mrow mi mo mn ms mtext mspace '
  + 'msup msub msubsup mfrac msqrt mroot munder mover munderover mtable mtr mtd mstyle mpadded mphantom '
  + 'menclose merror button svg path rect circle line polyline polygon').split(' '))
const INSIDE = '.ai-message .message-content'
const look = (node) => {
  if (node.nodeType !== 1) return
  if (node.closest(INSIDE)) judge(node)
  for (const element of node.querySelectorAll('*')) if (element.closest(INSIDE)) judge(element)
}
new MutationObserver((changes) => {
  for (const change of changes)
    if (change.type === 'attributes') look(change.target)
    else change.addedNodes.forEach(look)
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['href', 'src']})
"""
BY_HAND = """html => {
  document.body.innerHTML = "<div class='ai-message'><div class='message-content'></div></div>"
  document.querySelector('.message-content').innerHTML = html
  return new Promise((done) => setTimeout(() => { done(window.alive); window.alive = [] }, 0))
}"""


@dataclass
class Seen:
    """How many texts were shown in how many answers; what was `alive`, with the text of the answer; what was `asked`
    of somebody else; and how many of the page's own markers there were, which shows that answers were looked at."""

    texts: int = 0
    answers: int = 0
    markers: int = 0
    alive: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def shown(home: Path, count: int, seed: int) -> Seen:
    """That many texts as answers in the chat."""
    chance = random.Random(seed)
    batches = list(_batches(list(texts(count, seed)), chance))
    seen = Seen()
    with OpenAIServer() as models, sync_playwright() as playwright:
        models.models["model"] = [_reply(batch, chance) for batch in batches]
        with serving(home, SETTINGS.format(url=models.base_url)) as address:
            browser = chromium.launch(playwright)
            try:
                for at in range(0, len(batches), ANSWERS_TO_A_PAGE):
                    context = browser.new_context(locale="en-US")
                    _converse(context, address, batches[at : at + ANSWERS_TO_A_PAGE], seen)
                    context.close()
            finally:
                browser.close()
        assert len(models.requests) == len(batches)
    return seen


def caught(*answers: str) -> list[list[str]]:
    """What is found alive in each of the answers, HTML that is put on a page by hand: whether the looking can fail."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        try:
            page = browser.new_page()
            page.route("**/*", lambda route: route.abort())
            page.add_init_script(WATCH)
            page.goto("about:blank")
            return [page.evaluate(BY_HAND, answer) for answer in answers]
        finally:
            browser.close()


def _batches(all_texts: list[str], chance: random.Random) -> list[list[str]]:
    """One text to an answer or several: what is left open in one swallows those behind it."""
    found = []
    while all_texts:
        size = chance.choice((1, 1, TO_AN_ANSWER, 2 * TO_AN_ANSWER))
        found.append(all_texts[:size])
        del all_texts[:size]
    return found


def _reply(batch: list[str], chance: random.Random) -> Reply:
    text = "\n\n".join(batch) + "\n\nEvery employee has 25 days of paid holiday a year [1]."
    pieces = []
    while text:
        size = chance.randint(1, 20)
        pieces.append(text[:size])
        text = text[size:]
    return Reply(pieces, delay_s=0.002)


def _converse(context: BrowserContext, address: str, batches: list[list[str]], seen: Seen) -> None:
    own = urlsplit(address).netloc
    asked: list[str] = []
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(WATCH)
    context.on("request", lambda request: asked.append(request.url))
    # Nothing leaves this machine, whatever is found.
    context.route(lambda url: urlsplit(url).netloc not in (own, ""), lambda route: route.abort())
    person = Person(context.new_page())
    person.open(address)
    for number, batch in enumerate(batches, 1):
        person.ask(QUESTION)
        person.wait_for_answers(number)
        seen.answers += 1
        seen.texts += len(batch)
        found = person.page.evaluate("() => { const all = window.alive; window.alive = []; return all }")
        seen.alive += [f"{one} of {batch!r}" for one in sorted(set(found))]
    # Whole answers a second time, as the history has them.
    person.page.reload()
    person.wait_for_answers(len(batches))
    seen.alive += [f"{one} after a reload" for one in sorted(set(person.page.evaluate("() => window.alive")))]
    seen.markers += person.page.locator(".ai-message .message-content a[href^='#']").count()
    seen.asked += [url for url in asked if urlsplit(url).netloc not in (own, "")]
    print(f"{seen.texts} texts in {seen.answers} answers, {len(seen.alive)} alive", file=sys.stderr)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    expect.set_options(timeout=PATIENCE_MS)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        seen = shown(Path(place), count, seed)
    print(json.dumps({"seed": seed, "seconds": round(time.monotonic() - begun, 1), **asdict(seen)}, indent=1))
    sys.exit(bool(seen.alive or seen.asked))


if __name__ == "__main__":
    main()
