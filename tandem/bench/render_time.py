"""What a long answer costs a browser: 3000 words, in real Chromium: how soon they are painted, how long the page's main
thread is busy meanwhile, how far its frames are apart, and what each of them costs.

Knows how to drive the browser, and its own figures (Performance.getMetrics, and its trace). Does not know the server,
which is the one of `tandem bench chat`.
"""

from __future__ import annotations

import json
import shutil
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tandem.bench.chat import server
from tandem.bench.chat_people import BenchError
from tandem.bench.chat_server import user
from tandem.bench.relay import QUESTION, landmarks, whole

WORDS = whole(3000)
LONGEST_SECONDS = 60
# What the browser notes of each task of a thread, and of each frame that is handed on to be shown.
TRACED, TASK, FRAME, MAIN_THREAD = "disabled-by-default-devtools.timeline", "RunTask", "Commit", "CrRendererMain"
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
    frames makes some that nobody needed; and of a third what the main thread does for each frame that is shown, by the
    clock and in its own time. At 60 frames a second none is less than 16.7 ms after another, whatever it costs. Raises
    BenchError."""
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
            await page.close()
            page = await context.new_page()
            await page.goto(address)
            work = await _work(browser, page)
        finally:
            await browser.close()
    return {"tokens": WORDS, "tokens_per_s": rate, **drawn, **apart, **work}


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


async def _work(browser: Any, page: Any) -> dict[str, Any]:
    _, end = landmarks(WORDS)
    await page.fill("#chat-input", QUESTION)
    await browser.start_tracing(page=page, categories=[TRACED])
    await page.click("#chat-submit")
    await page.evaluate(PAINTED, end)
    return frame_work(json.loads(await browser.stop_tracing())["traceEvents"])


def frame_work(events: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Of a trace of the browser, what the busiest page's main thread did for each frame: the tasks that began after
    the frame before."""
    threads: Counter[tuple[int, int]] = Counter()
    kept: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for event in events:
        thread = event["pid"], event["tid"]
        if event["name"] == "thread_name" and event["args"]["name"] == MAIN_THREAD:
            threads[thread] += 0
        elif event["name"] in (TASK, FRAME) and "dur" in event:
            kept.setdefault(thread, []).append(event)
    for thread in threads:
        threads[thread] = sum(event["name"] == FRAME for event in kept.get(thread, ()))
    page = kept.get(threads.most_common(1)[0][0], []) if threads else []
    frames = sorted(event["ts"] for event in page if event["name"] == FRAME)
    if not frames:
        raise BenchError("The browser's trace has no frames in it; use Chromium or Google Chrome.")
    clock, own = [0.0] * (len(frames) + 1), [0.0] * (len(frames) + 1)
    for event in page:
        if event["name"] == TASK:
            place = bisect_left(frames, event["ts"])
            clock[place] += event["dur"] / 1000
            own[place] += event.get("tdur", 0) / 1000
    figures: dict[str, float] = {"frames_shown": len(frames)}
    for name, work in (("frame_work", clock[:-1]), ("frame_work_cpu", own[:-1])):
        figures[f"{name}_p50_ms"], figures[f"{name}_p95_ms"] = np.percentile(work, (50, 95)).round(1).tolist()
    return figures


def _spent(name: str, before: dict[str, Any], after: dict[str, Any]) -> float:
    first, last = ({one["name"]: one["value"] for one in figures["metrics"]}[name] for figures in (before, after))
    return round(float(last - first), 3)
