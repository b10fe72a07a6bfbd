"""What a long answer costs a browser: 3000 words, in real Chromium: how soon they are painted, how long the page's main
thread is busy meanwhile, and how far its frames are apart.

Knows how to drive the browser, and its own figures (Performance.getMetrics). Does not know the server, which is
the one of `tandem bench chat`.
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
LONGEST_SECONDS = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")

# Resolves in the second frame after a text is there: by then the first has been painted. Without reading the layout,
# which would cost more than what is measured.
PAINTED = """last => new Promise(done => {
  const watcher = new MutationObserver(() => look())
  const look = () => {
    const answer = [...document.querySelectorAll(".ai-message .message-content")].pop()
    if (!answer || !answer.textContent.includes(last)) return
    watcher.disconnect()
    requestAnimationFrame(() => requestAnimationFrame(() => done(true)))
  }
  watcher.observe(document.body, { childList: true, subtree: true, characterData: true })
  look()
})"""
FRAMES = """() => {
  window.frames_apart = []
  let before = performance.now()
  const next = () => requestAnimationFrame((now) => { window.frames_apart.push(now - before); before = now; next() })
  next()
}"""


async def measure(rate: float) -> dict[str, Any]:
    """Seconds from sending the question to the first word painted, and from there to the last, at `rate` words a
    second, with the main thread's seconds meanwhile; and of a second answer the milliseconds between frames: who counts
    frames makes some that nobody needed. Raises BenchError."""
    try:
        from playwright.async_api import async_playwright
    except ImportError:
        raise BenchError("This drives a browser: install the tests' needs first, as `make test` does.") from None
    browser_path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser_path is None:
        raise BenchError("There is no Chromium on this machine; install Chromium or Google Chrome.")
    name, password = user(0)
    async with server(1, rate, WORDS) as (address, *_), async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path)
        try:
            context = await browser.new_context()
            context.set_default_timeout((LONGEST_SECONDS + WORDS / rate) * 1000)
            page = await context.new_page()
            await page.goto(address)
            await page.fill("#email", name)
            await page.fill("#password", password)
            await page.click("button[type=submit]")
            drawn = await _drawn(page)
            await page.close()
            page = await context.new_page()
            await page.goto(address)
            apart = await _apart(page)
        finally:
            await browser.close()
    return {"tokens": WORDS, "tokens_per_s": rate, **drawn, **apart}


async def _drawn(page: Any) -> dict[str, Any]:
    begin, end = landmarks(WORDS)
    await page.fill("#chat-input", QUESTION)
    browser_figures = await page.context.new_cdp_session(page)
    await browser_figures.send("Performance.enable")
    before = await browser_figures.send("Performance.getMetrics")
    sent = time.perf_counter()
    await page.click("#chat-submit")
    await page.evaluate(PAINTED, begin)
    first = time.perf_counter()
    await page.evaluate(PAINTED, end)
    last = time.perf_counter()
    after = await browser_figures.send("Performance.getMetrics")
    return {
        "first_painted_s": round(first - sent, 3),
        "all_painted_s": round(last - first, 3),
        "main_thread_s": _spent("TaskDuration", before, after),
        "main_thread_cpu_s": _spent("ThreadTime", before, after),
        "script_s": _spent("ScriptDuration", before, after),
        "layout_s": _spent("LayoutDuration", before, after) + _spent("RecalcStyleDuration", before, after),
    }


async def _apart(page: Any) -> dict[str, Any]:
    _, end = landmarks(WORDS)
    await page.fill("#chat-input", QUESTION)
    await page.evaluate(FRAMES)
    await page.click("#chat-submit")
    await page.evaluate(PAINTED, end)
    frames = sorted(await page.evaluate("window.frames_apart"))
    return {
        "frame_p50_ms": round(frames[len(frames) // 2], 1),
        "frame_p95_ms": round(frames[int(0.95 * (len(frames) - 1))], 1),
        "longest_frame_ms": round(frames[-1], 1),
    }


def _spent(name: str, before: dict[str, Any], after: dict[str, Any]) -> float:
    first, last = ({one["name"]: one["value"] for one in figures["metrics"]}[name] for figures in (before, after))
    return round(float(last - first), 3)
