"""How soon a browser has painted a long answer that comes fast: 3000 words at 1000 words a second, in real Chromium.

Knows how to drive the browser. Does not know the server, which is the one of `tandem bench chat`.
"""

from __future__ import annotations

import shutil
import time
from typing import Any

from tandem.bench.chat import server
from tandem.bench.chat_people import BenchError
from tandem.bench.chat_server import user
from tandem.bench.relay import QUESTION, landmarks, whole

WORDS = whole(3000)
RATE = 1000.0
LONGEST_SECONDS = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")

# Resolves in the second frame after the text is complete: by then the first has been painted.
PAINTED = """last => new Promise(done => {
  const look = () => document.body.innerText.includes(last)
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(true))) : requestAnimationFrame(look);
  look();
})"""


async def measure() -> dict[str, Any]:
    """Seconds from sending the question to the first word painted, and from there to the last. Raises BenchError."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise BenchError("This drives a browser: install the tests' needs first, as `make test` does.") from None
    browser_path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser_path is None:
        raise BenchError("There is no Chromium on this machine; install Chromium or Google Chrome.")
    name, password = user(0)
    begin, end = landmarks(WORDS)
    async with server(1, RATE, WORDS) as (address, *_), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path)
        try:
            page = await browser.new_page()
            page.set_default_timeout(LONGEST_SECONDS * 1000)
            await page.goto(address)
            await page.fill("#email", name)
            await page.fill("#password", password)
            await page.click("button[type=submit]")
            await page.fill("#chat-input", QUESTION)
            sent = time.perf_counter()
            await page.click("#chat-submit")
            await page.evaluate(PAINTED, begin)
            first = time.perf_counter()
            await page.evaluate(PAINTED, end)
            last = time.perf_counter()
        finally:
            await browser.close()
    return {
        "tokens": WORDS,
        "tokens_per_s": RATE,
        "first_painted_s": round(first - sent, 3),
        "all_painted_s": round(last - first, 3),
    }
